-- Tags follow the roles: what a round has to do next, in which order, and when one is asked for.
begin;
set client_min_messages = warning;
select plan(34);

select api.set_clock('2026-11-20 18:00+08');
select api.sync_account('t', '测试', true);
select api.sync_account('u', '没有认证');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('u', 1, '甲单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王审', 'invited'), ('t', 2, '李管', 'invited'), ('t', 3, '赵普', 'invited'),
                                ('u', 1, '王审', 'invited');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1), ('t', 3, 1), ('u', 1, 1);
insert into gulou.member_role values ('t', 1, 'reviewer'), ('t', 2, 'administrator'), ('u', 1, 'reviewer');
insert into gulou.invite select 't', gulou.code_hash('t', 'C' || n), n from generate_series(1, 3) as n;
insert into gulou.invite values ('u', gulou.code_hash('u', 'C1'), 1);
create function binds(p_openid text, p_code text, p_account text default 't') returns text language sql as $$
  select api.bind_member(p_account, p_openid, gen_random_uuid(), 'test', p_code) ->> 'name'
$$;
create function rounds(p_account text default 't') returns bigint language sql as $$
  select count(*) from gulou.outbox where account_id = p_account and lane = 'tags' and kind = 'tag' and status = 'waiting'
$$;
-- The next step as one line, and what a delivery tells when the platform did it.
create function step(p_most int default 50) returns text language sql as $$
  select coalesce(concat_ws(' ', case when s -> 'adds' = 'true' then '+' else '-' end, s ->> 'role',
                            (select string_agg(o, ',') from jsonb_array_elements_text(s -> 'openids') as o)), '')
  from api.tag_step('t', 0, p_most) as s where s <> '{}'
$$;
create function does(p_refused boolean default false) returns jsonb language sql as $$
  select api.end_tag_step('t', 0, s ->> 'role', (s ->> 'adds')::boolean,
                          array(select jsonb_array_elements_text(s -> 'openids')), p_refused, (s ->> 'at')::timestamptz)
  from api.tag_step('t', 0, 50) as s
$$;
create function begins_round() returns void language sql as $$
  update gulou.outbox set taken_till = clock_timestamp() + interval '1 minute'
  where account_id = 't' and lane = 'tags' and status = 'waiting' and taken_till is null
$$;
create function ends_rounds() returns void language sql as $$
  update gulou.outbox set status = 'done', ended_at = clock_timestamp() where account_id = 't' and lane = 'tags' and status = 'waiting'
$$;

-- ---- when a round is asked for
select binds('o3', 'C3');
select is(rounds(), 0::bigint, 'a member without a role changes no tag');
select binds('o1', 'C1');
select is(rounds(), 1::bigint, 'binding a reviewer asks for a round');
select binds('o2', 'C2');
select is(rounds(), 1::bigint, 'the next binding waits for the same round');
select begins_round();
select api.follow('t', 'o2', gen_random_uuid(), 'test', null);
select is(rounds(), 2::bigint, 'a round that has begun may have missed it: another one follows');
select binds('p1', 'C1', 'u');
select is(rounds('u'), 0::bigint, 'an account that is not verified has no tags');
select is(api.reconcile_tags() ->> 'asked', '0', 'the clock asks for none while one waits');
select ends_rounds();
select is(api.reconcile_tags() ->> 'asked', '1', 'but does when something differs');

-- ---- what it does
select is(step(), '+ reviewer o1', 'reviewers come first');
select does();
select is(step(), '+ administrator o2', 'administrators after them');
select does();
select is(step(), null, 'then nothing differs');
select ends_rounds();
select is(api.reconcile_tags() ->> 'asked', '0', 'and no round is asked for');

-- ---- both roles
insert into gulou.member_role values ('t', 2, 'reviewer');
select is(step(), '- administrator o2', 'an administrator who becomes a reviewer loses that tag for the moment');
select does();
select is(step(), '+ reviewer o2', 'gets the reviewers''');
select does();
select is(step(), '+ administrator o2', 'and the administrators'' last, because the last one decides');
select does();
select is(step(), null, 'that is all');

-- ---- roles and people go
delete from gulou.member_role where account_id = 't' and member_id = 1;
select is(step(), '- reviewer o1', 'a role that ended takes its tag off');
select does();
select api.unfollow('t', 'o2', gen_random_uuid(), 'test');
select is(step(), null, 'who left has no tags on the platform, and gets none');
select api.follow('t', 'o2', gen_random_uuid(), 'test', null);
select is(step(), '+ reviewer o2', 'who comes back gets them again');
select does();
select does();
select is(step(), null, 'both of them');
update gulou.binding set ended_at = now() where account_id = 't' and openid = 'o2';
select is(step(), '- administrator o2', 'an ended binding takes them off');
select does();
select does();
update gulou.binding set ended_at = null where account_id = 't' and openid = 'o2';
update gulou.member set status = 'suspended' where account_id = 't' and member_id = 2;
select is(step(), null, 'whoever is suspended gets none');
update gulou.member set status = 'active' where account_id = 't' and member_id = 2;

-- ---- refusals
select does(true);
select is(step(), '+ administrator o2', 'what the platform refused for one is left alone');
select does();
select is(step(), null, 'not tried again at once');
update gulou.worn_tag set set_at = set_at - interval '25 hours' where account_id = 't' and refused;
select is(step(), '- administrator o2', 'but the next day, in the right order');
select does();
select does();
select does();

-- ---- numbers, and calls of limited size
select api.keep_tag('t', 0, 'reviewer', 101);
insert into gulou.member_role values ('t', 1, 'reviewer'), ('t', 3, 'reviewer');
select is(api.tag_step('t', 0, 50) ->> 'tag', '101', 'the tag''s number is known');
select is(step(), '+ reviewer o1,o3', 'several people in one call');
select is(step(1), '+ reviewer o1', 'or one by one');
select api.keep_tag('t', 0, 'reviewer', null);
select is(api.tag_step('t', 0, 50) -> 'tag', 'null'::jsonb, 'a tag that the platform lost is forgotten');
select api.keep_tag('t', 0, 'reviewer', 102);
select does();
select does();
select does();
select is(step(), null, 'everybody wears theirs');
select api.keep_tag('t', 0, 'reviewer', null);
select is(step(), '- administrator o2', 'nobody wears a tag that is gone: it is set for all again');
select does();
select does();
select does();
delete from gulou.outbox where account_id = 't';
select api.renew_tags('t');
select is(step() || rounds(), '+ reviewer o1,o2,o31', 'and when the operator asks, all of them are, in a round at once');
select does();
select does();
insert into gulou.follower (account_id, openid, subscribed, seen_at) values ('t', 'o1', false, now())
on conflict (account_id, openid) do update set subscribed = false;
select api.end_tag_step('t', 0, 'reviewer', true, array['o1'], false, clock_timestamp());
select is((select count(*) from gulou.worn_tag where account_id = 't' and openid = 'o1'), 0::bigint,
          'who left while the call ran wears nothing');
create temp table handed as select clock_timestamp() as at;
select api.follow('t', 'o1', gen_random_uuid(), 'test', null);
select api.end_tag_step('t', 0, 'reviewer', true, array['o1'], false, (select at from handed));
select is((select count(*) from gulou.worn_tag where account_id = 't' and openid = 'o1'), 0::bigint,
          'nor who left and came back meanwhile: the platform may have dropped it');
select is(step(1), '+ reviewer o1', 'it is set once more');
select * from finish();
rollback;
