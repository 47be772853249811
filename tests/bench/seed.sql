-- A neighbourhood of any size, made in SQL: the books, chains and boards are those that the same declarations would have
-- left if people had made them one by one (`gulou audit` agrees). Only for databases of scripts/bench.
--
-- Members are 1 … n with the openid 'oBench' || 22 digits, reviewers 100000001 …, in a unit of their own.

create schema if not exists bench;

create or replace function bench.openid(p_member int) returns text language sql immutable as $$
  select case when p_member > 100000000 then 'oReviewer' || lpad((p_member - 100000000)::text, 19, '0')
              else 'oBench' || lpad(p_member::text, 22, '0') end
$$;

-- Units as in the demonstration: 75, and the office that reviews.
create or replace function bench.units() returns void language sql as $$
  select api.sync_account('bench', 'bench');
  -- Caps are counted as ever, and reached by nobody, however many declarations a measure needs.
  update gulou.rule_version set day_cap = 1000000, week_cap = 1000000, category_cap = 1000000, period_cap = 1000000
  where account_id = 'bench';
  insert into gulou.org (account_id, org_id, name, kind)
  select 'bench', n, '单位' || n, 'reporting_unit' from generate_series(1, 75) as n
  union all select 'bench', 100, '区域党委办公室', 'committee'
$$;

create or replace function bench.people(p_first int, p_last int) returns void language sql as $$
  insert into gulou.member (account_id, member_id, name, status)
  select 'bench', n, '王建国', 'active' from generate_series(p_first, p_last) as n;
  insert into gulou.member_org (account_id, member_id, org_id, during)
  select 'bench', n, case when n > 100000000 then 100 else 1 + n % 75 end, daterange('2020-01-01', null)
  from generate_series(p_first, p_last) as n;
  insert into gulou.follower (account_id, openid, subscribed, seen_at, window_until, window_left)
  select 'bench', bench.openid(n), true, now(), now() + interval '48 hours', 5 from generate_series(p_first, p_last) as n;
  insert into gulou.binding (account_id, openid, member_id, bound_at)
  select 'bench', bench.openid(n), n, now() - interval '1 year' from generate_series(p_first, p_last) as n;
  insert into gulou.consent (account_id, member_id, purpose, given, text_version, at, request_id)
  select 'bench', n, 'service', true, '2026-11', now() - interval '1 year', 'bench' from generate_series(p_first, p_last) as n;
  insert into gulou.balance (account_id, member_id) select 'bench', n from generate_series(p_first, p_last) as n
$$;

create or replace function bench.reviewers(p_count int) returns void language sql as $$
  select bench.people(100000001, 100000000 + p_count);
  insert into gulou.member_role (account_id, member_id, role)
  select 'bench', 100000000 + n, 'reviewer' from generate_series(1, p_count) as n
$$;

-- ---------------------------------------------------------------- declarations

-- One service a member and round, of five categories in turn. Rounds go back in time, nine days each; after forty they
-- begin again.
create or replace view bench.service as
  select 'bench'::text as account_id, member_id, round, 1 + member_id % 75 as org_id,
         (array[3, 7, 13, 29, 40])[1 + (member_id + round) % 5] as item, round % 40 * 9 + member_id % 9 as days_before
  from gulou.member cross join generate_series(0, 399) as round
  where account_id = 'bench' and member_id < 100000000;

create or replace function bench.events(p_first bigint, p_last bigint, p_steps text[]) returns void language sql as $$
  insert into gulou.declaration_event (account_id, no, seq, from_status, to_status, actor_id, role, at, request_id)
  select account_id, no, step, p_steps[step - 1], p_steps[step],
         case step when 1 then member_id else reviewer_id end, case step when 1 then 'member' else 'reviewer' end,
         case step when 1 then created_at else reviewed_at end, 'bench'
  from gulou.declaration cross join generate_subscripts(p_steps, 1) as step
  where account_id = 'bench' and no between p_first and p_last
$$;

-- Declarations of so many minutes, the last of them on p_day, yesterday without it; returns the first of their numbers,
-- which come in random order of members.
create or replace function bench.declare(p_first int, p_last int, p_rounds int, p_minutes int, p_status text, p_day date default null)
returns bigint language plpgsql as $$
declare
  v_day   date := coalesce(p_day, gulou.local_day(now()) - 1);
  v_first bigint := nextval('gulou.declaration_no');
  v_done  boolean := p_status <> 'submitted';
begin
  insert into gulou.declaration (account_id, no, member_id, org_id, item, rule_version, started_at, ended_at, timed,
    minutes, words, status, claimed, counted, period, reviewer_id, reviewed_at, created_at)
  select account_id, v_first + row_number() over (order by round desc, hashint4(member_id)), member_id, org_id, item, 1,
    started_at, started_at + make_interval(mins => p_minutes), false, p_minutes, '在小区里修剪花草', p_status,
    p_minutes / 30 * 5, case when v_done then p_minutes / 30 * 5 end,
    case when v_done then gulou.period_of('bench', gulou.local_day(started_at)) end,
    case when v_done then 100000001 end, case when v_done then started_at + interval '21 hours' end,
    started_at + interval '20 hours'
  from bench.service cross join lateral gulou.local_midnight(v_day - days_before) as started_at
  where member_id between p_first and p_last and round < p_rounds;
  perform setval('gulou.declaration_no', greatest(v_first, (select max(no) from gulou.declaration where account_id = 'bench')));
  return v_first + 1;
end $$;

-- What approving them has left in the books, oldest first: every posting stands on the one before it, so they are made
-- round by round; p_people consecutive numbers are a round.
create or replace function bench.book(p_no bigint, p_people int, p_rounds int) returns void language plpgsql as $$
begin
  for v_seq in 1 .. p_rounds loop
    insert into gulou.ledger_tx
    select booked.*
    from gulou.declaration d join gulou.balance b using (account_id, member_id)
    cross join lateral jsonb_populate_record(null::gulou.ledger_tx, jsonb_build_object(
      'account_id', d.account_id, 'member_id', d.member_id, 'seq', v_seq, 'kind', 'AWARD_PENDING',
      'reason', '服务审核通过', 'source_type', 'declaration', 'source_id', d.no::text, 'leg', 0, 'rule_version', 1,
      'period', d.period, 'actor_id', d.reviewer_id, 'request_id', 'bench', 'posted_at', d.reviewed_at,
      'service_time', d.ended_at, 'issue', -d.counted, 'pending', d.counted, 'available', 0, 'reserved', 0,
      'debt', 0, 'redeemed', 0, 'expired', 0, 'revoked', 0, 'prev_hash', b.chain_hash)) as tx
    cross join lateral jsonb_populate_record(tx, jsonb_build_object('hash', gulou.tx_hash(tx))) as booked
    where d.account_id = 'bench' and d.no >= p_no + (v_seq - 1) * p_people and d.no < p_no + v_seq * p_people;
    update gulou.balance b
    set pending = b.pending + tx.pending, chain_seq = v_seq, chain_hash = tx.hash, posted_at = tx.posted_at
    from gulou.declaration d
    join gulou.ledger_tx tx on tx.account_id = d.account_id and tx.member_id = d.member_id and tx.seq = v_seq
    where d.account_id = 'bench' and d.no >= p_no + (v_seq - 1) * p_people and d.no < p_no + v_seq * p_people
      and b.account_id = d.account_id and b.member_id = d.member_id;
  end loop;
end $$;

create or replace function bench.history(p_first int, p_last int, p_rounds int, p_day date) returns void language plpgsql as $$
declare
  v_first bigint := bench.declare(p_first, p_last, p_rounds, 120, 'approved', p_day);
begin
  analyze gulou.declaration;
  perform bench.events(v_first, v_first + (p_last - p_first + 1) * p_rounds, '{submitted,in_review,approved}');
  insert into gulou.declaration_day (account_id, no, member_id, day, category, period, points)
  select d.account_id, d.no, d.member_id, gulou.local_day(d.started_at), i.category, d.period, d.counted
  from gulou.declaration d join gulou.service_item i using (account_id, item)
  where d.account_id = 'bench' and d.no >= v_first and d.status = 'approved';
  perform bench.book(v_first, p_last - p_first + 1, p_rounds);
  insert into gulou.period_score (account_id, period, member_id, org_id, points, version, changed_at)
  select account_id, period, member_id, org_id, sum(counted), nextval('gulou.score_version'), now()
  from gulou.declaration where account_id = 'bench' and no >= v_first and status = 'approved'
  group by account_id, period, member_id, org_id;
  perform gulou.fold_scores(100000000);
end $$;

-- Half an hour each, waiting for a reviewer; in rounds that the history does not use.
create or replace function bench.waiting(p_first int, p_last int, p_rounds int) returns bigint language plpgsql as $$
declare
  v_first bigint := bench.declare(p_first, p_last, p_rounds, 30, 'submitted');
begin
  perform bench.events(v_first, v_first + (p_last - p_first + 1) * p_rounds, '{submitted}');
  return v_first;
end $$;

-- What measures have declared and nobody has reviewed goes, and the keys of the messages: how many.
create or replace function bench.forget() returns bigint language plpgsql set session_replication_role = replica as $$
declare
  v_gone bigint;
begin
  delete from gulou.declaration where account_id = 'bench' and status in ('draft', 'submitted', 'in_review', 'appealed');
  get diagnostics v_gone = row_count;
  truncate gulou.inbox;
  return v_gone;
end $$;

-- All at once: so many members with ten services each, and reviewers. The planner has to know what is there.
create or replace function bench.seed(p_members int, p_day date) returns void language plpgsql as $$
begin
  perform bench.units();
  perform bench.people(1, p_members);
  perform bench.reviewers(40);
  analyze gulou.member, gulou.balance;
  perform bench.history(1, p_members, 10, p_day);
end $$;
