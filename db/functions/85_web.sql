-- What the pages of signed-in people ask and do: the same functions as in the chat, for the person of the session.
-- `signed_out` and `not_bound` are answered alike everywhere.

create or replace function gulou.web_refusal(p_account text, p_openid text) returns jsonb language sql stable as $$
  select case when p_openid is null then gulou.refusal('signed_out')
              when gulou.speaker(p_account, p_openid) is null then gulou.refusal('not_bound') end
$$;

-- The key that a page has drawn, made this person's and this act's: whoever else sends it begins something of their own.
create or replace function gulou.page_key(p_openid text, p_act text, p_key uuid) returns uuid language sql immutable as $$
  select encode(substr(sha256(convert_to(p_openid || '|' || p_act || '|' || p_key, 'UTF8')), 1, 16), 'hex')::uuid
$$;

-- Photos are sent before the form, and forgotten after a day without it: nobody shall believe that they came along. NULL:
-- all are there, or what has this key is done.
create or replace function gulou.photos_refusal(p_account text, p_openid text, p_key uuid, p_photos jsonb) returns jsonb
language sql stable as $$
  select case when exists (select from jsonb_array_elements_text(p_photos) as one
                           where not exists (select from gulou.upload
                                             where account_id = p_account and openid = p_openid and upload_id = one::uuid))
               and not exists (select from gulou.inbox where account_id = p_account and message_key = p_key)
         then gulou.refusal('photos_gone') end
$$;

-- ---------------------------------------------------------------- declare

create or replace function api.page_declare(p_account text, p_session bytea, p_next bytea) returns jsonb
language plpgsql as $$
declare
  v_today date := gulou.local_day(gulou.now_());
  v_facts jsonb := gulou.enter(p_account, p_session, p_next);
begin
  if v_facts ? 'refusal' then
    return v_facts;
  end if;
  return v_facts || jsonb_build_object('today', v_today,
    'first_day', greatest(v_today - (gulou.rules_on(p_account, v_today)).days_back, gulou.declared_from(p_account, v_today)),
    'categories', (
      select jsonb_agg(jsonb_build_object('name', c.name, 'items', (
        select jsonb_agg(jsonb_build_object('number', i.item, 'name', i.name, 'points', i.points,
                 'task', i.basis = 'task', 'required', i.proof = 'required') order by i.item)
        from gulou.service_item i where i.account_id = p_account and i.category = c.category)) order by c.category)
      from gulou.service_category c where c.account_id = p_account));
end $$;

create or replace function api.web_preview(p_account text, p_session bytea, p_item text, p_minutes int, p_from time,
  p_to time, p_day date, p_words text) returns jsonb language plpgsql as $$
declare
  v_openid text := gulou.session_openid(p_account, p_session);
begin
  return coalesce(gulou.web_refusal(p_account, v_openid),
    api.preview_declaration(p_account, v_openid, p_item, p_minutes, p_from, p_to, null,
      extract(year from p_day)::int, extract(month from p_day)::int, extract(day from p_day)::int, p_words));
end $$;

-- `p_photos`: the upload ids, ["uuid"…]; of this person only.
create or replace function api.web_declare(p_account text, p_session bytea, p_key uuid, p_request text, p_item text,
  p_minutes int, p_from time, p_to time, p_day date, p_words text, p_photos jsonb) returns jsonb
language plpgsql as $$
declare
  v_openid text := gulou.session_openid(p_account, p_session);
  v_key    uuid := gulou.page_key(v_openid, 'declare', p_key);
begin
  return coalesce(gulou.web_refusal(p_account, v_openid), gulou.photos_refusal(p_account, v_openid, v_key, p_photos),
    api.declare_points(p_account, v_openid, v_key, p_request, p_item, p_minutes, p_from, p_to, null,
      extract(year from p_day)::int, extract(month from p_day)::int, extract(day from p_day)::int, p_words,
      (select jsonb_agg(jsonb_build_object('upload', u.upload_id)) from gulou.upload u
       where u.account_id = p_account and u.openid = v_openid
         and u.upload_id in (select value::uuid from jsonb_array_elements_text(p_photos))), v_key));
end $$;

-- {} or the refusal: asked before a picture is unpacked.
create or replace function api.web_may_upload(p_account text, p_session bytea) returns jsonb language plpgsql as $$
declare
  v_openid text := gulou.session_openid(p_account, p_session);
begin
  return coalesce(gulou.web_refusal(p_account, v_openid), case when (
    select count(*) from gulou.upload
    where account_id = p_account and openid = v_openid and at > clock_timestamp() - interval '1 hour') >= 60
    then gulou.refusal('too_many') else jsonb_build_object('person', gulou.speaker(p_account, v_openid)) end);
end $$;

create or replace function api.web_upload(p_account text, p_session bytea, p_upload uuid, p_width int, p_height int,
                                          p_digest bytea, p_jpeg bytea, p_small bytea) returns jsonb language plpgsql as $$
declare
  v_openid  text := gulou.session_openid(p_account, p_session);
  v_refusal jsonb := gulou.web_refusal(p_account, v_openid);
begin
  if v_refusal is not null then
    return v_refusal;
  end if;
  insert into gulou.image values (p_account, p_digest, p_width, p_height, p_jpeg, p_small, gulou.now_())
  on conflict do nothing;
  insert into gulou.upload values (p_account, p_upload, v_openid, p_digest) on conflict do nothing;
  return jsonb_build_object('upload', p_upload);
end $$;

-- ---------------------------------------------------------------- review

create or replace function gulou.queue_with_photos(p_account text, p_openid text, p_after bigint) returns jsonb
language sql stable as $$
  select case when queue ? 'refusal' then queue else queue || jsonb_build_object('rows', coalesce((
           select jsonb_agg(one || jsonb_build_object('evidence', gulou.photos_of(p_account, (one ->> 'no')::bigint))
                            order by (one ->> 'no')::bigint)
           from jsonb_array_elements(queue -> 'rows') as one), '[]')) end
  from (select api.review_queue(p_account, p_openid, p_after, 20) as queue) as asked
$$;

create or replace function api.page_review(p_account text, p_session bytea, p_next bytea) returns jsonb
language plpgsql as $$
declare
  v_facts jsonb := gulou.enter(p_account, p_session, p_next);
begin
  if v_facts ? 'refusal' then
    return v_facts;
  elsif not v_facts -> 'roles' ? 'reviewer' then
    return gulou.refusal('not_yours');
  end if;
  return v_facts;
end $$;

create or replace function api.web_queue(p_account text, p_session bytea, p_after bigint) returns jsonb
language plpgsql as $$
declare
  v_openid text := gulou.session_openid(p_account, p_session);
begin
  return coalesce(gulou.web_refusal(p_account, v_openid), gulou.queue_with_photos(p_account, v_openid, p_after));
end $$;

create or replace function api.web_decide(p_account text, p_session bytea, p_key uuid, p_request text,
  p_decision text, p_nos bigint[], p_words text) returns jsonb language plpgsql as $$
declare
  v_openid text := gulou.session_openid(p_account, p_session);
  v_key    uuid := gulou.page_key(v_openid, 'decide', p_key);
begin
  return coalesce(gulou.web_refusal(p_account, v_openid), case
    when p_decision = 'approve' then api.approve(p_account, v_openid, v_key, p_request, p_nos)
    when p_decision = 'return'
      then api.return_declaration(p_account, v_openid, v_key, p_request, p_nos[1], p_words)
    when p_decision = 'reject' then api.reject(p_account, v_openid, v_key, p_request, p_nos[1], p_words)
    else gulou.refusal('decision_unknown') end);
end $$;

-- ---------------------------------------------------------------- object

-- The form for one line, or without a number the question for it; and what this person has objected to already.
create or replace function api.page_object(p_account text, p_session bytea, p_next bytea, p_notice int, p_no bigint)
returns jsonb language plpgsql as $$
declare
  v_facts jsonb := gulou.enter(p_account, p_session, p_next);
begin
  if v_facts ? 'refusal' then
    return v_facts;
  elsif not gulou.is_public(p_account, p_notice) then
    return gulou.refusal('notice_unknown');
  end if;
  return v_facts || (
    select jsonb_build_object('notice', announcement_id, 'notice_title', title, 'last_day', gulou.local_day(closes_at - interval '1 microsecond'),
      'is_open', status = 'published' and gulou.now_() < closes_at, 'no', p_no,
      'line', gulou.shown_line(p_account, p_notice, p_no), 'own', own,
      'why', case when p_no is not null
                  then gulou.filing_refusal(p_account, (v_facts ->> 'member')::int, p_notice, p_no, gulou.now_()) end)
    from gulou.announcement
    cross join gulou.own_objections(p_account, (v_facts ->> 'member')::int, null, 20) as own
    where account_id = p_account and announcement_id = p_notice);
end $$;

-- As 异议 in the chat, with photos that this person has uploaded: ["uuid"…].
create or replace function api.web_object(p_account text, p_session bytea, p_key uuid, p_request text, p_notice int,
  p_no bigint, p_words text, p_photos jsonb, p_received timestamptz) returns jsonb language plpgsql as $$
declare
  v_openid text := gulou.session_openid(p_account, p_session);
  v_key    uuid := gulou.page_key(v_openid, 'object', p_key);
  v_facts  jsonb := coalesce(gulou.web_refusal(p_account, v_openid), gulou.photos_refusal(p_account, v_openid, v_key, p_photos));
begin
  if v_facts is not null then
    return v_facts;
  end if;
  v_facts := api.object(p_account, v_openid, v_key, p_request, p_notice, p_no, p_words, p_received);
  if not v_facts ? 'refusal' then
    insert into gulou.photo (account_id, objection_no, media_id, at, status, digest)
    select p_account, (v_facts ->> 'objection')::bigint, 'upload:' || u.upload_id, gulou.now_(), 'stored', u.digest
    from gulou.upload u
    where u.account_id = p_account and u.openid = v_openid
      and u.upload_id in (select value::uuid from jsonb_array_elements_text(p_photos))
    on conflict do nothing;
  end if;
  return v_facts;
end $$;
