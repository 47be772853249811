select pg_temp.keep_rows('who took a member''s own data out', exists (select from gulou.export_audit where what = 'member'));
alter table gulou.export_audit drop column member_id;
alter table gulou.export_audit drop constraint export_audit_what_check;
alter table gulou.export_audit add constraint export_audit_what_check check (what in ('ledger', 'declarations', 'notice'));

do $$
declare
  t record;
begin
  for t in select tgrelid::regclass as name, tgname from pg_trigger
           where tgname in ('insert_only_row', 'insert_only_table', 'keep_frozen') loop
    execute format('alter table %s enable trigger %I', t.name, t.tgname);
  end loop;
end $$;

create or replace function gulou.make_insert_only(p_table regclass) returns void language plpgsql as $$
begin
  execute format('create trigger insert_only_row before update or delete on %s
                  for each row execute function gulou.refuse_change()', p_table);
  execute format('create trigger insert_only_table before truncate on %s
                  for each statement execute function gulou.refuse_change()', p_table);
end $$;

-- What a superuser took from everybody on the whole of the database stays taken: no older program asks for it.
do $$
begin
  execute format('grant temporary on database %I to public', current_database());
end $$;
grant usage on schema public to public;
