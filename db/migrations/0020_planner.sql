-- How PostgreSQL plans in this database, whoever connects. What a request reads is in memory, so a random page costs
-- little more than the next one; with the default, tables of a few hundred rows are read from end to end.
do $$
begin
  execute format('alter database %I set random_page_cost = 1.1', current_database());
exception when insufficient_privilege then
  raise notice 'random_page_cost stays as it is: the database belongs to somebody else';
end $$;
