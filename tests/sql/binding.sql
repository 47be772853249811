-- Invite codes, consent, following (domain 4.1, 9.4, 10).
begin;
set client_min_messages = warning;
select plan(14);

select api.set_clock('2026-11-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'invited'), ('t', 2, '李四', 'invited');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1);
insert into gulou.invite values ('t', gulou.code_hash('t', 'CODE0001'), 1), ('t', gulou.code_hash('t', 'CODE0002'), 2);
create function binds(p_openid text, p_code text) returns jsonb language sql as $$
  select api.bind_member('t', p_openid, gen_random_uuid(), 'test', p_code)
$$;

select is(api.follow('t', 'o1', gen_random_uuid(), 'test', null) ->> 'guest', 'true', 'who follows is a guest');
select is(binds('o1', 'nonsense') ->> 'tries_left', '4', 'a wrong code says how many tries are left');
select is(binds('o1', ' code0001 ') ->> 'name', '王小明', 'a code binds, in any case');
select is((select status from gulou.member where account_id = 't' and member_id = 1), 'active', 'and makes the member active');
select is(api.consents('t', 'o1') ->> 'service', 'true', 'consent is recorded with it');
select is(binds('o2', 'CODE0001') ->> 'refusal', 'code_used', 'a code works once');
select is(binds('o1', 'CODE0002') ->> 'refusal', 'already_bound', 'one openid, one member');
select is(binds('o1', 'CODE0001') ->> 'already', 'true', 'the own code again is no mistake');
select binds('o3', 'x' || n) from generate_series(1, 4) as n;
select is(binds('o3', 'x5') ->> 'refusal', 'locked', 'the fifth wrong try locks');
select is(binds('o3', 'CODE0002') ->> 'refusal', 'locked', 'even the right code');
select api.set_clock('2026-11-20 19:01+08');
select is(binds('o3', 'CODE0002') ->> 'name', '李四', 'for an hour');
select api.unfollow('t', 'o1', gen_random_uuid(), 'test');
select is(api.who('t', 'o1') ->> 'name', '王小明', 'unfollowing changes nothing but the flag');
select is(api.follow('t', 'o1', gen_random_uuid(), 'test', null) ->> 'name', '王小明', 'following again restores silently');
select is((select count(*)::int from gulou.invite where code_hash::text like '%CODE%'), 0, 'codes are stored hashed');

select * from finish();
rollback;
