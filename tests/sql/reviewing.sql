-- The reviewer's side: who may decide what, once, and what it does to the books (INV-01, 02, 06, 07, 10, 25).
begin;
set client_min_messages = warning;
select plan(28);

select api.set_clock('2026-11-20 18:00+08');
select api.sync_account('t', '测试');
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 3, '张审', 'active'), ('t', 4, '李审', 'active'), ('t', 5, '赵审', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 3, 2), ('t', 4, 2), ('t', 5, 1);
insert into gulou.member_role values ('t', 3, 'reviewer'), ('t', 4, 'reviewer'), ('t', 5, 'reviewer');
insert into gulou.binding select 't', 'o' || n, n, now() from unnest(array[1, 3, 4, 5]) as n;

create function declares(p_openid text default 'o1') returns bigint language sql as $$
  select (api.declare_points('t', p_openid, gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint
$$;
create function one_of(p_openid text, p_no bigint) returns jsonb language sql as $$
  select api.approve('t', p_openid, gen_random_uuid(), 'test', array[p_no]) -> 'results' -> 0
$$;
create temp table made as select declares() as a, declares() as b, declares() as c, declares('o3') as own;
create function no_(p_name text) returns bigint language sql as $$ select (to_jsonb(made) ->> p_name)::bigint from made $$;

select is(api.approve('t', 'o1', gen_random_uuid(), 'test', array[no_('a')]) ->> 'refusal', 'not_yours', 'a member approves nothing');
select is(one_of('o3', no_('own')) ->> 'refusal', 'own', 'INV-10: nobody approves their own');
select is(one_of('o4', no_('own')) ->> 'refusal', 'own_unit', 'INV-10: nor their own unit''s');
select is(one_of('o5', no_('a')) ->> 'refusal', 'own_unit', 'INV-10: whichever side one looks from');
select is(one_of('o3', 999999) ->> 'refusal', 'not_found', 'an unknown number says so');
select is(one_of('o3', no_('a')) ->> 'counted', '10', 'an approval counts the points');
select is(one_of('o4', no_('a')) ->> 'refusal', 'already', 'the second reviewer comes too late');
select is(one_of('o4', no_('a')) ->> 'by', '张审', 'and is told who decided');
select is(api.balance('t', 'o1') ->> 'pending', '10', 'the points are pending');
select is(api.balance('t', 'o1') ->> 'rank', '1', 'and give a rank');
select results_eq($$select to_status from gulou.declaration_event where no = no_('a') order by seq$$,
                  $$values ('submitted'), ('in_review'), ('approved')$$, 'INV-25: every step has its event');

select is(api.return_declaration('t', 'o3', gen_random_uuid(), 'test', no_('b'), '') ->> 'refusal', 'words_missing', 'a return needs a reason');
select is(api.return_declaration('t', 'o3', gen_random_uuid(), 'test', no_('b'), '写明楼栋') ->> 'status', 'returned', 'a return');
select is(api.resubmit('t', 'o1', gen_random_uuid(), 'test', no_('b'), null, null, null, '一号楼') ->> 'status', 'submitted', 'is mended and sent again');
select api.return_declaration('t', 'o3', gen_random_uuid(), 'test', no_('b'), '再写');
select api.resubmit('t', 'o1', gen_random_uuid(), 'test', no_('b'), 90, null, null, null);
select is(api.return_declaration('t', 'o3', gen_random_uuid(), 'test', no_('b'), '又') ->> 'refusal', 'too_many_returns', 'at most twice');
select is(one_of('o3', no_('b')) ->> 'counted', '15', 'the mended hours count');

select is(api.reject('t', 'o3', gen_random_uuid(), 'test', no_('c'), '没有这次活动') ->> 'status', 'rejected', 'a rejection');
select is(api.appeal('t', 'o1', gen_random_uuid(), 'test', no_('c'), '有照片') ->> 'status', 'appealed', 'is appealed');
select is(one_of('o3', no_('c')) ->> 'refusal', 'same_reviewer', 'to another reviewer');
select is(jsonb_array_length(jsonb_path_query_array(api.review_queue('t', 'o3', null, 50), '$.rows[*] ? (@.appeal == true)')), 0, 'whose queue alone shows it');
select is(api.reject('t', 'o4', gen_random_uuid(), 'test', no_('c'), '仍不符合') ->> 'status', 'rejected_final', 'whose word is the last');
select is(api.appeal('t', 'o1', gen_random_uuid(), 'test', no_('c'), '再') ->> 'refusal', 'state_conflict', 'there is no second appeal');
select is(api.withdraw('t', 'o1', gen_random_uuid(), 'test', no_('a')) ->> 'refusal', 'state_conflict', 'an approved one is not withdrawn');

-- INV-06
select throws_ok('update gulou.ledger_tx set pending = 99, issue = -99', '23001', null, 'INV-06: the book is not changed');
select throws_ok('delete from gulou.declaration_event', '23001', null, 'INV-06: nor the history');
select throws_ok('truncate gulou.consent', '23001', null, 'INV-06: nor emptied');
select throws_ok($$insert into gulou.ledger_tx select account_id, member_id, 99, kind, reason, source_type, 'x', 1, rule_version, period, actor_id,
  approver_id, request_id, posted_at, service_time, issue - 1, pending, available, reserved, debt, redeemed, expired, revoked, prev_hash, hash
  from gulou.ledger_tx limit 1$$, '23514', null, 'INV-01: nor one-sided');

-- INV-07: someone with all rights rewrites a row; the audit names it.
alter table gulou.ledger_tx disable trigger insert_only_row;
update gulou.ledger_tx set reason = '改过' where account_id = 't' and member_id = 1 and seq = 1;
select matches(jsonb_path_query_first(api.audit(), '$.checks[*] ? (@.ok == false)') ->> 'detail',
               'ledger_tx t member 1 seq 1: its content was changed', 'INV-07: a rewritten row is found and named');
select * from finish();
rollback;
