-- Who a browser is. Life times follow the real clock, never `gulou clock`.

-- NULL: nobody. A session lives 30 days, 7 without a visit.
create or replace function gulou.session_openid(p_account text, p_session bytea) returns text
language plpgsql as $$
declare
  v_now     timestamptz := clock_timestamp();
  v_session gulou.session;
begin
  select * into v_session from gulou.session
  where account_id = p_account and created_at > v_now - interval '30 days' and seen_at > v_now - interval '7 days'
    and (session_hash = p_session or previous_hash = p_session and rotated_at > v_now - interval '1 minute');
  if v_session.seen_at < v_now - interval '10 minutes' then
    update gulou.session set seen_at = v_now
    where account_id = p_account and session_hash = v_session.session_hash;
  end if;
  return v_session.openid;
end $$;

-- A page is opened: {"name","unit","roles",…} of its person; with "rotated":true the browser gets the session that
-- `p_next` is the digest of. A stolen cookie is so good for half a day at most.
create or replace function gulou.enter(p_account text, p_session bytea, p_next bytea) returns jsonb
language plpgsql as $$
declare
  v_openid text := gulou.session_openid(p_account, p_session);
  v_member int := gulou.speaker(p_account, v_openid);
begin
  if v_openid is null then
    return gulou.refusal('signed_out');
  elsif v_member is null then
    return gulou.refusal('not_bound');
  end if;
  update gulou.session set previous_hash = session_hash, session_hash = p_next, rotated_at = clock_timestamp()
  where account_id = p_account and session_hash = p_session and rotated_at < clock_timestamp() - interval '12 hours';
  return gulou.member_facts(p_account, v_member) || jsonb_build_object('rotated', found);
end $$;

-- The platform said who the browser's person is.
create or replace function api.start_session(p_account text, p_openid text, p_session bytea) returns jsonb
language plpgsql as $$
begin
  if gulou.speaker(p_account, p_openid) is null then
    return gulou.refusal('not_bound');
  end if;
  insert into gulou.session (account_id, session_hash, openid) values (p_account, p_session, p_openid)
  on conflict do nothing;
  return '{}';
end $$;

create or replace function api.end_session(p_account text, p_session bytea) returns jsonb language plpgsql as $$
begin
  delete from gulou.session where account_id = p_account and (session_hash = p_session or previous_hash = p_session);
  return '{}';
end $$;

-- ---------------------------------------------------------------- a desktop, by QR code

create or replace function api.offer_sign_in(p_account text, p_scene text, p_browser bytea, p_number int,
                                             p_seconds int) returns jsonb language plpgsql as $$
begin
  insert into gulou.sign_in (account_id, scene, browser_hash, number, expires_at)
  values (p_account, p_scene, p_browser, p_number, clock_timestamp() + make_interval(secs => p_seconds));
  return '{}';
end $$;

-- The code was scanned: the person is asked in the chat, because a stranger may have shown it to them.
create or replace function gulou.scan_sign_in(p_account text, p_openid text, p_scene text) returns jsonb
language plpgsql as $$
declare
  v_number int;
begin
  if gulou.speaker(p_account, p_openid) is null then
    return gulou.refusal('not_bound');
  end if;
  update gulou.sign_in set status = 'scanned', openid = p_openid
  where account_id = p_account and scene = p_scene and expires_at > clock_timestamp()
    and (status = 'shown' or status = 'scanned' and openid = p_openid)
  returning number into v_number;
  return case when v_number is null then gulou.refusal('sign_in_over')
              else jsonb_build_object('sign_in', p_scene, 'number', v_number) end;
end $$;

create or replace function api.confirm_sign_in(p_account text, p_openid text, p_key uuid, p_request text,
                                               p_scene text, p_yes boolean) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  update gulou.sign_in set status = case when p_yes then 'confirmed' else 'refused' end
  where account_id = p_account and scene = p_scene and openid = p_openid and status = 'scanned'
    and expires_at > clock_timestamp();
  return gulou.inbox_keep(p_account, p_key, case when not found then gulou.refusal('sign_in_over')
                                                 else jsonb_build_object('confirmed', p_yes) end);
end $$;

-- The browser asks how far it is: {"status"}; once confirmed its session begins.
create or replace function api.sign_in_state(p_account text, p_browser bytea, p_session bytea) returns jsonb
language plpgsql as $$
declare
  v_one gulou.sign_in;
begin
  select * into v_one from gulou.sign_in
  where account_id = p_account and browser_hash = p_browser order by expires_at desc limit 1 for update;
  if v_one.scene is null or v_one.expires_at <= clock_timestamp() or v_one.status in ('used', 'refused') then
    return '{"status":"over"}';
  elsif v_one.status <> 'confirmed' then
    return jsonb_build_object('status', v_one.status, 'number', v_one.number);
  end if;
  update gulou.sign_in set status = 'used' where account_id = p_account and scene = v_one.scene;
  return api.start_session(p_account, v_one.openid, p_session) || '{"status":"confirmed"}';
end $$;

create or replace function api.purge_sessions() returns jsonb language plpgsql as $$
begin
  delete from gulou.session
  where seen_at < clock_timestamp() - interval '7 days' or created_at < clock_timestamp() - interval '30 days';
  delete from gulou.sign_in where expires_at < clock_timestamp() - interval '1 hour';
  delete from gulou.upload where at < clock_timestamp() - interval '1 day';
  delete from gulou.image m
  where m.stored_at < gulou.now_() - interval '2 days'
    and not exists (select from gulou.photo p where p.account_id = m.account_id and p.digest = m.digest)
    and not exists (select from gulou.upload u where u.account_id = m.account_id and u.digest = m.digest);
  return '{}';
end $$;
