-- Ranks among a million members without counting them. `period_score` stays the truth; these sums of it are brought up
-- to date by gulou.fold_scores(), once a second. `ranked` is what the sums know of a row already, so that a reader adds
-- the few rows that differ and is exact at any moment, while approvals never wait for each other on a shared sum.
alter table gulou.period_score add column ranked bigint not null default 0;

create table gulou.member_score (
  account_id text   not null,
  period     text   not null,
  member_id  int    not null,
  points     bigint not null,
  primary key (account_id, period, member_id)
);

-- How many members have exactly so many points, more than none.
create table gulou.score_count (
  account_id text   not null,
  period     text   not null,
  points     bigint not null check (points > 0),
  members    bigint not null,
  primary key (account_id, period, points)
) with (fillfactor = 50);

-- `members`: with more than no points.
create table gulou.unit_score (
  account_id text   not null,
  period     text   not null,
  org_id     int    not null,
  points     bigint not null,
  members    bigint not null,
  primary key (account_id, period, org_id)
) with (fillfactor = 50);

update gulou.period_score set ranked = points where ranked <> points;
insert into gulou.member_score
select account_id, period, member_id, sum(points) from gulou.period_score group by 1, 2, 3;
insert into gulou.score_count
select account_id, period, points, count(*) from gulou.member_score where points > 0 group by 1, 2, 3;
insert into gulou.unit_score
select account_id, period, org_id, sum(points), count(*) filter (where points > 0)
from gulou.period_score group by 1, 2, 3;

create index member_score_order on gulou.member_score (account_id, period, points desc, member_id) where points > 0;
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

alter table gulou.member_score owner to gulou_owner;
alter table gulou.score_count owner to gulou_owner;
alter table gulou.unit_score owner to gulou_owner;
alter view gulou.unranked_member owner to gulou_owner;
alter view gulou.unit_total owner to gulou_owner;
