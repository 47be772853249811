-- What PostgreSQL gives to everybody is taken back, so that the server's role has its functions and nothing else; and
-- the guards of history also hold where triggers are usually switched off (docs/security.md).

do $$
begin
  execute format('revoke temporary, create on database %I from public', current_database());
end $$;
revoke all on schema public from public;

-- Large objects are tables by another name; waiting is not what a server asks of its database. Only a superuser may
-- take these back.
do $$
declare
  f regprocedure;
begin
  if (select rolsuper from pg_roles where rolname = current_user) then
    for f in select oid from pg_proc
             where pronamespace = 'pg_catalog'::regnamespace
               and (proname ~ '^lo_|^(loread|lowrite)$|^pg_sleep' or proname in ('pg_notify', 'pg_logical_emit_message')) loop
      execute format('revoke execute on function %s from public', f);
    end loop;
    -- The server shortens it for its own connections, whoever it signs in as.
    grant set on parameter deadlock_timeout to gulou_app;
  end if;
end $$;

-- "Always": also for a session that plays a replica (session_replication_role), as tools for copying data do.
create or replace function gulou.make_insert_only(p_table regclass) returns void language plpgsql as $$
begin
  execute format('create trigger insert_only_row before update or delete on %s
                  for each row execute function gulou.refuse_change()', p_table);
  execute format('create trigger insert_only_table before truncate on %s
                  for each statement execute function gulou.refuse_change()', p_table);
  execute format('alter table %s enable always trigger insert_only_row', p_table);
  execute format('alter table %s enable always trigger insert_only_table', p_table);
end $$;

do $$
declare
  t record;
begin
  for t in select tgrelid::regclass as name, tgname from pg_trigger
           where tgname in ('insert_only_row', 'insert_only_table', 'keep_frozen') loop
    execute format('alter table %s enable always trigger %I', t.name, t.tgname);
  end loop;
end $$;

-- A member's own copy is an unmasked read, too.
alter table gulou.export_audit drop constraint export_audit_what_check;
alter table gulou.export_audit add constraint export_audit_what_check
  check (what in ('ledger', 'declarations', 'notice', 'member'));
alter table gulou.export_audit add column member_id int;
drop function if exists api.member_export(text, int);
