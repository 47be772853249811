-- The platform's tokens: one for all servers, fetched by one of them at a time. A row's lease is the lock, so that
-- it holds without Redis, and ends by itself when its server dies.

-- `p_refused`, when given, is what the platform just refused: dropped, unless a newer one is there already. Answers
-- {"token","seconds"} while it is good, with "fetch":true when this server shall fetch a newer one meanwhile;
-- {"fetch":true} when there is none; {"wait":true} while another server fetches; {"later":seconds} while a fetch that
-- failed rests. `seconds` is its remaining life.
create or replace function api.platform_token(p_account text, p_kind text, p_server text,
                                              p_refused text) returns jsonb
language plpgsql as $$
declare
  v_now   timestamptz := clock_timestamp();
  v_token gulou.platform_token;
  v_fetch boolean;
begin
  insert into gulou.platform_token (account_id, kind) values (p_account, p_kind) on conflict do nothing;
  select * into strict v_token from gulou.platform_token
  where account_id = p_account and kind = p_kind for update;
  if v_token.token = p_refused then
    update gulou.platform_token set token = null, expires_at = null, refused = p_refused
    where account_id = p_account and kind = p_kind returning * into v_token;
  end if;
  if v_token.expires_at > v_now + interval '5 minutes' then
    return jsonb_build_object('token', v_token.token,
      'seconds', floor(extract(epoch from v_token.expires_at - v_now))::int);
  end if;
  v_fetch := coalesce(v_token.fetch_till, '-infinity') < v_now or v_token.fetched_by is not distinct from p_server;
  if v_fetch then
    update gulou.platform_token set fetched_by = p_server, fetch_till = v_now + interval '20 seconds'
    where account_id = p_account and kind = p_kind;
  end if;
  if v_token.expires_at > v_now + interval '5 seconds' then
    return jsonb_build_object('token', v_token.token, 'fetch', v_fetch,
      'seconds', floor(extract(epoch from v_token.expires_at - v_now))::int);
  end if;
  if not v_fetch and v_token.fetched_by is null then
    return jsonb_build_object('later', ceil(extract(epoch from v_token.fetch_till - v_now))::int);
  end if;
  return case when v_fetch then '{"fetch":true}' else '{"wait":true}' end::jsonb;
end $$;

-- Nobody fetches for so long: whoever would hear the same.
create or replace function gulou.rest_platform_token(p_account text, p_kind text, p_seconds int) returns jsonb
language plpgsql as $$
begin
  update gulou.platform_token
  set fetched_by = null, fetch_till = clock_timestamp() + make_interval(secs => p_seconds)
  where account_id = p_account and kind = p_kind;
  return jsonb_build_object('later', p_seconds);
end $$;

-- What the fetch brought. The very token that was refused brings {"force":true} when the platform's limits allow a
-- forced refresh (20 a day, 30 s apart), else {"later":seconds}: it is not kept.
create or replace function api.keep_platform_token(p_account text, p_kind text, p_token text, p_seconds int)
returns jsonb language plpgsql as $$
declare
  v_now   timestamptz := clock_timestamp();
  v_today date := gulou.local_day(v_now);
  v_token gulou.platform_token;
begin
  select * into strict v_token from gulou.platform_token
  where account_id = p_account and kind = p_kind for update;
  if p_token is distinct from v_token.refused then
    update gulou.platform_token
    set token = p_token, expires_at = v_now + make_interval(secs => p_seconds), fetched_by = null, fetch_till = null
    where account_id = p_account and kind = p_kind;
    return jsonb_build_object('token', p_token, 'seconds', p_seconds);
  end if;
  if v_token.forced_on = v_today and v_token.forced >= 20 then
    return gulou.rest_platform_token(p_account, p_kind, 600);
  elsif v_token.forced_at > v_now - interval '30 seconds' then
    return gulou.rest_platform_token(p_account, p_kind,
      ceil(extract(epoch from v_token.forced_at + interval '30 seconds' - v_now))::int);
  end if;
  update gulou.platform_token
  set forced_at = v_now, forced_on = v_today, forced = case forced_on when v_today then forced else 0 end + 1
  where account_id = p_account and kind = p_kind;
  return '{"force":true}';
end $$;

-- The fetch failed. Not for a lease that another server has taken over meanwhile.
create or replace function api.release_platform_token(p_account text, p_kind text, p_server text, p_rest_seconds int)
returns jsonb language plpgsql as $$
begin
  perform from gulou.platform_token
  where account_id = p_account and kind = p_kind and fetched_by = p_server for update;
  if found then
    perform gulou.rest_platform_token(p_account, p_kind, p_rest_seconds);
  end if;
  return '{}';
end $$;
