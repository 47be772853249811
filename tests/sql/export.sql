-- Lists for the office: masked unless a reason stands in the audit, page after page, and nothing that is not theirs.
begin;
set client_min_messages = warning;
select plan(20);

select api.set_clock('2026-11-20 10:00+08');
select api.sync_account('t', '测试'), api.sync_account('u', '别处');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'committee');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '王大明', 'active'), ('t', 3, '欧阳娜', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1), ('t', 3, 2);
insert into gulou.member_role values ('t', 3, 'reviewer');
create temp table made as select (gulou.declare_for('t', m, 'test', '40', 60, null, null, null, 2026, 11, 10 + m, '巡逻', null, null) ->> 'no')::bigint as no
  from generate_series(1, 2) as m order by m;
select gulou.approve_many('t', 3, 'test', (select array_agg(no order by no) from made));

create function page(p_what text, p_mark text, p_after jsonb, p_limit int) returns jsonb language plpgsql as $$
declare
  v_page jsonb;
begin
  execute format('select api.export_%s($1, $2, $3, $4, $5)', p_what) into v_page using 't', '2026-Q4', p_mark, p_after, p_limit;
  return v_page;
end $$;
-- Column n of the page's rows.
create function shown(p_page jsonb, p_column int) returns text language sql as $$
  select string_agg(row ->> p_column, ' ' order by place) from jsonb_array_elements(p_page -> 'rows') with ordinality as listed (row, place)
$$;

select is(shown(page('declarations', null, null, 100), 2), '王*明01 王*明02', 'names are masked and told apart');
select is(shown(page('declarations', '第1次', null, 100), 2), '王小明 王大明', 'in full with a mark');
select is(shown(page('declarations', '第1次', null, 100), 16), '第1次 第1次', 'that every row carries');
select is(jsonb_array_length(page('declarations', null, null, 100) -> 'columns'), 15, 'what members wrote is not in a masked list');
select is(shown(page('declarations', '第1次', null, 100), 15), '巡逻 巡逻', 'only in a full one');
select is(shown(page('declarations', null, null, 1), 2), '王*明01', 'a page ends');
select is(shown(page('declarations', null, page('declarations', null, null, 1) -> 'next', 1), 2), '王*明02', 'the next one goes on, masked alike');
select is(page('declarations', null, null, 100) -> 'next', 'null'::jsonb, 'the last one says so');
select is((select string_agg(jsonb_array_length(row)::text, ' ') from jsonb_array_elements(page('declarations', '第1次', null, 100) -> 'rows') as row), '17 17', 'a cell for each column');

select is(shown(page('ledger', null, null, 100), 10), '10 10', 'the ledger, booking by booking');
select is(shown(page('ledger', null, page('ledger', null, null, 1) -> 'next', 1), 1), '王*明02', 'also page after page');
select is(jsonb_array_length(api.export_ledger('u', null, null, null, 100) -> 'rows'), 0, 'of one account only');

select is(page('notice', null, null, 100) ->> 'refusal', 'not_found', 'no notice yet');
select api.set_clock('2027-01-16 10:00+08');
select gulou.freeze('t', '2026-Q4', 3, 3, 'test');
select is(shown(page('notice', null, null, 100), 0), (select string_agg(no::text, ' ' order by no) from made) || ' 合计', 'a notice with its sum at the end');
select is(shown(page('notice', null, page('notice', null, null, 2) -> 'next', 2), 0), '合计', 'on a page of its own if need be');
select is(shown(page('notice', '第1次', null, 100), 9), '王小明 王大明 ', 'full names stand beside');

select is(api.export_unmasked('t', 'ledger', null, '看', 'root') ->> 'refusal', 'reason', 'full names need a reason');
select is(api.export_unmasked('t', 'ledger', null, '纪委核查', 'root') ->> 'mark', '第1次导出 2027-01-16', 'then the list is numbered');
select throws_ok($$delete from gulou.export_audit where account_id = 't'$$, '23001', null, 'and stays in the audit (INV-06)');
select ok(not has_function_privilege('gulou_app', 'api.export_ledger(text, text, text, jsonb, int)', 'execute'), 'the server''s role exports nothing');

select * from finish();
rollback;
