select pg_temp.keep_rows('wishes to join', exists (select from gulou.join_request));
drop table gulou.join_request_event;
drop table gulou.join_request;
drop sequence gulou.join_request_no;
drop table gulou.qr_code;          -- asked for anew
drop table gulou.worn_tag;
drop sequence gulou.tag_round;
drop table gulou.platform_tag;
alter table gulou.follower drop column came_at, drop column scanned_org, drop column scanned_at, drop column asked_on,
  drop column asked;
alter table gulou.account drop column verified;
