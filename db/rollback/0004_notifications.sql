select pg_temp.keep_rows('agreed subscription notifications', exists (select from gulou.subscription where sends_left > 0));
drop table gulou.send_result;
drop table gulou.subscription;
drop index gulou.outbox_held;
drop index gulou.outbox_message;
alter table gulou.outbox drop column shown_with;
alter table gulou.follower drop column window_until, drop column window_left;
