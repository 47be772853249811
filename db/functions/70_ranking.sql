-- Boards of a period. Rank = 1 + number of members (or units) with strictly more points: 1-2-2-4 (INV-23).
-- Redis answers when it can; these are the same answers without it.

create or replace function gulou.is_provisional(p_account text, p_period text) returns boolean
language plpgsql stable as $$
begin
  return not exists (select from gulou.announcement where account_id = p_account and period = p_period
                     and kind = 'member_points' and status in ('settled', 'archived'));
end $$;

create or replace function gulou.points_of(p_account text, p_period text, p_member int) returns bigint
language plpgsql stable as $$
begin
  return (select coalesce(sum(points), 0) from gulou.period_score
          where account_id = p_account and period = p_period and member_id = p_member);
end $$;

create or replace function gulou.rank_of(p_account text, p_period text, p_member int) returns int
language plpgsql stable as $$
declare
  v_points bigint := gulou.points_of(p_account, p_period, p_member);
begin
  return case when v_points > 0 then 1 + gulou.members_above(p_account, p_period, v_points) end;
end $$;

create or replace function gulou.unit_rank_of(p_account text, p_period text, p_org int) returns int
language plpgsql stable as $$
declare
  v_points bigint := (select points from gulou.unit_total
                      where account_id = p_account and period = p_period and org_id = p_org);
begin
  return case when v_points > 0 then 1 + (select count(*)::int from gulou.unit_total
    where account_id = p_account and period = p_period and points > v_points) end;
end $$;

create or replace function api.rank_of(p_account text, p_period text, p_member int) returns jsonb
language plpgsql stable as $$
begin
  return jsonb_build_object('rank', gulou.rank_of(p_account, p_period, p_member));
end $$;

-- The rows of these members, in this order, as JSON; NULL when the book does not have just these points of one of them.
drop function if exists gulou.rows_if_booked(text, text, int[], bigint[]);
create or replace function gulou.rows_if_booked(p_account text, p_period text, p_ids int[], p_points bigint[])
returns text language plpgsql stable as $$
declare
  v_today date := gulou.local_day(gulou.now_());
begin
  return (
    select case when bool_and(points = booked and shown.shown_name is not null) then
             '[' || string_agg(concat('{"rank":', rank, ',"name":', to_json(shown.shown_name), ',"unit":', coalesce(to_json(o.name)::text, 'null'),
               ',"unit_id":', coalesce(o.org_id::text, 'null'), ',"points":"', points, '"}'), ',' order by place) || ']' end
    from (select id, listed.points, place, rank() over (order by listed.points desc) as rank,
                 (select coalesce(sum(s.points), 0)::bigint from gulou.period_score s
                  where s.account_id = p_account and s.period = p_period and s.member_id = id) as booked
          from unnest(p_ids, p_points) with ordinality as listed (id, points, place)) as ranked
    left join gulou.masked_list(p_account, p_ids) as shown on shown.member_id = id
    left join gulou.member_org m on m.account_id = p_account and m.member_id = id and m.during @> v_today
    left join gulou.org o on o.account_id = p_account and o.org_id = m.org_id);
end $$;

-- The first of the sums, with those in between that the sums do not know yet.
drop function if exists gulou.member_rows(text, text, int);
create or replace function gulou.member_rows(p_account text, p_period text, p_limit int) returns text
language plpgsql stable as $$
begin
  return (
    with unranked as materialized (
      select member_id, points from gulou.unranked_member where account_id = p_account and period = p_period),
    first as (
      (select member_id, points from gulou.member_score
       where account_id = p_account and period = p_period and points > 0 and member_id not in (select member_id from unranked)
       order by points desc, member_id limit p_limit)
      union all
      select member_id, points from unranked where points > 0),
    ranked as (
      select member_id, points from first order by points desc, member_id limit p_limit)
    select coalesce(gulou.rows_if_booked(p_account, p_period, array_agg(member_id), array_agg(points)), '[]') from ranked);
end $$;

create or replace function gulou.unit_rows(p_account text, p_period text, p_limit int) returns jsonb
language plpgsql stable as $$
begin
  return (
    with ranked as (
      select org_id, points, rank() over (order by points desc) as rank
      from gulou.unit_total where account_id = p_account and period = p_period and points > 0
      order by points desc, org_id limit p_limit)
    select coalesce(jsonb_agg(jsonb_build_object('rank', rank, 'name', o.name, 'unit', o.name, 'unit_id', ranked.org_id,
                                                 'points', points::text) order by rank, ranked.org_id), '[]')
    from ranked join gulou.org o on o.account_id = p_account and o.org_id = ranked.org_id);
end $$;

-- p_openid may be NULL (the public pages); p_period NULL means the current one.
create or replace function api.ranking(p_account text, p_openid text, p_kind text, p_period text, p_limit int)
returns jsonb language plpgsql stable as $$
declare
  v_period text := coalesce(p_period, gulou.period_of(p_account, gulou.local_day(gulou.now_())));
  v_member int := gulou.speaker(p_account, p_openid);
  v_unit   int := gulou.org_on(p_account, v_member, gulou.local_day(gulou.now_()));
begin
  if not gulou.is_period(v_period) then
    return gulou.refusal('period_invalid');
  end if;
  return jsonb_build_object('period', v_period, 'provisional', gulou.is_provisional(p_account, v_period),
    'rows', case p_kind when 'units' then gulou.unit_rows(p_account, v_period, p_limit)
                        else gulou.member_rows(p_account, v_period, p_limit)::jsonb end,
    'periods', (select coalesce(jsonb_agg(jsonb_build_object('name', period) order by gulou.period_start(period) desc), '[]')
                from (select jsonb_array_elements_text(api.periods(p_account) -> 'periods') as period) as known),
    'member', v_member, 'unit', v_unit,
    'mine', case when v_member is not null and p_kind = 'units' then jsonb_build_object(
        'rank', gulou.unit_rank_of(p_account, v_period, v_unit),
        'points', (select coalesce(sum(points), 0)::text from gulou.unit_total
                   where account_id = p_account and period = v_period and org_id = v_unit))
      when v_member is not null then jsonb_build_object(
        'rank', gulou.rank_of(p_account, v_period, v_member),
        'points', gulou.points_of(p_account, v_period, v_member)::text) end);
end $$;

-- ---------------------------------------------------------------- with the board in Redis

-- What `排行` says to many, as api.ranking() has it, of the period that runs; JSON as text. The first of the board come from
-- Redis: as members and their points, of the period that was the current one lately. What is not true of them any more, SQL
-- answers. They are the same for nearly all who ask at once: looked up and written out once.
drop function if exists api.board_together(text[], text[], text[], text[], text[], int[]);
create or replace function api.board_together(p_account text[], p_openid text[], p_period text[], p_ids text[],
  p_points text[], p_limit int[]) returns text[] language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_today date := gulou.local_day(gulou.now_());
begin
  return array(
    with running as materialized (
      select account, gulou.period_of(account, v_today) as period from (select distinct unnest(p_account) as account) as one),
    own as materialized (
      select c.place, c.account, r.period, c."limit", k.member_id as member,
             (select coalesce(sum(points), 0)::bigint from gulou.period_score s
              where s.account_id = c.account and s.period = r.period and s.member_id = k.member_id) as points,
             case when c.period = r.period then c.ids end as ids, case when c.period = r.period then c.points end as board_points
      from unnest(p_account, p_openid, p_period, p_ids, p_points, p_limit) with ordinality
        as c (account, openid, period, ids, points, "limit", place)
      join running r using (account)
      left join gulou.binding k on k.account_id = c.account and k.openid = c.openid and k.ended_at is null),
    boards as materialized (
      select account, ids, board_points, "limit", concat('{"period":"', period, '","provisional":',
             gulou.is_provisional(account, period)::text, ',"rows":',
             coalesce(case when ids is not null then gulou.rows_if_booked(account, period, ids::int[], board_points::bigint[]) end,
                      gulou.member_rows(account, period, "limit"))) as said
      from (select distinct account, period, ids, board_points, "limit" from own) as one),
    ranks as (
      select r.account, each.score as points, 1 + each.above as rank
      from running r cross join lateral gulou.members_above_each(r.account, r.period, array(
        select distinct own.points from own where own.account = r.account and own.points > 0)) as each)
    select case when own.member is null then b.said || '}'
           else concat(b.said, ',"mine":{"points":"', own.points, '","rank":', coalesce(ranks.rank::text, 'null'), '}}') end
    from own
    join boards b on b.account = own.account and b."limit" = own."limit" and b.ids is not distinct from own.ids
                 and b.board_points is not distinct from own.board_points
    left join ranks on ranks.account = own.account and ranks.points = own.points
    order by own.place);
end $$;

-- For servers of before, which asked in two steps.

-- The words for members that Redis ranked, in the order asked: masked names and units; and the points that they
-- should have there.
drop function if exists api.labels(text, text, int[]);
create or replace function api.labels(p_account text, p_period text, p_ids int[]) returns jsonb
language plpgsql stable as $$
declare
  v_today date := gulou.local_day(gulou.now_());
begin
  return (
    with asked as materialized (
      select id, place, gulou.org_on(p_account, id, v_today) as org_id
      from unnest(p_ids) with ordinality as listed (id, place))
    select jsonb_build_object('rows', coalesce(jsonb_agg(jsonb_build_object('id', asked.id,
        'name', shown.shown_name, 'unit', o.name, 'points', gulou.points_of(p_account, p_period, asked.id))
      order by asked.place), '[]'))
    from asked
    left join gulou.masked_list(p_account, p_ids) shown on shown.member_id = asked.id
    left join gulou.org o on o.account_id = p_account and o.org_id = asked.org_id);
end $$;

-- Who is asking and which period runs: what the Redis way of `排行` still needs from the truth.
create or replace function api.ranking_context(p_account text, p_openid text) returns jsonb
language plpgsql stable as $$
declare
  v_today  date := gulou.local_day(gulou.now_());
  v_period text := gulou.period_of(p_account, v_today);
  v_member int := gulou.speaker(p_account, p_openid);
begin
  return jsonb_build_object('period', v_period, 'provisional', gulou.is_provisional(p_account, v_period),
    'member', v_member, 'unit', gulou.org_on(p_account, v_member, v_today), 'points', gulou.points_of(p_account, v_period, v_member));
end $$;

-- The scores of a period, to build a board anew: the next p_limit behind this member and unit. No rows: that was all.
create or replace function api.scores(p_account text, p_period text, p_member int, p_org int, p_limit int) returns jsonb
language plpgsql stable as $$
begin
  return (
    select jsonb_build_object('rows', coalesce(jsonb_agg(jsonb_build_object('period', period, 'member', member_id,
      'org', org_id, 'points', points::text, 'version', version)), '[]'))
    from (select * from gulou.period_score
          where account_id = p_account and period = p_period and (member_id, org_id) > (p_member, p_org)
          order by member_id, org_id limit p_limit) as page);
end $$;

-- What changed since; five seconds are read again, because a commit may come after a later one's time.
create or replace function api.score_changes(p_account text, p_since timestamptz) returns jsonb
language plpgsql stable as $$
begin
  return (
    select jsonb_build_object('until', clock_timestamp(), 'rows',
      coalesce(jsonb_agg(jsonb_build_object('period', period, 'member', member_id, 'org', org_id,
                                            'points', points::text, 'version', version)), '[]'))
    from gulou.period_score
    where account_id = p_account and changed_at >= p_since - interval '5 seconds');
end $$;

create or replace function api.periods(p_account text) returns jsonb language sql stable as $$
  select jsonb_build_object('periods', coalesce(jsonb_agg(period order by gulou.period_start(period)), '[]'))
  from (select distinct period from gulou.unit_total where account_id = p_account
        union select gulou.period_of(p_account, gulou.local_day(gulou.now_()))) as known
$$;
