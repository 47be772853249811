-- What a row of the books refers to is there, and stays: no foreign key says so (migrations 0055 and 0056), because a quarter has a
-- million of them. Triggers do, once a statement.
begin;
set client_min_messages = warning;
select plan(22);

select api.set_clock('2026-09-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org select 't', n, '单位' || n, 'reporting_unit' from generate_series(1, 3) as n;
insert into gulou.member select 't', n, '成员' || n, 'active' from generate_series(1, 4) as n;
insert into gulou.member_org (account_id, member_id, org_id) select 't', n, least(n, 3) from generate_series(1, 4) as n;
insert into gulou.member_role values ('t', 2, 'reviewer'), ('t', 3, 'administrator'), ('t', 4, 'administrator');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 4) as n;
create temp table made as
  select (api.declare_points('t', 'o1', gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint as no;
select api.approve('t', 'o2', gen_random_uuid(), 'test', array[no]) from made;
select api.set_clock('2026-10-16 09:00+08');
create function acts(p_kind text) returns jsonb language sql as $$
  select api.decide_request('t', 'o4', gen_random_uuid(), 'test',
    (api.request_second('t', 'o3', gen_random_uuid(), 'test', p_kind, '2026-Q3') ->> 'request')::bigint, true, null)
$$;
select acts('freeze'), acts('publish');
select api.set_clock('2026-10-26 09:00+08');
select api.settle_due(), api.settle_due();
select is((select status from gulou.declaration join made using (no)), 'settled', 'a line that was lived');

-- ---- a row like one that stands there, of somebody or something that does not exist
create function copied(p_table text, p_change jsonb) returns text language sql as $$
  select format('insert into gulou.%1$I select (jsonb_populate_record(one, %2$L)).* from gulou.%1$I one where account_id = ''t'' limit 1', p_table, p_change)
$$;
select throws_ok(copied(child, change::jsonb), '23503', format('a row of %s refers to no row of %s', child, parent),
                 format('%s: no %s, no row', child, parent))
from (values
  ('declaration_event', 'declaration', '{"no": 999999999}'), ('declaration_day', 'declaration', '{"no": 999999999}'),
  ('announcement_line', 'declaration', '{"no": 999999999, "position": 99}'),
  ('announcement_line_event', 'announcement_line', '{"no": 999999999}'),
  ('announcement_line_event', 'announcement_line', '{"announcement_id": 99}'), ('ledger_tx', 'balance', '{"member_id": 99, "source_id": "x"}'),
  ('lot', 'ledger_tx', '{"seq": 99}'), ('lot_entry', 'lot', '{"lot_seq": 99}'), ('lot_entry', 'ledger_tx', '{"seq": 99}')) as row (child, parent, change);
-- One of many is enough.
select throws_ok($$insert into gulou.declaration_event select 't', n, 9, 'approved', 'approved', null, 'system', null, now(), 'test'
                   from (select no as n from made union all select 999999999) as both_of_them$$, '23503', null, 'a statement is refused as a whole');

-- ---- and it does not go: a declaration that so far only has an event, a balance, a lot
create temp table waiting as
  select (api.declare_points('t', 'o1', gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint as no;
select throws_ok(act, '23001', null, act) from (values
  ('delete from gulou.declaration where no in (select no from waiting)'), ('update gulou.declaration set no = no + 1 where no in (select no from waiting)'),
  ('delete from gulou.balance where account_id = ''t'''), ('update gulou.balance set member_id = 4 where account_id = ''t'' and member_id = 1'),
  ('delete from gulou.lot where account_id = ''t'''), ('update gulou.lot set seq = seq + 1 where account_id = ''t'''),
  ('truncate gulou.lot'), ('truncate gulou.balance')) as row (act);

-- ---- past the triggers: the audit finds it
create function found(p_table text, p_change jsonb) returns text language plpgsql as $$
declare
  v_found text;
begin
  execute format('alter table gulou.%I disable trigger user', p_table);
  execute copied(p_table, p_change);
  v_found := jsonb_path_query_first(api.audit(), '$.checks[*] ? (@.ok == false)') ->> 'detail';
  raise exception using errcode = 'GT000';
exception when sqlstate 'GT000' then
  return v_found;
end $$;
select is(found('declaration_event', '{"no": 999999999}'), 'declaration t 999999999: it was removed, its events were not', 'an event of nothing is found');
select is(found('declaration_day', '{"no": 999999999}'), 'declaration t 999999999: counted , by day 10, booked ', 'a day of nothing as well');
select is(found('announcement_line_event', '{"no": 999999999}'), 'announcement t 1 line 999999999: it has events, and is not listed', 'and one of a line that is not listed');
select * from finish();
rollback;
