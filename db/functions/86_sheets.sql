-- What administrators print: a sheet with a QR code for each unit, and invites for members who are not bound.

-- The facts of gulou.enter for an administrator, or a refusal.
create or replace function gulou.enter_sheets(p_account text, p_session bytea, p_next bytea) returns jsonb
language plpgsql as $$
declare
  v_facts jsonb := gulou.enter(p_account, p_session, p_next);
begin
  return case when v_facts ? 'refusal' then v_facts
              when not gulou.has_role(p_account, (v_facts ->> 'member')::int, 'administrator')
              then gulou.refusal('not_yours') else v_facts end;
end $$;

-- Members of the unit whom nobody is bound to now.
create or replace function gulou.unbound_members(p_account text, p_org int) returns table (member_id int, name text)
language sql stable as $$
  select m.member_id, m.name from gulou.member m
  join gulou.member_org o on o.account_id = m.account_id and o.member_id = m.member_id and o.org_id = p_org
                         and o.during @> gulou.local_day(gulou.now_())
  where m.account_id = p_account and m.status in ('invited', 'active') and m.name is not null
    and not exists (select from gulou.binding b where b.account_id = m.account_id and b.member_id = m.member_id
                    and b.ended_at is null)
$$;

create or replace function api.page_sheets(p_account text, p_session bytea, p_next bytea) returns jsonb
language plpgsql as $$
declare
  v_facts jsonb := gulou.enter_sheets(p_account, p_session, p_next);
begin
  return case when v_facts ? 'refusal' then v_facts else v_facts || jsonb_build_object('units', (
    select jsonb_agg(jsonb_build_object('org', o.org_id, 'name', o.name, 'members', m.all_of_them, 'bound', m.bound)
                     order by o.org_id)
    from gulou.org o
    cross join lateral (
      select count(*) as all_of_them, count(b.member_id) as bound
      from gulou.member_org mo
      join gulou.member mm on mm.account_id = mo.account_id and mm.member_id = mo.member_id
                          and mm.status in ('invited', 'active')
      left join gulou.binding b on b.account_id = mo.account_id and b.member_id = mo.member_id and b.ended_at is null
      where mo.account_id = p_account and mo.org_id = o.org_id and mo.during @> gulou.local_day(gulou.now_())) m
    where o.account_id = p_account)) end;
end $$;

-- {"unit","org","scene","url": null until the platform made the code,"unbound"}.
create or replace function api.page_sheet(p_account text, p_session bytea, p_next bytea, p_org int) returns jsonb
language plpgsql as $$
declare
  v_facts jsonb := gulou.enter_sheets(p_account, p_session, p_next);
  v_org   gulou.org;
begin
  if v_facts ? 'refusal' then
    return v_facts;
  end if;
  select * into v_org from gulou.org where account_id = p_account and org_id = p_org;
  return v_facts || case when v_org.org_id is null then gulou.refusal('not_found') else jsonb_build_object(
    'unit', v_org.name, 'org', p_org, 'scene', gulou.unit_scene(p_org),
    'url', (select url from gulou.qr_code where account_id = p_account and scene = gulou.unit_scene(p_org)),
    'unbound', (select count(*) from gulou.unbound_members(p_account, p_org))) end;
end $$;

-- What the platform made for a scene; the first one stays. {"url"} of it.
create or replace function api.keep_qr_code(p_account text, p_scene text, p_ticket text, p_url text) returns jsonb
language plpgsql as $$
begin
  insert into gulou.qr_code (account_id, scene, ticket, url) values (p_account, p_scene, p_ticket, p_url)
  on conflict do nothing;
  return (select jsonb_build_object('url', url) from gulou.qr_code where account_id = p_account and scene = p_scene);
end $$;

-- ---------------------------------------------------------------- invites

-- The member behind a session who may print invites; else a refusal.
create or replace function gulou.inviting(p_account text, p_session bytea, out administrator int, out refusal jsonb)
language plpgsql as $$
declare
  v_openid text := gulou.session_openid(p_account, p_session);
begin
  refusal := gulou.web_refusal(p_account, v_openid);
  administrator := gulou.speaker(p_account, v_openid);
  if refusal is null and not gulou.has_role(p_account, administrator, 'administrator') then
    refusal := gulou.refusal('not_yours');
  end if;
end $$;

-- For whom: {"members":[{"member_id","name"}…]} behind that number, so many at most.
create or replace function api.web_unbound(p_account text, p_session bytea, p_org int, p_after int, p_most int)
returns jsonb
language plpgsql as $$
declare
  v_who record := gulou.inviting(p_account, p_session);
begin
  return coalesce(v_who.refusal, jsonb_build_object(
    'members', coalesce((select jsonb_agg(to_jsonb(u) order by u.member_id) from (
        select member_id, name from gulou.unbound_members(p_account, p_org)
        where member_id > p_after order by member_id limit p_most) as u),
      '[]')));
end $$;

-- [{"member","code"}…]: only the codes' digests are kept. Codes that were printed before and not used end, so that a lost
-- sheet is worth nothing once there is a new one. Whoever was bound meanwhile gets none.
create or replace function api.web_invite(p_account text, p_session bytea, p_request text, p_org int, p_invites jsonb)
returns jsonb language plpgsql as $$
declare
  v_who record := gulou.inviting(p_account, p_session);
  v_one record;
begin
  if v_who.refusal is not null then
    return v_who.refusal;
  end if;
  for v_one in select u.member_id, gulou.code_hash(p_account, i ->> 'code') as hash, m.status
               from jsonb_array_elements(p_invites) as i
               join gulou.unbound_members(p_account, p_org) u on u.member_id = (i ->> 'member')::int
               join gulou.member m on m.account_id = p_account and m.member_id = u.member_id order by u.member_id loop
    delete from gulou.invite where account_id = p_account and member_id = v_one.member_id and used_at is null;
    insert into gulou.invite values (p_account, v_one.hash, v_one.member_id);
    perform gulou.move_member(p_account, v_one.member_id, v_one.status, v_who.administrator, '新邀请码', p_request);
  end loop;
  return '{}';
end $$;
