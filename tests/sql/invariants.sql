-- What always holds of the books, the boards and the public answers (INV-02, 03, 08, 22, 23, 24). The same under
-- many connections at once: tests/unit/db/test_invariants.c.
begin;
set client_min_messages = warning;
select plan(39);

select api.set_clock('2026-09-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '李秀英', 'active'), ('t', 3, '欧阳娜娜', 'active'), ('t', 4, '陈刚', 'active'),
  ('t', 5, '张审核', 'active'), ('t', 6, '管第一', 'active'), ('t', 7, '管第二', 'active');
insert into gulou.member_org select 't', n, case when n > 4 then 2 else 1 end from generate_series(1, 7) as n;
insert into gulou.member_role values ('t', 5, 'reviewer'), ('t', 6, 'administrator'), ('t', 7, 'administrator');
insert into gulou.binding select 't', 'oPerson_' || n, n, now() from generate_series(1, 7) as n;

-- Functions are created unread (migrate.h), so they are read here: a name that is ambiguous or missing shows.
create function unreadable() returns text language plpgsql as $$
declare
  f record;
begin
  perform set_config('check_function_bodies', 'on', true);
  for f in select p.oid::regprocedure as name, pg_get_functiondef(p.oid) as body from pg_proc p join pg_language l on l.oid = p.prolang
           where pronamespace in ('gulou'::regnamespace, 'api'::regnamespace) and lanname in ('sql', 'plpgsql') order by 1 loop
    execute f.body;
  end loop;
  return null;
exception when others then
  return f.name || ': ' || sqlerrm;
end $$;
select is(unreadable(), null, 'every function can be read');

create function declares(p_member int, p_minutes int) returns bigint language sql as $$
  select (api.declare_points('t', 'oPerson_' || p_member, gen_random_uuid(), 'test', '40', p_minutes, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint
$$;
create function approves(p_no bigint, p_key uuid default gen_random_uuid()) returns jsonb language sql as $$
  select api.approve('t', 'oPerson_5', p_key, 'test', array[p_no])
$$;
-- A posting of any kind, as orders and settlements will make it.
create function posts(p_member int, p_kind text, p_source text, p_books jsonb, p_leg int default 0) returns bigint language sql as $$
  select gulou.post(jsonb_populate_record(null::gulou.ledger_tx,
    '{"account_id": "t", "reason": "test", "source_type": "test", "rule_version": 1, "period": "2026-Q3", "request_id": "test", "issue": 0,
      "pending": 0, "available": 0, "reserved": 0, "debt": 0, "redeemed": 0, "expired": 0, "revoked": 0}'::jsonb || p_books
    || jsonb_build_object('member_id', p_member, 'kind', p_kind, 'source_id', p_source, 'leg', p_leg)))
$$;
create function board() returns text language sql as $$ select api.ranking('t', null, 'members', '2026-Q3', 50)::text || api.ranking('t', null, 'units', '2026-Q3', 50)::text $$;
create function fault() returns text language sql as $$
  select jsonb_path_query_first(api.audit(), '$.checks[*] ? (@.ok == false)') ->> 'detail'
$$;

-- INV-08: a replay changes nothing.
create temp table made as select declares(1, 120) as no;
create temp table replayed as select approves(no, '00000000-0000-0000-0000-000000000008') as first_answer from made;
create temp table before_replay as select b.* from gulou.balance b where account_id = 't';
select is(approves(no, '00000000-0000-0000-0000-000000000008'), first_answer, 'INV-08: the same push gets the same answer') from made, replayed;
select is(approves(no) #>> '{results,0,refusal}', 'already', 'INV-08: another push finds it decided') from made;
select results_eq('select * from gulou.balance where account_id = ''t'' order by member_id', 'select * from before_replay order by member_id',
                  'INV-08: neither moved a balance');
select throws_ok($$select gulou.award(array[d], array['again']) from gulou.declaration d join made using (no)$$, '23505', null,
                 'INV-08: nor could the same award be posted again');
select lives_ok($$select posts(1, 'ADJUST', 'a', '{"issue": -3, "available": 3}')$$, 'INV-08: a posting');
select throws_ok($$select posts(1, 'ADJUST', 'a', '{"issue": -3, "available": 3}')$$, '23505', null, 'INV-08: is posted once');
select lives_ok($$select posts(1, 'ADJUST', 'a', '{"issue": -3, "available": 3}', 1)$$, 'INV-08: another leg is another posting');

-- INV-02
select results_eq($$select pending, available, reserved, debt, chain_seq from gulou.balance where account_id = 't' and member_id = 1$$,
                  $$select sum(pending)::bigint, sum(available)::bigint, sum(reserved)::bigint, sum(debt)::bigint, count(*)
                    from gulou.ledger_tx where account_id = 't' and member_id = 1$$, 'INV-02: a balance is the sum of its entries');
select results_eq($$select book, sum(amount)::bigint from gulou.ledger_entry where account_id = 't' and member_id = 1 group by book order by book$$,
                  $$values ('issue', -26::bigint), ('member.available', 6), ('member.pending', 20)$$, 'INV-02: entry by entry, too');
select is((select sum(amount)::bigint from gulou.ledger_entry where account_id = 't'), 0::bigint, 'INV-01: and all entries together are 0');
savepoint untouched;
update gulou.balance set available = available + 1 where account_id = 't' and member_id = 1;
select matches(fault(), 'balance t member 1: stored 20/7/0/0, entries say 20/6/0/0', 'INV-02: a changed balance is found and named');
rollback to untouched;
select is(fault(), null, 'INV-02: rebuilt from the entries, every balance is what is stored');

-- INV-03: the bounds refuse, whoever posts.
select throws_ok($$select posts(2, 'RESERVE', 'b', '{"available": -1, "reserved": 1}')$$, 'P0002', null, 'INV-03: nothing without the member''s row of balances');
select gulou.lock_member('t', n) from generate_series(1, 4) as n;
select throws_ok($$select posts(2, 'RESERVE', 'b', '{"available": -1, "reserved": 1}')$$, '23514', null, 'INV-03: available is not negative');
select throws_ok($$select posts(2, 'CANCEL_PENDING', 'b', '{"pending": -1, "issue": 1}')$$, '23514', null, 'INV-03: nor pending');
select throws_ok($$select posts(2, 'SPEND', 'b', '{"reserved": -1, "redeemed": 1}')$$, '23514', null, 'INV-03: nor reserved');
select throws_ok($$select posts(2, 'DEBT_REPAY', 'b', '{"debt": 1, "issue": -1}')$$, '23514', null, 'INV-03: a debt is not positive');
select lives_ok($$select posts(2, 'CLAWBACK', 'b', '{"debt": -500, "revoked": 500}')$$, 'INV-03: it goes down to 500');
select throws_ok($$select posts(2, 'PENALTY', 'b', '{"debt": -1, "revoked": 1}')$$, '23514', null, 'INV-03: and no further');
select is((select chain_seq from gulou.balance where account_id = 't' and member_id = 2), 1::bigint, 'INV-03: what was refused left no trace');

-- INV-23: 1-2-2-4.
select approves(declares(2, 60)), approves(declares(3, 60)), approves(declares(4, 30));
select results_eq($$select (one ->> 'rank')::int from jsonb_array_elements(api.ranking('t', null, 'members', '2026-Q3', 50) -> 'rows') as one$$,
                  $$values (1), (2), (2), (4)$$, 'INV-23: who is level shares a rank, and the next is behind both');
select results_eq($$select gulou.rank_of('t', '2026-Q3', n) from generate_series(1, 5) as n$$, $$values (1), (2), (2), (4), (null)$$,
                  'INV-23: everybody is told the rank that the board shows');
savepoint untouched;
update gulou.period_score set points = points + 1 where account_id = 't' and member_id = 3;
select matches(fault(), 'period_score t 2026-Q3 member 3: stored 11, lines say 10', 'INV-23: a changed score is found and named');
rollback to untouched;

-- INV-22: a board does not know what happens to points afterwards.
create temp table shown as select board() as before;
select lives_ok($$select posts(1, 'RESERVE', 'order', '{"available": -5, "reserved": 5}')$$, 'INV-22: points are reserved');
select is(board(), before, 'INV-22: and nobody''s rank changes') from shown;
select lives_ok($$select posts(1, 'SPEND', 'order', '{"reserved": -5, "redeemed": 5}')$$, 'INV-22: are redeemed');
select is(board(), before, 'INV-22: and nobody''s rank changes') from shown;
select lives_ok($$select posts(1, 'EXPIRE', 'lot', '{"available": -1, "expired": 1}')$$, 'INV-22: expire');
select is(board(), before, 'INV-22: and nobody''s rank changes') from shown;
select is(fault(), null, 'INV-22: the audit agrees');

-- INV-24: everything that anyone may read, with a published notice among it.
select api.set_clock('2026-10-16 09:00+08');
create function second(p_kind text) returns jsonb language sql as $$
  select api.decide_request('t', 'oPerson_7', gen_random_uuid(), 'test',
    (api.request_second('t', 'oPerson_6', gen_random_uuid(), 'test', p_kind, '2026-Q3') ->> 'request')::bigint, true, null)
$$;
select is(second('freeze') ->> 'entries', '4', 'INV-24: a notice of four lines');
select is(second('publish') ->> 'notice', '1', 'INV-24: is public');
create temp table public_answers as
  select 'ranking of members' as name, api.ranking('t', null, 'members', '2026-Q3', 50) as answer
  union all select 'ranking of units', api.ranking('t', null, 'units', '2026-Q3', 50)
  union all select 'labels', api.labels('t', '2026-Q3', array[1, 2, 3, 4])
  union all select 'notices', api.notices('t', null, 50)
  union all select 'notice', api.notice('t', 1, null, 50)
  union all select 'proof', api.proof('t', 1, no) from made;
select is((select count(*)::int from gulou.member m where m.account_id = 't' and answer::text like '%' || m.name || '%'), 0, 'INV-24: no full name in ' || name)
from public_answers where name not in ('notices', 'ranking of units');
select ok(not exists (select from public_answers where answer::text ~ 'oPerson_|openid|phone'), 'INV-24: no openid or phone in any');
select is((select string_agg(one ->> 'member', ' ' order by one ->> 'no') from public_answers, jsonb_array_elements(answer -> 'entries') as one where name = 'notice'),
          '王*明 李*英 欧阳*娜 陈*', 'INV-24: names are masked as they should be');
select * from finish();
rollback;
