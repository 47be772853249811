-- Objections from the first word to the last event (domain 4.3; INV-10, INV-13, INV-25).
begin;
set client_min_messages = warning;
select plan(102);

select api.set_clock('2026-09-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org select 't', n, '单位' || n, 'reporting_unit' from generate_series(1, 6) as n;
-- 1, 2 declare; 3 reviews; 4 and 10 object; 5 and 6 administer; 7 and 8 would, but are of a side's unit; 9 does both.
insert into gulou.member select 't', n, '成员' || n, 'active' from generate_series(1, 10) as n;
insert into gulou.member_org (account_id, member_id, org_id)
select 't', member, unit from (values (1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (6, 4), (7, 3), (8, 1), (9, 5), (10, 6)) as placed (member, unit);
insert into gulou.member_role values ('t', 3, 'reviewer'), ('t', 9, 'reviewer'), ('t', 5, 'administrator'), ('t', 6, 'administrator'),
  ('t', 7, 'administrator'), ('t', 8, 'administrator'), ('t', 9, 'administrator');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 10) as n;
create function declares(p_member int) returns bigint language sql as $$
  select (api.declare_points('t', 'o' || p_member, gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint
$$;
create function asks(p_member int, p_kind text, p_period text default '2026-Q3') returns jsonb language sql as $$
  select api.request_second('t', 'o' || p_member, gen_random_uuid(), 'test', p_kind, p_period)
$$;
create function answers(p_member int, p_asked jsonb, p_agree boolean default true) returns jsonb language sql as $$
  select api.decide_request('t', 'o' || p_member, gen_random_uuid(), 'test', (p_asked ->> 'request')::bigint, p_agree, '不行')
$$;
create function objects(p_member int, p_no bigint, p_words text default '当天没有看到人', p_received timestamptz default null, p_notice int default 1) returns jsonb language sql as $$
  select api.object('t', 'o' || p_member, gen_random_uuid(), 'test', p_notice, p_no, p_words, p_received)
$$;
create function decides(p_member int, p_objection jsonb, p_outcome text, p_words text default '已核实') returns jsonb language sql as $$
  select api.request_objection('t', 'o' || p_member, gen_random_uuid(), 'test', (p_objection ->> 'objection')::bigint, p_outcome, p_words)
$$;
create function story(p_objection jsonb) returns text language sql as $$
  select string_agg(to_status, ' ' order by seq) from gulou.objection_event where account_id = 't' and objection_no = (p_objection ->> 'objection')::bigint
$$;
create function line_story(p_no bigint) returns text language sql as $$
  select string_agg(to_status, ' ' order by seq) from gulou.announcement_line_event where account_id = 't' and no = p_no
$$;
create function told(p_member int, p_what text) returns jsonb language sql as $$
  select facts from gulou.outbox where account_id = 't' and lane = 'member:' || p_member and facts ->> 'what' = p_what order by outbox_id desc limit 1
$$;
create function status_of(p_no bigint) returns text language sql as $$ select status from gulou.declaration where account_id = 't' and no = p_no $$;
create function score(p_member int) returns bigint language sql as $$
  select sum(points)::bigint from gulou.period_score where account_id = 't' and period = '2026-Q3' and member_id = p_member
$$;
create function fault() returns text language sql as $$
  select jsonb_path_query_first(api.audit(), '$.checks[*] ? (@.ok == false)') ->> 'detail'
$$;
create temp table made as select declares(1) as a, declares(1) as b, declares(2) as c, declares(2) as d, declares(2) as e;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[a, b, c, d]), api.approve('t', 'o9', gen_random_uuid(), 'test', array[e]) from made;
select api.set_clock('2026-10-16 09:00+08');
select answers(6, asks(5, 'freeze'));
select is(objects(4, a) ->> 'refusal', 'notice_unknown', 'what is not public cannot be objected to') from made;
select is(answers(6, asks(5, 'publish')) ->> 'closes_at', '2026-10-24T00:00:00+08:00', 'published until the 23rd') from made;

-- ---- filing
select is(objects(4, a, ' ') ->> 'refusal', 'words_missing', 'an objection says why') from made;
select is(objects(4, a, repeat('长', 501)) ->> 'refusal', 'words_too_long', 'shortly') from made;
select is(objects(4, 999999) ->> 'refusal', 'line_unknown', 'it names a line');
select is(api.object('t', 'stranger', gen_random_uuid(), 'test', 1, a, '没有看到人', null) ->> 'refusal', 'not_bound', 'guests cannot object') from made;
create temp table filed as select objects(4, a) as one from made;
select matches(one ->> 'objection', '^\d+$', 'the receipt is a number') from filed;
select is(one ->> 'answer_by', '2026-10-23', 'and names the day of the answer: five working days') from filed;
select is(objects(4, a) ->> 'refusal', 'already_filed', 'one member objects to one line once at a time') from made;
select is(status_of(a), 'objected', 'the line is held') from made;
select is(line_story(a), 'listed objected', 'with an event beside it') from made;
create temp table seconded as select objects(10, a, '我也没有看到') as two from made;
select is(line_story(a), 'listed objected', 'a second objection is recorded, and holds the same line') from made;
select is(told(5, 'objection_filed') ->> 'no', a::text, 'administrators hear of it') from made;
select is(told(1, 'objection_filed'), null, 'the declarer does not');
select ok(not exists (select from gulou.declaration_event e where account_id = 't' and no = a and to_status = 'objected' and actor_id is not null),
          'nothing beside the declaration names the objector') from made;

-- ---- a photo joins
select is(api.add_photo('t', 'o4', gen_random_uuid(), 'test', 'media-1', 'http://p/1') ->> 'objection', one ->> 'objection', 'the next photo joins the objection') from filed;
select is((select count(*) from gulou.photo where account_id = 't' and no = a), 0::bigint, 'and no declaration shows it') from made;
select is(jsonb_array_length(api.objection_evidence('t', (one ->> 'objection')::bigint) -> 'photos'), 1, 'the committee sees it') from filed;
create temp table own as select declares(4) as no;
select is(api.add_photo('t', 'o4', gen_random_uuid(), 'test', 'media-2', 'http://p/2') ->> 'no', no::text, 'after a declaration, photos are its own again') from own;

-- ---- who may handle it (INV-10)
select is(decides(4, one, 'upheld') ->> 'refusal', 'not_yours', 'INV-10: a member does not decide') from filed;
select is(decides(7, one, 'upheld') ->> 'why', 'objector_unit', 'INV-10: nor one of the objector''s unit') from filed;
select is(decides(8, one, 'upheld') ->> 'why', 'declarer_unit', 'INV-10: nor one of the declarer''s unit') from filed;
create temp table by_reviewer as select objects(4, e) as three from made;
select is(decides(9, three, 'dismissed') ->> 'why', 'reviewer', 'INV-10: nor the reviewer of the line') from by_reviewer;
select is(decides(5, '{"objection": 999999}', 'upheld') ->> 'refusal', 'objection_unknown', 'an objection that is not there');
select is(decides(5, one, 'upheld', '') ->> 'refusal', 'words_missing', 'a decision has a reason') from filed;
select is(api.objections('t', 'o3', null, 5) ->> 'refusal', 'not_yours', 'the list is the administrators''');
select is(api.objections('t', 'o5', null, 5) ->> 'total', '3', 'who see what is open');
select is(api.objections('t', 'o5', null, 5) #>> '{rows,0,objector}', '成员4', 'and who objects');
select is(api.objections('t', 'o7', null, 5) #>> '{rows,0,conflict}', 'objector_unit', 'and what is not theirs to decide');

-- ---- upheld: by two, for both objections at once
create temp table upheld as select decides(5, one, 'upheld', '监控里没有人') as asked from filed;
select is(story(one), 'filed accepted investigating', 'who asks has taken it up') from filed;
select is(decides(6, one, 'dismissed') ->> 'refusal', 'pending_request', 'the other outcome waits for the first one''s answer') from filed;
select is(answers(5, asked) ->> 'refusal', 'own_request', 'INV-10: nobody agrees with themselves') from upheld;
select is(answers(8, asked) ->> 'why', 'declarer_unit', 'INV-10: the second one is as free of sides as the first') from upheld;
select is(answers(9, asked) ->> 'outcome', 'upheld', 'a second administrator agrees') from upheld;
select is(answers(6, asked) ->> 'refusal', 'already_decided', 'once') from upheld;
select is(story(one), 'filed accepted investigating upheld notified', 'every step is an event') from filed;
select is(story(two), 'filed accepted investigating upheld notified', 'the other objection to the line ends with it') from seconded;
select is(line_story(a), 'listed objected upheld', 'the line is upheld') from made;
select is(status_of(a), 'revoked', 'the declaration revoked') from made;
select is((select pending from gulou.balance where account_id = 't' and member_id = 1), 10::bigint, 'its points are gone: CANCEL_PENDING');
select is(score(1), 10::bigint, 'also from the provisional score');
select is(told(4, 'objection_decided') ->> 'words', '监控里没有人', 'the objector is told');
select is(told(10, 'objection_decided') ->> 'upheld', 'true', 'both are');
select ok(told(1, 'line_revoked')::text !~ '成员|objector', 'the declarer is told, without anybody''s name');
select is(objects(4, a) ->> 'refusal', 'line_revoked', 'a revoked line needs no objection') from made;

-- ---- refused by the second one, then dismissed
create temp table third as select objects(10, c) as four from made;
create temp table tried as select decides(5, four, 'upheld') as asked from third;
select is(answers(6, asked, false) ->> 'agreed', 'false', 'a second one may refuse') from tried;
select is(status_of(c), 'objected', 'and nothing has happened') from made;
select is(answers(5, decides(6, four, 'dismissed', '有签到记录')) ->> 'outcome', 'dismissed', 'dismissed') from third;
select is(line_story(c), 'listed objected dismissed', 'the line goes on') from made;
select is(told(10, 'objection_decided') ->> 'upheld', 'false', 'the objector hears why not');
select is(told(2, 'line_revoked'), null, 'the declarer need not hear of it');
select is(objects(10, c) ->> 'refusal', null, 'within the window one may object again') from made;

-- ---- how many at once
select is((gulou.rules_on('t', '2026-10-16')).open_objections, 10, 'ten of one person may be open');
update gulou.rule_version set open_objections = 1 where account_id = 't';
select is(objects(4, d) - 'most', '{"refusal": "too_many_open"}', 'who has that many open files no other') from made;
select is(api.line_to_object('t', 'o4', 1, d) ->> 'most', '1', 'and hears so before writing why') from made;
select is(api.line_to_object('t', 'o2', 1, d) ->> 'refusal', null, 'everybody else may') from made;
update gulou.rule_version set open_objections = 10 where account_id = 't';

-- ---- not accepted
create temp table idle as select objects(4, d, '看他不顺眼') as five from made;
select is(answers(6, decides(5, five, 'not_accepted', '没有事实')) ->> 'outcome', 'not_accepted', 'what holds nothing is not accepted, by two') from idle;
select is(story(five), 'filed not_accepted notified', 'without an investigation') from idle;
select is(api.accept_objection('t', 'o5', gen_random_uuid(), 'test', (three ->> 'objection')::bigint) ->> 'no', e::text, 'one can be taken up at once') from made, by_reviewer;
select is(decides(6, three, 'not_accepted') ->> 'refusal', 'objection_accepted', 'what was accepted is decided, not turned away') from by_reviewer;

-- ---- from a page: the same rule, with the photos of the one who signed in
create function h(p_text text) returns bytea language sql immutable as $$ select sha256(convert_to(p_text, 'UTF8')) $$;
create function page(p_no bigint, p_token text default 'two', p_notice int default 1) returns jsonb language sql as $$
  select api.page_object('t', h(p_token), h('next'), p_notice, p_no)
$$;
create function sends(p_no bigint, p_words text, p_key uuid default gen_random_uuid(), p_token text default 'two', p_photo text default 'a')
returns jsonb language sql as $$
  select api.web_object('t', h(p_token), p_key, 'test', 1, p_no, p_words,
    jsonb_build_array('aaaaaaaa-0000-0000-0000-00000000000' || p_photo), null)
$$;
select api.start_session('t', 'o2', h('two')), api.start_session('t', 'o3', h('three'));
select api.web_upload('t', h('two'), 'aaaaaaaa-0000-0000-0000-00000000000a', 4, 3, sha256('pixels'), 'pixels', 'small'),
       api.web_upload('t', h('three'), 'aaaaaaaa-0000-0000-0000-00000000000b', 4, 3, sha256('others'), 'others', 'small');
select is(page(b, 'nobody') ->> 'refusal', 'signed_out', 'the form is for who signed in') from made;
select is(page(b, 'two', 9) ->> 'refusal', 'notice_unknown', 'of a notice that there is') from made;
select is(page(null) -> 'line', 'null', 'without a number the page asks for one');
select is(page(b) #>> '{line,member}', '成*1', 'the line is shown masked') from made;
select is(page(b) -> 'why', 'null', 'and may be objected to') from made;
select is(page(a) #>> '{why,refusal}', 'line_revoked', 'a revoked one may not') from made;
select is(api.line_to_object('t', 'o2', 1, b) ->> 'no', b::text, 'the guided way asks the same') from made;
select is(api.line_to_object('t', 'o2', 1, a) ->> 'refusal', 'line_revoked', 'and hears the same') from made;
select is(api.line_to_object('t', 'stranger', 1, null) ->> 'refusal', 'not_bound', 'whoever is not bound hears it before the line is asked for');
select is(api.line_to_object('t', 'o2', 9, null) ->> 'refusal', 'notice_unknown', 'so does who means no notice');
select is(api.line_to_object('t', 'o2', 1, null), '{"notice": 1}', 'a notice that is open takes any line');
select is(sends(b, '没有人', gen_random_uuid(), 'nobody') ->> 'refusal', 'signed_out', 'nobody files without a session') from made;
select is(sends(b, ' ') ->> 'refusal', 'words_missing', 'nor without words') from made;
select is(sends(b, '那天下大雨', gen_random_uuid(), 'two', 'b') ->> 'refusal', 'photos_gone', 'nor with somebody else''s photo') from made;
create temp table sent as select sends(b, '那天下大雨', '00000000-0000-0000-0000-00000000000c') as six from made;
select matches(six ->> 'objection', '^\d+$', 'the receipt is a number') from sent;
select is(sends(b, '那天下大雨', '00000000-0000-0000-0000-00000000000c') -> 'objection', six -> 'objection', 'sent again it is the same objection') from made, sent;
select results_eq($$select count(*)::int, min(encode(digest, 'hex')) from gulou.photo, sent where account_id = 't' and objection_no = (six ->> 'objection')::bigint$$,
                  $$values (1, encode(sha256('pixels'), 'hex'))$$, 'with the sender''s own photo, once');
select is(page(b) #>> '{why,refusal}', 'already_filed', 'the page says that it is filed') from made;
select is(page(null) #>> '{own,0,status}', 'filed', 'and what the sender has filed');
select is(page(null, 'three') -> 'own', '[]', 'to nobody else');
select answers(6, decides(5, six, 'dismissed', '雨停后去的')) from sent;
select is(api.my_objections('t', 'o2', null, 5) #>> '{rows,0,answer}', '雨停后去的', 'the answer is read in the chat');
select is(api.my_objections('t', 'o2', null, 5) #>> '{rows,0,status}', 'dismissed', 'with what was decided');
select is(api.my_objections('t', 'o3', null, 5) -> 'rows', '[]', 'by the objector alone');
select is(api.my_objections('t', 'stranger', null, 5) ->> 'refusal', 'not_bound', 'guests have none');
select is(api.my_objections('t', 'o4', (api.my_objections('t', 'o4', null, 1) #>> '{rows,0,objection}')::bigint, 1) #>> '{rows,0,objection}',
          (select (array_agg(objection_no order by objection_no desc))[2]::text from gulou.objection where account_id = 't' and objector_id = 4), 'the older ones follow');

-- ---- the last second, by the server's time of receipt
select api.set_clock('2026-10-24 00:00:05+08');
select is(objects(1, d, '最后一秒', clock_timestamp() - interval '6 seconds') ->> 'refusal', null, 'received at 23:59:59 counts, although it came to the database later') from made;
select is(objects(10, d, '零点', clock_timestamp() - interval '5 seconds') ->> 'refusal', 'window_closed', 'received at 00:00:00 does not') from made;
select is(objects(10, d, '旧表', clock_timestamp() - interval '1 hour') ->> 'refusal', null, 'a clock that is far off is believed for the grace of ten seconds') from made;
select is(fault(), null, 'INV-25: the audit follows every history');

-- ---- overdue
select api.set_clock('2026-10-26 10:00+08');
select api.remind_administrators();
select is(told(6, 'objection_due') ->> 'overdue', '2', 'what is overdue is said');
select is((api.remind_administrators() ->> 'told')::int, 0, 'once a day');

-- ---- who holds something up
select is(told(6, 'review_due'), null, 'a quarter whose list is fixed needs no reviews');
select api.set_clock('2026-12-30 10:00+08');
select declares(2), api.approve('t', 'o3', gen_random_uuid(), 'test', array[declares(1)]);
select api.set_clock('2027-01-12 10:00+08');
select api.remind_administrators(), api.remind_reviewers();
select is(told(6, 'review_due'), null, 'three days before the review deadline nobody is urged');
select is(told(3, 'queue_waiting') -> 'due', null, 'reviewers only hear what waits');
select api.set_clock('2027-01-13 10:00+08');
select api.remind_administrators(), api.remind_reviewers();
select is(told(6, 'review_due') ->> 'last_day', '2027-01-15', 'two days before it, administrators are, who can lend a hand');
select is(told(3, 'review_due'), null, 'and reviewers in their own words:');
select is(told(3, 'queue_waiting') - 'days' - 'waiting' - 'what' - 'member', '{"due": 2, "period": "2026-Q4", "last_day": "2027-01-15"}', 'how much is due, and when');
select is(told(6, 'notice_due'), null, 'the notice is not late yet');
select api.set_clock('2027-01-16 10:00+08');
select api.remind_administrators();
select is(told(6, 'notice_due') ->> 'step', 'approved', 'on day 16 it should be frozen');
select answers(6, asks(5, 'freeze', '2026-Q4'));
select api.set_clock('2027-01-18 10:00+08');
select api.remind_administrators();
select is(told(6, 'notice_due') ->> 'step', 'frozen', 'and then published');

-- ---- a photo that cannot be had, and what erasing takes along
select api.photo_failed('t', (select outbox_id from gulou.outbox o join gulou.photo p on o.subject = p.photo_id::text and p.account_id = o.account_id
                              where o.account_id = 't' and o.kind = 'photo' and p.objection_no is not null), 'gone');
select is(told(4, 'photo_failed') ->> 'objection', one ->> 'objection', 'the objector is asked for another photo') from filed;
select api.erase_member('t', 4, true, 'test');
select is((select count(*) from gulou.photo p join gulou.objection o using (account_id, objection_no)
           where p.account_id = 't' and o.objector_id = 4), 0::bigint, 'erasing the objector erases the photo');
select * from finish();
rollback;
