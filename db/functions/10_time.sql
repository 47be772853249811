-- Time and the caller: what every other function begins with.
--
-- `language sql` only where PostgreSQL can write the body into the calling query: one expression, no table, and nothing
-- less constant than the label says. Any other such function is parsed and planned again for every calling query, ten
-- times the cost of the same in plpgsql, which keeps its plans.

-- The server's time, set off by `gulou clock` where the configuration allows it.
create or replace function gulou.now_() returns timestamptz language sql stable as $$
  select statement_timestamp() + gulou.away_by()   -- migration 0050 says where that comes from
$$;

create or replace function gulou.local_day(p_at timestamptz) returns date language sql immutable as $$
  select (p_at at time zone 'Asia/Shanghai')::date
$$;

create or replace function gulou.local_midnight(p_day date) returns timestamptz language sql immutable as $$
  select p_day::timestamp at time zone 'Asia/Shanghai'
$$;

-- RFC 3339 with the region's offset, as contract.md shows times.
create or replace function gulou.rfc3339(p_at timestamptz) returns text language plpgsql immutable as $$
begin
  return to_char(p_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI:SS"+08:00"');
end $$;

-- Microseconds since 1970, as text that no session's setting changes. A double has room for every one of them until 2106, and
-- costs a tenth of a numeric.
create or replace function gulou.time_text(p_at timestamptz) returns text language sql stable as $$
  select (date_part('epoch', p_at) * 1000000)::bigint::text
$$;

-- NULL when there is no such day.
create or replace function gulou.day_of(p_year int, p_month int, p_day int) returns date
language plpgsql immutable as $$
begin
  if p_year not between 2000 and 2999 or p_month not between 1 and 12 or p_day < 1
     or p_day > extract(day from make_date(p_year, p_month, 1) + interval '1 month - 1 day') then
    return null;
  end if;
  return make_date(p_year, p_month, p_day);
end $$;

-- ---------------------------------------------------------------- messages answered once

-- True when the message is new; a retry waits here until the first attempt has committed. A lock on the key, so that the
-- row is written once, with its answer, and not twice.
create or replace function gulou.inbox_take(p_account text, p_key uuid) returns boolean
language plpgsql as $$
declare
  v_lock bigint := uuid_hash_extended(p_key, 0);
begin
  if not pg_try_advisory_xact_lock(v_lock) then   -- an expression costs a tenth of a statement; nearly all end here
    perform pg_advisory_xact_lock(v_lock);
  end if;
  return not exists (select from gulou.inbox where account_id = p_account and message_key = p_key);
end $$;

-- The same lock for many messages, in the order of their places; who is new shows afterwards. All of them come before any
-- other lock: who waits for a message of another group holds no member that the other waits for.
drop function if exists gulou.inbox_take_all(uuid[], int[]);
create or replace function gulou.inbox_take_all(p_key uuid[]) returns void language plpgsql as $$
declare
  v_key uuid;
begin
  foreach v_key in array p_key loop
    if not pg_try_advisory_xact_lock(uuid_hash_extended(v_key, 0)) then
      perform pg_advisory_xact_lock(uuid_hash_extended(v_key, 0));
    end if;
  end loop;
end $$;

create or replace function gulou.inbox_answer(p_account text, p_key uuid) returns jsonb
language plpgsql stable as $$
begin
  return (select coalesce(answer, '{"refusal":"long_ago"}') from gulou.inbox where account_id = p_account and message_key = p_key);
end $$;

create or replace function gulou.inbox_keep(p_account text, p_key uuid, p_answer jsonb) returns jsonb
language plpgsql as $$
begin
  insert into gulou.inbox (account_id, message_key, answer) values (p_account, p_key, p_answer);
  return p_answer;
end $$;

-- What was answered to a message, for a member who asks 继续. Not yet answered is none of the refusals that a
-- message itself may get. What was to be shown with that answer has not been seen yet.
create or replace function api.answer_of(p_account text, p_key uuid) returns jsonb
language plpgsql stable as $$
declare
  v_notes jsonb := gulou.notes_shown(p_account, p_key);
begin
  return coalesce((select answer from gulou.inbox where account_id = p_account and message_key = p_key),
                  '{"refusal":"not_answered"}')
    || case when v_notes is null then '{}' else jsonb_build_object('notes', v_notes) end;
end $$;

-- The platform repeats a push within 15 s; two days leave room for any clock, then the answer, which holds people's
-- words, goes. The key stays, because the platform's signature never ends: whoever recorded a push could send it again.
create or replace function api.purge_inbox() returns jsonb language plpgsql as $$
declare
  v_rows bigint;
begin
  update gulou.inbox set answer = null
  where received_at between clock_timestamp() - interval '9 days' and clock_timestamp() - interval '2 days'
    and answer is not null;
  get diagnostics v_rows = row_count;
  delete from gulou.inbox where received_at < clock_timestamp() - interval '400 days';
  return jsonb_build_object('removed', v_rows);
end $$;

-- ---------------------------------------------------------------- the caller

-- The unit of a member on a day; NULL when there was none.
create or replace function gulou.org_on(p_account text, p_member int, p_day date) returns int
language plpgsql stable as $$
begin
  return (select org_id from gulou.member_org
          where account_id = p_account and member_id = p_member and during @> p_day);
end $$;

-- The member bound to an openid; NULL for a guest.
create or replace function gulou.speaker(p_account text, p_openid text) returns int
language plpgsql stable as $$
begin
  return (select member_id from gulou.binding
          where account_id = p_account and openid = p_openid and ended_at is null);
end $$;

create or replace function gulou.has_role(p_account text, p_member int, p_role text) returns boolean
language plpgsql stable as $$
begin
  return exists (select from gulou.member_role r join gulou.member m using (account_id, member_id)
                 where r.account_id = p_account and r.member_id = p_member and r.role = p_role
                   and m.status = 'active');
end $$;

-- Takes the lock that serialises everything about one member's points.
create or replace function gulou.lock_member(p_account text, p_member int) returns void
language plpgsql as $$
begin
  perform from gulou.balance where account_id = p_account and member_id = p_member for update;
  if not found then
    insert into gulou.balance (account_id, member_id) values (p_account, p_member) on conflict do nothing;
    perform from gulou.balance where account_id = p_account and member_id = p_member for update;
  end if;
end $$;

-- The members of many messages; NULL for guests.
create or replace function gulou.speakers(p_account text[], p_openid text[]) returns int[]
language plpgsql stable as $$
begin
  return array(select b.member_id from unnest(p_account, p_openid) with ordinality as c (account, openid, place)
               left join gulou.binding b on b.account_id = c.account and b.openid = c.openid and b.ended_at is null
               order by place);
end $$;

-- The places of many messages, such that no round has two of one member: what one writes, the next one reads.
create or replace function gulou.rounds_of(p_account text[], p_member int[]) returns setof int[]
language plpgsql immutable as $$
begin
  if cardinality(p_account) = 1 then
    return next array[1];
    return;
  end if;
  return query
    select array_agg(place order by place)
    from (select place::int, row_number() over (partition by account, coalesce(member, -place) order by place) as round
          from unnest(p_account, p_member) with ordinality as c (account, member, place)) as placed
    group by round order by round;
end $$;

-- The locks of many members, in the order of their numbers as everywhere; NULL is nobody.
create or replace function gulou.lock_members(p_account text[], p_member int[], p_places int[]) returns void
language plpgsql as $$
declare
  v_place int;
  v_found int;
begin
  perform from unnest(p_places) as place
  join gulou.balance b on b.account_id = p_account[place] and b.member_id = p_member[place]
  order by b.account_id, b.member_id for update of b;
  get diagnostics v_found = row_count;
  if v_found < cardinality(p_places) then   -- a guest, or a member who never had a balance
    foreach v_place in array p_places loop
      if p_member[v_place] is not null then
        perform gulou.lock_member(p_account[v_place], p_member[v_place]);
      end if;
    end loop;
  end if;
end $$;

create or replace function gulou.refusal(p_code text) returns jsonb language plpgsql immutable as $$
begin
  return jsonb_build_object('refusal', p_code);
end $$;

-- Name, unit and roles as the member's own answers show them.
create or replace function gulou.member_facts(p_account text, p_member int) returns jsonb
language plpgsql stable as $$
begin
  return (
    select jsonb_build_object(
      'member', m.member_id,
      'name', coalesce(m.name, '已注销成员#' || m.member_id),
      'unit', (select o.name from gulou.org o where o.account_id = p_account
               and o.org_id = gulou.org_on(p_account, p_member, gulou.local_day(gulou.now_()))),
      'status', m.status,
      'roles', coalesce((select jsonb_agg(r.role order by r.role) from gulou.member_role r
                         where r.account_id = p_account and r.member_id = p_member), '[]'))
    from gulou.member m where m.account_id = p_account and m.member_id = p_member);
end $$;

create or replace function api.who(p_account text, p_openid text) returns jsonb
language plpgsql stable as $$
begin
  return (
    select coalesce(gulou.member_facts(p_account, gulou.speaker(p_account, p_openid)), '{"guest":true}'));
end $$;
