-- A member declares: what counts, what is refused, what the caps cut (domain 4.2, 6.1, 6.2).
begin;
set client_min_messages = warning;
select plan(48);

-- A small account of its own: two units, two members, a reviewer, an afternoon in November.
select api.set_clock('2026-11-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit'), ('t', 3, '丙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '李四', 'active'), ('t', 3, '审核员', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 2), ('t', 3, 3);
insert into gulou.member_role values ('t', 3, 'reviewer');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 3) as n;

create function declares(p_item text, p_minutes int, p_words text, p_from time default null, p_to time default null,
  p_days_ago int default 0, p_month int default null, p_day int default null, p_openid text default 'o1',
  p_key uuid default gen_random_uuid()) returns jsonb language sql as $$
  select api.declare_points('t', p_openid, p_key, 'test', p_item, p_minutes, p_from, p_to, p_days_ago, null, p_month, p_day,
                            p_words, null, null)
$$;
create function approves(p_nos bigint[]) returns jsonb language sql as $$
  select api.approve('t', 'o3', gen_random_uuid(), 'test', p_nos)
$$;

select is(declares('巡逻', 120, '巡逻') ->> 'points', '20', 'two hours of an ordinary service are 20 points');
select is(declares('19', 90, '调解') ->> 'points', '24', 'one and a half professional hours are 24');
select is(declares('40', 59, '巡逻') ->> 'points', '5', '59 minutes are one half-hour');
select is(declares('40', 29, '巡逻') ->> 'refusal', 'too_short', 'less than half an hour is refused');
select is(declares('微心愿', 10, '圆梦') ->> 'points', '10', 'a finished task is 10 points however short');
select is(declares('40', 300, '巡逻') ->> 'cap', 'declaration', 'five hours are cut to four');
select is(declares('40', 1441, '巡逻') ->> 'refusal', 'too_long', 'more than a day is refused');
select is(declares('99', 60, 'x') ->> 'refusal', 'item_unknown', 'no such item');
select is(jsonb_array_length(declares('课', 60, 'x') -> 'items'), 5, 'ambiguous words list the items they may mean');
select is(declares('40', 60, ' ') ->> 'refusal', 'words_missing', 'words are needed');
select is(declares('40', 60, 'x', p_days_ago => 31) ->> 'refusal', 'too_old', '31 days ago is too long ago');
select is(declares('40', 60, 'x', p_days_ago => 30) ->> 'status', 'submitted', '30 days ago is not');
select is(declares('40', 60, 'x', p_month => 2, p_day => 30) ->> 'refusal', 'date_invalid', 'there is no 30 February');
select is(declares('40', null, 'x', '17:00', '19:00') ->> 'refusal', 'in_future', 'a service that has not ended');
select is(declares('36', 60, '楼道') ->> 'status', 'draft', 'an item that needs proof waits for a photo');
select is(api.add_photo('t', 'o1', gen_random_uuid(), 'test', 'm1', null) ->> 'submitted', 'true', 'the photo submits it');
select is(declares('40', 60, 'x', p_openid => 'nobody') ->> 'refusal', 'not_bound', 'a guest declares nothing');

-- INV-15
select is(declares('40', null, 'x', '09:00', '11:00', 1) ->> 'status', 'submitted', 'a service with a time of day');
select is(declares('41', null, 'x', '10:30', '12:00', 1) ->> 'refusal', 'overlap', 'INV-15: another at the same time is refused');
select is(declares('41', null, 'x', '11:00', '12:00', 1) ->> 'status', 'submitted', 'one right after it is not');

-- A retry: the same key, the same answer, one effect.
select is(declares('40', 60, 'x', p_openid => 'o2', p_key => '00000000-0000-0000-0000-000000000001'),
          declares('40', 60, 'x', p_openid => 'o2', p_key => '00000000-0000-0000-0000-000000000001'), 'a retry gets the same answer');
select is((select count(*)::int from gulou.declaration where account_id = 't' and member_id = 2), 1, 'and has one effect');

-- Days as people say them: the 20th, Saturday. The twentieth of November 2026 is a Friday.
select is(gulou.latest_day('2026-11-20', 20), '2026-11-20', '20号 may be today');
select is(gulou.latest_day('2026-11-20', 21), '2026-10-21', 'what is still to come was last month');
select is(gulou.latest_day('2026-03-05', 31), '2026-01-31', 'February has no 31st');
select is(gulou.latest_day('2026-11-20', -5), '2026-11-20', '周五 may be today');
select is(gulou.latest_day('2026-11-20', -6), '2026-11-14', '周六 is the last one');
select is(gulou.latest_day('2026-11-20', -11), '2026-11-09', '上周一 is Monday of the week before');
select is(gulou.latest_day('2026-11-20', -26), '2026-11-21', '本周六 is still to come');
select is(gulou.stated_day('2026-11-20', null, null, -2, 20), '2026-10-20', '上个月20日');
select is(gulou.stated_day('2026-01-20', null, null, -2, 31), '2025-12-31', 'also over the new year');
select is(gulou.stated_day('2026-03-20', null, null, -2, 30), null, 'February has no 30th');
select is(gulou.stated_day('2026-11-20', null, null, -1, 3), '2026-11-03', '本月3号');
select is(declares('40', 60, 'x', p_days_ago => null, p_day => 18) ->> 'date', '2026-11-18', 'declared so');
select is(declares('40', 60, 'x', p_days_ago => null, p_day => -7) ->> 'date', '2026-11-15', 'also by its weekday');

-- Midnight and quarters (domain 9.12): 23:00 on 30 September to 01:00 is the fourth quarter's, day by day.
select api.set_clock('2026-10-02 08:00+08');
select is(declares('40', null, '夜巡', '23:00', '01:00', 2, p_openid => 'o2') ->> 'minutes', '120', 'a span over midnight');
select approves((select array_agg(no) from gulou.declaration where words = '夜巡'));
select is((select period from gulou.declaration where words = '夜巡'), '2026-Q4', 'belongs to the quarter in which it ends');
select results_eq($$select day, points from gulou.declaration_day join gulou.declaration using (account_id, no)
                    where words = '夜巡' order by day$$,
                  $$values (date '2026-09-30', 10), ('2026-10-01', 10)$$, 'its points fall on both days');

-- An end before the start is a slip, unless a night of twelve hours at most lies between them.
select is(declares('40', null, '前日', '10:00', '09:00', 1) ->> 'refusal', 'ends_first', 'ten to nine is no service of 23 hours');
select is(declares('40', null, '今日', '11:00', '09:00', 0) ->> 'refusal', 'ends_first', 'nor one that has not ended yet');
select is(declares('40', null, '守夜', '20:00', '08:01', 2) ->> 'refusal', 'ends_first', 'a night is twelve hours at most');
select is(declares('40', null, '守夜', '20:00', '08:00', 2) ->> 'minutes', '720', 'and may be all of them');
select is(declares('40', null, '白天', '06:00', '19:00', 4) ->> 'minutes', '780', 'a day may be longer');

-- INV-14: the day's cap of 64 cuts what comes later.
select declares('19', 240, '整天', p_days_ago => 0, p_openid => 'o2');
select declares('40', 60, '晚上', p_days_ago => 0, p_openid => 'o2');
select approves((select array_agg(no) from gulou.declaration where words in ('整天', '晚上')));
select results_eq($$select counted, cap from gulou.declaration where words in ('整天', '晚上') order by no$$,
                  $$values (64, null), (0, 'day')$$, 'INV-14: the day holds 64 points');

-- ---- nobody buries everybody's in the reviewers' queue
insert into gulou.member values ('t', 4, '急性子', 'active');
insert into gulou.member_org values ('t', 4, 1);
insert into gulou.binding values ('t', 'o4', 4, now());
create temp table many as select declares('40', 30, '第' || n || '次', p_openid => 'o4') as made from generate_series(1, 101) as n;
select is((select count(*) from many where made ? 'no'), 100::bigint, 'a hundred declarations of one member wait at most');
select is((select made ->> 'refusal' from many where not made ? 'no'), 'too_many_waiting', 'the next is refused, and leaves nothing');
select approves((select array_agg((made ->> 'no')::bigint) from (select made from many limit 3) as first));
select ok(declares('40', 30, '审完以后', p_openid => 'o4') ? 'no', 'until some have been reviewed');
select ok((api.audit() ->> 'ok')::boolean, 'the audit finds everything right');
select * from finish();
rollback;
