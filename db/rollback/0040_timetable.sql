-- Drops its constraint with them. Until it is gone, the older program reminds of the same days and binds nobody.
alter table gulou.rule_version
  drop column declare_until, drop column review_until, drop column freeze_from, drop column publish_by,
  drop column open_objections;
