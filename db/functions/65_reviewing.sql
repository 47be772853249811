-- The reviewer's side of a declaration. Nobody reviews their own or their own unit's (INV-10).

create or replace function gulou.name_of(p_account text, p_member int) returns text language plpgsql stable as $$
begin
  return (select coalesce(name, '已注销成员#' || member_id) from gulou.member
          where account_id = p_account and member_id = p_member);
end $$;

-- May this reviewer decide this declaration now, whose unit today is p_unit (NULL: none)? Inlined, so that one statement asks
-- it for many.
create or replace function gulou.may_decide(p_own gulou.declaration, p_reviewer int, p_unit int) returns boolean
language sql immutable as $$
  select p_own.member_id <> p_reviewer and p_own.org_id is distinct from p_unit and p_own.status in ('submitted', 'appealed')
     and (p_own.status = 'submitted' or p_own.reviewer_id is distinct from p_reviewer)
$$;

-- NULL: may_decide(); else why not. The declaration is locked.
drop function if exists gulou.review_refusal(gulou.declaration, bigint, int);
create or replace function gulou.review_refusal(p_own gulou.declaration, p_no bigint, p_reviewer int, p_unit int)
returns jsonb language plpgsql stable as $$
begin
  if p_own.no is null then
    return jsonb_build_object('no', p_no, 'refusal', 'not_found');
  elsif gulou.may_decide(p_own, p_reviewer, p_unit) then
    return null;
  elsif p_own.member_id = p_reviewer then
    return jsonb_build_object('no', p_no, 'refusal', 'own');
  elsif p_own.org_id = p_unit then
    return jsonb_build_object('no', p_no, 'refusal', 'own_unit');
  elsif p_own.status in ('submitted', 'appealed') then
    return jsonb_build_object('no', p_no, 'refusal', 'same_reviewer');
  elsif p_own.reviewer_id is not null then
    return jsonb_build_object('no', p_no, 'refusal', 'already', 'status', p_own.status,
      'by', gulou.name_of(p_own.account_id, p_own.reviewer_id), 'own_decision', p_own.reviewer_id = p_reviewer,
      'at', gulou.rfc3339(p_own.reviewed_at));
  end if;
  return jsonb_build_object('no', p_no, 'refusal', 'state_conflict', 'status', p_own.status);
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

-- What declarations of one account are worth now, their members locked, each behind those before it, and writes their days
-- down. The points of all are added up at once: where everything that a member is to get has room below each cap, none
-- decides. Whoever may reach one is counted one by one.
drop function if exists gulou.count_one(gulou.declaration);
drop function if exists gulou.count_one(gulou.declaration, gulou.service_item, gulou.rule_version);
create or replace function gulou.count_all(p_account text, p_owns gulou.declaration[], out counts int[], out caps text[],
                                           out periods text[]) language plpgsql as $$
declare
  v_revoked bigint[] := array(select d.no from unnest(p_owns) as own
                              join gulou.declaration d on d.account_id = p_account and d.member_id = own.member_id
                              where d.status in ('revoked', 'revoked_late'));
  v_near    int[];   -- whose member may reach a cap
  v_row     record;
  v_count   record;
begin
  with counting as materialized (
    select gulou.local_day(ended_at - interval '1 microsecond') as last, gulou.counting_period(p_account, max(ended_at)) as period
    from unnest(p_owns) group by 1),
  split as materialized (   -- of each its days, one or two, and which monday their week begins
    select own.ordinality::int as place, own.no, own.member_id, i.category, c.period, r.day_cap, r.week_cap, r.category_cap,
           r.period_cap, of_days.cap, of_days.first + part - 1 as day, of_days.points[part] as points,
           date_trunc('week', of_days.first + part - 1)::date as week
    from unnest(p_owns) with ordinality as own
    join gulou.service_item i on i.account_id = p_account and i.item = own.item
    join gulou.rule_version r on r.account_id = p_account and r.rule_version = own.rule_version
    join counting c on c.last = gulou.local_day(own.ended_at - interval '1 microsecond')
    cross join lateral gulou.points_by_day(i, r, own.started_at, own.ended_at) as of_days
    cross join lateral generate_subscripts(of_days.points, 1) as part),
  weighed as materialized (
    select split.*, bool_or(in_day + all_new > day_cap or in_week + all_new > week_cap or in_category + all_new > category_cap
                            or in_period + all_new > period_cap) over (partition by member_id) as near
    from (select *, sum(points) over (partition by member_id) as all_new from split) as split
    cross join lateral (   -- as gulou.counted_already()
      select coalesce(sum(counted.points) filter (where counted.category = split.category), 0) as in_category,
             coalesce(sum(counted.points), 0) as in_period
      from gulou.declaration_day as counted
      where account_id = p_account and counted.member_id = split.member_id and counted.period = split.period
        and counted.no <> all (v_revoked)) as of_period
    cross join lateral (
      select coalesce(sum(counted.points) filter (where counted.day = split.day), 0) as in_day,
             coalesce(sum(counted.points), 0) as in_week
      from gulou.declaration_day as counted
      where account_id = p_account and counted.member_id = split.member_id and counted.day >= week and counted.day < week + 7
        and counted.no <> all (v_revoked)) as of_week),
  noted as (
    insert into gulou.declaration_day
    select p_account, no, member_id, day, category, period, points from weighed where not near and points > 0)
  select array_agg(counted order by place), array_agg(cap order by place), array_agg(period order by place),
         array_agg(place order by place) filter (where near)
  into counts, caps, periods, v_near
  from (select place, sum(points)::int as counted, min(cap) as cap, min(period) as period, bool_or(near) as near
        from weighed group by place) as worth;
  for v_row in
    select place, own, i as item, r as rule
    from unnest(v_near) as place cross join lateral (select p_owns[place] as own) as one
    join gulou.service_item i on i.account_id = p_account and i.item = (own).item
    join gulou.rule_version r on r.account_id = p_account and r.rule_version = (own).rule_version
    order by place
  loop
    v_count := gulou.count_points(p_account, (v_row.own).member_id, v_row.item, v_row.rule, (v_row.own).started_at,
                                  (v_row.own).ended_at, periods[v_row.place]);
    counts[v_row.place] := v_count.counted;
    caps[v_row.place] := v_count.cap;
    insert into gulou.declaration_day
    select p_account, (v_row.own).no, (v_row.own).member_id, (part ->> 'day')::date, (v_row.item).category,
           periods[v_row.place], (part ->> 'points')::int
    from jsonb_array_elements(v_count.days) as part;
  end loop;
end $$;

-- Writes down that these were taken into review and approved, each by its reviewer on its request, with what counts: one
-- change of each row. Returns the rows as they are now.
drop function if exists gulou.note_approved(gulou.declaration[], int, text);
drop function if exists gulou.note_approved(gulou.declaration[], text[]);
create or replace function gulou.note_approved(p_account text, p_owns gulou.declaration[], p_reviewers int[], p_requests text[],
  p_counts int[], p_caps text[], p_periods text[]) returns gulou.declaration[] language plpgsql as $$
declare
  v_now   timestamptz := gulou.now_();
  v_owns  gulou.declaration[];
begin
  insert into gulou.declaration_event
  select p_account, own.no, last.seq + step.place, case step.place when 1 then own.status else 'in_review' end, step.to_status,
         p_reviewers[own.ordinality], 'reviewer', null, v_now, p_requests[own.ordinality]
  from unnest(p_owns) with ordinality as own
  cross join lateral (select max(seq) as seq from gulou.declaration_event e
                      where e.account_id = p_account and e.no = own.no) as last
  cross join (values (1, 'in_review'), (2, 'approved')) as step (place, to_status);
  with moved as (
    update gulou.declaration d
    set status = 'approved', reviewer_id = own.reviewer, reviewed_at = v_now, reason = null, counted = own.counted,
        cap = own.cap, period = own.period
    from unnest(array(select no from unnest(p_owns)), p_reviewers, p_counts, p_caps, p_periods) with ordinality
      as own (no, reviewer, counted, cap, period, place)
    where d.account_id = p_account and d.no = own.no
    returning d, own.place)
  select array_agg(d order by place) into v_owns from moved;
  return v_owns;
end $$;

-- Each member is told once, unless nobody is bound; their declarations are locked, so nobody else tells them. What
-- gulou.first_state() would ask for each of them is asked once.
drop function if exists gulou.notify_approved(gulou.declaration[]);
create or replace function gulou.notify_approved(p_account text, p_owns gulou.declaration[]) returns void language plpgsql as $$
declare
  v_verified boolean := (select verified from gulou.account where account_id = p_account);
begin
  insert into gulou.outbox (account_id, lane, kind, subject, facts, status, ended_at)
  select p_account, 'member:' || own.member_id, 'notification', format('approved:%s:%s', own.no, own.member_id),
         jsonb_build_object('no', own.no, 'item', i.name, 'counted', own.counted::text, 'cap', own.cap,
                            'what', 'approved', 'member', own.member_id),
         first.status, case first.status when 'done' then clock_timestamp() end
  from unnest(p_owns) as own
  join gulou.binding b on b.account_id = p_account and b.member_id = own.member_id and b.ended_at is null
  join gulou.service_item i on i.account_id = p_account and i.item = own.item
  cross join lateral (
    select gulou.first_status(v_verified, (select given from gulou.consent c
                                           where c.account_id = p_account and c.member_id = own.member_id
                                             and c.purpose = 'messages' order by c.at desc limit 1)) as status offset 0) as first
  order by own.no
  on conflict (account_id, kind, subject) do nothing;
end $$;

-- What many messages approve, one element of each array for a message. Locks in one order everywhere: declarations by
-- number, then members by number; no deadlock between two reviewers. Caps are cut by service time, so the order of typing
-- does not matter; a number that several messages name is the first one's that may decide it, and the others find that.
drop function if exists gulou.approve_turn(text, int[], text[], int[], bigint[]);
drop function if exists gulou.approved_facts(gulou.declaration[]);
create or replace function gulou.approve_all(p_account text, p_reviewer int[], p_request text[], p_nos text[]) returns jsonb[]
language plpgsql as $$
declare
  v_now       timestamptz := gulou.now_();
  v_nos       bigint[] := array(select no from unnest(p_nos) as nos, unnest(nos::bigint[]) as no);
  v_units     int[];                 -- of the reviewers, today
  v_found     gulou.declaration[];
  v_members   int[];
  v_owns      gulou.declaration[];   -- what is approved, in the order in which it counts,
  v_messages  int[];                 -- by which message,
  v_reviewers int[];
  v_requests  text[];
  v_others    gulou.declaration[];   -- what is named and not approved,
  v_not_by    int[];                 -- by which message,
  v_but_by    int[];                 -- and which approves it, if one does
  v_other     gulou.declaration;
  v_refused   jsonb := '{}';         -- under "message number"
  v_worth     record;
  v_scores    jsonb := '{}';         -- under the message
begin
  perform gulou.period_gate(p_account, false);
  v_found := array(select d from gulou.declaration d where account_id = p_account and no = any (v_nos) order by no for update);
  v_members := array(select distinct member_id from unnest(v_found));
  perform gulou.lock_members(array_fill(p_account, array[cardinality(v_members)]), v_members,
                             array(select generate_subscripts(v_members, 1)));
  v_units := array(select gulou.org_on(p_account, reviewer, gulou.local_day(v_now)) from unnest(p_reviewer) as reviewer);
  select array_agg(own) filter (where by = message), array_agg(message) filter (where by = message),
         array_agg(p_reviewer[message]) filter (where by = message), array_agg(p_request[message]) filter (where by = message),
         array_agg(own) filter (where by is distinct from message), array_agg(message) filter (where by is distinct from message),
         array_agg(by) filter (where by is distinct from message)
  into v_owns, v_messages, v_reviewers, v_requests, v_others, v_not_by, v_but_by
  from (select own, message, min(message) filter (where gulou.may_decide(own, p_reviewer[message], v_units[message]))
                             over (partition by no) as by
        from (select distinct no, message::int
              from unnest(p_nos) with ordinality as m (nos, message), unnest(nos::bigint[]) as no) as asked
        join (select own, (own).no from unnest(v_found) as own) as found using (no)
        order by (own).started_at, no, message) as weighed;
  for v_place in 1 .. coalesce(cardinality(v_others), 0) loop
    v_other := v_others[v_place];
    if v_but_by[v_place] < v_not_by[v_place] then
      v_other.status := 'approved';
      v_other.reviewer_id := p_reviewer[v_but_by[v_place]];
      v_other.reviewed_at := v_now;
    end if;
    v_refused := v_refused || jsonb_build_object(v_not_by[v_place] || ' ' || v_other.no,
      gulou.review_refusal(v_other, v_other.no, p_reviewer[v_not_by[v_place]], v_units[v_not_by[v_place]]));
  end loop;
  if v_owns is not null then
    v_worth := gulou.count_all(p_account, v_owns);
    v_owns := gulou.note_approved(p_account, v_owns, v_reviewers, v_requests, v_worth.counts, v_worth.caps, v_worth.periods);
    perform gulou.award(v_owns, v_requests);
    with changed as materialized (
      select * from gulou.raise_scores(p_account, v_worth.periods, array(select member_id from unnest(v_owns)),
                                       array(select org_id from unnest(v_owns)), v_worth.counts)),
    approved as (
      select distinct v_messages[own.ordinality] as message, member_id from unnest(v_owns) with ordinality as own)
    select coalesce(jsonb_object_agg(message, rows), '{}') into v_scores
    from (select message, jsonb_agg(gulou.score_facts(changed) order by org_id, member_id, period) as rows
          from approved join changed using (member_id) group by message) as of_message;
    perform gulou.notify_approved(p_account, v_owns);
  end if;
  return array(
    with facts as materialized (
      select v_messages[own.ordinality] as message, own.no, jsonb_build_object('no', own.no, 'ok', true,
        'name', coalesce(m.name, '已注销成员#' || m.member_id), 'item', i.name, 'claimed', own.claimed::text,
        'counted', own.counted::text, 'cap', own.cap) as approved
      from unnest(v_owns) with ordinality as own
      join gulou.member m on m.account_id = p_account and m.member_id = own.member_id
      join gulou.service_item i on i.account_id = p_account and i.item = own.item),
    answered as (
      select message, jsonb_agg(coalesce(approved, v_refused -> (message || ' ' || no),
                                         jsonb_build_object('no', no, 'refusal', 'not_found')) order by place) as results
      from (select message::int, no, min(place) as place
            from unnest(p_nos) with ordinality as m (nos, message), unnest(nos::bigint[]) with ordinality as typed (no, place)
            group by message, no) as asked
      left join facts using (message, no)
      group by message)
    select jsonb_build_object('scores', coalesce(v_scores -> message::text, '[]'), 'results', results)
    from generate_subscripts(p_nos, 1) as message left join answered using (message) order by message);
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
  v_refusal := gulou.review_refusal(v_own, p_no, v_reviewer,
                                    gulou.org_on(p_account, v_reviewer, gulou.local_day(gulou.now_())));
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
