-- A period is fixed and shown by two administrators, and anyone can check it (INV-10, INV-12, INV-13).
begin;
set client_min_messages = warning;
select plan(41);

-- RFC 6962's own example tree: the roots over the first n of seven inputs are known.
create temp table inputs as select array['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'] as hex;
create function root_of(n int) returns text language sql as $$
  select encode(gulou.merkle_root((select array_agg(sha256('\x00'::bytea || decode(hex[i], 'hex')) order by i)
                                   from inputs, generate_series(1, n) as i)), 'hex')
$$;
select is(root_of(1), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', 'RFC 6962: one leaf');
select is(root_of(3), 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77', 'RFC 6962: three leaves');
select is(root_of(8), '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328', 'RFC 6962: eight leaves');
-- What a notice keeps are the roots of its blocks: a path through them is the path through the whole tree.
create temp table leaves as select n, gulou.leaf_hash('line ' || n) as hash from generate_series(0, 4100) as n;
create function first_leaves(n int) returns bytea[] language sql as $$ select array_agg(hash order by leaves.n) from leaves where leaves.n < $1 $$;
create function block_path(n int, at int) returns jsonb language sql as $$
  select gulou.merkle_path(gulou.merkle_leaves((first_leaves(n))[at / 1024 * 1024 + 1 : (at / 1024 + 1) * 1024]), at % 1024)
      || gulou.merkle_path(gulou.merkle_branches(first_leaves(n)), at / 1024)
$$;
select is(count(*), 0::bigint, 'root: by the blocks as by the whole') from unnest(array[1, 2, 1023, 1024, 1025, 2048, 2049, 4097]) as n
where gulou.merkle_root(gulou.merkle_branches(first_leaves(n))) <> gulou.merkle_root(first_leaves(n));
select is(count(*), 0::bigint, 'path: by a block as by the whole')
from (values (1, 0), (3, 2), (1024, 700), (1025, 1024), (1025, 3), (2047, 2046), (3000, 2999), (3000, 1500), (4097, 4096), (4097, 0)) as asked (n, at)
where block_path(n, at) <> gulou.merkle_path(gulou.merkle_leaves(first_leaves(n)), at);

select is(gulou.mask_name(name), masked, 'mask of ' || name) from (values
  ('张', '*'), ('张三', '张*'), ('王小明', '王*明'), ('李大国华', '李**华'), ('欧阳娜', '欧阳*'), ('欧阳娜娜', '欧阳*娜'),
  ('阿依·古丽', '阿***丽')) as vector (name, masked);
select is(gulou.last_window_day(published, days), closes, format('window from %s, %s days', published, days)) from (values
  (date '2025-12-31', 5, date '2026-01-08'), ('2026-02-12', 5, '2026-02-26'), ('2026-04-20', 5, '2026-04-27'), ('2026-04-30', 3, '2026-05-08'),
  ('2026-09-24', 5, '2026-10-09'), ('2025-09-26', 5, '2025-10-10')) as vector (published, days, closes);

select api.set_clock('2026-09-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '王大明', 'active'), ('t', 3, '张审', 'active'), ('t', 4, '管一', 'active'), ('t', 5, '管二', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1), ('t', 3, 2), ('t', 4, 2), ('t', 5, 2);
insert into gulou.member_role values ('t', 3, 'reviewer'), ('t', 4, 'administrator'), ('t', 5, 'administrator');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 5) as n;
create function declares(p_openid text) returns bigint language sql as $$
  select (api.declare_points('t', p_openid, gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint
$$;
create temp table made as select declares('o1') as a, declares('o2') as b, declares('o1') as late;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[a, b]) from made;
create function asks(p_openid text, p_kind text) returns jsonb language sql as $$
  select api.request_second('t', p_openid, gen_random_uuid(), 'test', p_kind, '2026-Q3')
$$;
create function told(p_member int) returns jsonb language sql as $$
  select facts from gulou.outbox
  where account_id = 't' and lane = 'member:' || p_member and facts ->> 'what' = 'second_wanted' and status = 'held'
$$;
create function agrees(p_openid text, p_no text) returns jsonb language sql as $$
  select api.decide_request('t', p_openid, gen_random_uuid(), 'test', p_no::bigint, true, null)
$$;

select is(asks('o4', 'freeze') ->> 'refusal', 'period_not_ended', 'a running period is not frozen');
select is(asks('o4', 'freeze') ->> 'from', '2026-10-16', 'and it is said when it can be');
select api.set_clock('2026-10-15 23:59+08');
create temp table early as select asks('o4', 'freeze') as act;
select is(act ->> 'early_from', '2026-10-16', 'before day 16 the administrators are told that it is early') from early;
select is(told(5) - '{what,member,asker}'::text[], act || '{"by": "管一"}', 'the second one reads all of it, and who asks') from early;
select is(told(4), null, 'the first one knows');
select is(api.decide_request('t', 'o5', gen_random_uuid(), 'test', (act ->> 'request')::bigint, false, '还早') ->> 'agreed', 'false', 'and decide') from early;
select is(told(5), null, 'nobody is asked any more');
select api.set_clock('2026-10-16 09:00+08');
select is(asks('o3', 'freeze') ->> 'refusal', 'not_yours', 'only an administrator asks');
create temp table asked as select asks('o4', 'freeze') as first_act;
select is(agrees('o4', first_act ->> 'request') ->> 'refusal', 'own_request', 'INV-10: nobody agrees with themselves') from asked;
-- One that went out as a customer message, and that the platform gives back only afterwards.
create function sent(p_message text) returns void language sql as $$
  update gulou.outbox set status = 'done', result = jsonb_build_object('message', p_message)
  where account_id = 't' and lane = 'member:5' and facts ->> 'what' = 'second_wanted' and status = 'held'
$$;
select sent('11');
select api.send_result('t', '11', 'failed:user block');
select is(told(5) ->> 'request', first_act ->> 'request', 'a request that did not arrive is shown with the next reply') from asked;
update gulou.outbox set result = '{}' where account_id = 't' and result ->> 'message' = '11';
select sent('12');
select is(agrees('o5', first_act ->> 'request') ->> 'entries', '2', 'a second one freezes the list') from asked;
select api.send_result('t', '12', 'failed:user block');
select is(told(5), null, 'but no more once it is decided');
select is(agrees('o5', first_act ->> 'request') ->> 'refusal', 'already_decided', 'once') from asked;
select is(api.notices('t', null, 10) -> 'notices', '[]', 'a frozen list is not public yet');
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[late]) from made;
select is((select period from gulou.declaration join made on late = no), '2026-Q4', 'what is approved later counts in the open period');
select api.set_consent('t', 'o2', gen_random_uuid(), 'test', 'messages', false);
select is(agrees('o4', asks('o5', 'publish') ->> 'request') ->> 'closes_at', '2026-10-24T00:00:00+08:00', 'published: five working days');
select is(string_agg(format('%s: %s, %s of %s points', lane, status, facts ->> 'entries', facts ->> 'counted'), '; ' order by lane),
          'member:1: held, 1 of 10 points; member:2: done, 1 of 10 points', 'who is listed hears of it, but for those who want no messages')
from gulou.outbox where account_id = 't' and facts ->> 'what' = 'notice_opened';
select is(api.notice('t', 1, null, 10) #>> '{entries,0,member}', '王*明01', 'masked names; equal masks are told apart');
select throws_ok($$update gulou.announcement set points = 1 where account_id = 't'$$, '23001', null, 'INV-12: what was frozen stays');
select throws_ok($$delete from gulou.announcement_line where account_id = 't'$$, '23001', null, 'INV-12: line by line');

-- Anybody's check of a proof: hash the leaf with its path and arrive at the root.
select is(encode(sha256('\x01'::bytea || gulou.leaf_hash(p ->> 'leaf') || decode(p #>> '{path,0}', 'hex')), 'hex'), p ->> 'root', 'a proof leads to the root')
from (select api.proof('t', 1, a) as p from made) as proof;
select is((select status from gulou.declaration join made on a = no), 'announced', 'the declarations are announced');
delete from gulou.announcement_name where account_id = 't' and member_id = 1;
select ok((api.audit() ->> 'ok')::boolean, 'INV-12: erasing a name leaves every proof valid');
select * from finish();
rollback;
