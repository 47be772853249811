-- What everybody reads of a notice, and until when; one changed row is found and named.
begin;
set client_min_messages = warning;
select plan(22);

select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit'), ('t', 3, '办公室', 'committee');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '欧阳娜', 'active'), ('t', 3, '陈审核', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 2), ('t', 3, 3);
insert into gulou.member_role values ('t', 3, 'reviewer');
insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 3) as n;
select api.set_clock('2026-08-20 18:00+08');
create temp table made as
select n, (api.declare_points('t', 'o' || who, gen_random_uuid(), 'test', item, minutes, null, null, 0, null, null, null, words, null, null)
           ->> 'no')::bigint as no
from (values (1, 1, '40', 60, '巡逻'), (2, 1, '7', 120, '读书'), (3, 2, '40', 90, '巡逻')) as given (n, who, item, minutes, words);
select gulou.approve_many('t', 3, 'test', (select array_agg(no) from made));
select api.set_clock('2026-10-16 09:00+08');
select api.seal_day();
select gulou.freeze('t', '2026-Q3', 1, 2, 'test');
select is(api.notice_page('t', null, 1, null, 'no', 1, 50) ->> 'refusal', 'not_found', 'a frozen list is nobody''s to read');
select gulou.publish('t', '2026-Q3', 2, 1, 'test');

create function shown(p_search text, p_sort text default 'no', p_page int default 1, p_limit int default 50) returns text
language sql as $$
  select coalesce(string_agg(made.n::text, ' ' order by place), '')
  from jsonb_array_elements(api.notice_page('t', null, 1, p_search, p_sort, p_page, p_limit) -> 'entries')
    with ordinality as e (entry, place)
  join made on made.no = (entry ->> 'no')::bigint
$$;
select is(shown(null), '1 2 3', 'all lines, by number');
select is(shown('乙单位'), '3', 'found by unit');
select is(shown('义务'), '1 3', 'found by item');
select is(shown('欧阳*'), '3', 'found by the shown name');
select is(shown('欧阳娜'), '', 'but not by the name behind it');
select is(shown('%'), '', 'a percent sign is a percent sign');
select is(shown((select no::text from made where n = 2)), '2', 'found by number');
select is(shown(null, 'points'), '2 3 1', 'the most points first');
select is(shown(null, 'no', 2, 2), '3', 'the second page');
select is(api.notice_page('t', null, 1, '甲单位', 'no', 1, 50) -> 'found' ->> 'points', '30', 'what was found is summed');
select is((select string_agg(one ->> 'points', ' ' order by one ->> 'points' desc) from jsonb_array_elements(
  api.notice_page('t', null, 1, null, 'no', 1, 50) -> 'categories') as one), '25 20', 'points by category');
select is(api.unit_page('t', 1) #>> '{notices,0,lines}', '2', 'a unit leads to its lines');
select is(api.notice('t', 1, null, 1) #>> '{seal,root}', (select encode(root, 'hex') from gulou.daily_seal where account_id = 't' and day = '2026-10-16'),
          'the seal of the day stands in the notice');

-- ---- the window and 30 days
select api.set_clock('2026-11-22 23:59:59+08');
select is(api.public_notice('t', null, 1, null, 9) ->> 'refusal', null, 'open until the 30th day after the window ends');
select api.set_clock('2026-11-23 00:00:01+08');
select is(api.public_notice('t', null, 1, null, 9) ->> 'refusal', 'members_only', 'then for members only');
select is(api.notice_page('t', null, 1, null, 'no', 1, 9) ->> 'root', api.notices('t', null, 1) #>> '{notices,0,root}', 'root and totals stay');
select is(api.proof('t', 1, (select no from made where n = 1)) ->> 'size', '3', 'so do the proofs, which name nobody');
select api.start_session('t', 'o2', sha256('browser'));
select is(jsonb_array_length(api.public_notice('t', sha256('browser'), 1, null, 9) -> 'entries'), 3, 'a member who is signed in reads on');
select is(api.public_notice('t', sha256('other'), 1, null, 9) ->> 'refusal', 'members_only', 'another browser does not');
select is(api.notice_check('t', null, 1, (select no from made where n = 1)) -> 'entry', 'null', 'nor does who only checks');

-- ---- one changed row
alter table gulou.announcement_line disable trigger insert_only_row;
update gulou.announcement_line set points = points + 1 where account_id = 't' and no = (select no from made where n = 2);
select ok((select bool_or(not (one ->> 'ok')::boolean and one ->> 'detail' like '%announcement t 1%') from jsonb_array_elements(api.audit() -> 'checks') as one),
          'INV-12: a changed line is found by the audit');
select * from finish();
rollback;
