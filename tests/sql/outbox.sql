-- What is to be sent: in order within its lane, by one server at a time, and again when that server dies.
begin;
set client_min_messages = warning;
select plan(34);

select api.sync_account('t', '测试');
select api.sync_account('u', '另一个');
-- Only what this test writes.
delete from gulou.outbox;

create function writes(p_lane text, p_subject text, p_account text default 't') returns void language sql as $$
  select gulou.outbox_write(p_account, p_lane, 'thing', p_subject, jsonb_build_object('n', p_subject))
$$;
-- The subjects of what a server takes.
create function takes(p_n int default 16) returns text language sql as $$
  select coalesce(string_agg(item ->> 'subject', ' ' order by item ->> 'subject'), '')
  from jsonb_array_elements(api.take_outbox(p_n) -> 'items') as item
$$;
create function ends(p_subject text, p_status text, p_later int default 0, p_result jsonb default '{}')
returns jsonb language sql as $$
  select api.end_outbox(account_id, outbox_id, p_status, p_later, p_result) from gulou.outbox where subject = p_subject
$$;
create function status(p_subject text) returns text language sql as $$
  select status from gulou.outbox where subject = p_subject
$$;
-- So long passes by.
create function passes(p_seconds int) returns void language sql as $$
  update gulou.outbox set due_at = due_at - make_interval(secs => p_seconds),
                          taken_till = taken_till - make_interval(secs => p_seconds)
$$;

-- ---- lanes
select writes('member:1', 'a1'), writes('member:1', 'a2'), writes('member:1', 'a3'), writes('member:2', 'b1');
select writes('member:1', 'a1');
select is((select count(*) from gulou.outbox), 4::bigint, 'the same thing is written once');
select is(takes(), 'a1 b1', 'the first of each lane');
select is(takes(), '', 'which nobody else gets, nor what comes behind it');
select ends('a1', 'done');
select is(takes(), 'a2', 'one ended, the next');
select ends('a2', 'held', 0, '{"why":"no channel now"}');
select is(takes(), 'a3', 'what is held for the person keeps nobody waiting');
select ends('a3', 'failed', 0, '{"why":"refused"}');
select is(status('a3'), 'failed', 'what failed');
select is((select result ->> 'why' from gulou.outbox where subject = 'a3'), 'refused', 'says why');
select writes('member:1', 'a4');
select is(takes(), 'a4', 'and keeps nobody waiting');
select writes('x', 'c' || n) from generate_series(1, 3) as n;
select writes('x', 'other', 'u');
select is(takes(), 'c1 other', 'lanes of two accounts are two lanes');
select writes('y' || n, 'd' || n) from generate_series(1, 3) as n;
select is((select jsonb_array_length(api.take_outbox(2) -> 'items')), 2, 'no more than there is room for');
select is((select jsonb_array_length(api.take_outbox(2) -> 'items')), 1, 'the rest is for another');

-- ---- whose rows
select writes('z', 'theirs', 'u');
select is((select jsonb_array_length(api.take_outbox(16, '{t}') -> 'items')), 0, 'what is another account''s');
select is((select attempts || coalesce(taken_till::text, '') from gulou.outbox where subject = 'theirs'), '0',
  'waits untouched for a server that has the account');
select is((select item ->> 'subject' from jsonb_array_elements(api.take_outbox(16, '{t,u}') -> 'items') as item), 'theirs',
  'which takes it');
select ends('theirs', 'done');

-- ---- leases
select passes(59);
select is(takes(), '', 'a server has a row for a minute');
select passes(2);
select is(takes(), 'a4 b1 c1 d1 d2 d3 other', 'then its rows are for another');
select is((select attempts from gulou.outbox where subject = 'b1'), 2, 'who sees that it is the second attempt');
select ends('b1', 'done');
select ends('b1', 'failed', 0, '{"why":"the first server was slow"}');
select is(status('b1'), 'done', 'what ended keeps its end');
select ok((select ended_at is not null and taken_till is null from gulou.outbox where subject = 'b1'), 'and its time');

-- ---- later
select ends('d1', 'later', 30);
select is(takes(), '', 'not before its time');
select is(status('d1'), 'waiting', 'it waits');
select ends('c1', 'later', 30);
select passes(31);
select is((select string_agg(item ->> 'subject', ' ') from jsonb_array_elements(api.take_outbox(1) -> 'items') as item),
  'd1', 'the one that is due longest comes first');
select is(takes(), 'c1', 'a lane waits for its first row');
select ends('d1', 'later', 0);
select is((select item ->> 'attempts' from jsonb_array_elements(api.take_outbox(1) -> 'items') as item), '4',
  'attempts are counted');
select is((select item -> 'facts' ->> 'n' from jsonb_array_elements(api.take_outbox(1) -> 'items') as item), null,
  'nothing else is due');

-- ---- what the platform says became of a message, before and after its answer was written down
select writes('member:9', 'm1'), writes('member:9', 'm2'), writes('member:9', 'm3');
select ends('m1', 'done', 0, '{"message":"9007199254740993"}');
select api.send_result('t', '9007199254740993', 'success');
select is(status('m1'), 'done', 'arrived');
select api.send_result('t', '42', 'failed:user block');
select ends('m2', 'done', 0, '{"message":"42"}');
select is(status('m2'), 'held', 'what did not arrive is shown with the next reply, even when told early');
select ends('m3', 'done', 0, '{"message":"43"}');
select api.send_result('u', '43', 'failed:user block');
select is(status('m3'), 'done', 'another account''s message is another message');

-- ---- forgetting
select is((api.purge_outbox() ->> 'removed')::int, 0, 'what ended lately is kept');
update gulou.outbox set ended_at = now() - interval '91 days' where subject in ('m1', 'a3');
update gulou.outbox set written_at = now() - interval '91 days' where status in ('waiting', 'held');
select is((api.purge_outbox() ->> 'removed')::int, 2, 'what ended long ago is forgotten');
select ok(exists (select from gulou.outbox where subject = 'a2') and exists (select from gulou.outbox where subject = 'c2'),
  'what has not been seen or sent is not');

-- ---- thousands at once, where the plan was made for nearly none: the first few are found without looking at all of them
truncate gulou.outbox;
analyze gulou.outbox;
set local plan_cache_mode = force_generic_plan;
select is(takes(), '', 'nothing waits');
create function rows_read() returns bigint language sql as $$
  select pg_stat_get_xact_tuples_returned('gulou.outbox'::regclass)
    + sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index where indrelid = 'gulou.outbox'::regclass
$$;
select writes('member:' || n, 'many' || n) from generate_series(1, 2000) as n;
create temporary table before as select rows_read() as n;
select is((select jsonb_array_length(api.take_outbox(16) -> 'items')), 16, 'a notice tells two thousand people');
select cmp_ok(rows_read() - (select n from before), '<', 1000::bigint, 'and who takes sixteen does not look at all of them');

select * from finish();
rollback;
