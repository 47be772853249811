-- Months as periods: which kind an account counts in is a rule, and so has a date. A period is called 2026-Q4 or 2026-11.
alter table gulou.rule_version add column period_kind text not null default 'quarter'
  check (period_kind in ('quarter', 'month'));

do $$
declare
  v_one record;
begin
  for v_one in select conrelid::regclass as name, conname from pg_constraint
               where contype = 'c' and connamespace = 'gulou'::regnamespace
                 and pg_get_constraintdef(oid) like '%Q[1-4]%' loop
    execute format('alter table %s drop constraint %I', v_one.name, v_one.conname);
    execute format('alter table %s add constraint %I check (period ~ ''^\d{4}-(Q[1-4]|0[1-9]|1[0-2])$'')', v_one.name,
                   v_one.conname);
  end loop;
end $$;

drop function if exists gulou.period_of(date); -- now it asks the account's rules
