-- One changed value of any row of the books and the notices, past triggers and constraints, is found and named by the audit
-- (INV-06, INV-07, INV-12, INV-21, INV-25). What a constraint still refuses counts as found.
begin;
set client_min_messages = warning;
select plan(194);

-- A quarter that was lived: one line settled, one revoked, one corrected; sealed.
select api.set_clock('2026-09-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org select 't', n, '单位' || n, 'reporting_unit' from generate_series(1, 5) as n;
insert into gulou.member select 't', n, '成员' || n, 'active' from generate_series(1, 6) as n;
insert into gulou.member_org (account_id, member_id, org_id) select 't', n, least(n, 5) from generate_series(1, 6) as n;
insert into gulou.member_role values ('t', 3, 'reviewer'), ('t', 5, 'administrator'), ('t', 6, 'administrator');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 6) as n;
create function declares(p_member int, p_minutes int) returns bigint language sql as $$
  select (api.declare_points('t', 'o' || p_member, gen_random_uuid(), 'test', '40', p_minutes, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint
$$;
create function agreed(p_asked jsonb) returns jsonb language sql as $$
  select api.decide_request('t', 'o6', gen_random_uuid(), 'test', (p_asked ->> 'request')::bigint, true, null)
$$;
create function acts(p_kind text) returns jsonb language sql as $$
  select agreed(api.request_second('t', 'o5', gen_random_uuid(), 'test', p_kind, '2026-Q3'))
$$;
create temp table made as select declares(1, 60) as a, declares(1, 120) as b, declares(2, 90) as c;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[a, b, c]) from made;
select api.set_clock('2026-10-16 09:00+08');
select acts('freeze'), acts('publish');
create temp table filed as select (api.object('t', 'o4', gen_random_uuid(), 'test', 1, c, '没有看到人', null) ->> 'objection')::bigint as objection from made;
select agreed(api.request_objection('t', 'o5', gen_random_uuid(), 'test', objection, 'upheld', '监控里没有人')) from filed;
select api.set_clock('2026-10-26 09:00+08');
select api.settle_due(), api.settle_due(), api.settle_due();
select agreed(api.request_correction('t', 'o5', gen_random_uuid(), 'test', a, true, '冒用照片')) from made;
select api.seal_day(), api.fold_scores();
create function found() returns text language sql as $$
  select string_agg(one ->> 'detail', '; ') from jsonb_array_elements(api.audit() -> 'checks') as one where not (one ->> 'ok')::boolean
$$;
select is(found(), null, 'untouched, everything verifies');

-- The least change that the column's type allows, looked at and taken back.
create function tampered(p_table text, p_column text, p_of text) returns text language plpgsql as $$
declare
  v_change text := case (select data_type from information_schema.columns
                         where table_schema = 'gulou' and table_name = p_table and column_name = p_column)
    when 'integer' then '%1$I # 1' when 'bigint' then '%1$I # 1' when 'boolean' then 'not %1$I' when 'date' then '%1$I + 1'
    when 'timestamp with time zone' then '%1$I + interval ''1 microsecond''' when 'jsonb' then '%1$I || ''{"x": 1}'''
    when 'bytea' then 'set_bit(%1$I, 77, 1 - get_bit(%1$I, 77))'
    when 'text' then 'overlay(%1$I placing chr(ascii(right(%1$I, 1)) # 1) from length(%1$I) for 1)' end;
  v_found  text := 'no such row';
begin
  begin
    execute format('alter table gulou.%I disable trigger all', p_table);
    execute format('update gulou.%2$I set %1$I = ' || v_change || ' where ctid = (select ctid from gulou.%2$I
      where account_id = ''t'' and %1$I is not null and ' || p_of || ' order by random() limit 1) returning ''nothing''', p_column, p_table) into v_found;
    v_found := case when v_found is not null then coalesce(found(), v_found) end;
    raise exception using errcode = 'GT000';
  exception
    when sqlstate 'GT000' then null;
    when integrity_constraint_violation then v_found := 'refused: ' || p_table;
  end;
  return v_found;
end $$;

select matches(tampered(t.name, c.column_name, case t.name when 'period_score' then 'points <> 0' else 'true' end), t.named, format('%s.%s', t.name, c.column_name))
from (values
  ('ledger_tx', 'ledger_tx', ''), ('balance', 'balance|ledger_tx|lot', ''), ('lot', 'lot', ''), ('lot_entry', 'lot', ''),
  ('announcement', 'announcement', ''), ('announcement_event', 'announcement', 'reason'), ('announcement_line', 'announcement', ''),
  ('announcement_line_event', 'announcement', ''), ('announcement_name', 'announcement', 'announcement_id member_id'),
  ('declaration', 'declaration|announcement|period_score', 'dialogue cap reason'),
  ('declaration_day', 'declaration', 'category'),
  ('declaration_event', 'declaration', 'actor_id role reason at request_id'), ('objection', 'objection|announcement', ''),
  ('objection_event', 'objection', ''), ('correction_notice', 'correction|period_score', ''),
  ('period_score', 'period_score|board', 'version changed_at'), ('member_score', 'board', ''), ('unit_score', 'board', ''),
  ('score_count', 'board', ''), ('daily_seal', 'daily_seal', ''),
  ('second_person_request', 'second_person_request', 'status decider_id decided_at words')) as t (name, named, but)
join information_schema.columns c on c.table_schema = 'gulou' and c.table_name = t.name and c.is_generated = 'NEVER'
  and c.column_name <> 'account_id' and c.column_name <> all (string_to_array(t.but, ' '))
order by t.name, c.ordinal_position;

-- A row that is gone, taken out past triggers and references, is missed as well.
create function removed(p_table text, p_of text) returns text language plpgsql as $$
declare
  v_found text := 'no such row';
begin
  begin
    execute format('alter table gulou.%I disable trigger all', p_table);
    execute format('delete from gulou.%1$I where ctid = (select ctid from gulou.%1$I
      where account_id = ''t'' and %2$s order by random() limit 1) returning ''nothing''', p_table, p_of) into v_found;
    v_found := case when v_found is not null then coalesce(found(), v_found) end;
    raise exception using errcode = 'GT000';
  exception when sqlstate 'GT000' then null;
  end;
  return v_found;
end $$;
select declares(1, 30); -- one that nobody has decided on: no booking tells of it
select matches(removed(t.name, t.of), t.named, format('%s where %s, removed', t.name, t.of))
from (values
  ('declaration', 'declaration', 'true'), ('declaration', 'declaration t \d+: it was removed', 'status = ''submitted'''),
  ('declaration_event', 'declaration', 'true'), ('declaration_day', 'declaration', 'true'),
  ('announcement', 'announcement t 1: it was removed', 'true'), ('announcement_event', 'announcement', 'true'),
  ('announcement_line', 'announcement', 'true'), ('announcement_line_event', 'announcement', 'true'),
  ('objection', 'objection t \d+: it was removed', 'true'),
  ('objection_event', 'objection', 'true'), ('correction_notice', 'correction', 'true'),
  ('ledger_tx', 'ledger_tx|balance', 'true'), ('balance', 'balance|member', 'true'), ('lot', 'lot t member \d+ lot \d+: it was removed', 'true')) as t (name, named, of);
select is(found(), null, 'and untouched again');
select * from finish();
rollback;
