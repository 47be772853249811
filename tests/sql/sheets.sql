-- What administrators print: whose session may, one code a unit, invites that end older ones.
begin;
set client_min_messages = warning;
select plan(22);

select api.set_clock('2026-11-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'invited'), ('t', 2, '李四', 'active'), ('t', 3, '张审', 'active'),
  ('t', 4, '钱管', 'active'), ('t', 5, '走了', 'left');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1), ('t', 3, 1), ('t', 4, 2), ('t', 5, 1);
insert into gulou.member_role values ('t', 3, 'reviewer'), ('t', 4, 'administrator');
insert into gulou.binding values ('t', 'o3', 3, now()), ('t', 'o4', 4, now());
create function session(p_name text) returns bytea language sql as $$ select sha256(p_name::bytea) $$;
select api.start_session('t', 'o3', session('reviewer'));
select api.start_session('t', 'o4', session('administrator'));
create function sheet(p_who text, p_org int) returns jsonb language sql as $$
  select api.page_sheet('t', session(p_who), session('next'), p_org)
$$;
create function unbound(p_after int default 0, p_most int default 40) returns text language sql as $$
  select string_agg(m ->> 'name', ' ') from jsonb_array_elements(
    api.web_unbound('t', session('administrator'), 1, p_after, p_most) -> 'members') as m
$$;
create function invites(p_who text, p_member int, p_code text) returns jsonb language sql as $$
  select api.web_invite('t', session(p_who), 'test', 1, jsonb_build_array(jsonb_build_object('member', p_member, 'code', p_code)))
$$;
create function binds(p_openid text, p_code text) returns jsonb language sql as $$
  select api.bind_member('t', p_openid, gen_random_uuid(), 'test', p_code)
$$;

select is(api.page_sheets('t', session('nobody'), session('next')) ->> 'refusal', 'signed_out', 'the list is for signed-in people');
select is(api.page_sheets('t', session('reviewer'), session('next')) ->> 'refusal', 'not_yours', 'who are administrators');
select is(api.page_sheets('t', session('administrator'), session('next')) -> 'units',
          '[{"org":1,"name":"甲单位","members":3,"bound":1},{"org":2,"name":"乙单位","members":1,"bound":1}]', 'with how far each unit is');
select is(sheet('reviewer', 1) ->> 'refusal', 'not_yours', 'so is a sheet');
select is(sheet('administrator', 9) ->> 'refusal', 'not_found', 'of a unit that there is');
select is(sheet('administrator', 1) ->> 'scene', 'unit_1', 'its scene names the unit');
select is(sheet('administrator', 1) -> 'url', 'null'::jsonb, 'the platform has yet to make the code');
select is(sheet('administrator', 1) ->> 'unbound', '2', 'whoever left is not counted');
select is(api.keep_qr_code('t', 'unit_1', 'T1', 'http://weixin.qq.com/q/1') ->> 'url', 'http://weixin.qq.com/q/1', 'it is kept');
select is(api.keep_qr_code('t', 'unit_1', 'T2', 'http://weixin.qq.com/q/2') ->> 'url', 'http://weixin.qq.com/q/1', 'and the first one stays');
select is(sheet('administrator', 1) ->> 'url', 'http://weixin.qq.com/q/1', 'for good');

select is(unbound(), '王小明 李四', 'invites are for those who are not bound');
select is(unbound(0, 1) || ',' || unbound(1, 1), '王小明,李四', 'some at a time');
select is(invites('reviewer', 1, 'AAAA1111') ->> 'refusal', 'not_yours', 'administrators make them');
select is(invites('nobody', 1, 'AAAA1111') ->> 'refusal', 'signed_out', 'signed in');
select invites('administrator', 1, 'AAAA1111');
select is((select reason from gulou.member_event where account_id = 't' and member_id = 1 order by seq desc limit 1), '新邀请码',
          'it is written down who made one');
select invites('administrator', 1, 'BBBB2222');
select is(binds('g1', 'AAAA1111') ->> 'refusal', 'code_unknown', 'a newer code ends the older one');
select is(binds('g1', 'bbbb2222') ->> 'name', '王小明', 'and binds');
select invites('administrator', 1, 'CCCC3333');
select is((select count(*) from gulou.invite where account_id = 't' and member_id = 1), 1::bigint, 'whoever is bound gets none');
select invites('administrator', 4, 'DDDD4444');
select is((select count(*) from gulou.invite where account_id = 't' and member_id = 4), 0::bigint, 'nor somebody of another unit');
update gulou.binding set ended_at = now() where account_id = 't' and openid = 'g1';
select is(unbound(), '王小明 李四', 'after an unbinding they can be invited again');
select is((select code_hash from gulou.invite where account_id = 't' and member_id = 1), sha256('t:BBBB2222'), 'of a code there is a digest only');
select * from finish();
rollback;
