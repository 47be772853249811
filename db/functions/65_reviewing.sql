-- The reviewer's side of a declaration. Nobody reviews their own or their own unit's (INV-10).

create or replace function gulou.name_of(p_account text, p_member int) returns text language plpgsql stable as $$
begin
  return (select coalesce(name, '已注销成员#' || member_id) from gulou.member
          where account_id = p_account and member_id = p_member);
end $$;

-- May this reviewer decide this declaration now? NULL: yes; else the refusal. The declaration is locked.
create or replace function gulou.review_refusal(p_own gulou.declaration, p_no bigint, p_reviewer int)
returns jsonb language plpgsql stable as $$
declare
  v_account text := p_own.account_id;
  v_refusal text;
begin
  if p_own.no is null then
    return jsonb_build_object('no', p_no, 'refusal', 'not_found');
  elsif p_own.member_id = p_reviewer then
    v_refusal := 'own';
  elsif p_own.org_id = gulou.org_on(v_account, p_reviewer, gulou.local_day(gulou.now_())) then
    v_refusal := 'own_unit';
  elsif p_own.status not in ('submitted', 'appealed') and p_own.reviewer_id is not null then
    return jsonb_build_object('no', p_no, 'refusal', 'already', 'status', p_own.status,
      'by', gulou.name_of(v_account, p_own.reviewer_id), 'own_decision', p_own.reviewer_id = p_reviewer,
      'at', gulou.rfc3339(p_own.reviewed_at));
  elsif p_own.status not in ('submitted', 'appealed') then
    return jsonb_build_object('no', p_no, 'refusal', 'state_conflict', 'status', p_own.status);
  elsif p_own.status = 'appealed' and p_own.reviewer_id = p_reviewer then
    v_refusal := 'same_reviewer';
  end if;
  return case when v_refusal is not null then jsonb_build_object('no', p_no, 'refusal', v_refusal) end;
end $$;

-- The two steps of every decision: taken into review, then decided (domain 4.2).
create or replace function gulou.decide(p_own gulou.declaration, p_to text, p_reviewer int, p_words text,
                                        p_request text) returns void language plpgsql as $$
begin
  perform gulou.move_declaration(p_own.account_id, p_own.no, 'in_review', p_reviewer, 'reviewer', null, p_request);
  perform gulou.move_declaration(p_own.account_id, p_own.no, p_to, p_reviewer, 'reviewer', p_words, p_request);
  update gulou.declaration
  set reviewer_id = p_reviewer, reviewed_at = gulou.now_(), reason = p_words,
      returns = returns + (p_to = 'returned')::int
  where account_id = p_own.account_id and no = p_own.no;
end $$;

-- ---------------------------------------------------------------- approve

-- What one declaration is worth now, its member locked; `days` are the parts that are still to be written down.
drop function if exists gulou.count_one(gulou.declaration);
create or replace function gulou.count_one(p_own gulou.declaration, p_item gulou.service_item, p_rule gulou.rule_version,
  out own gulou.declaration, out days gulou.declaration_day[]) language plpgsql stable as $$
declare
  v_count record;
begin
  own := p_own;
  own.period := gulou.counting_period(p_own.account_id, p_own.ended_at);
  v_count := gulou.count_points(p_own.account_id, p_own.member_id, p_item, p_rule, p_own.started_at, p_own.ended_at, own.period);
  own.counted := v_count.counted;
  own.cap := v_count.cap;
  if own.counted > 0 then
    days := array(select row(p_own.account_id, p_own.no, p_own.member_id, (part ->> 'day')::date, p_item.category, own.period,
                             (part ->> 'points')::int)::gulou.declaration_day
                  from jsonb_array_elements(v_count.days) as part);
  end if;
end $$;

-- Writes down that these were taken into review and approved, each by its reviewer_id and request, with what counts: one
-- change of each row.
drop function if exists gulou.note_approved(gulou.declaration[], int, text);
create or replace function gulou.note_approved(p_owns gulou.declaration[], p_requests text[]) returns gulou.declaration[]
language plpgsql as $$
declare
  v_now      timestamptz := gulou.now_();
  v_approved gulou.declaration[];
begin
  insert into gulou.declaration_event
  select (own).account_id, (own).no, last.seq + step.place, step.from_status, step.to_status, (own).reviewer_id, 'reviewer', null,
         v_now, p_requests[listed.place]
  from (select own, row_number() over () as place from unnest(p_owns) as own) as listed
  cross join lateral (select max(seq) as seq from gulou.declaration_event e
                      where e.account_id = (own).account_id and e.no = (own).no) as last
  cross join lateral (values (1, (own).status, 'in_review'), (2, 'in_review', 'approved'))
    as step (place, from_status, to_status);
  with moved as (
    update gulou.declaration d
    set status = 'approved', reviewer_id = own.reviewer_id, reviewed_at = v_now, reason = null, counted = own.counted,
        cap = own.cap, period = own.period
    from unnest(p_owns) as own where d.account_id = own.account_id and d.no = own.no
    returning d)
  select array_agg(d order by place) into v_approved
  from (select no, row_number() over () as place from unnest(p_owns)) as listed join moved on (d).no = listed.no;
  return v_approved;
end $$;

-- Each member is told, unless nobody is bound.
create or replace function gulou.notify_approved(p_owns gulou.declaration[]) returns void language plpgsql as $$
begin
  insert into gulou.outbox (account_id, lane, kind, subject, facts, status, ended_at)
  select own.account_id, 'member:' || own.member_id, 'notification', format('approved:%s:%s', own.no, own.member_id),
         jsonb_build_object('no', own.no, 'item', i.name, 'counted', own.counted::text, 'cap', own.cap,
                            'what', 'approved', 'member', own.member_id), first.status, first.ended_at
  from unnest(p_owns) as own
  join gulou.binding b on b.account_id = own.account_id and b.member_id = own.member_id and b.ended_at is null
  join gulou.service_item i on i.account_id = own.account_id and i.item = own.item
  cross join lateral gulou.first_state(own.account_id, own.member_id) as first
  order by own.no
  on conflict (account_id, kind, subject) do nothing;
end $$;

-- What the reviewer reads of each.
create or replace function gulou.approved_facts(p_owns gulou.declaration[]) returns jsonb language plpgsql stable as $$
begin
  return (
    select jsonb_object_agg(own.no, jsonb_build_object('no', own.no, 'ok', true,
      'name', coalesce(m.name, '已注销成员#' || m.member_id), 'item', i.name, 'claimed', own.claimed::text,
      'counted', own.counted::text, 'cap', own.cap))
    from unnest(p_owns) as own
    join gulou.member m on m.account_id = own.account_id and m.member_id = own.member_id
    join gulou.service_item i on i.account_id = own.account_id and i.item = own.item);
end $$;

-- What many messages approve, one element of each array for a message. Locks in one order everywhere: declarations by
-- number, then members by number; no deadlock between two reviewers. Caps are cut by service time, so the order of typing
-- does not matter; a number that several messages name is the first one's that may decide it, and the others find that.
-- What was refused stands under "message number", what was approved under its number, the scores that changed under their
-- message.
drop function if exists gulou.approve_turn(text, int[], text[], int[], bigint[]);
create or replace function gulou.approve_all(p_account text, p_reviewer int[], p_request text[], p_nos text[]) returns jsonb[]
language plpgsql as $$
declare
  v_now      timestamptz := gulou.now_();
  v_nos      bigint[] := array(select distinct no from unnest(p_nos) as nos, unnest(nos::bigint[]) as no);
  v_members  int[];
  v_row      record;
  v_found    gulou.declaration;   -- as the next message finds it
  v_message  int;
  v_refusal  jsonb;
  v_one      record;
  v_owns     gulou.declaration[] := '{}';
  v_requests text[] := '{}';
  v_messages int[] := '{}';   -- of v_owns
  v_days     gulou.declaration_day[] := '{}';
  v_unnoted  int[] := '{}';   -- members whose days are still to be written
  v_refused  jsonb := '{}';
  v_approved jsonb := '{}';
  v_scores   jsonb := '{}';
begin
  perform gulou.period_gate(p_account, false);
  perform from gulou.declaration where account_id = p_account and no = any (v_nos) order by no for update;
  v_members := array(select distinct member_id from gulou.declaration where account_id = p_account and no = any (v_nos));
  perform gulou.lock_members(array_fill(p_account, array[cardinality(v_members)]), v_members,
                             array(select generate_subscripts(v_members, 1)));
  for v_row in
    select d as own, i as item, r as rule, asked.messages
    from (select no, array_agg(distinct message::int order by message::int) as messages
          from unnest(p_nos) with ordinality as m (nos, message), unnest(nos::bigint[]) as no group by no) as asked
    join gulou.declaration d on d.account_id = p_account and d.no = asked.no
    join gulou.service_item i on i.account_id = p_account and i.item = d.item
    join gulou.rule_version r on r.account_id = p_account and r.rule_version = d.rule_version
    order by d.started_at, d.no
  loop
    v_found := v_row.own;
    foreach v_message in array v_row.messages loop
      v_refusal := gulou.review_refusal(v_found, v_found.no, p_reviewer[v_message]);
      if v_refusal is not null then
        v_refused := v_refused || jsonb_build_object(v_message || ' ' || v_found.no, v_refusal);
        continue;
      end if;
      if v_found.member_id = any (v_unnoted) then   -- the next of a member is cut behind the one before
        insert into gulou.declaration_day select * from unnest(v_days);
        v_days := '{}';
        v_unnoted := '{}';
      end if;
      v_one := gulou.count_one(v_row.own, v_row.item, v_row.rule);
      v_days := v_days || v_one.days;
      v_unnoted := v_unnoted || v_found.member_id;
      v_row.own := v_one.own;
      v_row.own.reviewer_id := p_reviewer[v_message];
      v_owns := v_owns || v_row.own;
      v_requests := v_requests || p_request[v_message];
      v_messages := v_messages || v_message;
      v_found.status := 'approved';
      v_found.reviewer_id := p_reviewer[v_message];
      v_found.reviewed_at := v_now;
    end loop;
  end loop;
  if cardinality(v_owns) > 0 then
    insert into gulou.declaration_day select * from unnest(v_days);
    v_owns := gulou.note_approved(v_owns, v_requests);
    perform gulou.award(v_owns, v_requests);
    with changed as materialized (
      select row, (row ->> 'member')::int as member from jsonb_array_elements((
        select gulou.add_scores(p_account, array_agg(period), array_agg(member_id), array_agg(org_id), array_agg(counted))
        from unnest(v_owns))) as row)
    select coalesce(jsonb_object_agg(message, rows), '{}') into v_scores
    from (select message, jsonb_agg(distinct row) as rows
          from (select member_id, v_messages[row_number() over ()] as message from unnest(v_owns)) as approved
          join changed on changed.member = approved.member_id group by message) as of_message;
    perform gulou.notify_approved(v_owns);
    v_approved := gulou.approved_facts(v_owns);
  end if;
  return array(
    select jsonb_build_object('scores', coalesce(v_scores -> message::text, '[]'), 'results', (
      select jsonb_agg(coalesce(v_refused -> (message || ' ' || no), v_approved -> no::text,
                                jsonb_build_object('no', no, 'refusal', 'not_found')) order by place)
      from (select no, min(place) as place from unnest(nos::bigint[]) with ordinality as typed (no, place) group by no) as asked))
    from unnest(p_nos) with ordinality as m (nos, message) order by message);
end $$;

create or replace function gulou.approve_many(p_account text, p_reviewer int, p_request text, p_nos bigint[])
returns jsonb language plpgsql as $$
begin
  return (gulou.approve_all(p_account, array[p_reviewer], array[p_request], array[p_nos::text]))[1];
end $$;

-- The messages of one account go at once, each key once, however often it is among them.
create or replace function api.approve_together(p_account text[], p_openid text[], p_key uuid[], p_request text[], p_nos text[])
returns jsonb[] language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_reviewers int[] := gulou.speakers(p_account, p_openid);
  v_account   text;
  v_places    int[];
  v_known     boolean[];
  v_answers   jsonb[];
  v_new       int[];
  v_results   jsonb[];
  v_done      int[] := '{}';
  v_all       jsonb[] := '{}';
begin
  perform gulou.inbox_take_all(p_key);
  for v_account, v_places in
    select account, array_agg(place order by place)
    from (select account, min(place)::int as place from unnest(p_account, p_key) with ordinality as c (account, key, place)
          group by account, key) as once
    group by account order by account
  loop
    select array_agg(place) filter (where answer is null), array_agg(known), array_agg(answer)
    into v_new, v_known, v_answers
    from (select place, i.message_key is not null as known,
                 case when i.message_key is not null then coalesce(i.answer, gulou.refusal('long_ago'))
                      when v_reviewers[place] is null then gulou.refusal('not_bound')
                      when not gulou.has_role(v_account, v_reviewers[place], 'reviewer') then gulou.refusal('not_yours') end as answer
          from unnest(v_places) as place left join gulou.inbox i on i.account_id = v_account and i.message_key = p_key[place]
          order by place) as seen;
    v_results := null;
    if v_new is not null then
      v_results := gulou.approve_all(v_account, array(select v_reviewers[place] from unnest(v_new) as place),
        array(select p_request[place] from unnest(v_new) as place), array(select p_nos[place] from unnest(v_new) as place));
    end if;
    with told as materialized (
      select place, known, coalesce(answer, result) as answer
      from unnest(v_places, v_known, v_answers) as seen (place, known, answer)
      left join unnest(v_new, v_results) as approved (place, result) using (place)),
    kept as (
      insert into gulou.inbox (account_id, message_key, answer)
      select v_account, p_key[place], answer from told where not known)
    select array_agg(answer order by place) into v_answers from told;
    if cardinality(v_places) = cardinality(p_account) then   -- nearly always
      return v_answers;
    end if;
    v_done := v_done || v_places;
    v_all := v_all || v_answers;
  end loop;
  return array(select done.answer from unnest(p_account, p_key) with ordinality as c (account, key, place)
               join unnest(v_done, v_all) as done (place, answer) on p_key[done.place] = c.key and p_account[done.place] = c.account
               order by c.place);
end $$;

create or replace function api.approve(p_account text, p_openid text, p_key uuid, p_request text, p_nos bigint[])
returns jsonb language plpgsql as $$
begin
  return (api.approve_together(array[p_account], array[p_openid], array[p_key], array[p_request], array[p_nos::text]))[1];
end $$;

-- ---------------------------------------------------------------- return, reject

create or replace function gulou.turn_down(p_account text, p_openid text, p_request text, p_no bigint,
                                           p_words text, p_return boolean) returns jsonb language plpgsql as $$
declare
  v_reviewer int := gulou.speaker(p_account, p_openid);
  v_own      gulou.declaration;
  v_refusal  jsonb;
  v_to       text;
begin
  if v_reviewer is null then
    return gulou.refusal('not_bound');
  elsif not gulou.has_role(p_account, v_reviewer, 'reviewer') then
    return gulou.refusal('not_yours');
  elsif coalesce(btrim(p_words), '') = '' then
    return jsonb_build_object('refusal', 'words_missing', 'no', p_no);
  elsif char_length(btrim(p_words)) > 500 then
    return jsonb_build_object('refusal', 'words_too_long', 'no', p_no);
  end if;
  select * into v_own from gulou.declaration where account_id = p_account and no = p_no for update;
  v_refusal := gulou.review_refusal(v_own, p_no, v_reviewer);
  if v_refusal is not null then
    return v_refusal;
  end if;
  if p_return and (v_own.status = 'appealed' or v_own.returns >= (
       select returns_max from gulou.rule_version
       where account_id = p_account and rule_version = v_own.rule_version)) then
    return jsonb_build_object('refusal', 'too_many_returns', 'no', p_no, 'appeal', v_own.status = 'appealed');
  end if;
  v_to := case when p_return then 'returned' when v_own.status = 'appealed' then 'rejected_final'
               else 'rejected' end;
  perform gulou.decide(v_own, v_to, v_reviewer, btrim(p_words), p_request);
  -- A declaration may be returned and sent again: each time is news of its own.
  perform gulou.notify(p_account, v_own.member_id, v_to, p_no || '.' || v_own.returns, jsonb_build_object(
    'no', p_no, 'item', (select name from gulou.service_item where account_id = p_account and item = v_own.item),
    'words', btrim(p_words)));
  return jsonb_build_object('no', p_no, 'status', v_to, 'name', gulou.name_of(p_account, v_own.member_id));
end $$;

create or replace function api.return_declaration(p_account text, p_openid text, p_key uuid, p_request text,
                                                  p_no bigint, p_words text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key,
                          gulou.turn_down(p_account, p_openid, p_request, p_no, p_words, true));
end $$;

create or replace function api.reject(p_account text, p_openid text, p_key uuid, p_request text,
                                      p_no bigint, p_words text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key,
                          gulou.turn_down(p_account, p_openid, p_request, p_no, p_words, false));
end $$;

-- ---------------------------------------------------------------- the queue

-- The oldest this reviewer may decide; a reviewer's own, their unit's and their own first decisions are
-- left out, because showing them would only invite a refusal.
create or replace function api.review_queue(p_account text, p_openid text, p_after bigint, p_limit int)
returns jsonb language plpgsql stable as $$
declare
  v_reviewer int := gulou.speaker(p_account, p_openid);
  v_today    date := gulou.local_day(gulou.now_());
  v_unit     int;
begin
  if v_reviewer is null then
    return gulou.refusal('not_bound');
  elsif not gulou.has_role(p_account, v_reviewer, 'reviewer') then
    return gulou.refusal('not_yours');
  end if;
  v_unit := gulou.org_on(p_account, v_reviewer, v_today);
  return (
    -- Not materialized: the count passes over all that wait, the rows are the first of an index.
    with waiting as not materialized (
      select d.* from gulou.declaration d
      where d.account_id = p_account and d.status in ('submitted', 'appealed')
        and d.member_id <> v_reviewer and d.org_id is distinct from v_unit
        and not (d.status = 'appealed' and d.reviewer_id = v_reviewer))
    select jsonb_build_object('total', (select count(*) from waiting),
      'rows', coalesce(jsonb_agg(jsonb_build_object('no', w.no, 'name', gulou.name_of(p_account, w.member_id),
        'unit', o.name, 'item', i.name, 'date', gulou.local_day(w.started_at),
        'from', gulou.clock_text(w.started_at, w.timed), 'to', gulou.clock_text(w.ended_at, w.timed),
        'minutes', w.minutes, 'claimed', w.claimed::text, 'words', w.words, 'photos', p.photos,
        'no_proof', p.photos = 0, 'used_before', p.used_before, 'appeal', w.status = 'appealed', 'appeal_words',
        case w.status when 'appealed' then w.reason end, 'returns', w.returns,
        'waiting_days', v_today - gulou.local_day(w.created_at)) order by w.no), '[]'))
    from (select * from waiting where no > coalesce(p_after, 0) order by no limit p_limit) w
    join gulou.org o on o.account_id = p_account and o.org_id = w.org_id
    join gulou.service_item i on i.account_id = p_account and i.item = w.item
    cross join lateral (
      select count(*) filter (where photo.status <> 'failed') as photos, min(other.no) as used_before
      from gulou.photo
      left join gulou.photo other on other.account_id = photo.account_id and other.digest = photo.digest
                                 and other.no < photo.no
      where photo.account_id = p_account and photo.no = w.no) p);
end $$;
