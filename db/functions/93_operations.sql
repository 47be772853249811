-- What the operator's eyes see: /metrics, `gulou check` and the start of a server ask here. Numbers only, about things
-- that somebody must do something about; nothing of persons.

create or replace function api.schema_state() returns jsonb language sql stable as $$
  select jsonb_build_object(
    'migrations', (select jsonb_agg(name order by name) from gulou.schema_migration where name ~ '^\d{4}_'),
    'floor', (select name from gulou.schema_floor))
$$;

create or replace function gulou.account_health(p_account text) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'outbox_waiting', (select count(*) from gulou.outbox where account_id = p_account and status = 'waiting'),
    'outbox_oldest_seconds', (select coalesce(extract(epoch from clock_timestamp() - min(written_at)), 0)::bigint
      from gulou.outbox where account_id = p_account and status = 'waiting'),
    'outbox_failed_day', (select count(*) from gulou.outbox where account_id = p_account and status = 'failed'
      and ended_at > clock_timestamp() - interval '1 day'),
    'token_seconds', (select coalesce(max(greatest(extract(epoch from expires_at - clock_timestamp()), 0)), 0)::bigint
      from gulou.platform_token where account_id = p_account and kind = 'access_token'),
    'seal_age_seconds', (select coalesce(extract(epoch from gulou.now_() - max(sealed_at)), -1)::bigint
      from gulou.daily_seal where account_id = p_account),
    'review_waiting', (select count(*) from gulou.declaration where account_id = p_account
      and status in ('submitted', 'appealed')),
    'objections_overdue', (select count(*) from gulou.objection o where account_id = p_account
      and gulou.is_open(o) and due_at <= gulou.now_()),
    'notices_unsettled', (select count(*) from gulou.announcement where account_id = p_account
      and status = 'published' and closes_at < gulou.now_() - interval '1 hour'))
$$;

create or replace function api.health() returns jsonb language sql stable as $$
  select jsonb_build_object(
    'schema', api.schema_state(),
    'backup_at', (select extract(epoch from taken_at)::bigint from gulou.backup order by backup_no desc limit 1),
    'calendar_days', (select coalesce(make_date(max(year), 12, 31) - gulou.local_day(gulou.now_()), -1)
                      from gulou.workday_year),
    'accounts', (select coalesce(jsonb_object_agg(account_id, gulou.account_health(account_id)), '{}')
                 from gulou.account))
$$;

-- What `gulou check` wants to know of the server itself.
create or replace function api.server_settings() returns jsonb language sql stable as $$
  select jsonb_build_object(
    'deadlock_ms', (select setting::int from pg_settings where name = 'deadlock_timeout'),
    'clock', extract(epoch from clock_timestamp())::bigint,
    'standby', pg_is_in_recovery(),
    'forgetful', (select coalesce(jsonb_agg(name || ' = ' || setting order by name), '[]') from pg_settings
      where name = 'fsync' and setting = 'off'
         or name = 'synchronous_commit' and (setting = 'off'
           or setting in ('local', 'remote_write') and current_setting('synchronous_standby_names') <> '')),
    'encoding', current_setting('server_encoding'))
$$;

-- Whether the commit of this process waits for a synchronous standby: it is at work, although no statement may take so
-- long. A pool asks for one of its connections that says nothing any more.
create or replace function api.waits_for_standby(p_backend int) returns jsonb language sql stable as $$
  select to_jsonb(current_setting('synchronous_standby_names') <> ''
                  and exists (select from pg_locks where pid = p_backend and locktype = 'virtualxid'))
$$;
