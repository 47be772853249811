select pg_temp.keep_rows('which notice is which article', exists (select from gulou.article));
drop table gulou.article_event;
drop table gulou.article;
