-- Reviewers approve by the hundred, and every approval has a day that refers to its declaration and two events. As in 0055:
-- the statement asks, not each row, and once for all rows of one declaration. What is referred to cannot go (keep_key).
create function gulou.declaration_day_refers_to_declaration() returns trigger language plpgsql as $$
begin
  if exists (select from (select distinct account_id, no from added) as one
             where not exists (select from gulou.declaration as known
                               where known.account_id = one.account_id and known.no = one.no)) then
    raise exception 'a row of declaration_day refers to no row of declaration' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
create or replace function gulou.declaration_event_refers_to_declaration() returns trigger language plpgsql as $$
begin
  if exists (select from (select distinct account_id, no from added) as one
             where not exists (select from gulou.declaration as known
                               where known.account_id = one.account_id and known.no = one.no)) then
    raise exception 'a row of declaration_event refers to no row of declaration' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
alter function gulou.declaration_day_refers_to_declaration() owner to gulou_owner;
alter table gulou.declaration_day drop constraint declaration_day_account_id_no_fkey;
create trigger declaration_day_refers_to_declaration after insert on gulou.declaration_day referencing new table as added
  for each statement execute function gulou.declaration_day_refers_to_declaration();
