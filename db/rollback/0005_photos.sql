select pg_temp.keep_rows('photos', exists (select from gulou.image));
-- With the columns go their checks, keys and indexes.
alter table gulou.photo drop column digest, drop column status, drop column photo_id;
drop table gulou.image;
