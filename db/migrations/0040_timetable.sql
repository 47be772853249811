-- The timetable of a period (domain 4.3) and how many objections one person may have open are rules with a date, as caps
-- are: days of the month that follows the period's end.
alter table gulou.rule_version
  add column declare_until   int not null default 5,
  add column review_until    int not null default 15,
  add column freeze_from     int not null default 16,
  add column publish_by      int not null default 20,
  add column open_objections int not null default 10 check (open_objections > 0),
  add constraint rule_version_timetable check (
    declare_until >= 1 and review_until >= declare_until and freeze_from > review_until and publish_by >= freeze_from
    and publish_by <= 28);
