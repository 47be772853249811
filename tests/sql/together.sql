-- Many messages in one call (…_together): each gets what it would have got alone, one after the other.
begin;
set client_min_messages = warning;
select plan(31);

select api.set_clock('2026-11-20 18:00+08');
select api.sync_account(one, '测试') from unnest(array['t', 'u']) as one;
insert into gulou.org select one, n, '单位' || n, 'reporting_unit' from unnest(array['t', 'u']) as one, generate_series(1, 2) as n;
insert into gulou.member select one, n, '成员' || n, 'active' from unnest(array['t', 'u']) as one, generate_series(1, 9) as n;
insert into gulou.member_org select one, n, case when n > 6 then 2 else 1 end from unnest(array['t', 'u']) as one, generate_series(1, 9) as n;
insert into gulou.member_role select one, n, 'reviewer' from unnest(array['t', 'u']) as one, generate_series(7, 8) as n;
insert into gulou.binding select one, 'o' || n, n, now() from unnest(array['t', 'u']) as one, generate_series(1, 9) as n;

-- A service of an hour or from nine to eleven, by whom and in which words.
create type message as (account text, openid text, key uuid, "from" time, words text);
create function message(p_openid text, p_words text, p_from time default null, p_account text default 't', p_key uuid default gen_random_uuid())
returns message language sql as $$ select row(p_account, p_openid, p_key, p_from, p_words)::message $$;
create function together(variadic p message[]) returns jsonb[] language sql as $$
  select api.declare_together(array_agg(account), array_agg(openid), array_agg(key), array_agg('test'::text), array_agg('40'::text),
    array_agg(case when "from" is null then 60 end), array_agg("from"), array_agg("from" + interval '2 hours'), array_agg(1),
    array_agg(null::int), array_agg(null::int), array_agg(null::int), array_agg(words), array_agg(null::jsonb), array_agg(null::uuid))
  from unnest(p)
$$;

create temp table said as select together(message('o1', '甲'), message('nobody', '乙'), message('o2', ' '), message('o3', '丁'), message('o3', '戊', p_account => 'u')) as a;
select is(a[2] ->> 'refusal', 'not_bound', 'a guest among them is told so') from said;
select is(a[3] ->> 'refusal', 'words_missing', 'and whoever forgot the words') from said;
select results_eq($$select d.account_id, d.words, d.no from gulou.declaration d where account_id in ('t', 'u') order by no$$,
  $$select account, words, (a[place] ->> 'no')::bigint from said, (values (1, 't', '甲'), (4, 't', '丁'), (5, 'u', '戊')) as of (place, account, words) order by 3$$,
  'the others have their declarations, each in its own account, under the number they were told');
select is((select count(*) from gulou.declaration_event where account_id in ('t', 'u')), 3::bigint, 'INV-25: with an event for each');
select is((select count(*) from gulou.inbox where account_id in ('t', 'u')), 5::bigint, 'every message has its answer');

create temp table twice as select together(message('o4', '上午', '09:00'), message('o5', '别人', '09:00'), message('o4', '也是上午', '10:00'), message('o4', '下午', '13:00')) as a;
select ok(a[1] ? 'no' and a[2] ? 'no' and a[4] ? 'no', 'several of one person follow each other') from twice;
select is(a[3], jsonb_build_object('refusal', 'overlap', 'no', (a[1] ->> 'no')::bigint), 'INV-15: the second of them meets the first') from twice;

create temp table again as select together(message('o6', '一次', p_key => '00000000-0000-0000-0000-000000000001'), message('o6', '一次', p_key => '00000000-0000-0000-0000-000000000001')) as a;
select is(a[1], a[2], 'a message that is there twice has one answer') from again;
select is((select count(*) from gulou.declaration where words = '一次'), 1::bigint, 'and one effect');
select is(together(message('o6', '一次', p_key => '00000000-0000-0000-0000-000000000001')) , a[1:1], 'later, too') from again;
select is((select array_agg(account_id || member_id) from gulou.balance where (account_id, member_id) in (('t', 1), ('t', 3), ('u', 3))), array['t1', 't3', 'u3'],
  'whoever had no balance has one');

-- ---- 积分
select is(api.balance_together(array['t', 't', 'u'], array['o1', 'nobody', 'o3'])::jsonb[],
  array[api.balance('t', 'o1'), api.balance('t', 'nobody'), api.balance('u', 'o3')], '积分 of many is that of each');
select is(api.balance('t', 'nobody') ->> 'refusal', 'not_bound', 'a guest has none');

-- ---- 通过
create function approves(p_who text[], p_nos text[], p_account text default 't', p_keys uuid[] default null) returns jsonb[] language sql as $$
  select api.approve_together(array_agg(p_account), array_agg(who), array_agg(coalesce(p_keys[place], gen_random_uuid())), array_agg('test' || place), array_agg(nos))
  from unnest(p_who, p_nos) with ordinality as m (who, nos, place)
$$;
create function no_(p_words text) returns text language sql as $$ select no::text from gulou.declaration where account_id = 't' and words = p_words $$;

create temp table decided as select approves(array['o7', 'o1', 'o8', 'nobody'],
  array[format('{%s,%s}', no_('甲'), no_('丁')), format('{%s}', no_('甲')), format('{%s,%s,999999}', no_('丁'), no_('上午')), '{1}']) as a;
select is(a[2] ->> 'refusal', 'not_yours', 'who is no reviewer approves nothing among others either') from decided;
select is(a[4] ->> 'refusal', 'not_bound', 'nor does a guest') from decided;
select is(jsonb_path_query_array(a[1], '$.results[*].ok'), '[true, true]', 'the first reviewer has both') from decided;
select is(jsonb_path_query_array(a[3], '$.results[*].refusal'), '["already", "not_found"]', 'a number that two name is the first one''s') from decided;
select is(a[3] -> 'results' -> 0 ->> 'by', '成员7', 'as the second is told') from decided;
select is(jsonb_path_query_array(a[3], '$.results[*].no'), jsonb_build_array(no_('丁')::bigint, no_('上午')::bigint, 999999), 'in the order of asking') from decided;
select results_eq($$select reviewer_id, counted from gulou.declaration where words in ('甲', '丁', '上午') order by no$$, $$values (7, 10), (7, 10), (8, 20)$$,
  'each by its own reviewer');
select results_eq($$select distinct source_id, actor_id, request_id from gulou.ledger_tx where account_id = 't' order by 1$$,
  $$select no_(words), actor, request from (values ('甲', 7, 'test1'), ('丁', 7, 'test1'), ('上午', 8, 'test3')) as of (words, actor, request) order by 1$$,
  'INV-07: and the book says by which message');
select is(jsonb_path_query_array(a[3], '$.scores[*].member'), '[4]', 'a message hands over the scores that it changed') from decided;

-- ---- 排行
create function board(p_account text, p_openid text, p_ids text, p_points text) returns jsonb language sql as $$
  select (api.board_together(array[p_account], array[p_openid], array['2026-Q4'], array[p_ids], array[p_points], array[3]))[1]::jsonb
$$;
select is(api.board_together(array['t', 't', 'u', 't'], array['o1', 'nobody', 'o3', 'o4'], array_fill('2026-Q4'::text, array[4]),
    array['{4,1}', null, '{1}', '{4,1}'], array['{20,10}', null, '{10}', '{20,11}'], array_fill(3, array[4]))::jsonb[],
  array[board('t', 'o1', '{4,1}', '{20,10}'), board('t', 'nobody', null, null), board('u', 'o3', '{1}', '{10}'), board('t', 'o4', '{4,1}', '{20,11}')],
  'the board of many is that of each: what Redis says to one, nothing to another, another account, and what is not true');
select is(jsonb_path_query_array(board('t', 'o4', '{4,1}', '{20,11}'), '$.rows[*].points') || (board('t', 'o4', null, null) -> 'mine'),
  '["20", "10", "10", {"rank": 1, "points": "20"}]', 'which the book corrects');

create temp table own as select together(message('o9', '同单位')) as a;
select is((approves(array['o7', 'o8'], array[format('{%s}', no_('同单位')), format('{%s}', no_('同单位'))]))[2] -> 'results' -> 0 ->> 'refusal', 'own_unit',
  'INV-10: nobody approves their own unit''s, whoever asked before');
select together(message('o5', '傍晚', '15:00'));
update gulou.rule_version set day_cap = 30 where account_id = 't';
select approves(array['o7', 'o8'], array[format('{%s}', no_('傍晚')), format('{%s}', no_('别人'))]);
select results_eq($$select words, counted, cap from gulou.declaration where words in ('别人', '傍晚') order by no$$,
  $$values ('别人', 20, null), ('傍晚', 10, 'day')$$, 'INV-14: the cap cuts what was later, whoever was approved first');
-- A number that the first of its messages may not decide is the next one's, in its place among the services all the same.
insert into gulou.member_role values ('t', 6, 'reviewer');
select together(message('o9', '清早', '06:00'), message('o9', '夜里', '18:00'));
create temp table next as select approves(array['o7', 'o6', 'o6'], array[format('{%s}', no_('清早')), format('{%s}', no_('清早')), format('{%s}', no_('夜里'))]) as a;
select is(array[a[1] #>> '{results,0,refusal}', a[2] #>> '{results,0,ok}', a[3] #>> '{results,0,ok}'], '{own_unit,true,true}',
  'whom one message may not approve, the next one may') from next;
select results_eq($$select words, counted, cap from gulou.declaration where words in ('清早', '夜里') order by no$$,
  $$values ('清早', 20, null), ('夜里', 10, 'day')$$, 'INV-14: and the cap cuts what was later');
-- The day has room for 30. Member 4 has 20 of it since before, member 3 has 10.
select together(message('o2', '刚好的两小时', '09:00'), message('o2', '刚好的一小时'), message('o4', '剩下的一小时'),
                message('o3', '还放得下', '06:00'), message('o3', '放不下', '18:00'));
select approves(array['o7'], array[(select array_agg(no)::text from gulou.declaration where status = 'submitted' and words ~ '刚好|剩下|放')]);
select bag_eq($$select words, counted, cap from gulou.declaration where words ~ '刚好|剩下|放'$$,
  $$values ('刚好的两小时', 20, null), ('刚好的一小时', 10, null), ('剩下的一小时', 10, null), ('还放得下', 20, null), ('放不下', 0, 'day')$$,
  'INV-14: what a cap has room for to the last point is not cut, whatever else is approved with it');
create temp table same as select approves(array['o7', 'o7'], array['{1}', '{1}'],
  p_keys => array['00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000002']::uuid[]) as a;
select is(a[1], a[2], 'a reviewer''s message that is there twice has one answer') from same;
select ok((api.audit() ->> 'ok')::boolean, 'the audit finds everything right');
select * from finish();
rollback;
