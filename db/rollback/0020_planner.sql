do $$
begin
  execute format('alter database %I reset random_page_cost', current_database());
exception when insufficient_privilege then
  raise notice 'random_page_cost stays as it is: the database belongs to somebody else';
end $$;
