-- Last: who owns the functions and who may call them. A function of schema `api` runs with the owner's
-- rights and a fixed search path; the server's role may execute those and nothing else, and of those not what only the
-- operator's command line does: files in and out, one member's data, the clock.
do $$
declare
  f record;
begin
  for f in select p.oid::regprocedure as name, n.nspname
           from pg_proc p join pg_namespace n on n.oid = p.pronamespace
           where n.nspname in ('api', 'gulou') loop
    execute format('alter function %s owner to gulou_owner', f.name);
    execute format('revoke all on function %s from public', f.name);
    if f.nspname = 'api' then
      execute format('alter function %s security definer set search_path = gulou, pg_temp', f.name);
      if f.name::text !~ '^api\.(import_|export_|rekey_|member_export|erase_member|set_clock)' then
        execute format('grant execute on function %s to gulou_app', f.name);
      else
        execute format('revoke all on function %s from gulou_app', f.name);
      end if;
    end if;
  end loop;
end $$;
