-- The functions of this version call away_by(); the ones before read the row.
drop index gulou.declaration_open;
drop trigger set_away_by on gulou.clock;
drop function gulou.set_away_by();
drop function gulou.away_by() cascade;
alter table gulou.member_org drop constraint member_org_pkey;
alter table gulou.member_org add primary key (account_id, member_id, during);
drop trigger keep_referenced on gulou.org;
drop trigger keep_referenced on gulou.service_item;
drop trigger keep_referenced on gulou.rule_version;
drop function gulou.keep_referenced();
alter table gulou.declaration
  add constraint declaration_account_id_org_id_fkey foreign key (account_id, org_id) references gulou.org,
  add constraint declaration_account_id_item_fkey foreign key (account_id, item) references gulou.service_item,
  add constraint declaration_account_id_rule_version_fkey foreign key (account_id, rule_version) references gulou.rule_version;
drop index gulou.declaration_revoked;
drop index gulou.declaration_day_of_member;
create index declaration_day_of_member on gulou.declaration_day (account_id, member_id, day);
