-- What people are told without having asked: once, over the channel of the moment, or with the next reply.
begin;
set client_min_messages = warning;
select plan(47);

select api.set_clock('2026-11-20 18:00+08');
analyze gulou.outbox;   -- what is planned now is planned over an empty one
select api.sync_account('t', '测试', true);
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('t', 2, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '没绑定', 'active'), ('t', 3, '张审', 'active');
insert into gulou.member_org values ('t', 1, 1), ('t', 2, 1), ('t', 3, 2);
insert into gulou.member_role values ('t', 3, 'reviewer');
insert into gulou.binding values ('t', 'o1', 1, now()), ('t', 'o3', 3, now());

create function declares(p_hours text) returns bigint language sql as $$
  select (api.declare_points('t', 'o1', gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, p_hours, null, null) ->> 'no')::bigint
$$;
create function rows_of(p_member int, p_status text) returns bigint language sql as $$
  select count(*) from gulou.outbox where account_id = 't' and lane = 'member:' || p_member and status = p_status
$$;
create function last_id() returns bigint language sql as $$ select max(outbox_id) from gulou.outbox where account_id = 't' $$;
create function channel(p_channels text[], p_template text default null) returns text language sql as $$
  select api.notification_channel('t', last_id(), p_channels, p_template) ->> 'channel'
$$;

-- ---- what is written
create temp table made as select declares('a') as a, declares('b') as b, declares('c') as c;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[(select a from made)]);
select is(rows_of(1, 'waiting'), 1::bigint, 'an approval is news for the member');
select is((select facts ->> 'counted' from gulou.outbox where outbox_id = last_id()), '10', 'with the points');
select api.return_declaration('t', 'o3', gen_random_uuid(), 'test', (select b from made), '请补照片');
select is((select facts ->> 'words' from gulou.outbox where outbox_id = last_id()), '请补照片', 'a return with its reason');
select api.resubmit('t', 'o1', gen_random_uuid(), 'test', (select b from made), null, null, null, null);
select api.return_declaration('t', 'o3', gen_random_uuid(), 'test', (select b from made), '还是要照片');
select is(rows_of(1, 'waiting'), 3::bigint, 'returned twice is told twice');
select api.reject('t', 'o3', gen_random_uuid(), 'test', (select c from made), '不符合');
select is((select facts ->> 'what' from gulou.outbox where outbox_id = last_id()), 'rejected', 'a rejection too');
select gulou.notify('t', 2, 'approved', '99', '{}');
select is(rows_of(2, 'waiting'), 0::bigint, 'nothing is kept for who is not bound');

-- ---- the channel
select is(channel('{}'), 'reply', 'without any channel it waits for the next reply');
select is(channel('{custom}'), 'reply', 'no customer message before the person spoke');
select api.spoken('t', 'o1', gen_random_uuid(), 'message', '{}');
select is(channel('{custom}'), 'custom', 'a message opens the window');
select is(channel('{template,custom}'), 'template', 'a template is better: the platform recognises a repetition');
select channel('{custom}') from generate_series(1, 4);
select is(channel('{custom}'), 'reply', 'five customer messages an act, no more');
select api.notification_not_sent('t', last_id(), 'custom', null);
select is(channel('{custom}'), 'custom', 'one that reached nobody does not count');
select api.spoken('t', 'o1', gen_random_uuid(), 'tap', '{}');
select is((select window_left from gulou.follower where account_id = 't' and openid = 'o1'), 3, 'a tap renews three of them');
select ok((select window_until > clock_timestamp() + interval '47 hours' from gulou.follower
           where account_id = 't' and openid = 'o1'), 'and does not shorten the window');
select is(channel('{subscription}', 'T1'), 'reply', 'a subscription notification needs consent');
select api.subscribe('t', 'o1', gen_random_uuid(), 'test', '[{"template":"T1","accepted":true}]');
select is(channel('{subscription}', 'T1'), 'subscription', 'one consent');
select is(channel('{subscription}', 'T1'), 'reply', 'is one notification');
select api.notification_not_sent('t', last_id(), 'subscription', 'T1');
select is(channel('{subscription}', 'T1'), 'subscription', 'but one that reached nobody is none');
select api.set_consent('t', 'o1', gen_random_uuid(), 'test', 'messages', false);
select is(channel('{template,custom}'), 'muted', 'who does not want to hear is left alone');
select api.set_consent('t', 'o1', gen_random_uuid(), 'test', 'messages', true);
select api.notification_unfollowed('t', last_id());
select is(channel('{template,custom}'), 'reply', 'who left gets nothing until they are back');
select api.follow('t', 'o1', gen_random_uuid(), 'test', null);
select is(channel('{template}'), 'template', 'and are heard of again');

-- ---- with the next reply
update gulou.outbox set status = 'held' where account_id = 't' and lane = 'member:1';
create temp table act as select gen_random_uuid() as key;
select is(jsonb_array_length(api.spoken('t', 'o1', (select key from act), 'message', '{"a":1}') -> 'notes'), 3,
          'the three oldest come with the next reply');
select is(api.spoken('t', 'o1', (select key from act), 'message', '{"a":1}') -> 'notes' -> 0 ->> 'what', 'approved',
          'a repeated message gets the same');
select is(api.spoken('t', 'o1', gen_random_uuid(), 'message', '{"a":1}') -> 'notes' -> 0 ->> 'what', 'rejected',
          'the next message gets the rest');
select is(api.spoken('t', 'o1', gen_random_uuid(), 'message', '{"a":1}'), '{"a":1}', 'then there is nothing more');
select is(api.spoken('t', 'stranger', gen_random_uuid(), 'message', '{}'), '{}', 'nor for a stranger');

-- ---- what became of it
update gulou.outbox set status = 'waiting', shown_with = null where account_id = 't' and outbox_id = last_id();
select api.end_outbox('t', last_id(), 'done', 0, '{"message":"200228332"}');
select api.send_result('t', '200228332', 'success');
select is((select status from gulou.outbox where outbox_id = last_id()), 'done', 'what arrived is done');
select api.send_result('t', '200228332', 'failed:user block');
select is((select status from gulou.outbox where outbox_id = last_id()), 'done', 'a second result changes nothing');
update gulou.outbox set status = 'waiting' where account_id = 't' and outbox_id = last_id();
select api.send_result('t', '7', 'failed:user block');
select api.end_outbox('t', last_id(), 'done', 0, '{"message":"7"}');
select is((select status from gulou.outbox where outbox_id = last_id()), 'held',
          'what did not arrive is shown with the next reply, also when the result came before the answer');

-- ---- reviewers
select gulou.move_declaration('t', (select b from made), 'submitted', 1, 'member', null, 'test');
select is(api.remind_reviewers() ->> 'told', '1', 'a reviewer hears that something waits');
select is((select facts ->> 'waiting' from gulou.outbox where outbox_id = last_id()), '1', 'and how much');
select is(api.remind_reviewers() ->> 'told', '0', 'once a day');
select api.set_clock('2026-11-21 22:00+08');
select is(api.remind_reviewers() ->> 'told', '0', 'never at night');
select api.set_clock('2026-11-22 10:00+08');
select is(api.remind_reviewers() ->> 'told', '1', 'again the next day');

-- ---- somebody who is no member yet
select api.spoken('t', 'o9', gen_random_uuid(), 'tap', '{}');
select gulou.notify_guest('t', 'o9', 'join_refused', '1', '{}');
select channel('{custom}') from generate_series(1, 3);
select is(channel('{custom}'), 'reply', 'a guest''s window has an end as well');
select api.notification_not_sent('t', last_id(), 'custom', null);
select is(channel('{custom}'), 'custom', 'and gets back what reached nobody');

select set_eq($$ select distinct status from gulou.outbox where account_id = 't' and lane = 'member:1' $$,
              array['done', 'held'], 'nothing of the member waits any more');

-- ---- an account that may send nothing
select api.sync_account('t', '测试', false);
delete from gulou.outbox where account_id = 't';
create temp table later as select declares('x') as x, declares('y') as y;
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[x]) from later;
select is(rows_of(1, 'held'), 1::bigint, 'what an unverified account has to tell waits for the next reply at once');
select is(api.spoken('t', 'o1', gen_random_uuid(), 'message', '{}') -> 'notes' -> 0 ->> 'what', 'approved', 'and comes with it');
select api.set_consent('t', 'o1', gen_random_uuid(), 'test', 'messages', false);
select api.approve('t', 'o3', gen_random_uuid(), 'test', array[y]) from later;
select is(rows_of(1, 'held'), 0::bigint, 'unless the person does not want to hear');
select ok((select status = 'done' and ended_at is not null from gulou.outbox where outbox_id = last_id()), 'then it is over');
select gulou.notify_guest('t', 'g9', 'join_refused', '9', '{}');
select is((select status from gulou.outbox where outbox_id = last_id()), 'held', 'a guest, too');
select is((select count(*) from gulou.outbox where account_id = 't' and status = 'waiting'), 0::bigint, 'a server has nothing to do');

-- ---- thousands are told something at once
select api.spoken('t', 'o3', gen_random_uuid(), 'message', '{}');   -- takes and so plans, if nothing before did
insert into gulou.outbox (account_id, lane, kind, subject, facts, status)
select 't', 'guest:' || i, 'notification', 'many:' || i, '{}', 'held' from generate_series(1, 5000) as i;
create function read_of_outbox() returns bigint language sql as $$
  select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables where relid = 'gulou.outbox'::regclass
$$;
create temp table before as select read_of_outbox() as n, declares('d') as d, gen_random_uuid() as key;
select gulou.notify('t', 3, 'told', 'one', '{}');
create temp table reply as select api.spoken('t', 'o3', (select key from before), 'message',
  api.approve('t', 'o3', gen_random_uuid(), 'test', array[(select d from before)])) as facts;
select is(facts #>> '{notes,0,what}', 'told', 'who approves and who speaks is told what is theirs') from reply;
select is(api.answer_of('t', key) #>> '{notes,0,what}', 'told', 'and who continues, again') from before;
select cmp_ok(read_of_outbox() - (select n from before), '<', 100::bigint, 'and does not look through what others are told');

update gulou.outbox set status = 'done', result = jsonb_build_object('message', outbox_id::text) where account_id = 't' and subject like 'many:%';
create temp table then_ as select read_of_outbox() as n;
select api.send_result('t', (select outbox_id::text from gulou.outbox where account_id = 't' and subject = 'many:7'), 'failed:user block');
select cmp_ok(read_of_outbox() - (select n from then_), '<', 100::bigint, 'nor does what became of one message');

select * from finish();
rollback;
