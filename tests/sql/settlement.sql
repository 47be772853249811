-- A notice settles by itself when its window has closed (domain 4.3, 5; INV-04, INV-09, INV-11, INV-20, INV-21).
begin;
set client_min_messages = warning;
select plan(64);

select api.set_clock('2026-09-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org select 't', n, '单位' || n, 'reporting_unit' from generate_series(1, 4) as n;
-- 1, 2 declare; 3 reviews; 4 objects; 5 and 6 administer.
insert into gulou.member select 't', n, '成员' || n, 'active' from generate_series(1, 6) as n;
insert into gulou.member_org (account_id, member_id, org_id)
select 't', member, unit from (values (1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (6, 4)) as placed (member, unit);
insert into gulou.member_role values ('t', 3, 'reviewer'), ('t', 5, 'administrator'), ('t', 6, 'administrator');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 6) as n;
create function declares(p_member int, p_minutes int default 60) returns bigint language sql as $$
  select (api.declare_points('t', 'o' || p_member, gen_random_uuid(), 'test', '40', p_minutes, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint
$$;
create function answers(p_member int, p_asked jsonb) returns jsonb language sql as $$
  select api.decide_request('t', 'o' || p_member, gen_random_uuid(), 'test', (p_asked ->> 'request')::bigint, true, null)
$$;
create function acts(p_kind text) returns jsonb language sql as $$
  select answers(6, api.request_second('t', 'o5', gen_random_uuid(), 'test', p_kind, '2026-Q3'))
$$;
create function objects(p_no bigint) returns jsonb language sql as $$
  select api.object('t', 'o4', gen_random_uuid(), 'test', 1, p_no, '没看到人', null)
$$;
create function decides(p_objection jsonb, p_outcome text) returns jsonb language sql as $$
  select answers(6, api.request_objection('t', 'o5', gen_random_uuid(), 'test', (p_objection ->> 'objection')::bigint, p_outcome, '已核实'))
$$;
create function line_story(p_no bigint) returns text language sql as $$
  select string_agg(to_status, ' ' order by seq) from gulou.announcement_line_event where account_id = 't' and no = p_no
$$;
create function books(p_member int) returns text language sql as $$
  select concat_ws('/', pending, available, reserved, debt) from gulou.balance where account_id = 't' and member_id = p_member
$$;
create function lots(p_member int) returns text language sql as $$
  select string_agg(left_over::text, ' ' order by seq) from gulou.lot where account_id = 't' and member_id = p_member
$$;
create function score(p_member int) returns bigint language sql as $$
  select sum(points)::bigint from gulou.period_score where account_id = 't' and period = '2026-Q3' and member_id = p_member
$$;
create function notice() returns text language sql as $$ select status from gulou.announcement where account_id = 't' $$;
create function outside() returns text language sql as $$ select api.notices('t', null, 5) #>> '{notices,0,status}' $$;
create function fault() returns text language sql as $$
  select jsonb_path_query_first(api.audit(), '$.checks[*] ? (@.ok == false)') ->> 'detail'
$$;
create function posts(p_member int, p_kind text, p_source text, p_books jsonb, p_type text default 'test') returns bigint language sql as $$
  select gulou.post(jsonb_populate_record(null::gulou.ledger_tx,
    '{"account_id": "t", "reason": "test", "rule_version": 1, "period": "2026-Q3", "request_id": "test", "leg": 0, "issue": 0,
      "pending": 0, "available": 0, "reserved": 0, "debt": 0, "redeemed": 0, "expired": 0, "revoked": 0}'::jsonb || p_books
    || jsonb_build_object('member_id', p_member, 'kind', p_kind, 'source_type', p_type, 'source_id', p_source)))
$$;

create temp table made as select declares(1) as a, declares(1) as b, declares(1, 120) as c, declares(2) as d, declares(2) as e;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[a, b, c, d, e]) from made;
select api.set_clock('2026-10-16 09:00+08');
select acts('freeze'), acts('publish');
select is(outside(), 'open', 'published: outside readers see it open');
create temp table held as select objects(b) as kept, objects(c) as lost, objects(e) as freed from made;
select decides(freed, 'dismissed') from held;
-- Member 2 owes 12 from before.
select posts(2, 'CLAWBACK', 'before', '{"debt": -12, "revoked": 12}');

-- ---- nothing before its time
select api.set_clock('2026-10-23 23:59:59+08');
select is(api.settle_due() ->> 'more', 'false', 'INV-11: in the window nothing settles');
select api.set_clock('2026-10-24 00:00:05+08');
select is(api.settle_due() ->> 'closed', '0', 'nor in the seconds in which a timely objection may still arrive');
select is(books(1), '40/0/0/0', 'INV-11: everything is pending');
select is(lots(1), null, 'INV-04: there is no lot');

-- ---- in batches, restartable at any line
select api.set_clock('2026-10-24 00:00:11+08');
create temp table first_batch as select api.settle_due(1) as step;
select is(step ->> 'closed', '1', 'then the window closes') from first_batch;
select is(step ->> 'settled', '1', 'a batch is as small as asked for') from first_batch;
select is(notice(), 'window_closed', 'between two batches the notice is being settled');
select is(outside(), 'open', 'which outside readers need not know');
select is(fault(), null, 'between two batches the books are in order');
select is(api.settle_due(1) ->> 'settled', '1', 'whoever comes next goes on');
select is(api.settle_due(100) ->> 'settled', '1', 'with what is left');
select is(notice(), 'settled', 'then it is settled');
select is(api.settle_due() ->> 'more', 'false', 'once');
select is(outside(), 'final', 'outside readers see it final');
select is(fault(), null, 'the audit agrees');

-- ---- what became of every line
select is(line_story(a), 'listed settled', 'a line nobody objected to') from made;
select is(line_story(b), 'listed objected', 'one that an objection holds waits') from made;
select is(line_story(e), 'listed objected dismissed settled', 'one whose objection was dismissed in time does not') from made;
select is((select string_agg(to_status, ' ' order by seq) from gulou.announcement_event where account_id = 't'),
          'frozen published window_closed settled', 'every step of the notice is an event');
select is(books(1), '30/10/0/0', 'one line of three is available, two are held');
select is(lots(1), '10', 'INV-04: as one lot');
select is((select expires_at from gulou.lot where account_id = 't' and member_id = 1), '2028-01-01 00:00+08'::timestamptz,
          'that lasts to 31 December 24:00 of the year after');
select is(books(2), '0/8/0/0', 'what was owed is repaid first');
select is(lots(2), '0 8', 'INV-04: out of the lots just released');
select is((select string_agg(kind, ' ' order by seq) from gulou.ledger_tx where account_id = 't' and member_id = 2 and kind <> 'AWARD_PENDING'),
          'CLAWBACK RELEASE DEBT_REPAY RELEASE DEBT_REPAY', 'each release pays right away');
select is(score(1), 10::bigint, 'INV-20: the final score is what was released');
select is(score(2), 20::bigint, 'INV-22: repaying does not lower it');
select is((api.ranking('t', null, 'members', '2026-Q3', 5) ->> 'provisional')::boolean, false, 'and the board says so');
select is(api.ranking('t', null, 'members', '2026-Q3', 5) #>> '{rows,0,name}', '成*2', 'ranks follow');

-- ---- the held lines, later, in the same period's name
select is(decides(kept, 'dismissed') ->> 'outcome', 'dismissed', 'an objection is decided after the settlement') from held;
select is(line_story(b), 'listed objected dismissed settled', 'its line is released at once') from made;
select is(books(1), '20/20/0/0', 'with its points') from made;
select is(score(1), 20::bigint, 'INV-21: the period''s score moves by just that');
select is((select period from gulou.ledger_tx join made on source_id = b::text where kind = 'RELEASE'), '2026-Q3', 'in the same period''s name');
select is(notice(), 'settled', 'one line is still held');
select is(decides(lost, 'upheld') ->> 'outcome', 'upheld', 'the last one is upheld') from held;
select is(books(1), '0/20/0/0', 'its points are cancelled');
select is(score(1), 20::bigint, 'INV-21: the final score never held them');
select is(notice(), 'archived', 'the last decision archives the notice');
select is(fault(), null, 'the audit agrees');
select is(api.settle_due() ->> 'settled', '0', 'nothing is left to settle');
select throws_ok($$insert into gulou.ledger_tx select (jsonb_populate_record(tx, '{"seq": 99}')).* from gulou.ledger_tx tx
                   where account_id = 't' and kind = 'RELEASE' limit 1$$, '23505', null, 'INV-21: no line is released twice');
select throws_ok($$update gulou.announcement_line_event set to_status = 'upheld' where account_id = 't'$$, '23001', null, 'INV-21: a settled line never changes');

-- ---- lots (INV-04)
select posts(1, 'RESERVE', 'order', '{"available": -13, "reserved": 13}');
select is(lots(1), '0 7', 'INV-04: the lot that expires first is eaten first');
select posts(1, 'ADJUST', 'gift', '{"issue": -5, "available": 5}');
select posts(1, 'UNRESERVE', 'order', '{"available": 13, "reserved": -13}');
select is(lots(1), '10 10 5', 'INV-04: what is given back goes to the same lots');
select is(fault(), null, 'INV-04: the audit agrees');
savepoint untouched;
update gulou.lot set left_over = left_over - 1 where account_id = 't' and member_id = 1 and left_over = 5;
select matches(fault(), '^lot t member 1 ', 'INV-04: a changed lot is found and named');
rollback to untouched;

-- ---- reversals (INV-09)
create temp table gift as select seq from gulou.ledger_tx where account_id = 't' and source_id = 'gift';
select lives_ok($$select posts(1, 'REVERSAL', '1.' || seq, '{}', 'ledger_tx') from gift$$, 'INV-09: a posting is reversed');
select is(books(1), '0/20/0/0', 'INV-09: by its mirror');
select is(lots(1), '10 10 0', 'INV-04: out of its own lot');
select throws_ok($$select posts(1, 'REVERSAL', '1.' || seq, '{}', 'ledger_tx') from gift$$, '23505', null, 'INV-09: once');
select throws_ok($$select posts(1, 'REVERSAL', '1.' || seq, '{}', 'ledger_tx') from gulou.ledger_tx where account_id = 't' and kind = 'REVERSAL'$$,
                 '23001', null, 'INV-09: a reversal is never reversed');
select throws_ok($$select posts(2, 'REVERSAL', '1.' || seq, '{}', 'ledger_tx') from gift$$, '23001', null, 'INV-09: nor somebody else''s posting');
select is(fault(), null, 'INV-09: the audit agrees');

-- ---- what the audit finds
savepoint untouched;
select posts(2, 'RELEASE', 'out of nothing', '{"issue": -5, "available": 5}');
select matches(fault(), 'out of nothing: released without a settled line', 'INV-11: points from nowhere are found');
rollback to untouched;
update gulou.declaration set status = 'announced' where account_id = 't' and no = (select a from made);
select ok(fault() is not null, 'INV-21: a settled line that is open again is found');
rollback to untouched;
update gulou.period_score set points = points + 1 where account_id = 't' and member_id = 1;
select matches(fault(), 'member 1: stored 21, lines say 20', 'INV-20: a final score that its lines do not give is found');
rollback to untouched;

-- ---- a longer window, never a shorter one (INV-13)
create temp table later as select declares(1) as f;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[f]) from later;
select api.set_clock('2027-01-18 09:00+08');
create function extends(p_days int, p_period text default '2026-Q4') returns jsonb language sql as $$
  select api.request_extension('t', 'o5', gen_random_uuid(), 'test', p_period, p_days)
$$;
insert into gulou.workday_year values (2027) on conflict do nothing;
select is(extends(2) ->> 'refusal', 'not_published', 'what is not published has no window');
select answers(6, api.request_second('t', 'o5', gen_random_uuid(), 'test', kind, '2026-Q4')) from unnest(array['freeze', 'publish']) as kind;
select is(extends(2, '2026-Q3') ->> 'refusal', 'window_closed', 'a window that is over stays over');
select is(extends(0) ->> 'refusal', 'days_invalid', 'INV-13: no window is made shorter');
select is(answers(6, extends(2)) ->> 'closes_at', '2027-01-28T00:00:00+08:00', 'two working days more, by two administrators');
select throws_ok($$update gulou.announcement set closes_at = closes_at - interval '1 second' where account_id = 't' and period = '2026-Q4'$$,
                 '23001', null, 'INV-13: not even by hand');
select is(fault(), null, 'INV-13: the audit agrees');
select * from finish();
rollback;
