alter table gulou.balance reset (fillfactor, autovacuum_vacuum_scale_factor);
alter table gulou.follower reset (fillfactor, autovacuum_vacuum_scale_factor);
alter table gulou.member_score reset (autovacuum_vacuum_scale_factor);
alter table gulou.score_count reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
alter table gulou.unit_score reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
alter table gulou.period_score reset (autovacuum_vacuum_scale_factor);
alter table gulou.outbox reset (autovacuum_vacuum_scale_factor);
alter table gulou.inbox reset (autovacuum_vacuum_scale_factor);
alter table gulou.declaration reset (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
