-- Rows that are changed in place all day get room beside them, so that a change stays on its page and touches no index;
-- and they are cleaned by the number of changes, not when a fifth of a million rows has changed.
alter table gulou.balance set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
alter table gulou.follower set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
alter table gulou.member_score set (autovacuum_vacuum_scale_factor = 0.02);
alter table gulou.score_count set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
alter table gulou.unit_score set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
alter table gulou.period_score set (autovacuum_vacuum_scale_factor = 0.02);
alter table gulou.outbox set (autovacuum_vacuum_scale_factor = 0.02);
alter table gulou.inbox set (autovacuum_vacuum_scale_factor = 0.05);
alter table gulou.declaration set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
