select pg_temp.keep_rows('who took full names out, and why', exists (select from gulou.export_audit));
drop table gulou.export_audit;
