-- Names as the public sees them, consent, a copy of one's data, and its removal (domain 10).
begin;
set client_min_messages = warning;
select plan(45);

-- ---- every row of the table of masks
select is(gulou.mask_name(name), masked, format('mask of 「%s」', name)) from (values
  ('', '*'), ('张', '*'), ('张三', '张*'), ('王小明', '王*明'), ('李大国华', '李**华'), ('王 明', '王*'), ('王　小明', '王*明'),
  ('欧阳娜', '欧阳*'), ('欧阳娜娜', '欧阳*娜'), ('司马光明远', '司马**远'), ('欧阳', '欧*'), ('万俟平', '万俟*'),
  ('段干军', '段*军'),
  ('阿依古丽·买买提', '阿******提'), ('阿依•古丽', '阿***丽'), ('尼·加', '尼*加'),
  ('Anna', 'A**a'), ('Li', 'L*'), ('José', 'J**é'), ('Ａｎｎａ', 'Ａ**ａ'), ('Anna Li', 'A*****i'), ('𠮷野家', '𠮷*家')) as vector (name, masked);

select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '办公室', 'committee');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 101, '王大明', 'active'), ('t', 2, '王晓明', 'active'), ('t', 3, '赵一', 'active'),
  ('t', 4, '陈审核', 'active'), ('t', 5, '李同名', 'active'), ('t', 6, '李同名', 'active');
insert into gulou.member_org select 't', member_id, case member_id when 4 then 2 else 1 end from gulou.member where account_id = 't';
insert into gulou.member_role values ('t', 4, 'reviewer');
insert into gulou.binding select 't', 'o' || member_id, member_id, now() from gulou.member where account_id = 't';
insert into gulou.follower (account_id, openid, subscribed, seen_at) select 't', 'o' || member_id, true, now() from gulou.member where account_id = 't';
select is(string_agg(shown_name, ' ' order by member_id), '王*明01 王*明02 赵* 王*明101', 'equal masks are told apart, also with equal last digits')
from gulou.masked_list('t', array[1, 2, 3, 101]);

-- ---- consent, given and withdrawn
select api.set_clock('2026-08-20 18:00+08');
create function consents(p_member int, p_given boolean) returns void language sql as $$
  select api.set_consent('t', 'o' || p_member, gen_random_uuid(), 'test', 'public_notice_name', p_given)
$$;
select consents(1, true), consents(5, true), consents(6, true);
create temp table made as
select who, (api.declare_points('t', 'o' || who, gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '巡逻',
  case who when 3 then '[{"media_id":"m1"}]'::jsonb end, null) ->> 'no')::bigint as no
from unnest(array[1, 2, 3, 5, 6]) as who;
select gulou.approve_many('t', 4, 'test', (select array_agg(no) from made));
select api.set_clock('2026-10-16 09:00+08');
select gulou.freeze('t', '2026-Q3', 1, 2, 'test');
select gulou.publish('t', '2026-Q3', 2, 1, 'test');
create function shown(p_who int) returns text language sql as $$
  select entry ->> 'member' from jsonb_array_elements(api.notice('t', 1, null, 99) -> 'entries') as entry
  where (entry ->> 'no')::bigint = (select no from made where who = p_who)
$$;
select is(shown(1), '王小明', 'with consent the full name');
select is(shown(2), '王*明', 'without it the mask');
select is(shown(5) || ' ' || shown(6), '李同名05 李同名06', 'two who share their full name are told apart, too');
create temp table before as select no, api.proof('t', 1, no) as proof from made;
select consents(1, false);
select is(shown(1), '王*明', 'consent withdrawn: masked again');
select ok((api.audit() ->> 'ok')::boolean, 'and the books are in order');

-- ---- a copy
select gulou.open_windows(array['t'], array['o3'], array['message']);
insert into gulou.image values ('t', sha256('jpeg'), 4, 3, 'jpeg', 'small', now());
update gulou.photo set status = 'stored', digest = sha256('jpeg'), pic_url = null where account_id = 't';
create temp table copy as select api.member_export('t', 3, '本人申请查阅', 'office') as facts;
select is(facts ->> 'name', '赵一', 'a copy holds the name') from copy;
select is(facts #>> '{declarations,0,words}', '巡逻', 'the words') from copy;
select is(decode(facts #>> '{declarations,0,photos,0,jpeg}', 'base64'), 'jpeg'::bytea, 'the photo itself') from copy;
select is(facts #>> '{ledger,0,kind}', 'AWARD_PENDING', 'the books') from copy;
select ok(facts::text not like '%"o3"%', 'and no openid') from copy;
select is(api.member_export('t', 77, '本人申请查阅', 'office') ->> 'refusal', 'not_found', 'nobody has no copy');
select is(api.member_export('t', 3, '  看', 'office') ->> 'refusal', 'reason', 'nor has anybody one without a reason');
select is(string_agg(concat_ws(' ', what, member_id, reason, taken_by), ','), 'member 3 本人申请查阅 office/' || session_user, 'who took it, and why, is in the audit')
from gulou.export_audit where account_id = 't';

-- ---- erased
select is(api.erase_member('t', 3, false, 'test'), '{"refusal":"unconfirmed","name":"赵一","unit":"甲单位","matters":{"pending":"10"}}',
  'until it is confirmed, it is told who this is and what they would lose');
select is(api.erase_member('t', 4, false, 'test'), '{"refusal":"unconfirmed","name":"陈审核","unit":"办公室","matters":{}}', 'also where nothing is open');
select is((select string_agg(concat_ws('/', member_id, name, status), ' ' order by member_id) from gulou.member where account_id = 't' and member_id in (3, 4)),
  '3/赵一/active 4/陈审核/active', 'and nobody is erased by asking');
select is(api.erase_member('t', 77, false, 'test') ->> 'refusal', 'not_found', 'nobody cannot be erased');
select api.erase_member('t', 3, true, 'test');
select is(shown(3), '已注销成员#3', 'INV-12: the list knows them by number only');
select is((select count(*) from gulou.member m full join gulou.binding b using (account_id, member_id) full join gulou.follower f using (account_id, openid)
           where m.name = '赵一' or b.member_id = 3 or f.openid = 'o3'), 0::bigint, 'name and openid are gone');
select is((select count(*) from gulou.photo where account_id = 't') + (select count(*) from gulou.image where account_id = 't'), 0::bigint, 'so is the photo');
select is((select count(*) from before b where api.proof('t', 1, b.no) <> b.proof), 0::bigint, 'INV-12: every proof is what it was');
select ok((api.audit() ->> 'ok')::boolean, 'INV-12: the audit is clean after an erasure');
select * from finish();
rollback;
