select pg_temp.keep_rows('photos that are encrypted, which the older program cannot open',
  exists (select from gulou.image where substr(jpeg, 1, 4) = 'GLV1' or substr(small, 1, 4) = 'GLV1'));
