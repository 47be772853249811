-- The older program keeps a key as long as its answer, and knows none without: it would have forgotten these.
delete from gulou.inbox where answer is null;
drop index gulou.inbox_by_age;
create index inbox_by_age on gulou.inbox (received_at);
