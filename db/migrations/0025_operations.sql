-- What the operator wants to know: backups that were made, and which program may run on this schema.
create table gulou.backup (
  backup_no bigint generated always as identity primary key,
  taken_at  timestamptz not null,
  facts     jsonb not null            -- as api.export_backup_facts() told them: schema, accounts, roots
);
alter table gulou.backup owner to gulou_owner;
select gulou.make_insert_only('gulou.backup');

-- A program whose newest migration is older than this cannot run here any more. A migration that takes away
-- what an older program uses raises it; until then old and new programs share one schema (docs/operations.md).
create table gulou.schema_floor (
  only_row boolean primary key default true check (only_row),
  name     text not null
);
insert into gulou.schema_floor (name) values ('0001');
alter table gulou.schema_floor owner to gulou_owner;

grant select on gulou.schema_migration to gulou_owner;
