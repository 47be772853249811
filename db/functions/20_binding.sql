-- Who is who: following, binding by invite code, consent.

create or replace function gulou.code_hash(p_account text, p_code text) returns bytea
language sql immutable as $$
  select sha256(convert_to(p_account || ':' || upper(btrim(p_code)), 'UTF8'))
$$;

create or replace function gulou.move_member(p_account text, p_member int, p_to text, p_actor int,
                                             p_reason text, p_request text) returns void
language plpgsql as $$
declare
  v_from text;
begin
  select status into strict v_from from gulou.member
  where account_id = p_account and member_id = p_member for update;
  update gulou.member set status = p_to where account_id = p_account and member_id = p_member;
  insert into gulou.member_event
  select p_account, p_member, coalesce(max(seq), 0) + 1, v_from, p_to, p_actor, p_reason, gulou.now_(), p_request
  from gulou.member_event where account_id = p_account and member_id = p_member;
end $$;

-- Notes that the person was seen; locks the row, so that one person's messages do not race.
create or replace function gulou.see_follower(p_account text, p_openid text, p_subscribed boolean)
returns gulou.follower language sql as $$
  insert into gulou.follower as f (account_id, openid, subscribed, seen_at)
  values (p_account, p_openid, coalesce(p_subscribed, true), gulou.now_())
  on conflict (account_id, openid) do update
    set subscribed = coalesce(p_subscribed, f.subscribed), seen_at = excluded.seen_at
  returning *
$$;

-- What the QR code that was scanned stands for, and what came of it; {} for a plain follow.
create or replace function gulou.scanned(p_account text, p_openid text, p_request text, p_scene text) returns jsonb
language plpgsql as $$
begin
  return case when p_scene like 'signin_%' then gulou.scan_sign_in(p_account, p_openid, p_scene)
              when p_scene like 'unit\_%' then gulou.scan_unit(p_account, p_openid, p_scene)
              when p_scene like 'invite\_%' then gulou.scan_invite(p_account, p_openid, p_request, p_scene)
              else '{}' end;
end $$;

-- A follow, first or again (domain 9.4: nothing but the flag changes).
create or replace function api.follow(p_account text, p_openid text, p_key uuid, p_request text, p_scene text)
returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  perform gulou.see_follower(p_account, p_openid, true);
  perform gulou.tags_came(p_account, p_openid);
  return gulou.inbox_keep(p_account, p_key, api.who(p_account, p_openid)
    || gulou.scanned(p_account, p_openid, p_request, p_scene));
end $$;

create or replace function api.unfollow(p_account text, p_openid text, p_key uuid, p_request text)
returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  perform gulou.see_follower(p_account, p_openid, false);
  perform gulou.tags_left(p_account, p_openid);
  return gulou.inbox_keep(p_account, p_key, '{}');
end $$;

-- One more wrong code: the fifth locks for an hour.
create or replace function gulou.wrong_code(p_account text, p_openid text, p_tries int) returns jsonb
language plpgsql as $$
begin
  if p_tries + 1 < 5 then
    update gulou.follower set wrong_tries = p_tries + 1 where account_id = p_account and openid = p_openid;
    return jsonb_build_object('refusal', 'code_unknown', 'tries_left', 4 - p_tries);
  end if;
  update gulou.follower set wrong_tries = 0, locked_until = gulou.now_() + interval '1 hour'
  where account_id = p_account and openid = p_openid;
  return jsonb_build_object('refusal', 'locked', 'minutes', 60);
end $$;

-- Ties the person to the member, both locked by the caller. `p_consented`: when the person acted after the text was
-- shown; that is the consent (domain 10).
create or replace function gulou.bind_person(p_account text, p_openid text, p_member int, p_actor int,
                                             p_consented timestamptz, p_reason text, p_request text) returns void
language plpgsql as $$
begin
  update gulou.follower set wrong_tries = 0, scanned_org = null, scanned_at = null
  where account_id = p_account and openid = p_openid;
  insert into gulou.binding values (p_account, p_openid, p_member, gulou.now_());
  insert into gulou.consent values (p_account, p_member, 'service', true, '2026-11', p_consented, p_request);
  if (select status from gulou.member where account_id = p_account and member_id = p_member) = 'invited' then
    perform gulou.move_member(p_account, p_member, 'binding', p_actor, p_reason, p_request);
    perform gulou.move_member(p_account, p_member, 'active', p_actor, p_reason, p_request);
  end if;
  perform gulou.want_tags_of(p_account, p_openid);
  perform gulou.joining_over(p_account, p_openid, p_request);
end $$;

create or replace function gulou.bind(p_account text, p_openid text, p_request text, p_code text)
returns jsonb language plpgsql as $$
declare
  v_now      timestamptz := gulou.now_();
  v_follower gulou.follower := gulou.see_follower(p_account, p_openid, null);
  v_bound    int := gulou.speaker(p_account, p_openid);
  v_invite   gulou.invite;
begin
  if v_follower.locked_until > v_now then
    return jsonb_build_object('refusal', 'locked',
      'minutes', ceil(extract(epoch from v_follower.locked_until - v_now) / 60)::int);
  end if;
  select * into v_invite from gulou.invite
  where account_id = p_account and code_hash = gulou.code_hash(p_account, p_code) for update;
  if v_bound is not null then
    return gulou.member_facts(p_account, v_bound)
      || case when v_invite.member_id = v_bound then '{"already":true}'::jsonb
              else gulou.refusal('already_bound') end;
  end if;
  if v_invite.member_id is null then
    return gulou.wrong_code(p_account, p_openid, v_follower.wrong_tries);
  end if;
  if v_invite.used_at is not null then
    return gulou.refusal('code_used');
  end if;
  -- A second code, or a reviewer's 同意加入, may be about the same member this moment.
  perform from gulou.member where account_id = p_account and member_id = v_invite.member_id for update;
  if exists (select from gulou.binding where account_id = p_account and member_id = v_invite.member_id
             and ended_at is null) then
    return gulou.refusal('member_bound');
  end if;
  update gulou.invite set used_at = v_now where account_id = p_account and code_hash = v_invite.code_hash;
  perform gulou.bind_person(p_account, p_openid, v_invite.member_id, v_invite.member_id, v_now, '绑定', p_request);
  return gulou.member_facts(p_account, v_invite.member_id) || '{"already":false}';
end $$;

create or replace function api.bind_member(p_account text, p_openid text, p_key uuid, p_request text,
                                           p_code text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, gulou.bind(p_account, p_openid, p_request, p_code));
end $$;

-- ---------------------------------------------------------------- consent

create or replace function gulou.has_consent(p_account text, p_member int, p_purpose text) returns boolean
language sql stable as $$
  select coalesce((select given from gulou.consent
                   where account_id = p_account and member_id = p_member and purpose = p_purpose
                   order by at desc limit 1), false)
$$;

create or replace function api.consents(p_account text, p_openid text) returns jsonb
language plpgsql stable as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
begin
  if v_member is null then
    return gulou.refusal('not_bound');
  end if;
  return (select jsonb_object_agg(purpose, case purpose
            when 'messages' then gulou.wants_messages(p_account, v_member)
            else gulou.has_consent(p_account, v_member, purpose) end)
          from unnest(array['service', 'public_notice_name', 'photo', 'place', 'messages']) as purpose);
end $$;

create or replace function api.set_consent(p_account text, p_openid text, p_key uuid, p_request text,
                                           p_purpose text, p_given boolean) returns jsonb
language plpgsql as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  if v_member is null then
    return gulou.inbox_keep(p_account, p_key, gulou.refusal('not_bound'));
  end if;
  perform gulou.lock_member(p_account, v_member);
  insert into gulou.consent
  select p_account, v_member, p_purpose, p_given, '2026-11',
         greatest(gulou.now_(), max(at) + interval '1 microsecond'), p_request
  from gulou.consent where account_id = p_account and member_id = v_member and purpose = p_purpose;
  if p_purpose = 'public_notice_name' and not p_given then
    perform gulou.hide_full_name(p_account, v_member);
  end if;
  return gulou.inbox_keep(p_account, p_key, api.consents(p_account, p_openid));
end $$;
