-- Keys of pushes stay for a year and more, their answers for two days: a push that somebody has recorded stays without
-- effect whenever it is sent again. What is old is found by blocks; an index for it would cost every message.
drop index gulou.inbox_by_age;
create index inbox_by_age on gulou.inbox using brin (received_at) with (pages_per_range = 16);
