select pg_temp.keep_rows('what is still to be sent to the platform',
  exists (select from gulou.outbox where status in ('waiting', 'held')));
drop table gulou.outbox;
drop table gulou.platform_token;   -- fetched anew
