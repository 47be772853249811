-- The caps ask for all days of a member's period. Those rows were written on as many days and lie on as many pages: of ten
-- million declarations nearly every one was fetched from disk. Now the index alone answers.
drop index gulou.declaration_day_of_member;
create index declaration_day_of_member on gulou.declaration_day (account_id, member_id, period, day) include (no, category, points);
