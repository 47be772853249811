-- What a backup says of itself, so that what was restored can be compared with what was there.
create or replace function api.export_backup_facts() returns jsonb language sql stable as $$
  select jsonb_build_object(
    'taken_at', now(),
    'migrations', (select jsonb_agg(jsonb_build_object('name', name, 'checksum', checksum) order by name)
                   from gulou.schema_migration where name ~ '^\d{4}_'),
    -- What is set for the database as a whole is in no dump of it.
    'settings', (select coalesce(jsonb_agg(setting order by setting), '[]')
                 from pg_db_role_setting, unnest(setconfig) as setting
                 where setrole = 0 and setdatabase = (select oid from pg_database where datname = current_database())),
    'accounts', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', a.account_id,
        'chains', jsonb_array_length(heads.heads),
        'root', encode(gulou.heads_root(heads.heads), 'hex'),
        'sealed_on', seal.day,
        'seal', encode(seal.root, 'hex')) order by a.account_id), '[]')
      from gulou.account a
      cross join lateral (select gulou.chain_heads(a.account_id) as heads) heads
      left join lateral (select day, root from gulou.daily_seal s where s.account_id = a.account_id
                         order by day desc limit 1) seal on true))
$$;

-- Only once the file is complete on its disk.
create or replace function api.export_backup_noted(p_facts jsonb) returns jsonb language sql as $$
  insert into gulou.backup (taken_at, facts) values ((p_facts ->> 'taken_at')::timestamptz, p_facts)
  returning jsonb_build_object('backup', backup_no)
$$;
