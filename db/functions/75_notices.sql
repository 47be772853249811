-- Notices: the list of a period is fixed (frozen), shown (published), and can be checked by anyone.

-- Approvals hold this shared, a freeze exclusively: no approval slips into a list that is being fixed.
create or replace function gulou.period_gate(p_account text, p_exclusive boolean) returns void
language plpgsql as $$
begin
  if p_exclusive then
    perform pg_advisory_xact_lock(hashtextextended('gulou.period:' || p_account, 0));
  else
    perform pg_advisory_xact_lock_shared(hashtextextended('gulou.period:' || p_account, 0));
  end if;
end $$;

-- What a notice says beside its lines: its state, title, window and totals.
create or replace function gulou.head_digest(p_notice gulou.announcement) returns bytea
language plpgsql stable set timezone to 'UTC' as $$
begin
  return gulou.row_digest(to_jsonb(p_notice), '{branches}');   -- those follow from the lines, and older notices have none
end $$;

-- Called when the notice itself has been changed.
create or replace function gulou.note_announcement(p_account text, p_id int, p_from text, p_to text,
  p_actor int, p_approver int, p_request text) returns void language sql as $$
  insert into gulou.announcement_event
  select p_account, p_id, coalesce(max(e.seq), 0) + 1, p_from, p_to, p_actor, p_approver, null, gulou.now_(), p_request,
         gulou.head_digest(a)
  from gulou.announcement a left join gulou.announcement_event e using (account_id, announcement_id)
  where account_id = p_account and announcement_id = p_id group by a
$$;

create or replace function gulou.line_event_digest(p_id int, p_no bigint, p_seq int, p_from text, p_to text, p_actor int,
  p_reason text, p_at timestamptz, p_request text) returns bytea language sql stable as $$
  select sha256(convert_to(concat_ws('|', p_id, p_no, p_seq, coalesce(p_from, ''), p_to, coalesce(p_actor::text, ''),
    coalesce(p_reason, ''), gulou.time_text(p_at), p_request), 'UTF8'))
$$;

-- What of a declaration never changes once it is listed.
create or replace function gulou.declaration_digest(d gulou.declaration) returns bytea language sql stable as $$
  select sha256(convert_to(concat_ws('|', d.no, d.member_id, d.org_id, d.item, d.rule_version, gulou.time_text(d.started_at),
    gulou.time_text(d.ended_at), d.timed, d.minutes, d.claimed, d.counted, coalesce(d.cap, ''), d.period, d.returns,
    d.reviewer_id, gulou.time_text(d.reviewed_at), gulou.time_text(d.created_at), coalesce(d.dialogue::text, ''), d.words), 'UTF8'))
$$;

-- ---------------------------------------------------------------- freeze

-- The name each member is shown by: full with consent, else masked; with the salt that keeps its digest
-- from being guessed.
create or replace function gulou.fix_names(p_account text, p_id int, p_members int[]) returns void
language sql as $$
  -- Salts come from one secret of this statement, which nobody keeps: a random number each would cost more.
  with secret as materialized (select gen_random_uuid()::text || gen_random_uuid()::text as secret),
  agreed as materialized (
    select distinct on (member_id) member_id, given from gulou.consent
    where account_id = p_account and purpose = 'public_notice_name' order by member_id, at desc)
  insert into gulou.announcement_name
  select p_account, p_id, told.member_id, told.shown_name,
         left(encode(sha256(convert_to(secret || told.member_id, 'UTF8')), 'hex'), 32)
  from (
    select array_agg(m.member_id) as members,
           array_agg(case when m.name is null then '已注销成员#' || m.member_id when agreed.given then m.name
                          else gulou.mask_name(m.name) end) as names
    from unnest(p_members) as listed (member_id)
    join gulou.member m on m.account_id = p_account and m.member_id = listed.member_id
    left join agreed on agreed.member_id = m.member_id) as listed
  cross join secret
  cross join lateral gulou.told_apart(listed.members, listed.names) as told
$$;

-- Numbered before anything is joined: the index has them in their order. The names go into the join as arrays, of which the
-- planner knows how many there are; of rows that were just written it knows nothing, and would look for every member's
-- declarations.
create or replace function gulou.fix_lines(p_account text, p_id int, p_period text) returns void
language plpgsql set work_mem to '64MB' as $$
declare
  v_members int[];
  v_digests text[];
begin
  select array_agg(member_id), array_agg(encode(sha256(convert_to(name_salt || shown_name, 'UTF8')), 'hex'))
  into v_members, v_digests
  from gulou.announcement_name where account_id = p_account and announcement_id = p_id;
  insert into gulou.announcement_line
  select p_account, p_id, no, place - 1, member_id, unit, item, counted, reviewed_on,
         digest, concat_ws('|', no, unit, item, counted, reviewed_on, digest), declaration_digest
  from (
    select d.no, d.place, d.member_id, replace(o.name, '|', '/') as unit, i.name as item, d.counted, d.reviewed_on,
           n.digest, d.declaration_digest
    from (select no, member_id, org_id, item, counted, gulou.local_day(reviewed_at) as reviewed_on,
                 gulou.declaration_digest(d) as declaration_digest, (row_number() over (order by no))::int as place
          from gulou.declaration d
          where account_id = p_account and period = p_period and status = 'approved') as d
    join gulou.org o on o.account_id = p_account and o.org_id = d.org_id
    join gulou.service_item i on i.account_id = p_account and i.item = d.item
    join unnest(v_members, v_digests) as n (member_id, digest) on n.member_id = d.member_id) as approved
  order by place;
end $$;

create or replace function gulou.line_hashes(p_account text, p_id int) returns bytea[]
language sql stable as $$
  select array_agg(gulou.leaf_hash(leaf) order by position)
  from gulou.announcement_line where account_id = p_account and announcement_id = p_id
$$;

-- From a line to its block's root, and from there to the list's.
create or replace function gulou.line_path(p_account text, p_id int, p_position int, p_branches bytea) returns jsonb
language plpgsql stable as $$
declare
  v_leaves int := gulou.merkle_block_leaves();
  v_block  int := p_position / v_leaves;
  v_hashes bytea[];
begin
  select array_agg(gulou.leaf_hash(leaf) order by position) into v_hashes from gulou.announcement_line
  where account_id = p_account and announcement_id = p_id
    and position >= v_block * v_leaves and position < (v_block + 1) * v_leaves;
  return gulou.merkle_path(gulou.merkle_leaves(v_hashes), p_position % v_leaves)
      || gulou.merkle_path(coalesce(p_branches, gulou.merkle_branches(gulou.line_hashes(p_account, p_id))), v_block);
end $$;

create or replace function gulou.freeze(p_account text, p_period text, p_asker int, p_decider int, p_request text)
returns jsonb language plpgsql as $$
declare
  v_now      timestamptz := gulou.now_();
  v_id       int;
  v_days     int := (gulou.rules_on(p_account, gulou.local_day(v_now))).window_days;
  v_sum      record;
  v_branches bytea;
begin
  select coalesce(max(announcement_id), 0) + 1 into v_id from gulou.announcement where account_id = p_account;
  select count(*)::int as entries, count(distinct member_id)::int as members,
         coalesce(sum(counted), 0)::bigint as points, array_agg(distinct member_id) as who into v_sum
  from gulou.declaration where account_id = p_account and period = p_period and status = 'approved';
  -- The row comes first with an empty root, because the lines refer to it; the root is set below, once.
  insert into gulou.announcement (account_id, announcement_id, period, title, status, window_days, frozen_at,
    members, entries, points, root)
  values (p_account, v_id, p_period, gulou.period_title(p_period) || '积分公示', 'frozen', v_days,
    v_now, v_sum.members, v_sum.entries, v_sum.points, sha256(''));
  perform gulou.fix_names(p_account, v_id, v_sum.who);
  perform gulou.fix_lines(p_account, v_id, p_period);
  v_branches := gulou.merkle_branches(gulou.line_hashes(p_account, v_id));
  update gulou.announcement set branches = v_branches, root = gulou.merkle_root(v_branches)
  where account_id = p_account and announcement_id = v_id;
  insert into gulou.announcement_line_event
  select p_account, v_id, no, 1, null, 'listed', p_decider, null, v_now, p_request,
         gulou.line_event_digest(v_id, no, 1, null, 'listed', p_decider, null, v_now, p_request)
  from gulou.announcement_line where account_id = p_account and announcement_id = v_id;
  perform gulou.note_announcement(p_account, v_id, null, 'frozen', p_asker, p_decider, p_request);
  return gulou.notice_head(p_account, v_id) || jsonb_build_object('notice', v_id, 'left_waiting', (
    select count(*) from gulou.declaration
    where account_id = p_account and status in ('draft', 'submitted', 'in_review', 'returned', 'appealed')
      and gulou.ended_in(p_period, ended_at)));
end $$;

-- ---------------------------------------------------------------- publish

-- Everybody whose services are listed is asked to look. What gulou.first_state() would ask for each of them is asked once;
-- lines that were just written are nothing to the planner, and it would look for one member after the other.
create or replace function gulou.notify_notice(p_account text, p_id int) returns void
language sql set enable_nestloop to off set jit to off set work_mem to '64MB' as $$
  with asked as materialized (
    select distinct on (member_id) member_id, given from gulou.consent
    where account_id = p_account and purpose = 'messages' order by member_id, at desc)
  insert into gulou.outbox (account_id, lane, kind, subject, facts, status, ended_at)
  select p_account, 'member:' || l.member_id, 'notification', format('notice_opened:%s:%s', p_id, l.member_id),
    jsonb_build_object('what', 'notice_opened', 'member', l.member_id, 'notice', p_id, 'title', a.title,
      'last_day', gulou.local_day(a.closes_at - interval '1 microsecond'), 'entries', l.entries, 'counted', l.points::text),
    gulou.first_status(account.verified, asked.given),
    case gulou.first_status(account.verified, asked.given) when 'done' then clock_timestamp() end
  from (select member_id, count(*) as entries, sum(points) as points from gulou.announcement_line
        where account_id = p_account and announcement_id = p_id group by member_id) l
  join gulou.binding b on b.account_id = p_account and b.member_id = l.member_id and b.ended_at is null
  left join asked on asked.member_id = l.member_id
  join gulou.announcement a on a.account_id = p_account and a.announcement_id = p_id
  join gulou.account on account.account_id = p_account
  order by l.member_id
  on conflict (account_id, kind, subject) do nothing
$$;

create or replace function gulou.publish(p_account text, p_period text, p_asker int, p_decider int, p_request text)
returns jsonb language plpgsql as $$
declare
  v_now    timestamptz := gulou.now_();
  v_notice gulou.announcement;
begin
  select * into strict v_notice from gulou.announcement
  where account_id = p_account and period = p_period and kind = 'member_points' for update;
  update gulou.announcement
  set status = 'published', opened_at = v_now,
      closes_at = gulou.closes_at(gulou.local_day(v_now), v_notice.window_days)
  where account_id = p_account and announcement_id = v_notice.announcement_id;
  perform gulou.move_declarations(p_account, (
    select array_agg(no) from gulou.announcement_line
    where account_id = p_account and announcement_id = v_notice.announcement_id), 'announced', p_decider,
    'administrator', p_request);
  perform gulou.note_announcement(p_account, v_notice.announcement_id, 'frozen', 'published', p_asker,
                                  p_decider, p_request);
  perform gulou.notify_notice(p_account, v_notice.announcement_id);
  perform gulou.write_article(p_account, v_notice.announcement_id);
  return gulou.notice_head(p_account, v_notice.announcement_id)
    || jsonb_build_object('notice', v_notice.announcement_id);
end $$;

-- ---------------------------------------------------------------- what everybody reads

-- The seal of the day a notice was published, or the nearest there is: {"day","root"}.
create or replace function gulou.seal_of(p_account text, p_opened timestamptz) returns jsonb language sql stable as $$
  select jsonb_build_object('day', day, 'root', encode(root, 'hex')) from gulou.daily_seal
  where account_id = p_account
  order by day <= gulou.local_day(p_opened) desc, abs(day - gulou.local_day(p_opened)) limit 1
$$;

-- What the root does not cover, the digest does: so that a file tells of any changed character.
create or replace function gulou.notice_head(p_account text, p_id int) returns jsonb
language sql stable as $$
  select head || jsonb_build_object('digest', encode(sha256(convert_to(concat_ws('|', head ->> 'id', head ->> 'title',
    head ->> 'period', head ->> 'status', head ->> 'opened_at', head ->> 'closes_at', head ->> 'members',
    head ->> 'entries', head ->> 'points', head ->> 'root', head #>> '{seal,day}', head #>> '{seal,root}'), 'UTF8')), 'hex'))
  from (
    select jsonb_build_object('id', announcement_id, 'title', title, 'period', period,
      'status', case when status in ('settled', 'archived') then 'final' else 'open' end,
      'opened_at', gulou.rfc3339(opened_at), 'closes_at', gulou.rfc3339(closes_at), 'members', members,
      'entries', entries, 'points', points::text, 'root', encode(root, 'hex'),
      'seal', gulou.seal_of(p_account, opened_at)) as head
    from gulou.announcement where account_id = p_account and announcement_id = p_id) as facts
$$;

-- What the lines' states are said to be: of the pairs 编号|state, a line each, in the order of the list.
create or replace function gulou.state_digest(p_entries jsonb) returns text language sql immutable as $$
  select encode(sha256(convert_to(coalesce(string_agg(concat_ws('|', one ->> 'no', one ->> 'state') || E'\n', ''
                                                      order by place), ''), 'UTF8')), 'hex')
  from jsonb_array_elements(p_entries) with ordinality as listed (one, place)
$$;

-- Consent was withdrawn: where the full name stands, it goes, and its salt with it; the proofs stay (INV-12).
create or replace function gulou.hide_full_name(p_account text, p_member int) returns void language sql as $$
  delete from gulou.announcement_name n using gulou.member m
  where m.account_id = p_account and m.member_id = p_member and n.account_id = p_account and n.member_id = p_member
    and starts_with(n.shown_name, m.name)
$$;

-- Who stands in a line once the shown name was taken back: erased, or masked again.
create or replace function gulou.line_name(p_account text, p_member int, p_shown text) returns text
language sql stable as $$
  select coalesce(p_shown, (select gulou.mask_name(name) from gulou.member
                            where account_id = p_account and member_id = p_member and name is not null),
                  '已注销成员#' || p_member)
$$;

create or replace function api.notices(p_account text, p_before int, p_limit int) returns jsonb
language plpgsql stable as $$
begin
  return (
    with shown as (
      select announcement_id, row_number() over (order by announcement_id desc) as place
      from gulou.announcement
      where account_id = p_account and status <> 'frozen' and (p_before is null or announcement_id < p_before)
      order by announcement_id desc limit p_limit + 1)
    select jsonb_build_object(
      'notices', coalesce(jsonb_agg(gulou.notice_head(p_account, announcement_id)
                                    || jsonb_build_object('corrections', gulou.correction_list(p_account, announcement_id))
                                    order by place) filter (where place <= p_limit), '[]'),
      'next', case when count(*) > p_limit then min(announcement_id) filter (where place <= p_limit) end)
    from shown);
end $$;

create or replace function gulou.is_public(p_account text, p_id int) returns boolean language sql stable as $$
  select exists (select from gulou.announcement
                 where account_id = p_account and announcement_id = p_id and status <> 'frozen')
$$;

-- p_after: the number of the last entry seen. Erased names read as their member number's stand-in. A line's state
-- stands beside its leaf; what no leaf covers has digests of its own.
create or replace function api.notice(p_account text, p_id int, p_after bigint, p_limit int) returns jsonb
language plpgsql stable as $$
declare
  v_entries jsonb;
  v_last    bigint;
  v_more    boolean;
begin
  if not gulou.is_public(p_account, p_id) then
    return gulou.refusal('not_found');
  end if;
  with shown as (
    select l.*, n.shown_name, n.name_salt, row_number() over (order by l.position) as place
    from gulou.announcement_line l
    left join gulou.announcement_name n using (account_id, announcement_id, member_id)
    where l.account_id = p_account and l.announcement_id = p_id and (p_after is null or l.no > p_after)
    order by l.position limit p_limit + 1)
  select coalesce(jsonb_agg(jsonb_build_object('no', no, 'member',
             gulou.line_name(p_account, member_id, shown_name), 'unit', unit, 'item', item, 'points', points::text,
             'reviewed_on', reviewed_on, 'name_salt', name_salt, 'leaf', leaf,
             'state', gulou.shown_state(p_account, p_id, no)) order by place)
           filter (where place <= p_limit), '[]'),
         max(no) filter (where place <= p_limit), count(*) > p_limit
  into v_entries, v_last, v_more from shown;
  -- `entries` is the list here; the head's count goes by another name beside it.
  return gulou.notice_head(p_account, p_id) || gulou.corrections_beside(p_account, p_id)
    || jsonb_build_object('entry_count', gulou.notice_head(p_account, p_id) -> 'entries', 'entries', v_entries,
         'state_digest', gulou.state_digest(v_entries), 'next', case when v_more then v_last end);
end $$;

create or replace function api.proof(p_account text, p_id int, p_no bigint) returns jsonb
language plpgsql stable as $$
declare
  v_line   gulou.announcement_line;
begin
  if gulou.is_public(p_account, p_id) then
    select * into v_line from gulou.announcement_line
    where account_id = p_account and announcement_id = p_id and no = p_no;
  end if;
  if v_line.no is null then
    return gulou.refusal('not_found');
  end if;
  return (
    select jsonb_build_object('leaf', v_line.leaf, 'index', v_line.position, 'size', a.entries,
      'path', gulou.line_path(p_account, p_id, v_line.position, a.branches), 'root', encode(a.root, 'hex'))
    from gulou.announcement a where a.account_id = p_account and a.announcement_id = p_id);
end $$;
