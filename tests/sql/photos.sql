-- Photos: fetched once, kept once by what they show, flagged when they were used before.
begin;
set client_min_messages = warning;
select plan(17);

select api.set_clock('2026-11-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '李大力', 'active'), ('t', 3, '张审', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1), ('t', 3, 2);
insert into gulou.member_role values ('t', 3, 'reviewer');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 3) as n;

create function declares(p_openid text) returns bigint language sql as $$
  select (api.declare_points('t', p_openid, gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint
$$;
create function sends(p_openid text, p_media text) returns jsonb language sql as $$
  select api.add_photo('t', p_openid, gen_random_uuid(), 'test', p_media, 'http://mmbiz.qpic.cn/' || p_media)
$$;
create function row_of(p_media text) returns bigint language sql as $$
  select outbox_id from gulou.outbox o join gulou.photo p on o.account_id = p.account_id and o.subject = p.photo_id::text
  where o.account_id = 't' and o.kind = 'photo' and p.media_id = p_media
$$;
create function keeps(p_media text, p_jpeg text) returns jsonb language sql as $$
  select api.keep_photo('t', row_of(p_media), 40, 30, sha256(convert_to(p_jpeg, 'UTF8')), convert_to(p_jpeg, 'UTF8'), 'small')
$$;
create function in_queue(p_no bigint, p_name text) returns jsonb language sql as $$
  select one -> p_name from jsonb_array_elements(api.review_queue('t', 'o3', null, 20) -> 'rows') as one
  where (one ->> 'no')::bigint = p_no
$$;

create temp table made as select declares('o1') as a, declares('o2') as b;
select sends('o1', 'm1');
select is(api.photo_source('t', row_of('m1')), jsonb_build_object('media_id', 'm1', 'pic_url', 'http://mmbiz.qpic.cn/m1',
  'person', gulou.speaker('t', 'o1')), 'a photo is to be fetched, and whose it is');
select sends('o1', 'm1');
select is((select count(*) from gulou.outbox where account_id = 't' and kind = 'photo'), 1::bigint, 'the same one once');
select is(gulou.photos_of('t', (select a from made)) -> 0 ->> 'status', 'waiting', 'until then it waits');
select keeps('m1', 'pixels');
select is(gulou.photos_of('t', (select a from made)) -> 0 ->> 'status', 'stored', 'then it is there');
select is((select pic_url from gulou.photo where account_id = 't' and media_id = 'm1'), null, 'its address is forgotten');
select is((select status from gulou.outbox where outbox_id = row_of('m1')), 'done', 'and nothing more is to do');
select is(convert_from(decode(api.photo('t', (select photo_id from gulou.photo where media_id = 'm1'), false) ->> 'jpeg', 'base64'), 'UTF8'),
          'pixels', 'it can be seen');
select is(api.photo('t', 999999, false) ->> 'refusal', 'not_found', 'an unknown one says so');
select is(in_queue((select a from made), 'used_before'), 'null', 'the first use is nothing special');

select sends('o2', 'm2');
select keeps('m2', 'pixels');
select is((select count(*) from gulou.image where account_id = 't'), 1::bigint, 'the same picture is kept once');
select is(in_queue((select b from made), 'used_before')::bigint, (select a from made), 'and the reviewer sees where it was used before');
select is(in_queue((select b from made), 'no_proof'), 'false', 'which refuses nothing by itself');

select sends('o1', 'm3');
select api.photo_failed('t', row_of('m3'), 'expired');
select is(in_queue((select a from made), 'photos'), '1', 'what could not be had is not counted');
select is((select facts ->> 'what' from gulou.outbox where account_id = 't' and kind = 'notification'), 'photo_failed', 'the member is asked for another');
select api.photo_failed('t', row_of('m1'), 'late');
select is(gulou.photos_of('t', (select a from made)) -> 0 ->> 'status', 'stored', 'what is there stays there');
select is(api.evidence('t', 424242) ->> 'refusal', 'not_found', 'no declaration, no photos');
select throws_ok($$ update gulou.photo set status = 'stored', digest = null where media_id = 'm3' $$, '23514', null,
                 'a stored photo has its picture');

select * from finish();
rollback;
