-- Joining by a unit's QR code: who may ask, who decides, what is bound, and what of an invite's code.
begin;
set client_min_messages = warning;
select plan(57);

select api.set_clock('2026-11-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'invited'), ('t', 2, '李四', 'invited'), ('t', 3, '李四', 'active'),
  ('t', 4, '张审', 'active'), ('t', 5, '钱管', 'active'), ('t', 6, '普通人', 'active'), ('t', 7, '赵六', 'invited');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1), ('t', 3, 1), ('t', 4, 2), ('t', 5, 2), ('t', 6, 1), ('t', 7, 2);
insert into gulou.member_role values ('t', 4, 'reviewer'), ('t', 5, 'administrator');
insert into gulou.binding values ('t', 'o4', 4, now()), ('t', 'o5', 5, now()), ('t', 'o6', 6, now());
insert into gulou.invite values ('t', gulou.code_hash('t', 'CODE1'), 1), ('t', gulou.code_hash('t', 'CODE7'), 7);
create function scans(p_openid text, p_scene text) returns jsonb language sql as $$
  select api.follow('t', p_openid, gen_random_uuid(), 'test', p_scene)
$$;
create function asks(p_openid text, p_name text, p_note text default null) returns jsonb language sql as $$
  select api.ask_to_join('t', p_openid, gen_random_uuid(), 'test', p_name, p_note)
$$;
create function confirms(p_openid text, p_no jsonb, p_choice text default null) returns jsonb language sql as $$
  select api.confirm_join('t', p_openid, gen_random_uuid(), 'test', (p_no ->> 'request')::bigint, p_choice)
$$;
create function refuses(p_openid text, p_no jsonb, p_words text) returns jsonb language sql as $$
  select api.refuse_join('t', p_openid, gen_random_uuid(), 'test', (p_no ->> 'request')::bigint, p_words)
$$;
create function states(p_no jsonb) returns text language sql as $$
  select string_agg(to_status, ' ' order by seq) from gulou.join_request_event
  where account_id = 't' and request_no = (p_no ->> 'request')::bigint
$$;
create function says(p_openid text) returns jsonb language sql as $$
  select api.spoken('t', p_openid, gen_random_uuid(), 'message', '{}') -> 'notes' -> 0
$$;

-- ---- scanning and asking
select is(asks('g1', '王小明') ->> 'refusal', 'no_unit', 'without a scan nobody knows the unit');
select is(scans('g1', 'unit_1') ->> 'join', '甲单位', 'a unit''s code says which');
select is(scans('g1', 'unit_99') -> 'join', null, 'a unit that is gone is a plain follow');
select is(scans('g1', 'unit_1; drop') -> 'join', null, 'so is nonsense');
select is(scans('o6', 'unit_1') -> 'join', null, 'a member who scans is simply welcome');
select is(asks('o6', '普通人') ->> 'refusal', 'already_bound', 'and needs not join');
select is(asks('g1', '王') ->> 'refusal', 'name_invalid', 'one character is no name');
select is(asks('g1', '13800138000') ->> 'refusal', 'name_invalid', 'nor is a number');
select is(asks('g1', '<b>王</b>') ->> 'refusal', 'name_invalid', 'nor a tag');
select is((select count(*) from gulou.join_request where account_id = 't'), 0::bigint, 'nothing was written of these');
create temp table first as select asks('g1', ' 王小明 ', '尾号1234') as no;
select is((select no ->> 'unit' from first), '甲单位', 'a name makes a request');
select is((select facts ->> 'what' from gulou.outbox where account_id = 't' and lane = 'member:4'), 'join_waiting', 'reviewers hear of it');
create temp table second as select asks('g1', '王小明') as no;
select is(states((select no from first)), 'waiting lapsed', 'asking again ends the first request');
select isnt((select no from second), (select no from first), 'the changed one has a number of its own');
select is((select count(*) from gulou.outbox where account_id = 't' and lane = 'member:4'), 1::bigint, 'reviewers hear once a day');
select asks('g1', '王小明') from generate_series(1, 2);
create temp table asked as select asks('g1', '王小明') as no;
select is(asks('g1', '王小明') ->> 'refusal', 'too_many', 'five names a day, no more');
select is((select array_agg(status order by request_no) from gulou.join_request where account_id = 't' and openid = 'g1'),
          array['lapsed', 'lapsed', 'lapsed', 'lapsed', 'waiting'], 'one of them waits');

-- ---- the reviewer's list
select is(api.join_requests('t', 'g1', null, 5) ->> 'refusal', 'not_bound', 'a guest sees no list');
select is(api.join_requests('t', 'o6', null, 5) ->> 'refusal', 'not_yours', 'nor does a member');
select is(api.join_requests('t', 'o4', null, 5) ->> 'total', '1', 'a reviewer does');
select is(api.join_requests('t', 'o5', null, 5) #> '{rows,0,matches}', '[1]', 'an administrator too, with who it may be');

-- ---- the one match
select is(confirms('o6', (select no from asked)) ->> 'refusal', 'not_yours', 'a member confirms nobody');
select is(confirms('g1', (select no from asked)) ->> 'refusal', 'not_bound', 'a guest not even themselves');
select is(confirms('o4', '{"request":0}') ->> 'refusal', 'not_found', 'a number that is none');
select is(confirms('o4', (select no from first)) ->> 'status', 'lapsed', 'what was asked anew is not confirmed');
select is(confirms('o4', (select no from asked)) ->> 'name', '王小明', 'a reviewer confirms');
select is(api.who('t', 'g1') ->> 'member', '1', 'the matching member is bound');
select is(api.who('t', 'g1') ->> 'status', 'active', 'and active');
select is((select given and at = (select asked_at from gulou.join_request where member_id = 1 and account_id = 't')
           from gulou.consent where account_id = 't' and member_id = 1), true, 'the consent is as old as the asking');
select is((select array_agg(to_status order by seq) from gulou.member_event where account_id = 't' and member_id = 1),
          array['binding', 'active'], 'with events');
select is(states((select no from asked)), 'waiting confirmed', 'also of the request');
select ok((select used_at is not null from gulou.invite where account_id = 't' and member_id = 1), 'the invite code is spent');
select is((select facts ->> 'what' from gulou.outbox where account_id = 't' and lane = 'member:1'), 'joined', 'the person is told');
select is(confirms('o5', (select no from asked)) ->> 'refusal', 'already', 'what was decided stays');
select is(refuses('o5', (select no from asked), '不对') ->> 'by', '张审', 'and says by whom');

-- ---- several or none
select scans('g2', 'unit_1');
create temp table several as select asks('g2', '李四') as no;
select is(confirms('o4', (select no from several)) ->> 'refusal', 'choose', 'two of one name: the reviewer picks');
select is(confirms('o4', (select no from several), '1') ->> 'refusal', 'choose', 'nobody but them');
select is(confirms('o4', (select no from several), '3') ->> 'name', '李四', 'one of them');
select is(api.who('t', 'g2') ->> 'member', '3', 'is bound');
select scans('g3', 'unit_2');
create temp table nobody as select asks('g3', '王小明') as no;
select is(confirms('o4', (select no from nobody)) ->> 'refusal', 'no_match', 'a name of another unit is no match');
select is(confirms('o4', (select no from nobody), 'new') -> 'new', 'true', 'the reviewer makes a new member');
select is(api.who('t', 'g3') ->> 'unit', '乙单位', 'of that unit');
select is((select array_agg(to_status order by seq) from gulou.member_event where account_id = 't' and member_id = 8),
          array['invited', 'binding', 'active'], 'with events from the start');

-- ---- own, refused
select scans('g4', 'unit_2');
create temp table own as select asks('g4', '张审') as no;
select is(confirms('o4', (select no from own), 'new') ->> 'refusal', 'own', 'nobody lets themselves in a second time');
select is(refuses('o5', (select no from own), ' ') ->> 'refusal', 'words_missing', 'a refusal needs a reason');
select is(refuses('o5', (select no from own), '重复') ->> 'name', '张审', 'another one decides');
update gulou.outbox set status = 'held' where account_id = 't' and lane = 'guest:g4' and status = 'waiting';
select is(says('g4') ->> 'words', '重复', 'the guest reads why with the next reply');
select is(states((select no from own)), 'waiting refused', 'events again');
select is(api.notification_channel('t', (select outbox_id from gulou.outbox where account_id = 't' and lane = 'guest:g4'), '{custom}', null),
          '{"openid":"g4","channel":"custom"}', 'or at once, where the window is open');

-- ---- an invite's code
select is(scans('g7', 'invite_NONSENSE') #>> '{invite,tries_left}', '4', 'a wrong code in a QR code counts like a typed one');
select scans('g7', 'unit_2');
create temp table both_ways as select asks('g7', '赵六') as no;
select is(scans('g7', 'invite_CODE7') #>> '{invite,name}', '赵六', 'the right one binds without typing');
select is(states((select no from both_ways)), 'waiting lapsed', 'and ends what waited');
select is(scans('g8', 'invite_CODE7') #>> '{invite,refusal}', 'code_used', 'once');

-- ---- by the clock
select scans('g9', 'unit_2');
create temp table old as select asks('g9', '孙七') as no;
select api.set_clock('2026-11-28 18:00+08');
select is(asks('g9', '孙七') ->> 'refusal', 'no_unit', 'a scan is good for a week');
select api.set_clock('2026-12-21 18:00+08');
select is(api.purge_joining() ->> 'lapsed', '1', 'what nobody decided ends after a month');
select api.set_clock('2027-04-01 18:00+08');
select api.purge_joining();
select is((select count(name) from gulou.join_request where account_id = 't'), 0::bigint, 'names of requests are forgotten');
update gulou.outbox set status = 'held', written_at = written_at - interval '91 days' where account_id = 't' and lane = 'guest:g4';
select api.purge_joining();
select is((select count(*) from gulou.outbox where account_id = 't' and lane = 'guest:g4'), 0::bigint, 'so is what nobody came to read');
select * from finish();
rollback;
