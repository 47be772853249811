-- An older program writes rows without digests, and looks for none.
drop trigger keep_digest on gulou.objection;
drop trigger keep_digest on gulou.objection_event;
drop trigger keep_digest on gulou.correction_notice;
drop trigger keep_digest on gulou.second_person_request;
drop trigger keep_digest on gulou.daily_seal;
drop trigger keep_digest on gulou.announcement_event;
alter table gulou.objection drop column row_digest;
alter table gulou.objection_event drop column row_digest;
alter table gulou.correction_notice drop column row_digest;
alter table gulou.second_person_request drop column row_digest;
alter table gulou.daily_seal drop column row_digest;
alter table gulou.announcement_event drop column row_digest, drop column head_digest;
alter table gulou.announcement_line_event drop column row_digest;
alter table gulou.announcement_line drop column declaration_digest;
drop function gulou.keep_digest();
drop function gulou.row_digest(jsonb, text[]);
