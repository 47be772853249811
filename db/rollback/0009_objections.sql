select pg_temp.keep_rows('objections', exists (select from gulou.objection));
select pg_temp.keep_rows('lots of points', exists (select from gulou.lot));
select pg_temp.keep_rows('corrections', exists (select from gulou.correction_notice));
select pg_temp.keep_rows('scores below zero', exists (select from gulou.period_score where points < 0));
select pg_temp.keep_rows('photos of objections, or two of one name',
  exists (select from gulou.photo where objection_no is not null)
  or exists (select from gulou.photo group by account_id, no, media_id having count(*) > 1));
select pg_temp.keep_rows('requests of new kinds',
  exists (select from gulou.second_person_request where kind not in ('freeze', 'publish')));

drop table gulou.correction_notice;
drop sequence gulou.correction_no;
drop table gulou.lot_entry;
drop table gulou.lot;
drop index gulou.declaration_unsettled;
alter table gulou.period_score add constraint period_score_points_check check (points >= 0);

alter table gulou.photo drop constraint photo_pkey;
alter table gulou.photo drop constraint photo_account_id_no_media_id_key;
alter table gulou.photo drop column objection_no;
alter table gulou.photo alter column no set not null;
alter table gulou.photo add primary key (account_id, no, media_id);

drop index gulou.objection_open;
drop index gulou.objection_of_member;
alter table gulou.objection drop column due_at;
alter table gulou.rule_version drop column answer_days, drop column false_penalty;

drop index gulou.second_person_request_waiting;
alter table gulou.second_person_request drop column subject, drop column details;
create unique index second_person_request_waiting on gulou.second_person_request (account_id, kind, period)
  where status = 'waiting';
alter table gulou.second_person_request drop constraint second_person_request_kind_check;
alter table gulou.second_person_request add constraint second_person_request_kind_check
  check (kind in ('freeze', 'publish'));

-- As 0001 had it: a window that runs cannot be made longer.
create or replace function gulou.keep_frozen() returns trigger language plpgsql as $$
begin
  if exists (select from gulou.announcement_event
             where account_id = old.account_id and announcement_id = old.announcement_id)
     and (tg_op = 'DELETE'
          or to_jsonb(new) - array['status', 'opened_at', 'closes_at']
             is distinct from to_jsonb(old) - array['status', 'opened_at', 'closes_at']
          or old.closes_at is not null and new.closes_at is distinct from old.closes_at) then
    raise exception 'announcement % of % is frozen', old.announcement_id, old.account_id
      using errcode = 'restrict_violation';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
