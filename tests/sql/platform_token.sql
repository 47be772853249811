-- The platform's token: one for all servers, fetched by one of them, dropped when it is refused.
begin;
set client_min_messages = warning;
select plan(30);

select api.sync_account('t', '测试');

create function asks(p_server text, p_refused text default null, p_kind text default 'access_token') returns jsonb
language sql as $$ select api.platform_token('t', p_kind, p_server, p_refused) $$;
create function brings(p_token text, p_seconds int default 7200) returns jsonb language sql as $$
  select api.keep_platform_token('t', 'access_token', p_token, p_seconds)
$$;
create function passes(p_interval interval) returns void language sql as $$
  update gulou.platform_token set expires_at = expires_at - p_interval, fetch_till = fetch_till - p_interval,
    forced_at = forced_at - p_interval where account_id = 't'
$$;

-- ---- one fetches
select is(asks('one'), '{"fetch":true}', 'without a token, who asks first fetches it');
select is(asks('two'), '{"wait":true}', 'the others wait');
select is(asks('one'), '{"fetch":true}', 'who fetches is told so again');
select is(brings('T1') ->> 'token', 'T1', 'it is kept');
select is(asks('two') ->> 'token', 'T1', 'and serves all');
select ok((asks('two') ->> 'seconds')::int between 7190 and 7200, 'for as long as the platform said');
select is(asks('two', p_kind => 'jsapi_ticket'), '{"fetch":true}', 'a ticket is another thing');

-- ---- the last five minutes
select passes('6900 seconds');
select is(asks('two') - 'seconds', '{"token":"T1","fetch":true}', 'near its end one server fetches the next');
select is(asks('one') - 'seconds', '{"token":"T1","fetch":false}', 'while the old one still serves');
select is(brings('T2') ->> 'token', 'T2', 'the next one');
select is(asks('one') - 'seconds', '{"token":"T2"}', 'serves from then on');
select passes('7198 seconds');
select is(asks('one'), '{"fetch":true}', 'what is as good as over is not given out');

-- ---- a server that dies while it fetches
select passes('19 seconds');
select is(asks('two'), '{"wait":true}', 'it has twenty seconds');
select passes('2 seconds');
select is(asks('two'), '{"fetch":true}', 'then another one fetches');
select api.release_platform_token('t', 'access_token', 'one', 60);
select is(asks('one'), '{"wait":true}', 'the late one cannot end the new one''s lease');

-- ---- a fetch that failed
select api.release_platform_token('t', 'access_token', 'two', 60);
select ok((asks('one') ->> 'later')::int between 55 and 60, 'rests for all');
select ok((asks('two') ->> 'later')::int between 55 and 60, 'also for who tried');
select passes('61 seconds');
select is(asks('one'), '{"fetch":true}', 'and is tried again');
select brings('T3', 100);
select is(asks('two') - 'seconds', '{"token":"T3","fetch":true}', 'a token of a short life is good for its life');
select api.release_platform_token('t', 'access_token', 'two', 60);
select is(asks('one') - 'seconds', '{"token":"T3","fetch":false}', 'even when the next one cannot be had now');

-- ---- refused by the platform
select passes('70 seconds');
select brings('T4');
select is(asks('one', 'T3') ->> 'token', 'T4', 'refused was an older one: there is a newer already');
select is(asks('one', 'T4'), '{"fetch":true}', 'the refused one is dropped');
select is(asks('two', 'T4'), '{"wait":true}', 'for all of them');
select is(brings('T4'), '{"force":true}', 'the platform gives the very same again: it is forced');
select is(asks('two'), '{"wait":true}', 'and not kept');
select is(brings('T5') ->> 'token', 'T5', 'the forced one is');
select asks('one', 'T5');
select ok((brings('T5') ->> 'later')::int between 1 and 30, 'no second force within half a minute');
update gulou.platform_token set forced = 20, fetch_till = null where account_id = 't';
select passes('31 seconds');
select asks('one');
select is(brings('T5'), '{"later":600}', 'nor more than twenty a day');
update gulou.platform_token set forced_on = forced_on - 1, fetch_till = null where account_id = 't';
select asks('one');
select is(brings('T5'), '{"force":true}', 'tomorrow again');
select is((select forced from gulou.platform_token where account_id = 't' and kind = 'access_token'), 1, 'counted anew');

select * from finish();
rollback;
