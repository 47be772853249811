-- Months as periods: a dated rule, decided by the first day of a quarter (domain 4.3, issue 4.1).
begin;
set client_min_messages = warning;
select plan(41);

select api.set_clock('2026-09-20 18:00+08');
select api.sync_account('t', '测试'), api.sync_account('u', '按季');
insert into gulou.org select 't', n, '单位' || n, 'reporting_unit' from generate_series(1, 4) as n;
insert into gulou.member select 't', n, '成员' || n, 'active' from generate_series(1, 5) as n;
insert into gulou.member_org select 't', n, case when n > 3 then 3 else n end from generate_series(1, 5) as n;
insert into gulou.member_role values ('t', 2, 'reviewer'), ('t', 4, 'administrator'), ('t', 5, 'administrator');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 5) as n;
insert into gulou.workday_year values (2027) on conflict do nothing;
create function imports(p_kind text, p_from text) returns jsonb language sql as $$
  select api.import_rules('t', jsonb_build_object('header_row', 1, 'columns', '["生效日期", "计分周期"]'::jsonb,
    'rows', jsonb_build_array(jsonb_build_object('row', 2, 'cells', jsonb_build_array(p_from, p_kind)))), true)
$$;
create function served(p_day date, p_minutes int default 60) returns bigint language sql as $$
  select (api.declare_points('t', 'o1', gen_random_uuid(), 'test', '40', p_minutes, null, null, null, extract(year from p_day)::int,
    extract(month from p_day)::int, extract(day from p_day)::int, '巡逻', null, null) ->> 'no')::bigint
$$;
create function served_facts(p_day date) returns jsonb language sql as $$
  select api.declare_points('t', 'o3', gen_random_uuid(), 'test', '40', 60, null, null, null, extract(year from p_day)::int,
    extract(month from p_day)::int, extract(day from p_day)::int, '巡逻', null, null)
$$;
create function approves(p_no bigint) returns text language sql as $$
  select api.approve('t', 'o2', gen_random_uuid(), 'test', array[p_no]);
  select period from gulou.declaration where account_id = 't' and no = p_no
$$;
create function asks(p_kind text, p_period text) returns jsonb language sql as $$
  select api.request_second('t', 'o4', gen_random_uuid(), 'test', p_kind, p_period)
$$;
create function acts(p_kind text, p_period text) returns jsonb language sql as $$
  select api.decide_request('t', 'o5', gen_random_uuid(), 'test', (asks(p_kind, p_period) ->> 'request')::bigint, true, null)
$$;
create function told(p_what text) returns jsonb language sql as $$
  select facts from gulou.outbox where account_id = 't' and lane = 'member:4' and facts ->> 'what' = p_what order by outbox_id desc limit 1
$$;
create function fault() returns text language sql as $$
  select jsonb_path_query_first(api.audit(), '$.checks[*] ? (@.ok == false)') ->> 'detail'
$$;

-- ---- names
select is(gulou.period_of('t', '2026-11-05'), '2026-Q4', 'without a rule an account counts in quarters');
select is(gulou.period_end('2026-Q4'), '2027-01-01', 'a quarter ends');
select is(gulou.period_end('2026-12'), '2027-01-01', 'and so does a month');
select is(gulou.period_end('2028-02'), '2028-03-01', 'of whatever length');
select is(gulou.period_title('2026-10'), '2026 年 10 月', 'a month has a name');
select is(gulou.period_title('2026-Q4'), '2026 年第 4 季度', 'and a quarter its own');

-- ---- the switch: from the middle of Q4 on it is said, from Q1 on it is done
select is(imports('周', '2026-11-10') #>> '{wrong,0,column}', '计分周期', 'what is neither quarter nor month is refused');
select is(imports('月', '2026-09-01') #>> '{wrong,0,problem}', '规则不追溯', 'no rule reaches back');
create temp table in_q3 as select served('2026-09-19') as no;
select is(imports('月', '2026-11-10') ->> 'new', '1', 'months from the tenth of November');
select is(gulou.period_of('t', '2026-11-05'), '2026-Q4', 'the quarter that runs stays one');
select is(gulou.period_of('t', '2026-12-31'), '2026-Q4', 'to its end');
select is(gulou.period_of('t', '2027-01-01'), '2027-01', 'the next one is three months');
select is(gulou.period_of('u', '2027-01-01'), '2027-Q1', 'of this account alone');
select is(imports('季度', '2027-02-15') ->> 'new', '1', 'and back again');
select is(gulou.period_of('t', '2027-03-31'), '2027-03', 'the months run to the end of their quarter');
select is(gulou.period_of('t', '2027-04-01'), '2027-Q2', 'then quarters');

-- ---- a quarter that runs over the switch, and the first month
select is(approves(no), '2026-Q3', 'the old quarter goes on') from in_q3;
select api.set_clock('2026-12-31 18:00+08');
select is(approves(served('2026-12-30')), '2026-Q4', 'a service of the last quarter');

-- ---- the timetable binds (domain 4.3): declare to day 5; freezing before day 16 is two persons' decision
select api.set_clock('2027-01-05 23:59+08');
create temp table in_time as select served('2026-12-31') as no;
select isnt(no, null, 'day 5 is the last one to declare what was done last quarter') from in_time;
select api.set_clock('2027-01-06 00:01+08');
select is(served_facts('2026-12-31'), '{"refusal": "too_late", "title": "2026 年第 4 季度", "last_day": "2027-01-05"}',
          'from day 6 on it is too late, and the answer says until when it was not');
select is(served_facts('2027-01-05') ->> 'status', 'submitted', 'what was done in the running period can be declared');
select api.return_declaration('t', 'o2', gen_random_uuid(), 'test', no, '请补充') from in_time;
select is(api.resubmit('t', 'o1', gen_random_uuid(), 'test', no, null, null, null, '补充了') ->> 'status', 'submitted',
          'what was declared in time can be mended later') from in_time;
select api.set_clock('2027-01-15 23:59+08');
select is(gulou.early_from('t', '2026-Q4'), '2027-01-16', 'until the day before it is early to freeze, and the administrators are told');
select api.set_clock('2027-01-20 18:00+08');
select is(gulou.early_from('t', '2026-Q4'), null, 'then it is not');
select is(asks('freeze', '2026-12') ->> 'refusal', 'period_invalid', 'a month within a quarter is none');
select is(asks('freeze', '2026-12') ->> 'example', '2026-Q4', 'what would be right is said');
select is(acts('freeze', '2026-Q4') ->> 'title', '2026 年第 4 季度积分公示', 'the quarter is frozen');
select is(approves(no), '2027-01', 'what is approved later counts in the month that runs') from in_time;
select is(approves(served('2027-01-19', 240)), '2027-01', 'a service of January');
select is(asks('freeze', '2027-01') ->> 'refusal', 'period_not_ended', 'a month has to end, too');
select is(asks('freeze', '2027-Q1') ->> 'refusal', 'period_invalid', 'a quarter of months is none');

-- ---- a month's timetable and its notice
select api.set_clock('2027-02-16 10:00+08');
select api.remind_administrators();
select is(told('notice_due') ->> 'period', '2027-01', 'day 16 after a month is day 16 after a month');
select is(acts('freeze', '2027-01') ->> 'entries', '2', 'its list');
select is(acts('publish', '2027-01') ->> 'title', '2027 年 1 月积分公示', 'its notice');
select is(api.ranking('t', null, 'members', '2027-01', 5) #>> '{rows,0,points}', '50', 'its board');
select is(jsonb_path_query_array(api.ranking('t', null, 'members', null, 5) -> 'periods', '$[*].name'), '["2027-02", "2027-01", "2026-Q4", "2026-Q3"]',
          'boards in the order of time, not of letters');
select is(jsonb_array_length(api.export_declarations('t', '2027-01', null, null, 10) -> 'rows'), 3, 'its export, with what was turned in for it');
select is(fault(), null, 'the audit agrees');

-- ---- a timetable of the committee's own
create function days(p_columns text[], p_cells text[]) returns jsonb language sql as $$
  select api.import_rules('t', jsonb_build_object('header_row', 1, 'columns', to_jsonb('生效日期'::text || p_columns),
    'rows', jsonb_build_array(jsonb_build_object('row', 2, 'cells', to_jsonb('2027-04-01'::text || p_cells)))), true)
$$;
select is(days('{冻结起始日}', '{10}') #>> '{wrong,0,problem}', '期后日程不合理', 'a list is not fixed before the reviews are over');
select is(days('{申报截止日,审核截止日,冻结起始日,发布截止日}', '{3,7,8,10}') ->> 'new', '1', 'a committee in a hurry');
select is(gulou.timetable('t', '2027-Q2')::text, '(2027-07-03,2027-07-07,2027-07-08,2027-07-10)', 'has its own days');
select * from finish();
rollback;
