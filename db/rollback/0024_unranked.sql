drop view gulou.unranked_member;
drop view gulou.unit_total;
drop index gulou.period_score_unranked;
create index period_score_unranked on gulou.period_score (account_id, period, member_id) where points <> ranked;

-- Members whose points the sums do not know fully: what they have, and what the sums have of it.
create view gulou.unranked_member as
  select s.account_id, s.period, s.member_id, sum(s.points)::bigint as points, sum(s.ranked)::bigint as ranked
  from (select distinct account_id, period, member_id from gulou.period_score where points <> ranked) as changed
  join gulou.period_score s using (account_id, period, member_id)
  group by s.account_id, s.period, s.member_id;

-- What every unit has at this moment.
create view gulou.unit_total as
  select account_id, period, org_id, sum(points)::bigint as points, sum(members)::int as members
  from (select account_id, period, org_id, points, members from gulou.unit_score
        union all
        select account_id, period, org_id, points - ranked, (points > 0)::int - (ranked > 0)::int
        from gulou.period_score where points <> ranked) as parts
  group by account_id, period, org_id;
alter view gulou.unranked_member owner to gulou_owner;
alter view gulou.unit_total owner to gulou_owner;
