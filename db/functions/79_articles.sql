-- A published notice becomes an article: cover, draft, publication, result. Each step is one call of the platform,
-- made by server/deliveries/article.c; here is decided which one comes next, and what it brought is stored before.
--
-- The platform recognises no repetition of ours. So a call that makes something is noted as begun before it leaves;
-- when its answer never came, the platform's lists are searched for our link first.

create or replace function gulou.note_article(p_account text, p_notice int, p_from text, p_to text, p_facts jsonb)
returns void language sql as $$
  insert into gulou.article_event
  select p_account, p_notice, coalesce(max(seq), 0) + 1, p_from, p_to, p_facts
  from gulou.article_event where account_id = p_account and announcement_id = p_notice
$$;

create or replace function gulou.write_article(p_account text, p_notice int) returns void language plpgsql as $$
begin
  insert into gulou.article (account_id, announcement_id) values (p_account, p_notice);
  perform gulou.note_article(p_account, p_notice, null, 'cover', '{}');
  perform gulou.outbox_write(p_account, 'article:' || p_notice, 'article', p_notice::text);
end $$;

-- ---------------------------------------------------------------- what it says

-- No name that the notice does not show, and none in full: an article cannot be taken back from everywhere.
create or replace function gulou.article_name(p_shown text, p_member int) returns text language sql immutable as $$
  select case when p_shown is null then '已注销成员#' || p_member
              when p_shown like '%*%' or p_shown like '已注销成员#%' then p_shown
              else gulou.mask_name(p_shown) end
$$;

-- `p_lines`: more of them than that do not fit an article.
create or replace function gulou.article_facts(p_account text, p_notice int, p_lines int) returns jsonb
language sql stable as $$
  select jsonb_build_object('notice', p_notice, 'title', a.title, 'members', a.members, 'entries', a.entries,
    'points', a.points::text, 'root', encode(a.root, 'hex'), 'seal', gulou.seal_of(p_account, a.opened_at),
    'first_day', gulou.local_day(a.opened_at), 'last_day', gulou.local_day(a.closes_at - interval '1 microsecond'),
    'lines', case when a.entries <= p_lines then (
      select jsonb_agg(jsonb_build_object('no', l.no, 'member', gulou.article_name(n.shown_name, l.member_id),
        'unit', l.unit, 'item', l.item, 'points', l.points::text) order by l.position)
      from gulou.announcement_line l
      left join gulou.announcement_name n using (account_id, announcement_id, member_id)
      where l.account_id = p_account and l.announcement_id = p_notice) end)
  from gulou.announcement a where a.account_id = p_account and a.announcement_id = p_notice
$$;

-- ---------------------------------------------------------------- ends

-- Every administrator hears how it ended. The outbox row ends with it, whoever has it now.
create or replace function gulou.end_article(p_account text, p_notice int, p_state text, p_facts jsonb) returns void
language plpgsql as $$
declare
  v_article gulou.article;
  v_title   text;
begin
  select * into strict v_article from gulou.article
  where account_id = p_account and announcement_id = p_notice for update;
  if v_article.state in ('published', 'failed', 'left') then
    return;
  end if;
  update gulou.article
  set state = p_state, begun = null, begun_at = null, article = p_facts ->> 'article', url = p_facts ->> 'url',
      why = p_facts ->> 'why'
  where account_id = p_account and announcement_id = p_notice;
  perform gulou.note_article(p_account, p_notice, v_article.state, p_state, p_facts);
  update gulou.outbox set status = 'done', ended_at = clock_timestamp(), taken_till = null, result = p_facts
  where account_id = p_account and kind = 'article' and subject = p_notice::text and status = 'waiting';
  select title into v_title from gulou.announcement where account_id = p_account and announcement_id = p_notice;
  perform gulou.notify(p_account, r.member_id, case p_state when 'published' then 'article_published'
                                                            else 'article_left' end, p_notice::text,
    p_facts || jsonb_build_object('notice', p_notice, 'title', v_title, 'draft', v_article.draft_media is not null))
  from gulou.member_role r where r.account_id = p_account and r.role = 'administrator';
end $$;

-- What the platform says of a publication (protocol 7.8): 0 published, 1 still at it, else it was refused.
create or replace function gulou.apply_publication(p_account text, p_notice int, p_status int, p_article text,
                                                   p_url text) returns void language plpgsql as $$
begin
  if p_status = 0 and p_url <> '' then
    perform gulou.end_article(p_account, p_notice, 'published', jsonb_build_object('article', p_article, 'url', p_url));
  elsif p_status > 1 then
    perform gulou.end_article(p_account, p_notice, 'failed', jsonb_build_object('why',
      case p_status when 2 then 'originality' when 3 then 'failed' when 4 then 'review' else 'removed' end));
  end if;
end $$;

-- PUBLISHJOBFINISH. It may come before the answer to the submission, or instead of it: then whoever waits looks now.
create or replace function api.publication_ended(p_account text, p_publish_id text, p_status int, p_article text,
                                                 p_url text) returns jsonb language plpgsql as $$
declare
  v_notice int;
begin
  select announcement_id into v_notice from gulou.article
  where account_id = p_account and publish_id = p_publish_id;
  if v_notice is not null then
    perform gulou.apply_publication(p_account, v_notice, p_status, p_article, p_url);
  else
    update gulou.outbox o set due_at = clock_timestamp()
    from gulou.article a
    where a.account_id = p_account and a.begun = 'submit' and o.account_id = p_account and o.kind = 'article'
      and o.subject = a.announcement_id::text and o.status = 'waiting';
  end if;
  return '{}';
end $$;

-- ---------------------------------------------------------------- the next step

-- The row's article when this attempt still has it, with five minutes more: a slow server must not meet another one.
create or replace function gulou.article_of(p_account text, p_id bigint, p_attempt int) returns gulou.article
language plpgsql as $$
declare
  v_notice  int;
  v_article gulou.article;
begin
  select subject::int into v_notice from gulou.outbox where account_id = p_account and outbox_id = p_id;
  select * into v_article from gulou.article
  where account_id = p_account and announcement_id = v_notice for update;
  update gulou.outbox set taken_till = clock_timestamp() + interval '5 minutes'
  where account_id = p_account and outbox_id = p_id and status = 'waiting' and attempts = p_attempt;
  return case when found then v_article end;
end $$;

create or replace function gulou.article_again(p_account text, p_id bigint, p_seconds int) returns jsonb
language plpgsql as $$
begin
  perform api.end_outbox(p_account, p_id, 'later', p_seconds, '{}');
  return '{"do":"end"}';
end $$;

-- {"do":"cover"|"draft"|"find_draft"|"submit"|"find_published"|"ask"} with what that call needs, or {"do":"end"}:
-- nothing more for this attempt.
create or replace function api.article_next(p_account text, p_id bigint, p_attempt int, p_lines int) returns jsonb
language plpgsql as $$
declare
  v gulou.article := gulou.article_of(p_account, p_id, p_attempt);
  v_step text;
begin
  if v.account_id is null or v.state in ('published', 'failed', 'left') then
    return '{"do":"end"}';
  elsif v.cover_media is null then
    return gulou.article_facts(p_account, v.announcement_id, 0) || '{"do":"cover"}';
  elsif v.publish_id is not null then
    return jsonb_build_object('do', 'ask', 'publish_id', v.publish_id);
  elsif v.begun = 'draft' then
    return jsonb_build_object('do', 'find_draft', 'notice', v.announcement_id);
  elsif v.begun = 'submit' then
    return jsonb_build_object('do', 'find_published', 'notice', v.announcement_id);
  end if;
  v_step := case when v.draft_media is null then 'draft' else 'submit' end;
  update gulou.article set begun = v_step, begun_at = clock_timestamp()
  where account_id = p_account and announcement_id = v.announcement_id;
  return case v_step when 'draft' then gulou.article_facts(p_account, v.announcement_id, p_lines) else '{}' end
    || jsonb_build_object('do', v_step, 'cover', v.cover_media, 'draft', v.draft_media);
end $$;

create or replace function gulou.article_moved(p_article gulou.article, p_to text, p_facts jsonb) returns void
language sql as $$
  select gulou.note_article((p_article).account_id, (p_article).announcement_id, (p_article).state, p_to, p_facts)
$$;

-- What a step brought, {"media"}, {"publish_id"}, {"status","article","url"} or {} for nothing found; answers as
-- api.article_next().
create or replace function api.article_did(p_account text, p_id bigint, p_attempt int, p_lines int, p_step text,
                                           p_result jsonb) returns jsonb language plpgsql as $$
declare
  v gulou.article := gulou.article_of(p_account, p_id, p_attempt);
begin
  if v.account_id is null or v.state in ('published', 'failed', 'left') then
    return '{"do":"end"}';
  end if;
  if p_step = 'cover' then
    update gulou.article set cover_media = p_result ->> 'media', state = 'draft'
    where account_id = p_account and announcement_id = v.announcement_id;
    perform gulou.article_moved(v, 'draft', p_result);
  elsif p_step in ('draft', 'find_draft') then
    update gulou.article set draft_media = p_result ->> 'media', begun = null, begun_at = null
    where account_id = p_account and announcement_id = v.announcement_id;
    if p_result ? 'media' then
      perform gulou.article_moved(v, 'draft', p_result);
    end if;
  elsif p_step = 'submit' then
    update gulou.article set publish_id = p_result ->> 'publish_id', state = 'submitted', begun = null, begun_at = null
    where account_id = p_account and announcement_id = v.announcement_id;
    perform gulou.article_moved(v, 'submitted', p_result);
    return gulou.article_again(p_account, p_id, 10); -- the event usually comes before that
  elsif p_step = 'find_published' and p_result ? 'url' then
    perform gulou.end_article(p_account, v.announcement_id, 'published', p_result);
    return '{"do":"end"}';
  elsif p_step = 'find_published' then
    -- It may still be at work on what we do not know of: only what left no trace for so long is submitted again.
    if v.begun_at > clock_timestamp() - interval '15 minutes' then
      return gulou.article_again(p_account, p_id, 60);
    end if;
    update gulou.article set begun = null, begun_at = null
    where account_id = p_account and announcement_id = v.announcement_id;
  elsif p_step = 'ask' then
    update gulou.article set asked = asked + 1 where account_id = p_account and announcement_id = v.announcement_id;
    perform gulou.apply_publication(p_account, v.announcement_id, (p_result ->> 'status')::int,
                                    p_result ->> 'article', p_result ->> 'url');
    if v.asked >= 60 then -- two days
      perform gulou.end_article(p_account, v.announcement_id, 'left', '{"why":"silent"}');
    end if;
    -- 100 questions a day are allowed; no effect on one that ended.
    return gulou.article_again(p_account, p_id, least(3600, 10 * 2 ^ v.asked)::int);
  end if;
  return api.article_next(p_account, p_id, p_attempt, p_lines);
end $$;

-- The step was refused for certain, or never left: nothing has begun. Then it is tried again after so many seconds
-- (NULL: never, because of `p_why`).
create or replace function api.article_refused(p_account text, p_id bigint, p_attempt int, p_seconds int, p_why text)
returns jsonb language plpgsql as $$
declare
  v gulou.article := gulou.article_of(p_account, p_id, p_attempt);
begin
  if v.account_id is null then
    return '{"do":"end"}';
  elsif p_seconds is null then
    perform gulou.end_article(p_account, v.announcement_id, 'left', jsonb_build_object('why', p_why));
    return '{"do":"end"}';
  end if;
  update gulou.article set begun = null, begun_at = null
  where account_id = p_account and announcement_id = v.announcement_id;
  return gulou.article_again(p_account, p_id, p_seconds);
end $$;
