-- Joining by scanning: the code of a unit lets a guest ask, and a reviewer who knows the people decides; the code of
-- an invite binds at once.

create or replace function gulou.move_join_request(p_account text, p_no bigint, p_to text, p_actor int,
                                                   p_reason text, p_request text) returns void
language plpgsql as $$
declare
  v_from text;
begin
  select to_status into v_from from gulou.join_request_event
  where account_id = p_account and request_no = p_no order by seq desc limit 1;
  insert into gulou.join_request_event
  select p_account, p_no, coalesce(max(seq), 0) + 1, v_from, p_to, p_actor, p_reason, gulou.now_(), p_request
  from gulou.join_request_event where account_id = p_account and request_no = p_no;
end $$;

-- Ends what waits of this person; their follower row is locked.
create or replace function gulou.lapse_join_requests(p_account text, p_openid text, p_reason text, p_request text)
returns void language plpgsql as $$
declare
  v_no bigint;
begin
  update gulou.join_request set status = 'lapsed', decided_at = gulou.now_()
  where account_id = p_account and openid = p_openid and status = 'waiting'
  returning request_no into v_no;
  if v_no is not null then
    perform gulou.move_join_request(p_account, v_no, 'lapsed', null, p_reason, p_request);
  end if;
end $$;

-- The person is bound: nothing of theirs waits any more, and nothing is told to the guest they were.
create or replace function gulou.joining_over(p_account text, p_openid text, p_request text) returns void
language plpgsql as $$
begin
  perform gulou.lapse_join_requests(p_account, p_openid, '已绑定', p_request);
  update gulou.outbox set status = 'done', ended_at = clock_timestamp()
  where account_id = p_account and lane = 'guest:' || p_openid and status = 'held';
end $$;

-- ---------------------------------------------------------------- scanning

create or replace function gulou.unit_scene(p_org int) returns text language sql immutable as $$
  select 'unit_' || p_org
$$;

-- {"join":unit} for a guest, who may ask now; {} for whoever is bound, and for a unit that is gone.
create or replace function gulou.scan_unit(p_account text, p_openid text, p_scene text) returns jsonb
language plpgsql as $$
declare
  v_org gulou.org;
begin
  select * into v_org from gulou.org
  where account_id = p_account and org_id = substring(p_scene from '^unit_(\d{1,9})$')::int;
  if v_org.org_id is null or gulou.speaker(p_account, p_openid) is not null then
    return '{}';
  end if;
  update gulou.follower set scanned_org = v_org.org_id, scanned_at = gulou.now_()
  where account_id = p_account and openid = p_openid;
  return jsonb_build_object('join', v_org.name);
end $$;

-- The sheet with the code shows the text of the consent: scanning it is the member's own act. What 绑定 and the code
-- would have said stands under "invite".
create or replace function gulou.scan_invite(p_account text, p_openid text, p_request text, p_scene text)
returns jsonb language sql as $$
  select jsonb_build_object('invite', gulou.bind(p_account, p_openid, p_request, substr(p_scene, 8)))
$$;

-- ---------------------------------------------------------------- asking

create or replace function gulou.ask_to_join(p_account text, p_openid text, p_request text, p_name text, p_note text)
returns jsonb language plpgsql as $$
declare
  v_now      timestamptz := gulou.now_();
  v_follower gulou.follower := gulou.see_follower(p_account, p_openid, null);
  v_bound    int := gulou.speaker(p_account, p_openid);
  v_name     text := btrim(p_name);
  v_unit     text;
  v_no       bigint;
begin
  if v_bound is not null then
    return gulou.member_facts(p_account, v_bound) || gulou.refusal('already_bound');
  end if;
  select name into v_unit from gulou.org
  where account_id = p_account and org_id = v_follower.scanned_org and v_follower.scanned_at > v_now - interval '7 days';
  if v_unit is null then
    return gulou.refusal('no_unit');
  elsif coalesce(char_length(v_name), 0) not between 2 and 20 or v_name ~ '[[:digit:][:cntrl:]<>&"]' then
    return jsonb_build_object('refusal', 'name_invalid', 'unit', v_unit);
  elsif v_follower.asked_on = gulou.local_day(v_now) and v_follower.asked >= 5 then
    return gulou.refusal('too_many');
  end if;
  update gulou.follower
  set asked = case asked_on when gulou.local_day(v_now) then asked else 0 end + 1, asked_on = gulou.local_day(v_now)
  where account_id = p_account and openid = p_openid;
  -- What is changed gets a new number, so that nobody agrees to a name they have not seen.
  perform gulou.lapse_join_requests(p_account, p_openid, '重新申请', p_request);
  v_no := nextval('gulou.join_request_no');
  insert into gulou.join_request (account_id, request_no, openid, org_id, name, note, status, asked_at)
  values (p_account, v_no, p_openid, v_follower.scanned_org, v_name, left(nullif(btrim(p_note), ''), 50), 'waiting', v_now);
  perform gulou.move_join_request(p_account, v_no, 'waiting', null, null, p_request);
  perform gulou.notify(p_account, r.member_id, 'join_waiting', gulou.local_day(v_now)::text, '{}')
  from gulou.member_role r where r.account_id = p_account and r.role = 'reviewer' order by r.member_id;
  return jsonb_build_object('request', v_no, 'name', v_name, 'unit', v_unit);
end $$;

create or replace function api.ask_to_join(p_account text, p_openid text, p_key uuid, p_request text, p_name text,
                                           p_note text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, gulou.ask_to_join(p_account, p_openid, p_request, p_name, p_note));
end $$;

-- ---------------------------------------------------------------- deciding

-- Members of the unit with this name whom nobody has ever been bound to.
create or replace function gulou.join_matches(p_account text, p_org int, p_name text) returns int[]
language sql stable as $$
  select coalesce(array_agg(m.member_id order by m.member_id), '{}')
  from gulou.member m
  join gulou.member_org o on o.account_id = m.account_id and o.member_id = m.member_id and o.org_id = p_org
                         and o.during @> gulou.local_day(gulou.now_())
  where m.account_id = p_account and m.name = p_name and m.status in ('invited', 'active')
    and not exists (select from gulou.binding b where b.account_id = m.account_id and b.member_id = m.member_id)
$$;

-- NULL: this person may decide about joining.
create or replace function gulou.join_refusal(p_account text, p_member int) returns jsonb
language sql stable as $$
  select case when p_member is null then gulou.refusal('not_bound')
              when not (gulou.has_role(p_account, p_member, 'reviewer')
                        or gulou.has_role(p_account, p_member, 'administrator')) then gulou.refusal('not_yours') end
$$;

create or replace function api.join_requests(p_account text, p_openid text, p_after bigint, p_limit int)
returns jsonb language plpgsql stable as $$
declare
  v_refusal jsonb := gulou.join_refusal(p_account, gulou.speaker(p_account, p_openid));
begin
  return coalesce(v_refusal, (
    select jsonb_build_object('total', count(*), 'rows', coalesce(jsonb_agg(jsonb_build_object(
        'request', r.request_no, 'name', r.name, 'note', r.note, 'unit', o.name,
        'matches', gulou.join_matches(p_account, r.org_id, r.name)) order by r.request_no)
      filter (where r.place <= p_limit), '[]'))
    from (select *, row_number() over (order by request_no) as place from gulou.join_request
          where account_id = p_account and status = 'waiting' and request_no > coalesce(p_after, 0)) r
    join gulou.org o on o.account_id = p_account and o.org_id = r.org_id));
end $$;

-- The request, locked behind its person, or why this reviewer cannot decide it.
create or replace function gulou.take_join_request(p_account text, p_openid text, p_no bigint,
  out request gulou.join_request, out reviewer int, out refusal jsonb) language plpgsql as $$
declare
  v_guest text;
begin
  reviewer := gulou.speaker(p_account, p_openid);
  refusal := gulou.join_refusal(p_account, reviewer);
  if refusal is not null then
    return;
  end if;
  select openid into v_guest from gulou.join_request where account_id = p_account and request_no = p_no;
  if v_guest is null then
    refusal := jsonb_build_object('refusal', 'not_found', 'request', p_no);
    return;
  end if;
  -- In the order of 绑定, so that the two never wait for each other.
  perform from gulou.follower where account_id = p_account and openid = v_guest for update;
  select * into request from gulou.join_request where account_id = p_account and request_no = p_no for update;
  if request.status <> 'waiting' then
    refusal := jsonb_build_object('refusal', 'already', 'request', p_no, 'status', request.status,
      'own_decision', request.decider_id is not distinct from reviewer,
      'by', gulou.name_of(p_account, request.decider_id));
  elsif v_guest = p_openid
     or (request.name, request.org_id) = (gulou.name_of(p_account, reviewer),
                                          gulou.org_on(p_account, reviewer, gulou.local_day(gulou.now_()))) then
    refusal := jsonb_build_object('refusal', 'own', 'request', p_no);
  end if;
end $$;

create or replace function gulou.next_member(p_account text) returns int language plpgsql as $$
begin
  perform from gulou.account where account_id = p_account for no key update;    -- one new number at a time
  return (select coalesce(max(member_id), 0) + 1 from gulou.member where account_id = p_account);
end $$;

create or replace function gulou.make_member(p_account text, p_member int, p_org int, p_name text, p_actor int,
                                             p_reason text, p_request text) returns int language plpgsql as $$
begin
  insert into gulou.member values (p_account, p_member, p_name, 'invited');
  insert into gulou.member_event values (p_account, p_member, 1, null, 'invited', p_actor, p_reason, gulou.now_(), p_request);
  insert into gulou.member_org (account_id, member_id, org_id) values (p_account, p_member, p_org);
  return p_member;
end $$;

create or replace function gulou.new_member(p_account text, p_org int, p_name text, p_actor int, p_reason text,
                                            p_request text) returns int language sql as $$
  select gulou.make_member(p_account, gulou.next_member(p_account), p_org, p_name, p_actor, p_reason, p_request)
$$;

-- `p_choice`: NULL takes the only match, 'new' makes a member, a number picks one of several matches.
create or replace function gulou.confirm_join(p_account text, p_openid text, p_request text, p_no bigint,
                                              p_choice text) returns jsonb language plpgsql as $$
declare
  v_taken   record := gulou.take_join_request(p_account, p_openid, p_no);
  v_join    gulou.join_request := v_taken.request;
  v_facts   jsonb;
  v_matches int[];
  v_member  int;
begin
  if v_taken.refusal is not null then
    return v_taken.refusal;
  end if;
  v_matches := gulou.join_matches(p_account, v_join.org_id, v_join.name);
  -- Two requests, or a request and an invite code, may be about the same member: one after the other.
  perform from gulou.invite where account_id = p_account and member_id = any (v_matches) order by code_hash for update;
  perform from gulou.member where account_id = p_account and member_id = any (v_matches) order by member_id for update;
  v_matches := gulou.join_matches(p_account, v_join.org_id, v_join.name);
  v_facts := jsonb_build_object('request', p_no, 'name', v_join.name, 'matches', v_matches,
    'unit', (select name from gulou.org where account_id = p_account and org_id = v_join.org_id));
  if p_choice = 'new' then
    v_member := gulou.new_member(p_account, v_join.org_id, v_join.name, v_taken.reviewer, '加入申请', p_request);
  elsif p_choice is not null then
    v_member := (select m from unnest(v_matches) as m where m::text = p_choice);
  elsif cardinality(v_matches) = 1 then
    v_member := v_matches[1];
  end if;
  if v_member is null then
    return v_facts || gulou.refusal(case when cardinality(v_matches) = 0 then 'no_match' else 'choose' end);
  end if;
  update gulou.join_request set status = 'confirmed', member_id = v_member, decider_id = v_taken.reviewer,
                                decided_at = gulou.now_()
  where account_id = p_account and request_no = p_no;
  perform gulou.move_join_request(p_account, p_no, 'confirmed', v_taken.reviewer, null, p_request);
  update gulou.invite set used_at = gulou.now_()
  where account_id = p_account and member_id = v_member and used_at is null;
  perform gulou.bind_person(p_account, v_join.openid, v_member, v_taken.reviewer, v_join.asked_at, '加入申请', p_request);
  perform gulou.notify(p_account, v_member, 'joined', p_no::text, v_facts - 'matches');
  return v_facts || jsonb_build_object('new', coalesce(p_choice = 'new', false));
end $$;

create or replace function api.confirm_join(p_account text, p_openid text, p_key uuid, p_request text, p_no bigint,
                                            p_choice text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, gulou.confirm_join(p_account, p_openid, p_request, p_no, p_choice));
end $$;

create or replace function gulou.refuse_join(p_account text, p_openid text, p_request text, p_no bigint, p_words text)
returns jsonb language plpgsql as $$
declare
  v_taken record;
  v_facts jsonb;
begin
  if coalesce(btrim(p_words), '') = '' then
    return coalesce(gulou.join_refusal(p_account, gulou.speaker(p_account, p_openid)),
                    jsonb_build_object('refusal', 'words_missing', 'request', p_no));
  end if;
  v_taken := gulou.take_join_request(p_account, p_openid, p_no);
  if v_taken.refusal is not null then
    return v_taken.refusal;
  end if;
  update gulou.join_request set status = 'refused', decider_id = v_taken.reviewer, decided_at = gulou.now_()
  where account_id = p_account and request_no = p_no;
  perform gulou.move_join_request(p_account, p_no, 'refused', v_taken.reviewer, left(btrim(p_words), 100), p_request);
  v_facts := jsonb_build_object('request', p_no, 'name', (v_taken.request).name, 'words', left(btrim(p_words), 100),
    'unit', (select name from gulou.org where account_id = p_account and org_id = (v_taken.request).org_id));
  perform gulou.notify_guest(p_account, (v_taken.request).openid, 'join_refused', p_no::text, v_facts);
  return v_facts;
end $$;

create or replace function api.refuse_join(p_account text, p_openid text, p_key uuid, p_request text, p_no bigint,
                                           p_words text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, gulou.refuse_join(p_account, p_openid, p_request, p_no, p_words));
end $$;

-- ---------------------------------------------------------------- by the clock

-- Who was not decided about in a month may ask again; names of guests are kept no longer than needed.
create or replace function api.purge_joining() returns jsonb language plpgsql as $$
declare
  v_lapsed int := 0;
  v_one    record;
begin
  for v_one in select account_id, request_no from gulou.join_request
               where status = 'waiting' and asked_at < gulou.now_() - interval '30 days'
               order by 1, 2 for update skip locked loop
    update gulou.join_request set status = 'lapsed', decided_at = gulou.now_()
    where account_id = v_one.account_id and request_no = v_one.request_no;
    perform gulou.move_join_request(v_one.account_id, v_one.request_no, 'lapsed', null, '30天未确认', 'purge');
    v_lapsed := v_lapsed + 1;
  end loop;
  update gulou.join_request set name = null, note = null
  where status <> 'waiting' and name is not null and decided_at < gulou.now_() - interval '90 days';
  delete from gulou.outbox    -- what a guest never came back to read
  where status = 'held' and lane like 'guest:%' and written_at < clock_timestamp() - interval '90 days';
  return jsonb_build_object('lapsed', v_lapsed);
end $$;
