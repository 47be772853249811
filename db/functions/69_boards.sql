-- The sums that ranks are read from (migration 0021), brought up to date beside what they are the sums of.

-- Takes up to so many changed scores into the sums. Rows that somebody is changing come next time. One caller works at
-- a time, the others find that and leave. {"more":true}: call again.
create or replace function gulou.fold_scores(p_rows int) returns int language plpgsql as $$
declare
  v_rows int;
begin
  with changed as materialized (
    select account_id, period, member_id, org_id, points, ranked from gulou.period_score
    where (points <> ranked)::int = 1 limit p_rows for update skip locked),   -- written as its index (0024)
  noted as (
    update gulou.period_score s set ranked = c.points from changed c
    where s.account_id = c.account_id and s.period = c.period and s.member_id = c.member_id and s.org_id = c.org_id),
  units as (
    insert into gulou.unit_score as u
    select account_id, period, org_id, sum(points - ranked), sum((points > 0)::int - (ranked > 0)::int)
    from changed group by account_id, period, org_id
    on conflict (account_id, period, org_id) do update
      set points = u.points + excluded.points, members = u.members + excluded.members),
  moved as (
    select account_id, period, member_id, sum(points - ranked) as by_points from changed
    group by account_id, period, member_id),
  members as (
    insert into gulou.member_score as m select * from moved
    on conflict (account_id, period, member_id) do update set points = m.points + excluded.points
    returning *),
  counts as (
    insert into gulou.score_count as k
    select account_id, period, points, sum(n) from (
      select account_id, period, points, 1 as n from members
      union all
      select account_id, period, members.points - by_points, -1
      from members join moved using (account_id, period, member_id)) as steps
    where points > 0 group by account_id, period, points having sum(n) <> 0
    on conflict (account_id, period, points) do update set members = k.members + excluded.members)
  select count(*) into v_rows from changed;
  return v_rows;
end $$;

create or replace function api.fold_scores() returns jsonb language plpgsql as $$
declare
  c_most constant int := 1000;   -- approvals of these members wait meanwhile
  v_rows int := 0;
begin
  if pg_try_advisory_xact_lock(hashtextextended('gulou.fold_scores', 0)) then
    v_rows := gulou.fold_scores(c_most);
  end if;
  return jsonb_build_object('rows', v_rows, 'more', v_rows = c_most);
end $$;

-- How many members have strictly more than so many points, for each of many. A period has few different scores, because its
-- cap is small: a few hundred counts at most are added up, whatever the number of members. What the sums do not know yet
-- is looked at once.
create or replace function gulou.members_above_each(p_account text, p_period text, p_points bigint[])
returns table (score bigint, above int) language plpgsql stable as $$
begin
  return query
    with unranked as materialized (
      select points, ranked from gulou.unranked_member where account_id = p_account and period = p_period)
    select asked, ((select coalesce(sum(members), 0) from gulou.score_count
                    where account_id = p_account and period = p_period and points > asked)
                   + (select coalesce(sum((points > asked)::int - (ranked > asked)::int), 0) from unranked))::int
    from unnest(p_points) as asked;
end $$;

create or replace function gulou.members_above(p_account text, p_period text, p_points bigint) returns int
language plpgsql stable as $$
begin
  return (select above from gulou.members_above_each(p_account, p_period, array[p_points]));
end $$;
