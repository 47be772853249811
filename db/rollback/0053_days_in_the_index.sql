drop index gulou.declaration_day_of_member;
create index declaration_day_of_member on gulou.declaration_day (account_id, member_id, period, day);
