-- When its window has closed a notice settles by itself (domain 4.3): lines in small batches, each in a transaction
-- of its own, so that a server may die between any two and another one goes on. What an objection holds waits.
-- Locks come in one order everywhere: the notice, objections, declarations by number, members by number; a batch waits for
-- none of them, it leaves out what somebody else has.

-- The points of these lines become available, and pay what is owed first: what a member's earlier line has paid is not
-- owed for the next one. The declarations and their members are locked; p_owing: one of these owes something.
create or replace function gulou.release(p_owns gulou.declaration[], p_owing boolean, p_request text) returns void
language plpgsql as $$
declare
  v_txs gulou.ledger_tx[];
begin
  select array_agg(gulou.declaration_tx(own, 'RELEASE', '公示结束入账', own.period, 0, -own.counted, own.counted, 0, 0, null, null,
                                        p_request) order by own.no)
  into v_txs from unnest(p_owns) as own where own.counted > 0;
  if p_owing then   -- hardly anybody does: each payment right behind its release
    select array_agg(step.tx order by place, step.leg) into v_txs
    from (
      select released as tx, place, least((released).available, greatest(0, -debt - coalesce(sum((released).available) over (
               partition by b.member_id order by place rows between unbounded preceding and 1 preceding), 0)))::bigint as repaid
      from (select tx as released, row_number() over () as place from unnest(v_txs) as tx) as listed
      join gulou.balance b on b.account_id = (released).account_id and b.member_id = (released).member_id) as line
    cross join lateral (
      select 1 as leg, line.tx
      union all
      select 2, gulou.declaration_tx(d, 'DEBT_REPAY', '抵扣待抵扣积分', d.period, 0, 0, -repaid, repaid, 0, null, null, p_request)
      from gulou.declaration d
      where repaid > 0 and d.account_id = (line.tx).account_id and d.no = (line.tx).source_id::bigint) as step;
  end if;
  perform gulou.post_many(v_txs);
end $$;
drop function if exists gulou.release(text, bigint[], text);

-- Settles these lines of one notice; the declarations are locked, and their members.
create or replace function gulou.settle_lines(p_account text, p_id int, p_owns gulou.declaration[], p_owing boolean,
                                              p_request text) returns void language plpgsql as $$
declare
  v_now timestamptz := gulou.now_();
  v_nos bigint[] := array(select no from unnest(p_owns));
begin
  perform gulou.release(p_owns, p_owing, p_request);
  insert into gulou.announcement_line_event
  select p_account, p_id, one.no, e.seq + 1, e.to_status, 'settled', null, null, v_now, p_request,
         gulou.line_event_digest(p_id, one.no, e.seq + 1, e.to_status, 'settled', null, null, v_now, p_request)
  from unnest(v_nos) as one (no)
  cross join lateral (
    select seq, to_status from gulou.announcement_line_event
    where account_id = p_account and announcement_id = p_id and no = one.no order by seq desc limit 1) e;
  perform gulou.move_declarations(p_account, v_nos, 'settled', null, 'system', p_request);
end $$;
drop function if exists gulou.settle_lines(text, int, bigint[], text);

-- A line that was held when the others settled, and was dismissed: the period's score gets it back.
create or replace function gulou.release_held(p_own gulou.declaration, p_id int, p_request text) returns void
language plpgsql as $$
begin
  perform gulou.settle_lines(p_own.account_id, p_id, array[p_own],
    exists (select from gulou.balance where account_id = p_own.account_id and member_id = p_own.member_id and debt < 0),
    p_request);
  if p_own.counted > 0 then
    perform gulou.add_score(p_own.account_id, p_own.period, p_own.member_id, p_own.org_id, p_own.counted);
  end if;
end $$;

create or replace function gulou.move_announcement(p_account text, p_id int, p_to text, p_request text) returns void
language plpgsql as $$
declare
  v_from text;
begin
  select status into strict v_from from gulou.announcement where account_id = p_account and announcement_id = p_id;
  update gulou.announcement set status = p_to where account_id = p_account and announcement_id = p_id;
  perform gulou.note_announcement(p_account, p_id, v_from, p_to, null, null, p_request);
end $$;

-- The lines of a notice that neither are settled nor revoked.
create or replace function gulou.unsettled(p_account text, p_period text) returns setof gulou.declaration
language sql stable as $$
  select * from gulou.declaration
  where account_id = p_account and period = p_period and status in ('announced', 'objected')
$$;

-- A settled notice whose last held line has been decided is closed for good.
create or replace function gulou.archive_decided(p_account text, p_id int, p_request text) returns void
language plpgsql as $$
begin
  perform from gulou.announcement a
  where account_id = p_account and announcement_id = p_id and status = 'settled'
    and not exists (select from gulou.unsettled(p_account, a.period));
  if found then
    perform gulou.move_announcement(p_account, p_id, 'archived', p_request);
  end if;
end $$;

-- ---------------------------------------------------------------- by itself

-- Windows that are over. A message received in the last second has had time to arrive.
create or replace function gulou.close_windows() returns int language plpgsql as $$
declare
  v_one gulou.announcement;
  v_n   int := 0;
begin
  for v_one in select * from gulou.announcement
               where status = 'published' and closes_at + gulou.receipt_grace() <= gulou.now_()
               order by account_id, announcement_id for update loop
    perform gulou.move_announcement(v_one.account_id, v_one.announcement_id, 'window_closed', 'settlement');
    v_n := v_n + 1;
  end loop;
  return v_n;
end $$;

-- The next lines of a notice: how many were looked at, and how many of them were settled. Those that somebody has locked,
-- or whose member somebody has locked, come with a later batch.
drop function if exists gulou.settle_batch(gulou.announcement, int);
create or replace function gulou.settle_next(p_notice gulou.announcement, p_lines int, out taken int, out settled int)
language plpgsql as $$
declare
  v_owns    gulou.declaration[];
  v_members int[];
  v_owing   boolean;
begin
  select array_agg(own) into v_owns from (
    select d as own from gulou.declaration d
    where d.account_id = p_notice.account_id and d.period = p_notice.period and d.status in ('announced', 'objected')
      and not (d.status = 'objected' and gulou.is_held(d.account_id, p_notice.announcement_id, d.no))
    order by d.no limit p_lines for update skip locked) as batch;
  taken := coalesce(cardinality(v_owns), 0);
  select array_agg(member_id), bool_or(debt < 0) into v_members, v_owing from (
    select member_id, debt from gulou.balance
    where account_id = p_notice.account_id and member_id = any (array(select member_id from unnest(v_owns)))
    order by member_id for update skip locked) as mine;
  -- Asked again behind the locks: what was filed while they were taken is seen now, and nothing more can be.
  select array_agg(own order by own.no) into v_owns from unnest(v_owns) as own
  where own.member_id in (select unnest(v_members))
    and own.no not in (select no from gulou.held_lines(p_notice.account_id, p_notice.announcement_id));
  settled := coalesce(cardinality(v_owns), 0);
  if settled > 0 then
    perform gulou.settle_lines(p_notice.account_id, p_notice.announcement_id, v_owns, v_owing, 'settlement');
  end if;
end $$;

-- Only held lines are left: the final score is what was released, so they come out of it until they are decided.
create or replace function gulou.finish_settlement(p_account text, p_id int) returns boolean language plpgsql as $$
declare
  v_notice gulou.announcement;
begin
  select * into v_notice from gulou.announcement
  where account_id = p_account and announcement_id = p_id and status = 'window_closed' for update;
  if v_notice.announcement_id is null   -- the other one was faster
     or exists (select from gulou.unsettled(p_account, v_notice.period) d
                where not (d.status = 'objected' and gulou.is_held(p_account, p_id, d.no))) then
    return false;
  end if;
  perform gulou.add_score(p_account, v_notice.period, held.member_id, held.org_id, -held.points)
  from (select member_id, org_id, sum(counted)::int as points from gulou.unsettled(p_account, v_notice.period)
        group by member_id, org_id having sum(counted) > 0 order by 1, 2) held;
  perform gulou.move_announcement(p_account, p_id, 'settled', 'settlement');
  perform gulou.archive_decided(p_account, p_id, 'settlement');
  return true;
end $$;

-- Two may work side by side, on lines of different members, whose chains of postings are independent. More would only take
-- the machine from the people.
create or replace function gulou.may_settle() returns boolean language plpgsql as $$
begin
  return pg_try_advisory_xact_lock(hashtextextended('gulou.settle_due', 0))
      or pg_try_advisory_xact_lock(hashtextextended('gulou.settle_due', 1));
end $$;

-- One step: closes windows, then settles up to so many lines of the oldest closed notice. {"more":true}: call again.
-- Any server may call it at any time; two work, the others find that and leave.
create or replace function api.settle_due(p_lines int default 500) returns jsonb language plpgsql as $$
declare
  v_notice gulou.announcement;
  v_closed int;
  v_batch  record;
  v_done   boolean := false;
begin
  if not gulou.may_settle() then
    return '{"closed":0,"settled":0,"more":false}';
  end if;
  v_closed := gulou.close_windows();
  select * into v_notice from gulou.announcement where status = 'window_closed'
  order by closes_at, account_id, announcement_id limit 1;
  if v_notice.announcement_id is null then
    return jsonb_build_object('closed', v_closed, 'settled', 0, 'more', false);
  end if;
  v_batch := gulou.settle_next(v_notice, p_lines);
  if v_batch.taken < p_lines then
    v_done := gulou.finish_settlement(v_notice.account_id, v_notice.announcement_id);
  end if;
  return jsonb_build_object('closed', v_closed, 'settled', v_batch.settled, 'account', v_notice.account_id,
    'notice', v_notice.announcement_id, 'finished', v_done, 'more', v_done or v_batch.settled > 0);
end $$;

-- ---------------------------------------------------------------- a longer window

create or replace function gulou.extension_refusal(p_account text, p_period text, p_days int) returns jsonb
language plpgsql stable as $$
declare
  v_notice gulou.announcement;
begin
  select * into v_notice from gulou.announcement
  where account_id = p_account and period = p_period and kind = 'member_points';
  if p_days is null or p_days not between 1 and 10 then
    return gulou.refusal('days_invalid');
  elsif v_notice.opened_at is null then
    return jsonb_build_object('refusal', 'not_published', 'period', p_period);
  elsif v_notice.status <> 'published' or v_notice.closes_at <= gulou.now_() then
    return jsonb_build_object('refusal', 'window_closed', 'notice', v_notice.announcement_id,
      'last_day', gulou.local_day(v_notice.closes_at - interval '1 microsecond'));
  elsif gulou.extended_until(v_notice, p_days) is null then
    return gulou.calendar_refusal(gulou.local_day(v_notice.closes_at));
  end if;
  return null;
end $$;

-- So many working days after the last day so far; NULL without a calendar.
create or replace function gulou.extended_until(p_notice gulou.announcement, p_days int) returns timestamptz
language sql stable as $$
  select gulou.closes_at(gulou.local_day(p_notice.closes_at - interval '1 microsecond'), p_days)
$$;

create or replace function gulou.extend(p_account text, p_period text, p_days int, p_asker int, p_decider int,
                                        p_request text) returns jsonb language plpgsql as $$
declare
  v_notice gulou.announcement;
begin
  select * into strict v_notice from gulou.announcement
  where account_id = p_account and period = p_period and kind = 'member_points' for update;
  update gulou.announcement set closes_at = gulou.extended_until(v_notice, p_days)
  where account_id = p_account and announcement_id = v_notice.announcement_id;
  perform gulou.note_announcement(p_account, v_notice.announcement_id, v_notice.status, v_notice.status, p_asker,
                                  p_decider, p_request);
  return gulou.notice_head(p_account, v_notice.announcement_id)
    || jsonb_build_object('notice', v_notice.announcement_id);
end $$;

-- ---------------------------------------------------------------- who holds something up

-- The last period, from two days before its reviews have to be done until its list is fixed; else no row.
create or replace function gulou.reviews_due(p_account text) returns table (period text, last_day date)
language sql stable as $$
  select last, due.review_until
  from gulou.period_before(p_account, gulou.local_day(gulou.now_())) as last
  cross join lateral gulou.timetable(p_account, last) as due
  where gulou.local_day(gulou.now_()) >= due.review_until - 2
    and not exists (select from gulou.announcement a
                    where a.account_id = p_account and a.period = last and a.kind = 'member_points')
$$;

-- What the office is late with, or nearly, by the last period's timetable, and objections whose answer is due:
-- {"what":…,"period"?,"count"?,"last_day"?}.
create or replace function gulou.held_up(p_account text) returns table (what text, facts jsonb)
language plpgsql stable as $$
declare
  v_today  date := gulou.local_day(gulou.now_());
  v_period text := gulou.period_before(p_account, v_today);
  v_due    record := gulou.timetable(p_account, v_period);
  v_status text;
begin
  select status into v_status from gulou.announcement
  where account_id = p_account and period = v_period and kind = 'member_points';
  return query
    select 'objection_due', jsonb_build_object('overdue', count(*), 'objection', min(objection_no))
    from gulou.objection o
    where account_id = p_account and gulou.is_open(o) and due_at <= gulou.now_() having count(*) > 0;
  return query
    select 'review_due', jsonb_build_object('waiting', count(*), 'period', due.period, 'last_day', due.last_day)
    from gulou.reviews_due(p_account) due
    join gulou.declaration d on gulou.ended_in(due.period, d.ended_at)
    where d.account_id = p_account and d.status in ('submitted', 'in_review', 'appealed')
    group by due.period, due.last_day;
  return query
    select 'notice_due', jsonb_build_object('period', v_period, 'step', coalesce(v_status, 'approved'),
                                            'last_day', v_due.publish_by)
    where (v_status is null and v_today >= v_due.freeze_from or v_status = 'frozen' and v_today >= v_due.publish_by - 2)
      and exists (select from gulou.declaration where account_id = p_account and period = v_period and status = 'approved');
end $$;

-- Tells administrators, at most once a day each and only by day. Yesterday's word, not yet seen, says nothing that
-- today's does not.
create or replace function api.remind_administrators() returns jsonb language plpgsql as $$
declare
  v_now   timestamptz := gulou.now_();
  v_today date := gulou.local_day(v_now);
  v_told  int := 0;
  v_one   record;
begin
  if extract(hour from v_now at time zone 'Asia/Shanghai') not between 9 and 19 then
    return jsonb_build_object('told', 0);
  end if;
  for v_one in
    select a.account_id, r.member_id, h.what, h.facts
    from gulou.account a
    cross join lateral gulou.held_up(a.account_id) h
    cross join lateral gulou.administrators(a.account_id) r
    where not exists (select from gulou.outbox o where o.account_id = a.account_id and o.kind = 'notification'
                      and o.subject = h.what || ':' || v_today || ':' || r.member_id)
  loop
    update gulou.outbox set status = 'done', ended_at = clock_timestamp()
    where account_id = v_one.account_id and lane = 'member:' || v_one.member_id and status = 'held'
      and facts ->> 'what' = v_one.what;
    perform gulou.notify(v_one.account_id, v_one.member_id, v_one.what, v_today::text, v_one.facts);
    v_told := v_told + 1;
  end loop;
  return jsonb_build_object('told', v_told);
end $$;
