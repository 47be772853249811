-- Who a browser is, for how long, and whose photos it may declare.
begin;
set client_min_messages = warning;
select plan(28);

select api.set_clock('2026-11-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '李大力', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1);
insert into gulou.binding values ('t', 'o1', 1, now()), ('t', 'o2', 2, now());

create function h(p_text text) returns bytea language sql immutable as $$ select sha256(convert_to(p_text, 'UTF8')) $$;
create function who(p_token text) returns text language sql as $$ select gulou.session_openid('t', h(p_token)) $$;

select is(api.start_session('t', 'stranger', h('x')) ->> 'refusal', 'not_bound', 'no session for who is no member');
select api.start_session('t', 'o1', h('a'));
select is(who('a'), 'o1', 'a session is its person');
select is(who('b'), null, 'another token is nobody');
select is(gulou.session_openid('u', h('a')), null, 'nor is it good for another account');
select is(gulou.enter('t', h('a'), h('a2')) ->> 'rotated', 'false', 'a fresh one stays');
update gulou.session set rotated_at = clock_timestamp() - interval '13 hours';
select is(gulou.enter('t', h('a'), h('a2')) ->> 'rotated', 'true', 'after half a day it is exchanged');
select is(who('a2'), 'o1', 'the new token is good');
select is(who('a'), 'o1', 'the old one for a minute more');
update gulou.session set rotated_at = clock_timestamp() - interval '2 minutes';
select is(who('a'), null, 'then no more');
update gulou.session set seen_at = clock_timestamp() - interval '8 days';
select is(who('a2'), null, 'a week without a visit ends it');
update gulou.session set seen_at = clock_timestamp(), created_at = clock_timestamp() - interval '31 days';
select is(who('a2'), null, 'a month ends it in any case');
update gulou.session set created_at = clock_timestamp();
update gulou.binding set ended_at = now() where account_id = 't' and openid = 'o1';
select is(gulou.enter('t', h('a2'), h('a3')) ->> 'refusal', 'not_bound', 'who is unbound is a member no more');
select api.end_session('t', h('a2'));
select is(who('a2'), null, 'signing out ends it');

-- ---- a desktop
select api.offer_sign_in('t', 'signin_1', h('browser'), 42, 300);
select is(api.sign_in_state('t', h('browser'), h('s')) ->> 'status', 'shown', 'a code is shown');
select is(gulou.scan_sign_in('t', 'o2', 'signin_1') ->> 'number', '42', 'who scans it is asked for its number');
select is(api.confirm_sign_in('t', 'o1', gen_random_uuid(), 'test', 'signin_1', true) ->> 'refusal', 'sign_in_over', 'nobody else can confirm');
select api.confirm_sign_in('t', 'o2', gen_random_uuid(), 'test', 'signin_1', true);
select is(api.sign_in_state('t', h('other'), h('s')) ->> 'status', 'over', 'another browser gets nothing');
select is(api.sign_in_state('t', h('browser'), h('s')) ->> 'status', 'confirmed', 'this one is signed in');
select is(who('s'), 'o2', 'as who confirmed');

-- ---- photos
insert into gulou.binding values ('t', 'o1', 1, now() + interval '1 second');
select api.start_session('t', 'o1', h('one'));
select api.web_upload('t', h('s'), 'aaaaaaaa-0000-0000-0000-000000000001', 4, 3, sha256('pixels'), 'pixels', 'small');
create function with_photo(p_token text, p_key uuid) returns jsonb language sql as $$
  select api.web_declare('t', h(p_token), p_key, 'test', '40', 60, null, null, '2026-11-20', '楼道', '["aaaaaaaa-0000-0000-0000-000000000001"]')
$$;
select is(with_photo('one', gen_random_uuid()) ->> 'refusal', 'photos_gone', 'nobody declares somebody else''s photo');
select isnt(with_photo('s', 'bbbbbbbb-0000-0000-0000-000000000001') ->> 'no', null, 'one''s own comes along');
select is((select count(*) from gulou.photo where account_id = 't'), 1::bigint, 'once');
delete from gulou.upload where account_id = 't';
select is(with_photo('s', gen_random_uuid()) ->> 'refusal', 'photos_gone', 'a photo that was forgotten meanwhile is missed aloud');
select isnt(with_photo('s', 'bbbbbbbb-0000-0000-0000-000000000001') ->> 'no', null, 'what was declared with it is answered as before');

-- ---- the same key from several hands
create temp table said as select gen_random_uuid() as key;
create function declares(p_token text) returns jsonb language sql as $$
  select api.web_declare('t', h(p_token), (select key from said), 'test', '40', 60, null, null, '2026-11-19', '巡逻', '[]')
$$;
select is(declares('one') ->> 'no', declares('one') ->> 'no', 'a page that asks again is answered as before');
select is((select count(*) from gulou.declaration where account_id = 't' and member_id = 1 and words = '巡逻'), 1::bigint, 'and has declared once');
select isnt(declares('s') ->> 'no', declares('one') ->> 'no', 'somebody else with this key declares something of their own');
select is(api.web_decide('t', h('s'), (select key from said), 'test', 'approve', array[1], null) ->> 'refusal', 'not_yours', 'and decides nothing by it');

select * from finish();
rollback;
