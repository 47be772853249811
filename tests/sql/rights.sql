-- Least privilege (INV-06, INV-26): what each role may touch, and that history refuses everybody. What the server's own
-- login is refused in a running system is in tests/e2e/rights.test.mjs.
begin;
set client_min_messages = warning;
select plan(54);

-- What somebody of this role gets told: NULL when it worked, else the SQLSTATE.
create function told(p_role text, p_sql text) returns text language plpgsql as $$
begin
  execute format('set local role %I', p_role);
  execute p_sql;
  reset role;
  return null;
exception when others then
  return sqlstate;
end $$;

-- ---- the server's role: functions of api, nothing else
create function app_may(p_function oid) returns boolean language sql as $$
  select has_schema_privilege('gulou_app', pronamespace, 'usage') and has_function_privilege('gulou_app', p_function, 'execute')
  from pg_proc where oid = p_function
$$;
select is((select count(*) from pg_class where relkind in ('r', 'p', 'v', 'm', 'f') and relpersistence <> 't' and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
             and has_schema_privilege('gulou_app', relnamespace, 'usage')
             and has_table_privilege('gulou_app', oid, 'select, insert, update, delete, truncate, references, trigger')), 0::bigint,
          'it can read or write no table and no view');
select is((select count(*) from pg_class where relpersistence <> 't' and case when relkind = 'S' then has_sequence_privilege('gulou_app', oid, 'usage, select, update') end), 0::bigint, 'nor a sequence');
select is((select count(*) from pg_proc where pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'api'::regnamespace) and app_may(oid)),
          0::bigint, 'it can call no function outside of api, those of extensions included');
select ok((select bool_and(app_may(oid)) from pg_proc where pronamespace = 'api'::regnamespace and proname in ('declare_points', 'approve', 'photo', 'login_rights')), 'it can call those that a message needs');
select ok(not app_may(p.oid), 'but not ' || p.proname || ', which is for an operator''s hands') from pg_proc p
where pronamespace = 'api'::regnamespace and proname in ('import_members', 'export_ledger', 'member_export', 'erase_member', 'set_clock') order by proname;
select is(told('gulou_app', sql), '42501', 'it cannot: ' || sql) from (values
  ('select * from gulou.member'), ('insert into gulou.account values (''x'', ''x'')'), ('truncate gulou.inbox'),
  ('select gulou.post(null)'), ('create table public.mine (n int)'), ('create table api.mine (n int)'), ('create temp table mine (n int)'),
  ('create schema mine'), ('create function public.mine() returns int language sql as ''select 1'''), ('create role mine'),
  ('copy (select 1) to program ''true'''), ('copy (select 1) to ''/tmp/gulou-mine'''), ('select pg_read_file(''/etc/passwd'')'),
  ('select pg_ls_dir(''.'')'), ('select lo_create(0)'), ('select lo_import(''/etc/passwd'')'), ('select pg_sleep(0)'),
  ('select pg_notify(''a'', ''b'')'), ('select pg_reload_conf()'), ('set session_replication_role = replica'),
  ('alter function api.who(text, text) security invoker')) as act (sql);
select is((select count(*) from pg_auth_members where member = 'gulou_app'::regrole), 0::bigint, 'it is a member of no other role');
select ok(not rolcanlogin and not rolsuper and not rolcreaterole and not rolcreatedb and not rolbypassrls and not rolreplication, rolname || ' is nobody who signs in, and has no powers of the whole server')
from pg_roles where rolname in ('gulou_app', 'gulou_owner') order by rolname;

-- ---- functions that run with the owner's rights cannot be led astray
select is((select count(*) from pg_proc where prosecdef and pronamespace <> 'pg_catalog'::regnamespace
             and (proowner <> 'gulou_owner'::regrole
                  or (proconfig @> array['search_path=gulou, pg_temp']
                      and proconfig <@ array['search_path=gulou, pg_temp', 'plan_cache_mode=force_generic_plan']) is not true)), 0::bigint,
          'every function with the owner''s rights has a fixed search path, temporary things last');
select is((select count(*) from pg_proc where pronamespace = 'api'::regnamespace and not prosecdef), 0::bigint, 'all of api are such functions');
select is((select count(*) from pg_namespace, pg_roles where nspname in ('gulou', 'api', 'public') and rolname not in ('gulou_owner', 'pg_database_owner') and not rolsuper
             and not pg_has_role(rolname, 'gulou_owner', 'usage') and not pg_has_role(rolname, 'pg_database_owner', 'usage')
             and has_schema_privilege(rolname, nspname, 'create')), 0::bigint, 'nobody else can put anything into the schemas that they look into');

-- ---- history (INV-06)
create temp table history as select oid, oid::regclass::text as name from pg_class
where relnamespace = 'gulou'::regnamespace and relkind = 'r'
  and (relname like '%\_event' or relname in ('ledger_tx', 'lot_entry', 'announcement_line', 'consent', 'daily_seal', 'declaration_day',
                                              'correction_notice', 'export_audit', 'backup'));
-- All three acts, whole rows and whole tables, no condition that NULL could pass by, and never switched off by a mode.
select is((select string_agg(name, ', ') from history h where
             (select count(*) from pg_trigger t where t.tgrelid = h.oid and t.tgfoid = 'gulou.refuse_change'::regproc and t.tgqual is null
                and t.tgenabled = 'A' and t.tgattr = '' and (t.tgname, t.tgtype) in (('insert_only_row', 1 + 2 + 8 + 16), ('insert_only_table', 2 + 32))) <> 2),
          null, 'INV-06: every table of history refuses UPDATE, DELETE and TRUNCATE, whatever the mode and the values');
select is((select count(*) from pg_trigger where tgfoid = 'gulou.refuse_change'::regproc and tgrelid not in (select oid from history)), 0::bigint,
          'INV-06: and this test knows all of them');
select api.sync_account('t', '甲账号'), api.sync_account('u', '乙账号');
insert into gulou.export_audit (account_id, export_no, what, reason, taken_by, at) values ('t', 1, 'ledger', '因为需要', 'office', now());
select is(told('gulou_owner', sql), '23001', 'INV-06: not even the owner can: ' || sql) from (values
  ('update gulou.export_audit set reason = null'), ('update gulou.export_audit set period = null where period is null'),
  ('delete from gulou.export_audit'), ('truncate gulou.export_audit cascade')) as act (sql);
set local session_replication_role = replica;
select throws_ok('update gulou.export_audit set reason = reason', '23001', null, 'INV-06: nor a session that says it copies data');
set local session_replication_role = origin;

-- ---- what declarations refer to does not go (no foreign key says so: migration 0050)
insert into gulou.org values ('t', 9, '旧单位', 'reporting_unit');
insert into gulou.rule_version select (jsonb_populate_record(r, jsonb_build_object('rule_version', 9, 'valid_from', current_date + 9))).*
  from gulou.rule_version r where account_id = 't';
select is(told('gulou_owner', sql), '23001', 'what declarations refer to does not go: ' || sql) from (values
  ('delete from gulou.org where org_id = 9'), ('delete from gulou.service_item where item = 35'),
  ('delete from gulou.rule_version where account_id = ''t'' and valid_from < now()'), ('update gulou.org set org_id = 10 where org_id = 9')) as act (sql);
select is(told('gulou_owner', 'delete from gulou.rule_version where rule_version = 9'), null, 'but a rule that is not valid yet can be taken back');

-- ---- accounts share nothing (INV-26, as far as there are private data of more than one owner)
insert into gulou.org values ('t', 1, '甲单位', 'reporting_unit'), ('u', 1, '乙单位', 'reporting_unit');
insert into gulou.member values ('t', 1, '王小明', 'active'), ('t', 2, '甲审核', 'active'), ('u', 1, '李四', 'active'), ('u', 2, '乙审核', 'active');
insert into gulou.member_org select account_id, member_id, 1 from gulou.member where account_id in ('t', 'u');
insert into gulou.member_role values ('t', 2, 'reviewer'), ('u', 2, 'reviewer');
insert into gulou.binding values ('t', 'oMember', 1, now()), ('t', 'oReviewer', 2, now()), ('u', 'oReviewer_u', 2, now());
select api.start_session('t', 'oReviewer', sha256('browser'));
create temp table made as select (api.declare_points('t', 'oMember', gen_random_uuid(), 'test', '40', 60, null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint as no;
select is(api.evidence('u', no) ->> 'refusal', 'not_found', 'INV-26: a number of one account is nobody''s in another') from made;
select is(api.who('u', 'oReviewer') ->> 'name', null, 'INV-26: nor does an openid mean anybody there');
select is(api.approve('u', 'oReviewer_u', gen_random_uuid(), 'test', array[no]) #>> '{results,0,refusal}', 'not_found', 'INV-26: nor can their reviewer decide it') from made;
select ok(api.approve('u', 'oReviewer', gen_random_uuid(), 'test', array[no]) ? 'refusal', 'INV-26: nor a reviewer of this account through the other') from made;
select ok(api.review_queue('u', 'oReviewer_u', null, 50)::text not like '%巡逻%', 'INV-26: it is in no queue of theirs');
select is(api.web_queue('u', sha256('browser'), null) ->> 'refusal', 'signed_out', 'INV-26: a browser signed in here is a stranger there');
select * from finish();
rollback;
