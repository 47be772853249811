-- Objections to a published line (domain 4.3): filed by members within the window, handled by administrators who
-- have nothing to do with either side, decided by two of them. The objector is known to the committee only.

-- How long after its receipt a message may still be on its way to the database: no window is closed before.
create or replace function gulou.receipt_grace() returns interval language sql immutable as $$
  select interval '10 seconds'
$$;

-- When the server received a message, which decides on the last second (domain 9.8). What a wrong clock could have
-- said is not believed.
create or replace function gulou.received_at(p_received timestamptz) returns timestamptz language sql stable as $$
  select least(statement_timestamp(), greatest(coalesce(p_received, statement_timestamp()),
                                               statement_timestamp() - gulou.receipt_grace())) + gulou.away_by()
$$;

-- ---------------------------------------------------------------- history

create or replace function gulou.line_state(p_account text, p_id int, p_no bigint) returns text
language sql stable as $$
  select to_status from gulou.announcement_line_event
  where account_id = p_account and announcement_id = p_id and no = p_no order by seq desc limit 1
$$;

create or replace function gulou.move_line(p_account text, p_id int, p_no bigint, p_to text, p_actor int,
  p_reason text, p_request text) returns void language sql as $$
  insert into gulou.announcement_line_event
  select p_account, p_id, p_no, seq + 1, to_status, p_to, p_actor, p_reason, gulou.now_(), p_request,
         gulou.line_event_digest(p_id, p_no, seq + 1, to_status, p_to, p_actor, p_reason, gulou.now_(), p_request)
  from gulou.announcement_line_event
  where account_id = p_account and announcement_id = p_id and no = p_no order by seq desc limit 1
$$;

-- The status and its event, also for the first one.
create or replace function gulou.move_objection(p_account text, p_objection bigint, p_to text, p_actor int,
  p_reason text, p_request text) returns void language plpgsql as $$
declare
  v_last gulou.objection_event;
begin
  select * into v_last from gulou.objection_event
  where account_id = p_account and objection_no = p_objection order by seq desc limit 1;
  update gulou.objection set status = p_to where account_id = p_account and objection_no = p_objection;
  insert into gulou.objection_event (account_id, objection_no, seq, from_status, to_status, actor_id, reason, at, request_id)
  values (p_account, p_objection, coalesce(v_last.seq, 0) + 1, v_last.to_status, p_to, p_actor, p_reason,
          gulou.now_(), p_request);
end $$;

create or replace function gulou.is_open(p_objection gulou.objection) returns boolean language sql immutable as $$
  select p_objection.status in ('filed', 'accepted', 'investigating')
$$;

-- One objection that nobody has decided yet holds its line.
create or replace function gulou.held_lines(p_account text, p_id int) returns table (no bigint)
language sql stable as $$
  select no from gulou.objection
  where account_id = p_account and announcement_id = p_id and status in ('filed', 'accepted', 'investigating')
$$;

create or replace function gulou.is_held(p_account text, p_id int, p_no bigint) returns boolean
language sql stable as $$
  select exists (select from gulou.held_lines(p_account, p_id) as held where held.no = p_no)
$$;

-- ---------------------------------------------------------------- file

create or replace function gulou.administrators(p_account text) returns table (member_id int)
language sql stable as $$
  select r.member_id from gulou.member_role r join gulou.member m using (account_id, member_id)
  where r.account_id = p_account and r.role = 'administrator' and m.status = 'active'
$$;

-- When the objector has to have an answer. Of a year without calendar a week is asked for.
create or replace function gulou.answer_due(p_account text, p_filed date) returns timestamptz
language sql stable as $$
  select coalesce(gulou.closes_at(p_filed, (gulou.rules_on(p_account, p_filed)).answer_days),
                  gulou.local_midnight(p_filed + 8))
$$;

-- Why this member cannot object to this line at that moment; NULL when they can. Without a line: to any line of the notice. The chat, the page and the guided
-- dialogue all ask here; the one that files asks behind its locks.
create or replace function gulou.filing_refusal(p_account text, p_member int, p_notice int, p_no bigint,
                                                p_at timestamptz) returns jsonb language plpgsql stable as $$
declare
  v_closes timestamptz;
  v_closed jsonb;
  v_status text;
  v_own    bigint;
  v_most   int;
begin
  select closes_at into v_closes from gulou.announcement
  where account_id = p_account and announcement_id = p_notice and status <> 'frozen';
  if not found then
    return jsonb_build_object('refusal', 'notice_unknown', 'notice', p_notice);
  end if;
  v_closed := jsonb_build_object('refusal', 'window_closed', 'notice', p_notice,
    'last_day', gulou.local_day(v_closes - interval '1 microsecond'));
  if p_no is null then
    return case when p_at >= v_closes then v_closed end;
  end if;
  select d.status into v_status
  from gulou.announcement_line l join gulou.declaration d on d.account_id = l.account_id and d.no = l.no
  where l.account_id = p_account and l.announcement_id = p_notice and l.no = p_no;
  if not found then
    return jsonb_build_object('refusal', 'line_unknown', 'notice', p_notice, 'no', p_no);
  elsif v_status in ('revoked', 'revoked_late') then
    return jsonb_build_object('refusal', 'line_revoked', 'no', p_no);
  elsif p_at >= v_closes or v_status not in ('announced', 'objected') then
    return v_closed;
  end if;
  select objection_no into v_own from gulou.objection o
  where account_id = p_account and announcement_id = p_notice and no = p_no and objector_id = p_member
    and gulou.is_open(o);
  if v_own is not null then
    return jsonb_build_object('refusal', 'already_filed', 'objection', v_own, 'no', p_no);
  end if;
  -- Each holds somebody's points, and two people have to look into it.
  v_most := (gulou.rules_on(p_account, gulou.local_day(p_at))).open_objections;
  return (select jsonb_build_object('refusal', 'too_many_open', 'most', v_most) from gulou.objection o
          where account_id = p_account and objector_id = p_member and gulou.is_open(o) having count(*) >= v_most);
end $$;

create or replace function gulou.file_objection(p_account text, p_member int, p_request text, p_notice int,
  p_no bigint, p_words text, p_received timestamptz) returns jsonb language plpgsql as $$
declare
  v_at      timestamptz := gulou.received_at(p_received);
  v_words   text := btrim(coalesce(p_words, ''));
  v_refusal jsonb;
  v_line    gulou.announcement_line;
  v_status  text;
  v_new     bigint;
begin
  if v_words = '' then
    return gulou.refusal('words_missing');
  elsif char_length(v_words) > 500 then
    return gulou.refusal('words_too_long');
  end if;
  -- Shared: the window is not closed, nor the notice settled, while somebody objects.
  perform from gulou.announcement where account_id = p_account and announcement_id = p_notice for share;
  select status into v_status from gulou.declaration where account_id = p_account and no = p_no for update;
  v_refusal := gulou.filing_refusal(p_account, p_member, p_notice, p_no, v_at);
  if v_refusal is not null then
    return v_refusal;
  end if;
  select * into strict v_line from gulou.announcement_line
  where account_id = p_account and announcement_id = p_notice and no = p_no;
  v_new := nextval('gulou.objection_no');
  insert into gulou.objection (account_id, objection_no, announcement_id, no, objector_id, words, status, filed_at, due_at)
  values (p_account, v_new, p_notice, p_no, p_member, v_words, 'filed', v_at,
          gulou.answer_due(p_account, gulou.local_day(v_at)));
  perform gulou.move_objection(p_account, v_new, 'filed', p_member, null, p_request);
  if gulou.line_state(p_account, p_notice, p_no) <> 'objected' then
    -- No actor: line and declaration are the member's to see, the objector is not.
    perform gulou.move_line(p_account, p_notice, p_no, 'objected', null, null, p_request);
  end if;
  if v_status = 'announced' then
    perform gulou.move_declaration(p_account, p_no, 'objected', null, 'system', null, p_request);
  end if;
  perform gulou.notify(p_account, a.member_id, 'objection_filed', v_new::text, jsonb_build_object(
    'objection', v_new, 'title', n.title, 'no', p_no, 'item', v_line.item))
  from gulou.administrators(p_account) a
  join gulou.announcement n on n.account_id = p_account and n.announcement_id = p_notice
  where a.member_id <> p_member;
  return jsonb_build_object('objection', v_new, 'notice', p_notice, 'no', p_no, 'unit', v_line.unit,
    'item', v_line.item, 'answer_by', gulou.local_day(gulou.answer_due(p_account, gulou.local_day(v_at))
                                                      - interval '1 microsecond'));
end $$;

create or replace function api.object(p_account text, p_openid text, p_key uuid, p_request text, p_notice int,
  p_no bigint, p_words text, p_received timestamptz) returns jsonb language plpgsql as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, case when v_member is null then gulou.refusal('not_bound')
    else gulou.file_objection(p_account, v_member, p_request, p_notice, p_no, p_words, p_received) end);
end $$;

-- The line as everybody reads it: beside the form, and before somebody writes why they object.
create or replace function gulou.shown_line(p_account text, p_notice int, p_no bigint) returns jsonb
language sql stable as $$
  select jsonb_build_object('notice', l.announcement_id, 'no', l.no, 'member',
    gulou.line_name(p_account, l.member_id, n.shown_name), 'unit', l.unit, 'item', l.item, 'points', l.points::text,
    'reviewed_on', l.reviewed_on)
  from gulou.announcement_line l
  left join gulou.announcement_name n using (account_id, announcement_id, member_id)
  where l.account_id = p_account and l.announcement_id = p_notice and l.no = p_no
$$;

-- The line that this person may object to now, without one the notice, or why not. Asked before anything is written, so
-- that whoever is not bound yet loses nothing.
create or replace function api.line_to_object(p_account text, p_openid text, p_notice int, p_no bigint) returns jsonb
language plpgsql stable as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
begin
  if v_member is null then
    return gulou.refusal('not_bound');
  end if;
  return coalesce(gulou.filing_refusal(p_account, v_member, p_notice, p_no, gulou.now_()),
                  gulou.shown_line(p_account, p_notice, p_no), jsonb_build_object('notice', p_notice));
end $$;

-- ---------------------------------------------------------------- what the objector reads

-- A member's own objections, the newest first, each with what became of it.
create or replace function gulou.own_objections(p_account text, p_member int, p_before bigint, p_limit int)
returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('objection', o.objection_no, 'notice', o.announcement_id, 'no', o.no,
    'unit', l.unit, 'item', l.item, 'words', o.words, 'filed_on', gulou.local_day(o.filed_at),
    'status', coalesce(e.to_status, o.status), 'answer', e.reason,
    'answer_by', gulou.local_day(o.due_at - interval '1 microsecond'),
    'photos', (select count(*) from gulou.photo p where p.account_id = p_account and p.objection_no = o.objection_no))
    order by o.objection_no desc), '[]')
  from (select * from gulou.objection
        where account_id = p_account and objector_id = p_member and (p_before is null or objection_no < p_before)
        order by objection_no desc limit p_limit) o
  join gulou.announcement_line l on l.account_id = o.account_id and l.announcement_id = o.announcement_id and l.no = o.no
  left join gulou.objection_event e on e.account_id = o.account_id and e.objection_no = o.objection_no
    and e.to_status in ('upheld', 'dismissed', 'not_accepted')
$$;

create or replace function api.my_objections(p_account text, p_openid text, p_before bigint, p_limit int) returns jsonb
language sql stable as $$
  select case when member is null then gulou.refusal('not_bound')
              else jsonb_build_object('rows', gulou.own_objections(p_account, member, p_before, p_limit)) end
  from gulou.speaker(p_account, p_openid) as member
$$;

-- ---------------------------------------------------------------- photos

-- The open objection that this member's next photo joins: filed within the hour, and no declaration of theirs that
-- takes photos has moved since. NULL: none.
create or replace function gulou.objection_for_photo(p_account text, p_member int) returns bigint
language sql stable as $$
  select o.objection_no from gulou.objection o
  where o.account_id = p_account and o.objector_id = p_member and gulou.is_open(o)
    and o.filed_at > gulou.now_() - interval '1 hour'
    and not exists (
      select from gulou.declaration d join gulou.declaration_event e using (account_id, no)
      where d.account_id = p_account and d.member_id = p_member
        and d.status in ('draft', 'returned', 'submitted', 'appealed') and e.at > o.filed_at)
  order by o.objection_no desc limit 1
$$;

-- ---------------------------------------------------------------- who may handle it

-- Why this administrator may not decide about this line: its reviewer, one of the sides, or of a side's unit.
-- NULL: they may (INV-10).
create or replace function gulou.conflict(p_account text, p_no bigint, p_objectors int[], p_actor int) returns text
language sql stable as $$
  select case
    when d.member_id = p_actor then 'declarer'
    when p_actor = any (p_objectors) then 'objector'
    when d.reviewer_id = p_actor then 'reviewer'
    when own.unit in (d.org_id, gulou.org_on(p_account, d.member_id, own.today)) then 'declarer_unit'
    when own.unit in (select gulou.org_on(p_account, one, own.today) from unnest(p_objectors) as one)
      then 'objector_unit' end
  from gulou.declaration d
  cross join lateral (select today, gulou.org_on(p_account, p_actor, today) as unit
                      from gulou.local_day(gulou.now_()) as today) own
  where d.account_id = p_account and d.no = p_no
$$;

-- Everybody whose objection is decided together with this one: to take a line back ends all that hold it.
create or replace function gulou.decided_together(p_objection gulou.objection, p_outcome text)
returns setof gulou.objection language sql stable as $$
  select * from gulou.objection o
  where account_id = p_objection.account_id and gulou.is_open(o)
    and (objection_no = p_objection.objection_no
         or p_outcome = 'upheld' and announcement_id = p_objection.announcement_id and no = p_objection.no)
$$;

-- Why this outcome is not possible now, or not by this administrator; NULL when it is.
create or replace function gulou.objection_refusal(p_account text, p_objection bigint, p_outcome text, p_actor int)
returns jsonb language plpgsql stable as $$
declare
  v_one      gulou.objection;
  v_conflict text;
begin
  select * into v_one from gulou.objection where account_id = p_account and objection_no = p_objection;
  if v_one.objection_no is null then
    return jsonb_build_object('refusal', 'objection_unknown', 'objection', p_objection);
  elsif not gulou.is_open(v_one) then
    return jsonb_build_object('refusal', 'objection_decided', 'objection', p_objection);
  elsif p_outcome = 'not_accepted' and v_one.status <> 'filed' then
    return jsonb_build_object('refusal', 'objection_accepted', 'objection', p_objection);
  end if;
  v_conflict := gulou.conflict(p_account, v_one.no,
    (select array_agg(objector_id) from gulou.decided_together(v_one, p_outcome)), p_actor);
  return case when v_conflict is not null
    then jsonb_build_object('refusal', 'conflict', 'objection', p_objection, 'why', v_conflict) end;
end $$;

-- Locks an objection with its notice, in the order of 78_settlement.sql; NULL number when there is none.
create or replace function gulou.lock_objection(p_account text, p_objection bigint) returns gulou.objection
language plpgsql as $$
declare
  v_one gulou.objection;
begin
  perform from gulou.announcement a
  where (a.account_id, a.announcement_id) = (
    select o.account_id, o.announcement_id from gulou.objection o
    where o.account_id = p_account and o.objection_no = p_objection) for share;
  select * into v_one from gulou.objection
  where account_id = p_account and objection_no = p_objection for update;
  return v_one;
end $$;

-- Somebody looks into it: accepted, and under investigation. Nothing for one that is already.
create or replace function gulou.take_up(p_objection gulou.objection, p_actor int, p_request text) returns void
language plpgsql as $$
begin
  if p_objection.status = 'filed' then
    perform gulou.move_objection(p_objection.account_id, p_objection.objection_no, 'accepted', p_actor, null, p_request);
    perform gulou.move_objection(p_objection.account_id, p_objection.objection_no, 'investigating', p_actor, null,
                                 p_request);
  end if;
end $$;

create or replace function api.accept_objection(p_account text, p_openid text, p_key uuid, p_request text,
                                                p_objection bigint) returns jsonb language plpgsql as $$
declare
  v_actor  int := gulou.speaker(p_account, p_openid);
  v_one    gulou.objection;
  v_answer jsonb;
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  if v_actor is null then
    v_answer := gulou.refusal('not_bound');
  elsif not gulou.has_role(p_account, v_actor, 'administrator') then
    v_answer := gulou.refusal('not_yours');
  else
    v_one := gulou.lock_objection(p_account, p_objection);
    v_answer := gulou.objection_refusal(p_account, p_objection, 'accepted', v_actor);
    if v_answer is null and v_one.status <> 'filed' then
      v_answer := jsonb_build_object('refusal', 'objection_accepted', 'objection', p_objection);
    elsif v_answer is null then
      perform gulou.take_up(v_one, v_actor, p_request);
      v_answer := jsonb_build_object('objection', p_objection, 'no', v_one.no,
        'answer_by', gulou.local_day(v_one.due_at - interval '1 microsecond'));
    end if;
  end if;
  return gulou.inbox_keep(p_account, p_key, v_answer);
end $$;

-- ---------------------------------------------------------------- decide

-- The points of a line that an objection has ended: they were pending and are gone. Everything is locked.
create or replace function gulou.revoke_line(p_own gulou.declaration, p_notice gulou.announcement, p_words text,
  p_asker int, p_decider int, p_request text) returns void language plpgsql as $$
declare
  v_account text := p_own.account_id;
begin
  perform gulou.move_line(v_account, p_notice.announcement_id, p_own.no, 'upheld', p_decider, p_words, p_request);
  perform gulou.move_declaration(v_account, p_own.no, 'revoked', p_decider, 'administrator', p_words, p_request);
  update gulou.declaration set reason = p_words where account_id = v_account and no = p_own.no;
  if p_own.counted > 0 then
    perform gulou.post_for(p_own, 'CANCEL_PENDING', '异议成立', p_own.period,
      jsonb_build_object('pending', -p_own.counted, 'issue', p_own.counted), p_asker, p_decider, p_request);
    -- A final score holds released lines only, so there is nothing of this one in it.
    if p_notice.status not in ('settled', 'archived') then
      perform gulou.add_score(v_account, p_own.period, p_own.member_id, p_own.org_id, -p_own.counted);
    end if;
  end if;
  perform gulou.notify(v_account, p_own.member_id, 'line_revoked', p_own.no::text, jsonb_build_object(
    'no', p_own.no, 'words', p_words,
    'item', (select name from gulou.service_item where account_id = v_account and item = p_own.item)));
end $$;

-- Two administrators agreed; possible and allowed has been found. The notice and the objection are locked.
create or replace function gulou.decide_objection(p_account text, p_objection bigint, p_outcome text, p_words text,
  p_asker int, p_decider int, p_request text) returns jsonb language plpgsql as $$
declare
  v_first  gulou.objection;
  v_one    gulou.objection;
  v_own    gulou.declaration;
  v_notice gulou.announcement;
begin
  select * into strict v_first from gulou.objection where account_id = p_account and objection_no = p_objection;
  select * into strict v_notice from gulou.announcement
  where account_id = p_account and announcement_id = v_first.announcement_id;
  select * into strict v_own from gulou.declaration where account_id = p_account and no = v_first.no for update;
  perform gulou.lock_member(p_account, v_own.member_id);
  for v_one in select * from gulou.decided_together(v_first, p_outcome) order by objection_no loop
    if p_outcome <> 'not_accepted' then
      perform gulou.take_up(v_one, p_asker, p_request);
    end if;
    perform gulou.move_objection(p_account, v_one.objection_no, p_outcome, p_decider, p_words, p_request);
    perform gulou.notify(p_account, v_one.objector_id, 'objection_decided', v_one.objection_no::text,
      jsonb_build_object('objection', v_one.objection_no, 'upheld', p_outcome = 'upheld',
                         'outcome', p_outcome, 'words', p_words));
    perform gulou.move_objection(p_account, v_one.objection_no, 'notified', null, null, p_request);
  end loop;
  if p_outcome = 'upheld' then
    perform gulou.revoke_line(v_own, v_notice, p_words, p_asker, p_decider, p_request);
  elsif not gulou.is_held(p_account, v_first.announcement_id, v_first.no) then
    perform gulou.move_line(p_account, v_first.announcement_id, v_first.no, 'dismissed', p_decider, p_words, p_request);
    -- The others were settled without it: now it follows, in the same period's name (domain 9.9).
    if v_notice.status in ('settled', 'archived') then
      perform gulou.release_held(v_own, v_notice.announcement_id, p_request);
    end if;
  end if;
  perform gulou.archive_decided(p_account, v_notice.announcement_id, p_request);
  return jsonb_build_object('objection', p_objection, 'outcome', p_outcome, 'no', v_first.no);
end $$;

-- ---------------------------------------------------------------- what administrators read

-- Open objections, the oldest first; what already waits for a second administrator says so.
create or replace function api.objections(p_account text, p_openid text, p_after bigint, p_limit int) returns jsonb
language plpgsql stable as $$
declare
  v_actor int := gulou.speaker(p_account, p_openid);
begin
  if v_actor is null then
    return gulou.refusal('not_bound');
  elsif not gulou.has_role(p_account, v_actor, 'administrator') then
    return gulou.refusal('not_yours');
  end if;
  return (
    with open as (
      select o.*, row_number() over (order by o.objection_no) as place, count(*) over () as total
      from gulou.objection o where o.account_id = p_account and gulou.is_open(o)
        and (p_after is null or o.objection_no > p_after)
      order by o.objection_no limit p_limit)
    select jsonb_build_object('total', coalesce(max(o.total), 0), 'rows', coalesce(jsonb_agg(jsonb_build_object(
      'objection', o.objection_no, 'notice', o.announcement_id, 'no', o.no, 'status', o.status,
      'name', gulou.name_of(p_account, l.member_id), 'unit', l.unit, 'item', l.item, 'points', l.points::text,
      'objector', gulou.name_of(p_account, o.objector_id), 'words', o.words,
      'declared', d.words, 'date', gulou.local_day(d.started_at),
      'answer_by', gulou.local_day(o.due_at - interval '1 microsecond'), 'overdue', o.due_at <= gulou.now_(),
      'photos', (select count(*) from gulou.photo p
                 where p.account_id = p_account and p.objection_no = o.objection_no),
      'line_photos', (select count(*) from gulou.photo p where p.account_id = p_account and p.no = o.no),
      'conflict', gulou.conflict(p_account, o.no, array[o.objector_id], v_actor),
      'request', r.request_no, 'outcome', r.details ->> 'outcome', 'outcome_words', r.details ->> 'words',
      'asked_by', gulou.name_of(p_account, r.asker_id), 'own_request', r.asker_id = v_actor)
      order by o.objection_no), '[]'))
    from open o
    join gulou.announcement_line l on l.account_id = o.account_id and l.announcement_id = o.announcement_id and l.no = o.no
    join gulou.declaration d on d.account_id = o.account_id and d.no = o.no
    left join gulou.second_person_request r on r.account_id = o.account_id and r.kind = 'objection'
      and r.subject = o.objection_no and r.status = 'waiting');
end $$;

-- For the page behind a signed link, as api.evidence().
create or replace function api.objection_evidence(p_account text, p_objection bigint) returns jsonb
language sql stable as $$
  select coalesce((
    select jsonb_build_object('objection', o.objection_no, 'no', o.no, 'item', l.item, 'words', o.words,
      'photos', coalesce((
        select jsonb_agg(jsonb_build_object('photo', p.photo_id, 'status', p.status, 'width', m.width,
                                            'height', m.height) order by p.photo_id)
        from gulou.photo p left join gulou.image m on m.account_id = p.account_id and m.digest = p.digest
        where p.account_id = p_account and p.objection_no = o.objection_no), '[]'))
    from gulou.objection o
    join gulou.announcement_line l on l.account_id = o.account_id and l.announcement_id = o.announcement_id and l.no = o.no
    where o.account_id = p_account and o.objection_no = p_objection), '{"refusal":"not_found"}')
$$;
