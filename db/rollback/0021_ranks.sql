-- Only sums of what period_score says: they are made again.
drop view gulou.unit_total;
drop view gulou.unranked_member;
drop table gulou.unit_score;
drop table gulou.score_count;
drop table gulou.member_score;
drop index gulou.period_score_unranked;
alter table gulou.period_score drop column ranked;
