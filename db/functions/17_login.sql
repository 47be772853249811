-- What the login could do that stands behind this session, if somebody made it speak SQL of their own.
create or replace function api.login_rights() returns jsonb language sql stable as $$
  select jsonb_build_object('login', session_user, 'more_than_needed',
    r.rolsuper or r.rolcreaterole or r.rolbypassrls or pg_has_role(session_user, 'gulou_owner', 'MEMBER')
      or pg_has_role(session_user, 'pg_execute_server_program', 'MEMBER')
      or pg_has_role(session_user, 'pg_read_all_data', 'MEMBER')
      or has_database_privilege(session_user, current_database(), 'temporary, create')) -- no dump carries that back
  from pg_roles r where r.rolname = session_user
$$;
