-- A complaint upheld after settlement: correction notice, CLAWBACK, debt, penalty (domain 4.3, 5, 6.2; INV-04, INV-21).
begin;
set client_min_messages = warning;
select plan(51);

select api.set_clock('2026-09-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org select 't', n, '单位' || n, 'reporting_unit' from generate_series(1, 4) as n;
insert into gulou.member select 't', n, '成员' || n, 'active' from generate_series(1, 6) as n;
insert into gulou.member_org (account_id, member_id, org_id)
select 't', member, unit from (values (1, 1), (2, 1), (3, 2), (4, 1), (5, 4), (6, 4)) as placed (member, unit);
insert into gulou.member_role values ('t', 3, 'reviewer'), ('t', 3, 'administrator'), ('t', 4, 'administrator'), ('t', 5, 'administrator'), ('t', 6, 'administrator');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 6) as n;
create function declares(p_member int, p_minutes int default 60) returns bigint language sql as $$
  select (api.declare_points('t', 'o' || p_member, gen_random_uuid(), 'test', '40', p_minutes, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint
$$;
create function answers(p_member int, p_asked jsonb) returns jsonb language sql as $$
  select api.decide_request('t', 'o' || p_member, gen_random_uuid(), 'test', (p_asked ->> 'request')::bigint, true, null)
$$;
create function acts(p_kind text, p_period text default '2026-Q3') returns jsonb language sql as $$
  select answers(6, api.request_second('t', 'o5', gen_random_uuid(), 'test', p_kind, p_period))
$$;
create function corrects(p_member int, p_no bigint, p_false boolean default false, p_words text default '当天没有这项服务') returns jsonb language sql as $$
  select api.request_correction('t', 'o' || p_member, gen_random_uuid(), 'test', p_no, p_false, p_words)
$$;
create function books(p_member int) returns text language sql as $$
  select concat_ws('/', pending, available, reserved, debt) from gulou.balance where account_id = 't' and member_id = p_member
$$;
create function lots(p_member int) returns text language sql as $$
  select string_agg(left_over::text, ' ' order by seq) from gulou.lot where account_id = 't' and member_id = p_member
$$;
create function score(p_member int, p_period text) returns bigint language sql as $$
  select sum(points)::bigint from gulou.period_score where account_id = 't' and period = p_period and member_id = p_member
$$;
create function posts(p_member int, p_kind text, p_source text, p_books jsonb) returns bigint language sql as $$
  select gulou.post(jsonb_populate_record(null::gulou.ledger_tx,
    '{"account_id": "t", "reason": "test", "rule_version": 1, "period": "2026-Q4", "request_id": "test", "leg": 0, "issue": 0, "source_type": "test",
      "pending": 0, "available": 0, "reserved": 0, "debt": 0, "redeemed": 0, "expired": 0, "revoked": 0}'::jsonb || p_books
    || jsonb_build_object('member_id', p_member, 'kind', p_kind, 'source_id', p_source)))
$$;
create function settles() returns void language plpgsql as $$
begin
  for i in 1..100 loop
    exit when not (api.settle_due() ->> 'more')::boolean;
  end loop;
end $$;
create function fault() returns text language sql as $$
  select jsonb_path_query_first(api.audit(), '$.checks[*] ? (@.ok == false)') ->> 'detail'
$$;

-- Settled: member 1 has 10 and 20, member 2 has 10.
create temp table made as select declares(1) as a, declares(1, 120) as b, declares(2) as c;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[a, b, c]) from made;
select api.set_clock('2026-10-16 09:00+08');
select acts('freeze'), acts('publish');
select is(corrects(5, a) ->> 'refusal', 'not_settled', 'before settlement one objects') from made;
select api.set_clock('2026-10-26 09:00+08');
select settles();
create temp table before as select l.* from gulou.announcement_line l where account_id = 't';
create temp table root_before as select root from gulou.announcement where account_id = 't';

-- ---- who may
select is(corrects(1, c) ->> 'refusal', 'not_yours', 'INV-10: a member cannot') from made;
select is(corrects(3, a) ->> 'why', 'reviewer', 'INV-10: nor its reviewer') from made;
select is(corrects(4, a) ->> 'why', 'declarer_unit', 'INV-10: nor one of its unit') from made;
select is(corrects(5, 999999) ->> 'refusal', 'not_found', 'a line that is not there');
select is(corrects(5, a, false, ' ') ->> 'refusal', 'words_missing', 'a correction says why') from made;

-- ---- points that are still there
create temp table asked as select corrects(5, a) as act from made;
select is(books(1), '0/30/0/0', 'one administrator alone changes nothing');
select is(answers(5, act) ->> 'refusal', 'own_request', 'INV-10: nobody agrees with themselves') from asked;
create temp table corrected as select answers(6, act) as done from asked;
select is(done ->> 'taken', '10', 'a second one takes the points back') from corrected;
select is(books(1), '0/20/0/0', 'out of what is available');
select is(lots(1), '0 20', 'INV-04: the award''s own lot first');
select is((select status from gulou.declaration join made on a = no), 'revoked_late', 'the declaration is revoked, late');
select is((select string_agg(to_status, ' ' order by seq) from gulou.announcement_line_event join made on a = no), 'listed settled', 'INV-21: the settled line stays');
select is(score(1, '2026-Q3'), 30::bigint, 'INV-21: the settled score stays');
select is(score(1, '2026-Q4'), -10::bigint, 'INV-21: the negative line counts in the period that runs');
select is(api.balance('t', 'o1') ->> 'score', '-10', 'as 积分 says');
select is(api.ranking('t', null, 'members', '2026-Q4', 5) -> 'rows', '[]', 'nobody is ranked for less than nothing');
select is(api.ledger('t', 'o1', null, 1) #>> '{rows,0,kind}', 'CLAWBACK', '明细 shows it');
select is(corrects(5, a) ->> 'refusal', 'line_revoked', 'once') from made;
select ok(facts ->> 'taken' = '10' and facts ->> 'words' = '当天没有这项服务', 'the member is told what and why')
from gulou.outbox where account_id = 't' and facts ->> 'what' = 'line_revoked';
select is(fault(), null, 'the audit agrees');

-- ---- points that are spent become debt; a false declaration costs 20 more
select posts(1, 'RESERVE', 'order', '{"available": -15, "reserved": 15}'), posts(1, 'SPEND', 'order', '{"reserved": -15, "redeemed": 15}');
select is(lots(1), '0 5', 'most of it is spent');
create temp table false_one as select answers(6, corrects(5, b, true)) as done from made;
select is(done ->> 'penalty', '20', 'false: twenty more') from false_one;
select is(done ->> 'earlier', '0', 'for the first time') from false_one;
select is(books(1), '0/0/0/-35', 'what is not there is owed');
select is(lots(1), '0 0', 'INV-04: the lots are empty');
select is(api.balance('t', 'o1') ->> 'debt', '35', 'as 积分 says: 待抵扣');
select is((select string_agg(kind || ' ' || available || ' ' || debt, ', ' order by seq) from gulou.ledger_tx where account_id = 't' and kind in ('CLAWBACK', 'PENALTY')),
          'CLAWBACK -10 0, CLAWBACK -5 -15, PENALTY 0 -20', 'posting by posting');
select is(score(1, '2026-Q4'), -30::bigint, 'the score loses the line; the penalty is the ledger''s');
select is(fault(), null, 'the audit agrees');

-- ---- the floor
select gulou.lock_member('t', 2);
select posts(2, 'RESERVE', 'order2', '{"available": -10, "reserved": 10}'), posts(2, 'CLAWBACK', 'much', '{"debt": -495, "revoked": 495}');
select is(answers(6, corrects(5, c, true)) ->> 'taken', '5', 'INV-03: no further than the floor') from made;
select is(books(2), '0/0/10/-500', 'INV-03: which is 500');
select is((select penalty || ' ' || penalty_taken from gulou.correction_notice join made on c = no), '20 0', 'the penalty is on record, although nothing was left to take');
select is(fault(), null, 'the audit agrees');

-- ---- later earnings pay, and the next notice shows the corrections
create temp table next as select declares(1, 240) as no;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[no]) from next;
select api.set_clock('2027-01-18 09:00+08');
insert into gulou.workday_year values (2027) on conflict do nothing;
select acts('freeze', '2026-Q4'), acts('publish', '2026-Q4');
select is(jsonb_array_length(api.notice('t', 2, null, 10) -> 'corrections'), 3, 'the next notice shows every correction');
select is(api.notice('t', 2, null, 10) #>> '{corrections,0,points}', '-10', 'as a negative line');
select is(api.notice('t', 1, null, 10) -> 'corrections', '[]', 'the corrected notice has none of its own');
select is(api.notice('t', 1, null, 10) #>> '{corrected,0,points}', '-10', 'but shows which of its lines were taken back');
select is(api.notice('t', 1, null, 10) #>> '{corrected,0,counted_in}', '2', 'and where that counts');
select is(api.notices('t', null, 10) #>> '{notices,1,corrections,0,no}', a::text, 'the list names the corrections, too') from made;
select ok(not api.notices('t', null, 10) #> '{notices,1,corrections,0}' ?| array['member', 'unit'], 'and nobody');
select matches(api.notice('t', 1, null, 10) #>> '{corrected,0,member}', '^成\*\d', 'INV-24: a correction shows the masked name');
select is((select string_agg(one ->> 'state', ' ' order by one ->> 'no') from jsonb_array_elements(api.notice('t', 1, null, 10) -> 'entries') as one),
          (select string_agg(case when no in (a, b, c) then 'corrected' else 'settled' end, ' ' order by no::text) from gulou.announcement_line, made where account_id = 't' and announcement_id = 1),
          'every line says what became of it');
select is((select string_agg(one ->> 'leaf', ' ') from jsonb_array_elements(api.notice('t', 1, null, 10) -> 'entries') as one),
          (select string_agg(leaf, ' ' order by position) from before), 'INV-12: beside its leaf');
select is(gulou.states_of('t', 1) #>> '{corrected,entries}', '3', 'the page counts them');
select is(api.notice('t', 1, null, 10) ->> 'state_digest', (select encode(sha256(convert_to(string_agg(concat(l.no, '|', gulou.shown_state('t', 1, l.no), E'\n'), '' order by l.no), 'UTF8')), 'hex')
          from gulou.announcement_line l where account_id = 't' and announcement_id = 1), 'what a state is said to be has a digest');
select is(array[n ->> 'corrections_digest', n ->> 'corrected_digest'], array[gulou.corrections_digest(n -> 'corrections'), gulou.corrections_digest(n -> 'corrected')],
          'and so has each list of corrections')
from api.notice('t', 1, null, 10) as n;
select results_eq('select * from gulou.announcement_line where announcement_id = 1 and account_id = ''t''', 'select * from before', 'INV-21: its lines are as they were');
select api.set_clock('2027-02-01 09:00+08');
select settles();
select is(books(1), '0/5/0/0', 'the next settlement repays the debt');
savepoint untouched;
update gulou.declaration set status = 'settled' where account_id = 't' and no = (select a from made);
select matches(one ->> 'detail', ' t \d+: corrected, but settled', 'a correction whose line is live again is found')
from jsonb_array_elements(api.audit() -> 'checks') as one where one ->> 'name' like 'every correction%';
rollback to untouched;
select is(fault(), null, 'the audit agrees');
select * from finish();
rollback;
