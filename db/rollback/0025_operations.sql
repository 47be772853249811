-- The list of backups only tells of files, which stay where they are.
revoke select on gulou.schema_migration from gulou_owner;
drop table gulou.schema_floor;
drop table gulou.backup;
