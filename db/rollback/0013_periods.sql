select pg_temp.keep_rows('months as periods', exists (select from gulou.rule_version where period_kind = 'month'));
alter table gulou.rule_version drop column period_kind;

do $$
declare
  v_one record;
begin
  for v_one in select conrelid::regclass as name, conname from pg_constraint
               where contype = 'c' and connamespace = 'gulou'::regnamespace
                 and pg_get_constraintdef(oid) like '%(Q[1-4]|%' loop
    execute format('alter table %s drop constraint %I', v_one.name, v_one.conname);
    execute format('alter table %s add constraint %I check (period ~ ''^\d{4}-Q[1-4]$'')', v_one.name, v_one.conname);
  end loop;
end $$;
