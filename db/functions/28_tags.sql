-- The platform's tags follow the roles by themselves: who wears one sees that role's menu. Whatever changes a role,
-- a binding or a following asks for a round; a round (server/deliveries/tag.c) takes one step after the other until
-- nothing differs. Rounds of an account share one lane, because tag calls that overlap fail.

-- Who should wear which tag now.
create or replace function gulou.due_tags(p_account text) returns table (openid text, role text)
language sql stable as $$
  select b.openid, r.role
  from gulou.member_role r
  join gulou.member m on m.account_id = r.account_id and m.member_id = r.member_id and m.status = 'active'
  join gulou.binding b on b.account_id = r.account_id and b.member_id = r.member_id and b.ended_at is null
  left join gulou.follower f on f.account_id = b.account_id and f.openid = b.openid
  where r.account_id = p_account and coalesce(f.subscribed, true)
$$;

-- What has to be done, in order: off first; the administrators' tag is set last, because the last one decides. Who
-- wears it and gets the reviewers' now loses it for the moment.
create or replace function gulou.tag_steps(p_account text)
returns table (place int, role text, adds boolean, openid text) language sql stable as $$
  with due as (
    select d.openid, d.role from gulou.due_tags(p_account) d
    where not exists (select from gulou.worn_tag w where w.account_id = p_account and w.openid = d.openid
                      and w.role = d.role and w.refused and w.set_at > clock_timestamp() - interval '1 day')),
  worn as (select w.openid, w.role from gulou.worn_tag w where w.account_id = p_account and not w.refused),
  missing as (select d.openid, d.role from due d except select w.openid, w.role from worn w)
  select 1, w.role, false, w.openid from worn w
  where not exists (select from due d where d.openid = w.openid and d.role = w.role)
     or w.role = 'administrator'
        and exists (select from missing m where m.openid = w.openid and m.role = 'reviewer')
  union all
  select case m.role when 'reviewer' then 2 else 3 end, m.role, true, m.openid from missing m
$$;

-- Asks for a round, unless one is waiting that nobody has begun. A round that is being taken this moment holds its
-- row: then another one is written, and finds what is new.
create or replace function gulou.want_tags(p_account text) returns boolean language plpgsql as $$
begin
  if not exists (select from gulou.account where account_id = p_account and verified) then
    return false;
  end if;
  perform from gulou.outbox
  where account_id = p_account and lane = 'tags' and status = 'waiting' and taken_till is null for update;
  if found then
    return false;
  end if;
  perform gulou.outbox_write(p_account, 'tags', 'tag', nextval('gulou.tag_round')::text);
  return true;
end $$;

-- After something about this person changed; most have no role, and nothing is asked.
create or replace function gulou.want_tags_of(p_account text, p_openid text) returns void language plpgsql as $$
begin
  if exists (select from gulou.member_role
             where account_id = p_account and member_id = gulou.speaker(p_account, p_openid)) then
    perform gulou.want_tags(p_account);
  end if;
end $$;

-- The platform drops the tags of who leaves.
create or replace function gulou.tags_left(p_account text, p_openid text) returns void language sql as $$
  delete from gulou.worn_tag where account_id = p_account and openid = p_openid
$$;

-- Who comes gets them anew: that they had left may never have been told. A tag that is not due any more stays known,
-- so that it is taken off.
create or replace function gulou.tags_came(p_account text, p_openid text) returns void language plpgsql as $$
begin
  update gulou.follower set came_at = clock_timestamp() where account_id = p_account and openid = p_openid;
  delete from gulou.worn_tag w
  where w.account_id = p_account and w.openid = p_openid
    and exists (select from gulou.due_tags(p_account) d where d.openid = w.openid and d.role = w.role);
  perform gulou.want_tags_of(p_account, p_openid);
end $$;

-- By the clock: covers whatever changed a role without asking for a round.
create or replace function api.reconcile_tags() returns jsonb language plpgsql as $$
declare
  v_asked int := 0;
  v_one   text;
begin
  for v_one in select account_id from gulou.account where verified order by 1 loop
    if exists (select from gulou.tag_steps(v_one)) and gulou.want_tags(v_one) then
      v_asked := v_asked + 1;
    end if;
  end loop;
  return jsonb_build_object('asked', v_asked);
end $$;

-- All tags are set anew: somebody may have changed them on the platform's website (`gulou menu push`).
create or replace function api.renew_tags(p_account text) returns jsonb language plpgsql as $$
begin
  delete from gulou.worn_tag w
  where w.account_id = p_account and not w.refused
    and exists (select from gulou.due_tags(p_account) d where d.openid = w.openid and d.role = w.role);
  perform gulou.want_tags(p_account);
  return '{}';
end $$;

-- ---------------------------------------------------------------- one round

-- The next step: {"role","adds","tag":number or null,"openids":[…],"at"}; {} when nothing differs.
create or replace function api.tag_step(p_account text, p_id bigint, p_most int) returns jsonb
language plpgsql stable as $$
declare
  v_step jsonb;
begin
  select jsonb_build_object('at', clock_timestamp(), 'role', s.role, 'adds', s.adds, 'openids', jsonb_agg(s.openid order by s.openid),
           'tag', (select tag_id from gulou.platform_tag t where t.account_id = p_account and t.role = s.role))
  into v_step
  from (select *, row_number() over (partition by place, role, adds order by openid) as n
        from gulou.tag_steps(p_account)) s
  where s.n <= p_most
  group by s.place, s.role, s.adds order by s.place, s.role limit 1;
  return coalesce(v_step, '{}');
end $$;

-- NULL forgets it: the platform does not know it any more, and nobody wears it.
create or replace function api.keep_tag(p_account text, p_id bigint, p_role text, p_tag bigint) returns jsonb
language plpgsql as $$
begin
  delete from gulou.platform_tag where account_id = p_account and role = p_role;
  if p_tag is null then
    delete from gulou.worn_tag where account_id = p_account and role = p_role and not refused;
  else
    insert into gulou.platform_tag values (p_account, p_role, p_tag);
  end if;
  return '{}';
end $$;

-- What the platform did, or refused, since `p_at`. Who left meanwhile wears nothing; who also came back may have lost
-- it again, and it is set once more.
create or replace function api.end_tag_step(p_account text, p_id bigint, p_role text, p_adds boolean,
                                            p_openids text[], p_refused boolean, p_at timestamptz) returns jsonb
language plpgsql as $$
begin
  delete from gulou.worn_tag where account_id = p_account and role = p_role and openid = any (p_openids);
  if p_adds then
    insert into gulou.worn_tag (account_id, openid, role, refused)
    select p_account, one, p_role, p_refused from unnest(p_openids) as one
    where not exists (select from gulou.follower f
                      where f.account_id = p_account and f.openid = one
                        and (not f.subscribed or f.came_at > p_at));
  end if;
  return '{}';
end $$;
