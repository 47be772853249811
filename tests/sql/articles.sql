-- A published notice becomes an article: which step comes next, and what a lost answer means.
begin;
set client_min_messages = warning;
select plan(40);

select api.set_clock('2026-10-12 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '李四', 'active'), ('t', 3, '张审', 'active'),
  ('t', 6, '周一', 'active'), ('t', 7, '吴二', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1), ('t', 3, 2), ('t', 6, 2), ('t', 7, 2);
insert into gulou.member_role values ('t', 3, 'reviewer'), ('t', 6, 'administrator'), ('t', 7, 'administrator');
insert into gulou.binding values ('t', 'o1', 1, now()), ('t', 'o2', 2, now()), ('t', 'o3', 3, now()), ('t', 'o6', 6, now());
select api.set_consent('t', 'o2', gen_random_uuid(), 'test', 'public_notice_name', true);

create function declares(p_openid text) returns bigint language sql as $$
  select (api.declare_points('t', p_openid, gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '<巡逻>', null, null) ->> 'no')::bigint
$$;
select api.set_clock('2026-09-20 18:00+08');
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[declares('o1'), declares('o2')]);
select api.set_clock('2026-10-12 18:00+08');
select gulou.freeze('t', '2026-Q3', 6, 7, 'test');
select is((select count(*) from gulou.article where account_id = 't'), 0::bigint, 'what is frozen is nobody''s to read');
select gulou.publish('t', '2026-Q3', 6, 7, 'test');
select is((select state from gulou.article where account_id = 't'), 'cover', 'a published notice is to become an article');

create function row_id() returns bigint language sql as $$
  select outbox_id from gulou.outbox where account_id = 't' and kind = 'article'
$$;
-- A server takes the row; gives its attempt.
create function takes() returns int language sql as $$
  update gulou.outbox set taken_till = clock_timestamp() + interval '1 minute', attempts = attempts + 1
  where account_id = 't' and kind = 'article' returning attempts
$$;
create function attempt() returns int language sql as $$
  select attempts from gulou.outbox where account_id = 't' and kind = 'article'
$$;
create function next_step(p_attempt int default attempt()) returns text language sql as $$
  select api.article_next('t', row_id(), p_attempt, 10) ->> 'do'
$$;
create function did(p_step text, p_result jsonb default '{}', p_attempt int default attempt()) returns text
language sql as $$ select api.article_did('t', row_id(), p_attempt, 10, p_step, p_result) ->> 'do' $$;
create function refused(p_seconds int, p_why text) returns text language sql as $$
  select api.article_refused('t', row_id(), attempt(), p_seconds, p_why) ->> 'do'
$$;
create function article() returns gulou.article language sql as $$ select * from gulou.article where account_id = 't' $$;

-- ---- step by step
select takes();
select is(next_step(), 'cover', 'first the cover');
select is(next_step(), 'cover', 'of which two would do no harm');
select ok((select taken_till > clock_timestamp() + interval '4 minutes' from gulou.outbox where outbox_id = row_id()),
  'who is at it keeps the row');
select takes();
select is(next_step(attempt() - 1), 'end', 'a server that was too slow stops');
select is(did('cover', '{"media":"C0"}', attempt() - 1), 'end', 'and what it brings is not taken');
select is(did('cover', '{"media":"C1"}'), 'draft', 'then the draft');
select is((article()).cover_media, 'C1', 'with this cover');
select is((article()).begun, 'draft', 'noted before the call leaves');

-- ---- what the article says
select is(api.article_next('t', row_id(), attempt(), 10) ->> 'do', 'find_draft', 'a lost answer: is there a draft?');
select is(did('find_draft'), 'draft', 'there is none: once more');
create temp table said as select gulou.article_facts('t', (article()).announcement_id, 10) as facts;
select is((select jsonb_agg(line ->> 'member' order by line ->> 'member') from said, jsonb_array_elements(facts -> 'lines') as line),
  '["李*", "王*明"]', 'no name in full, even with consent for the notice');
select is((select facts ->> 'points' from said), '20', 'the totals');
select api.seal_day();
select is(gulou.article_facts('t', (article()).announcement_id, 10) #>> '{seal,root}',
  (select encode(root, 'hex') from gulou.daily_seal where account_id = 't'), 'the seal of the day');
select is((select facts ->> 'last_day' from said), (select gulou.local_day(closes_at - interval '1 second')::text
  from gulou.announcement where account_id = 't'), 'the window');
select is(gulou.article_facts('t', (article()).announcement_id, 1) ->> 'lines', null, 'no list when it is too long');
select is(gulou.article_name(null, 7), '已注销成员#7', 'who was erased');
select is(gulou.article_name('测**员07', 7), '测**员07', 'a masked name as the notice shows it');

-- ---- the draft is found
select is(did('find_draft', '{"media":"D1"}'), 'submit', 'found: it is submitted');
select is((article()).draft_media, 'D1', 'this one');
select is((article()).begun, 'submit', 'noted before the call leaves');

-- ---- the submission's answer is lost
select takes();
select is(next_step(), 'find_published', 'a lost answer: is it published?');
select is(did('find_published'), 'end', 'not yet: it may be at work');
select ok((select due_at > clock_timestamp() and status = 'waiting' from gulou.outbox where outbox_id = row_id()),
  'we look again later');
select api.publication_ended('t', '77', 0, 'A', 'http://a');
select ok((select due_at <= clock_timestamp() from gulou.outbox where outbox_id = row_id()),
  'at once when the platform tells of something we do not know');
select takes();
update gulou.article set begun_at = begun_at - interval '15 minutes' where account_id = 't';
select is(next_step(), 'find_published', 'after a quarter of an hour we look');
select is(did('find_published'), 'submit', 'and submit again when there is no trace');
select is(refused(600, ''), 'end', 'refused for now:');
select is((article()).begun, null, 'nothing has begun');
select takes();
select is(next_step(), 'submit', 'so it is submitted without looking');
select is(did('submit', '{"publish_id":"9007199254740993"}'), 'end', 'submitted: the event is waited for');
select is((article()).state, 'submitted', 'which is stored');

-- ---- the result
select takes();
select is(api.article_next('t', row_id(), attempt(), 10), '{"do":"ask","publish_id":"9007199254740993"}',
  'no event: the platform is asked');
select is(did('ask', '{"status":1}'), 'end', 'still at work');
select api.publication_ended('t', '9007199254740993', 0, 'A1', 'http://mp/s/1');
select is((article()).url, 'http://mp/s/1', 'the event brings the address');
select is((select status from gulou.outbox where outbox_id = row_id()), 'done', 'and ends it');
select is((select jsonb_agg(facts - array['what', 'member']) from gulou.outbox
           where account_id = 't' and facts ->> 'what' = 'article_published'),
  '[{"article":"A1","url":"http://mp/s/1","notice":1,"title":"2026 年第 3 季度积分公示","draft":true}]',
  'the administrators who are bound are told');
select api.publication_ended('t', '9007199254740993', 4, '', '');
select is((article()).state, 'published', 'the end stays the end');
select throws_ok($$ delete from gulou.article_event $$, '23001', null, 'what happened stays');

select * from finish();
rollback;
