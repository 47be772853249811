-- The member's side of a declaration: make it, prove it, see it, take it back, send it again, appeal.

-- One row of history for every change of state (INV-25).
drop function if exists gulou.note_declaration(text, bigint, text, text, int, text, text, text);
create or replace function gulou.move_declaration(p_account text, p_no bigint, p_to text, p_actor int,
  p_role text, p_reason text, p_request text) returns void language plpgsql as $$
declare
  v_from text;
begin
  select status into strict v_from from gulou.declaration where account_id = p_account and no = p_no;
  update gulou.declaration set status = p_to where account_id = p_account and no = p_no;
  insert into gulou.declaration_event
  select p_account, p_no, max(seq) + 1, v_from, p_to, p_actor, p_role, p_reason, gulou.now_(), p_request
  from gulou.declaration_event where account_id = p_account and no = p_no;
end $$;

-- The same of many at once, in one statement each for the events and the states.
create or replace function gulou.move_declarations(p_account text, p_nos bigint[], p_to text, p_actor int,
  p_role text, p_request text) returns void language plpgsql as $$
declare
  v_now timestamptz := gulou.now_();
begin
  insert into gulou.declaration_event
  select p_account, one.no, e.seq + 1, e.to_status, p_to, p_actor, p_role, null, v_now, p_request
  from unnest(p_nos) as one (no)
  cross join lateral (
    select seq, to_status from gulou.declaration_event
    where account_id = p_account and no = one.no order by seq desc limit 1) e;
  update gulou.declaration set status = p_to where account_id = p_account and no = any (p_nos);
end $$;

-- ---------------------------------------------------------------- when was it?

-- The latest 20th; or of the days of the week: -1 the latest Monday … -7 Sunday, -11 … -17 of the week before this one,
-- -21 … -27 of this one, which may be still to come.
create or replace function gulou.latest_day(p_today date, p_day int) returns date language sql immutable as $$
  select case
    when p_day < -20 then p_week + (-p_day - 21)
    when p_day < -10 then p_week - 7 + (-p_day - 11)
    when p_day < 0 then p_week + (-p_day - 1) - case when p_week + (-p_day - 1) > p_today then 7 else 0 end
    else (select max(found.day)
          from generate_series(0, 3) as back
          cross join lateral (select (date_trunc('month', p_today) - make_interval(months => back))::date as first) month
          cross join lateral gulou.day_of(extract(year from first)::int, extract(month from first)::int, p_day) as found (day)
          where found.day <= p_today) end
  from (select date_trunc('week', p_today)::date as p_week) as this
$$;

-- The day as the member said it, in parts; today without any. NULL: no such day.
drop function if exists gulou.stated_day(int, int, int, int);
create or replace function gulou.stated_day(p_today date, p_days_ago int, p_year int, p_month int, p_day int)
returns date language plpgsql immutable as $$
declare
  v_day   date;
  v_first date;
begin
  if p_month is null and p_day is not null then
    return gulou.latest_day(p_today, p_day);
  elsif p_month is null then
    return p_today - coalesce(p_days_ago, 0);
  elsif p_month < 0 then   -- -1 this month, -2 the one before
    v_first := date_trunc('month', p_today) - make_interval(months => -p_month - 1);
    return gulou.day_of(extract(year from v_first)::int, extract(month from v_first)::int, p_day);
  end if;
  v_day := gulou.day_of(coalesce(p_year, extract(year from p_today)::int), p_month, p_day);
  -- 12月30日 said in January means last year's.
  if p_year is null and (v_day is null or v_day > p_today) then
    v_day := coalesce(gulou.day_of(extract(year from p_today)::int - 1, p_month, p_day), v_day);
  end if;
  return v_day;
end $$;

create or replace function gulou.late_refusal(p_account text, p_period text) returns jsonb language sql stable as $$
  select jsonb_build_object('refusal', 'too_late', 'title', gulou.period_title(p_period),
                            'last_day', (gulou.timetable(p_account, p_period)).declare_until)
$$;

-- What the words of a declaration come to: the time, the item and its worth, or a refusal.
create or replace function gulou.read_declaration(p_account text, p_member int, p_item text, p_minutes int,
  p_from time, p_to time, p_days_ago int, p_year int, p_month int, p_day int, p_words text,
  out refused jsonb, out item gulou.service_item, out rule gulou.rule_version,
  out started timestamptz, out ended timestamptz, out timed boolean)
language plpgsql stable as $$
declare
  v_now   timestamptz := gulou.now_();
  v_items int[] := gulou.items_of(p_account, p_item);
  v_day   date := gulou.stated_day(gulou.local_day(v_now), p_days_ago, p_year, p_month, p_day);
  v_found record;
  v_last  date;
begin
  timed := p_from is not null and p_to is not null;
  select m.status, i as item into v_found
  from gulou.member m
  left join gulou.service_item i on i.account_id = m.account_id and cardinality(v_items) = 1 and i.item = v_items[1]
  where m.account_id = p_account and m.member_id = p_member;
  item := v_found.item;
  if v_found.status <> 'active' then
    refused := gulou.refusal('not_active');
  elsif coalesce(cardinality(v_items), 0) = 0 then
    refused := jsonb_build_object('refusal', 'item_unknown', 'words', left(p_item, 40));
  elsif cardinality(v_items) > 1 then
    refused := jsonb_build_object('refusal', 'item_ambiguous', 'items', gulou.items_json(p_account, v_items));
  elsif not timed and p_minutes is null then
    refused := gulou.refusal('hours_missing');
  elsif v_day is null then
    refused := gulou.refusal('date_invalid');
  elsif coalesce(btrim(p_words), '') = '' then
    refused := gulou.refusal('words_missing');
  elsif char_length(btrim(p_words)) > 500 then
    refused := gulou.refusal('words_too_long');
  end if;
  if refused is not null then
    return;
  end if;
  if timed then
    started := (v_day + p_from) at time zone 'Asia/Shanghai';
    ended := (v_day + p_to) at time zone 'Asia/Shanghai';
    if ended <= started then
      ended := ended + interval '1 day';   -- 22:00-1:00 ends on the next day
      if ended - started > interval '12 hours' then
        refused := gulou.refusal('ends_first');   -- 10:00-9:00 is a slip, and no night
        return;
      end if;
    end if;
  else
    if p_minutes > 1440 then
      refused := gulou.refusal('too_long');
      return;
    elsif p_minutes < 1 then
      refused := gulou.refusal('too_short');
      return;
    end if;
    started := gulou.local_midnight(v_day);
    ended := started + make_interval(mins => p_minutes);
  end if;
  v_last := gulou.local_day(ended - interval '1 microsecond');
  rule := gulou.rules_on(p_account, v_last);
  if item.basis = 'hour' and extract(epoch from ended - started) < 1800 then
    refused := gulou.refusal('too_short');
  elsif (case when timed then ended > v_now else v_day > gulou.local_day(v_now) end) then
    refused := gulou.refusal('in_future');
  elsif rule.rule_version is null or v_last < gulou.local_day(v_now) - rule.days_back then
    refused := jsonb_build_object('refusal', 'too_old', 'days', coalesce(rule.days_back, 30));
  -- No period has ended since a day of this month.
  elsif v_last < date_trunc('month', gulou.local_day(v_now)) and v_last < gulou.declared_from(p_account, gulou.local_day(v_now)) then
    refused := gulou.late_refusal(p_account, gulou.period_of(p_account, v_last));
  end if;
end $$;

-- The live declaration of this member that the time overlaps; NULL when there is none (INV-15).
create or replace function gulou.overlapping(p_account text, p_member int, p_started timestamptz,
                                             p_ended timestamptz, p_but bigint) returns bigint
language plpgsql stable as $$
begin
  return (select no from gulou.declaration
          where account_id = p_account and member_id = p_member and timed
            and status in ('draft', 'submitted', 'in_review', 'returned', 'appealed', 'approved', 'announced',
                           'objected', 'settled')
            and tstzrange(started_at, ended_at) && tstzrange(p_started, p_ended)
            and no is distinct from p_but
          order by no limit 1);
end $$;

create or replace function gulou.clock_text(p_at timestamptz, p_timed boolean) returns text
language sql immutable as $$
  select case when p_timed then left(((p_at at time zone 'Asia/Shanghai')::time)::text, 5) end
$$;

-- What a member is told about a declaration that was just made or is about to be.
create or replace function gulou.offer_facts(p_account text, p_member int, p_item gulou.service_item,
  p_rule gulou.rule_version, p_started timestamptz, p_ended timestamptz, p_timed boolean, p_status text)
returns jsonb language plpgsql stable as $$
declare
  v_count   record := gulou.count_points(p_account, p_member, p_item, p_rule, p_started, p_ended,
                                         gulou.counting_period(p_account, p_ended));
  v_minutes int := extract(epoch from p_ended - p_started)::int / 60;
begin
  return jsonb_build_object(
    'item', jsonb_build_object('number', p_item.item, 'name', p_item.name),
    'date', gulou.local_day(p_started), 'from', gulou.clock_text(p_started, p_timed),
    'to', gulou.clock_text(p_ended, p_timed), 'minutes', v_minutes, 'points', v_count.counted::text,
    'claimed', gulou.claim(p_item, v_minutes)::text, 'cap', v_count.cap, 'status', p_status,
    'needs_proof', p_status = 'draft');
end $$;

-- ---------------------------------------------------------------- declare

create or replace function gulou.facts_of(p_account text, p_no bigint) returns jsonb
language plpgsql stable as $$
begin
  return (
    select jsonb_build_object('no', d.no)
      || gulou.offer_facts(p_account, d.member_id, i, r, d.started_at, d.ended_at, d.timed, d.status)
    from gulou.declaration d
    join gulou.service_item i on i.account_id = d.account_id and i.item = d.item
    join gulou.rule_version r on r.account_id = d.account_id and r.rule_version = d.rule_version
    where d.account_id = p_account and d.no = p_no);
end $$;

-- So many declarations of one member wait at once: else one person could bury everybody's in the reviewers' queue.
create or replace function gulou.waiting_max() returns int language sql immutable as $$ select 100 $$;

create or replace function gulou.waits_too_often(p_account text, p_member int) returns boolean
language plpgsql stable as $$
begin
  return exists (select from gulou.declaration
                 where account_id = p_account and member_id = p_member
                   and status in ('draft', 'submitted', 'in_review', 'appealed') offset gulou.waiting_max() - 1);
end $$;

-- A declaration as it is to be written, and what its member is told of it; `own` is NULL where nothing is to be written: it
-- is refused, or its dialogue has made it before. The caller holds the member's lock.
create or replace function gulou.draft_declaration(p_account text, p_member int, p_item text, p_minutes int, p_from time,
  p_to time, p_days_ago int, p_year int, p_month int, p_day int, p_words text, p_photos jsonb, p_dialogue uuid,
  out answer jsonb, out own gulou.declaration) language plpgsql as $$
declare
  v_read    record;
  v_overlap bigint;
  v_minutes int;
  v_no      bigint;
  v_status  text;
begin
  if p_dialogue is not null then
    select no into v_no from gulou.declaration
    where account_id = p_account and member_id = p_member and dialogue = p_dialogue;
    if found then
      answer := gulou.facts_of(p_account, v_no);
      return;
    end if;
  end if;
  if gulou.waits_too_often(p_account, p_member) then
    answer := jsonb_build_object('refusal', 'too_many_waiting', 'most', gulou.waiting_max());
    return;
  end if;
  v_read := gulou.read_declaration(p_account, p_member, p_item, p_minutes, p_from, p_to, p_days_ago, p_year, p_month,
                                   p_day, p_words);
  answer := v_read.refused;
  if answer is not null then
    return;
  end if;
  if v_read.timed then
    v_overlap := gulou.overlapping(p_account, p_member, v_read.started, v_read.ended, null);
    if v_overlap is not null then
      answer := jsonb_build_object('refusal', 'overlap', 'no', v_overlap);
      return;
    end if;
  end if;
  v_status := case when (v_read.item).proof = 'required' and coalesce(jsonb_array_length(p_photos), 0) = 0
                   then 'draft' else 'submitted' end;
  v_minutes := extract(epoch from v_read.ended - v_read.started)::int / 60;
  v_no := nextval('gulou.declaration_no');
  own := row(p_account, v_no, p_member, gulou.org_on(p_account, p_member, gulou.local_day(v_read.started)),
    (v_read.item).item, (v_read.rule).rule_version, v_read.started, v_read.ended, v_read.timed, v_minutes, btrim(p_words),
    p_dialogue, v_status, gulou.claim(v_read.item, v_minutes), null, null, null, 0, null, null, null, gulou.now_());
  answer := jsonb_build_object('no', v_no) || gulou.offer_facts(p_account, p_member, v_read.item, v_read.rule,
    v_read.started, v_read.ended, v_read.timed, v_status);
end $$;

-- Many at once, one element of each array for a declaration: what they write is written in one statement a table, which
-- costs half as much as so many calls. Those of one member follow each other, because one may refuse the next. A key is
-- its message's, answered once; NULL where there is no message, and a member is NULL for a guest.
create or replace function gulou.declare_all(p_account text[], p_member int[], p_key uuid[], p_request text[],
  p_item text[], p_minutes int[], p_from time[], p_to time[], p_days_ago int[], p_year int[], p_month int[], p_day int[],
  p_words text[], p_photos jsonb[], p_dialogue uuid[]) returns jsonb[] language plpgsql as $$
declare
  v_answers jsonb[];
  v_nos     bigint[];
  v_places  int[];
  v_done    int[] := '{}';
  v_all     jsonb[] := '{}';
begin
  perform gulou.inbox_take_all(p_key);
  for v_places in select places from gulou.rounds_of(p_account, p_member) as places loop
    perform gulou.lock_members(p_account, p_member, v_places);
    with asked as materialized (
      select c.*, i.message_key is not null as known, i.answer as old
      from unnest(p_account, p_member, p_key, p_request, p_item, p_minutes, p_from, p_to, p_days_ago, p_year, p_month,
                  p_day, p_words, p_photos, p_dialogue) with ordinality
        as c (account, member, key, request, item, minutes, "from", "to", days_ago, year, month, day, words, photos,
              dialogue, place)
      left join gulou.inbox i on i.account_id = c.account and i.message_key = c.key
      where c.place = any (v_places)),
    drafted as materialized (
      select place, request, draft.answer, draft.own
      from asked cross join lateral gulou.draft_declaration(account, member, item, minutes, "from", "to", days_ago, year,
        month, day, words, photos, dialogue) as draft
      where not known and member is not null),
    written as (
      insert into gulou.declaration select (own).* from drafted where (own).no is not null),
    noted as (
      insert into gulou.declaration_event
      select (own).account_id, (own).no, 1, null, (own).status, (own).member_id, 'member', null, (own).created_at, request
      from drafted where (own).no is not null),
    told as (
      select place, account, key, known, (own).no,
             case when known then coalesce(old, gulou.refusal('long_ago'))
                  else coalesce(answer, gulou.refusal('not_bound')) end as answer
      from asked left join drafted using (place)),
    kept as (
      insert into gulou.inbox (account_id, message_key, answer)
      select account, key, answer from told where not known and key is not null)
    select array_agg(answer order by place), array_agg(no order by place) into v_answers, v_nos from told;
    if num_nonnulls(variadic p_photos) > 0 then
      perform gulou.add_photos(p_account[place], no, p_photos[place])
      from unnest(v_places, v_nos) as written (place, no) where no is not null and p_photos[place] is not null;
    end if;
    if cardinality(v_places) = cardinality(p_account) then   -- nearly always
      return v_answers;
    end if;
    v_done := v_done || v_places;
    v_all := v_all || v_answers;
  end loop;
  return array(select answer from unnest(v_done, v_all) as done (place, answer) order by place);
end $$;

create or replace function api.declare_together(p_account text[], p_openid text[], p_key uuid[], p_request text[],
  p_item text[], p_minutes int[], p_from time[], p_to time[], p_days_ago int[], p_year int[], p_month int[], p_day int[],
  p_words text[], p_photos jsonb[], p_dialogue uuid[]) returns jsonb[]
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  return gulou.declare_all(p_account, gulou.speakers(p_account, p_openid), p_key, p_request, p_item, p_minutes, p_from,
    p_to, p_days_ago, p_year, p_month, p_day, p_words, p_photos, p_dialogue);
end $$;

create or replace function api.declare_points(p_account text, p_openid text, p_key uuid, p_request text,
  p_item text, p_minutes int, p_from time, p_to time, p_days_ago int, p_year int, p_month int, p_day int,
  p_words text, p_photos jsonb, p_dialogue uuid) returns jsonb
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  return (gulou.declare_all(array[p_account], array[gulou.speaker(p_account, p_openid)], array[p_key], array[p_request],
    array[p_item], array[p_minutes], array[p_from], array[p_to], array[p_days_ago], array[p_year], array[p_month],
    array[p_day], array[p_words], array[p_photos], array[p_dialogue]))[1];
end $$;

-- What a member tells the office, and not in a message.
create or replace function gulou.declare_for(p_account text, p_member int, p_request text, p_item text,
  p_minutes int, p_from time, p_to time, p_days_ago int, p_year int, p_month int, p_day int,
  p_words text, p_photos jsonb, p_dialogue uuid) returns jsonb language plpgsql as $$
begin
  return (gulou.declare_all(array[p_account], array[p_member], array[null::uuid], array[p_request], array[p_item],
    array[p_minutes], array[p_from], array[p_to], array[p_days_ago], array[p_year], array[p_month], array[p_day],
    array[p_words], array[p_photos], array[p_dialogue]))[1];
end $$;

-- The same answer without writing anything: the confirmation step of the dialogue.
create or replace function api.preview_declaration(p_account text, p_openid text, p_item text,
  p_minutes int, p_from time, p_to time, p_days_ago int, p_year int, p_month int, p_day int,
  p_words text) returns jsonb language plpgsql stable as $$
declare
  v_member  int := gulou.speaker(p_account, p_openid);
  v_read    record;
  v_overlap bigint;
begin
  if v_member is null then
    return gulou.refusal('not_bound');
  end if;
  v_read := gulou.read_declaration(p_account, v_member, p_item, p_minutes, p_from, p_to, p_days_ago, p_year, p_month,
                                   p_day, p_words);
  if v_read.refused is not null then
    return v_read.refused;
  end if;
  v_overlap := case when v_read.timed
    then gulou.overlapping(p_account, v_member, v_read.started, v_read.ended, null) end;
  if v_overlap is not null then
    return jsonb_build_object('refusal', 'overlap', 'no', v_overlap);
  end if;
  return gulou.offer_facts(p_account, v_member, v_read.item, v_read.rule, v_read.started, v_read.ended,
    v_read.timed, case (v_read.item).proof when 'required' then 'draft' else 'submitted' end);
end $$;

-- A photo joins the objection that was just filed; else the newest declaration that waits for proof, else the newest
-- that waits for review.
create or replace function api.add_photo(p_account text, p_openid text, p_key uuid, p_request text,
  p_media_id text, p_pic_url text) returns jsonb language plpgsql as $$
declare
  v_member    int := gulou.speaker(p_account, p_openid);
  v_objection bigint;
  v_own       gulou.declaration;
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  if v_member is null then
    return gulou.inbox_keep(p_account, p_key, gulou.refusal('not_bound'));
  end if;
  v_objection := gulou.objection_for_photo(p_account, v_member);
  if v_objection is not null then
    perform gulou.add_photo_row(p_account, null, v_objection,
      jsonb_build_object('media_id', p_media_id, 'pic_url', p_pic_url));
    return gulou.inbox_keep(p_account, p_key, jsonb_build_object('objection', v_objection, 'photos', (
      select count(*) from gulou.photo where account_id = p_account and objection_no = v_objection)));
  end if;
  perform from gulou.declaration
  where account_id = p_account and member_id = v_member
    and status in ('draft', 'returned', 'submitted', 'appealed')
  order by no for update;
  perform gulou.lock_member(p_account, v_member);
  select * into v_own from gulou.declaration
  where account_id = p_account and member_id = v_member
    and status in ('draft', 'returned', 'submitted', 'appealed')
  order by status = 'draft' desc, no desc limit 1 for update;
  if v_own.no is null then
    return gulou.inbox_keep(p_account, p_key, gulou.refusal('no_declaration'));
  end if;
  perform gulou.add_photos(p_account, v_own.no,
    jsonb_build_array(jsonb_build_object('media_id', p_media_id, 'pic_url', p_pic_url)));
  if v_own.status = 'draft' then
    perform gulou.move_declaration(p_account, v_own.no, 'submitted', v_member, 'member', null, p_request);
  end if;
  return gulou.inbox_keep(p_account, p_key, jsonb_build_object('no', v_own.no,
    'status', case v_own.status when 'draft' then 'submitted' else v_own.status end,
    'submitted', v_own.status = 'draft',
    'photos', (select count(*) from gulou.photo where account_id = p_account and no = v_own.no)));
end $$;

-- ---------------------------------------------------------------- see, take back, send again, appeal

create or replace function gulou.may(p_status text) returns jsonb language sql immutable as $$
  select case p_status when 'draft' then '["withdraw"]' when 'submitted' then '["withdraw"]'
    when 'returned' then '["resubmit"]' when 'rejected' then '["appeal"]' else '[]' end::jsonb
$$;

create or replace function api.my_declarations(p_account text, p_openid text, p_before bigint, p_limit int)
returns jsonb language plpgsql stable as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
begin
  if v_member is null then
    return gulou.refusal('not_bound');
  end if;
  return (
    with own as (
      select d.*, i.name as item_name, row_number() over (order by d.no desc) as place
      from gulou.declaration d join gulou.service_item i on i.account_id = d.account_id and i.item = d.item
      where d.account_id = p_account and d.member_id = v_member and d.no < coalesce(p_before, 9223372036854775807)
      order by d.no desc limit p_limit + 1)
    select jsonb_build_object(
      'rows', coalesce(jsonb_agg(jsonb_build_object('no', no, 'item', item_name,
          'date', gulou.local_day(started_at), 'minutes', minutes, 'status', status,
          'claimed', claimed::text, 'counted', counted::text, 'cap', cap, 'reason', reason,
          'returns', returns, 'may', gulou.may(status)) order by no desc)
        filter (where place <= p_limit), '[]'),
      'more', count(*) > p_limit)
    from own);
end $$;

-- The member's own declaration, locked with the member, in the order of an approval (65_reviewing.sql); NULL no
-- when it is not theirs.
create or replace function gulou.own_declaration(p_account text, p_member int, p_no bigint)
returns gulou.declaration language plpgsql as $$
declare
  v_own gulou.declaration;
begin
  select * into v_own from gulou.declaration
  where account_id = p_account and no = p_no and member_id = p_member for update;
  perform gulou.lock_member(p_account, p_member);
  return v_own;
end $$;

create or replace function api.withdraw(p_account text, p_openid text, p_key uuid, p_request text, p_no bigint)
returns jsonb language plpgsql as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
  v_own    gulou.declaration;
  v_answer jsonb;
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  if v_member is null then
    return gulou.inbox_keep(p_account, p_key, gulou.refusal('not_bound'));
  end if;
  v_own := gulou.own_declaration(p_account, v_member, p_no);
  if v_own.no is null then
    v_answer := gulou.refusal('not_found');
  elsif v_own.status not in ('draft', 'submitted') then
    v_answer := jsonb_build_object('refusal', 'state_conflict', 'status', v_own.status, 'no', p_no);
  else
    perform gulou.move_declaration(p_account, p_no, 'withdrawn', v_member, 'member', null, p_request);
    v_answer := jsonb_build_object('no', p_no, 'status', 'withdrawn');
  end if;
  return gulou.inbox_keep(p_account, p_key, v_answer);
end $$;

create or replace function gulou.resubmit(p_account text, p_member int, p_request text, p_no bigint,
  p_minutes int, p_from time, p_to time, p_words text) returns jsonb language plpgsql as $$
declare
  v_own     gulou.declaration := gulou.own_declaration(p_account, p_member, p_no);
  v_day     date := gulou.local_day(v_own.started_at);
  v_keeps   boolean := p_minutes is null and p_from is null;
  v_read    record;
  v_overlap bigint;
begin
  if v_own.no is null then
    return gulou.refusal('not_found');
  elsif v_own.status <> 'returned' then
    return jsonb_build_object('refusal', 'state_conflict', 'status', v_own.status, 'no', p_no);
  end if;
  -- The same reading as for a new one; the day stays, and was within its limits when first declared.
  v_read := gulou.read_declaration(p_account, p_member, v_own.item::text,
    coalesce(p_minutes, v_own.minutes),
    case when v_keeps and v_own.timed then (v_own.started_at at time zone 'Asia/Shanghai')::time else p_from end,
    case when v_keeps and v_own.timed then (v_own.ended_at at time zone 'Asia/Shanghai')::time else p_to end,
    null, extract(year from v_day)::int, extract(month from v_day)::int, extract(day from v_day)::int,
    coalesce(nullif(btrim(p_words), ''), v_own.words));
  if v_read.refused is not null and v_read.refused ->> 'refusal' not in ('too_old', 'too_late') then
    return v_read.refused;
  end if;
  if v_read.timed then
    v_overlap := gulou.overlapping(p_account, p_member, v_read.started, v_read.ended, p_no);
    if v_overlap is not null then
      return jsonb_build_object('refusal', 'overlap', 'no', v_overlap);
    end if;
  end if;
  update gulou.declaration
  set started_at = v_read.started, ended_at = v_read.ended, timed = v_read.timed,
      minutes = extract(epoch from v_read.ended - v_read.started)::int / 60,
      claimed = gulou.claim(v_read.item, extract(epoch from v_read.ended - v_read.started)::int / 60),
      words = coalesce(nullif(btrim(p_words), ''), words), reason = null
  where account_id = p_account and no = p_no;
  perform gulou.move_declaration(p_account, p_no, 'submitted', p_member, 'member', null, p_request);
  return gulou.facts_of(p_account, p_no);
end $$;

create or replace function api.resubmit(p_account text, p_openid text, p_key uuid, p_request text, p_no bigint,
  p_minutes int, p_from time, p_to time, p_words text) returns jsonb language plpgsql as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, case when v_member is null then gulou.refusal('not_bound')
    else gulou.resubmit(p_account, v_member, p_request, p_no, p_minutes, p_from, p_to, p_words) end);
end $$;

create or replace function gulou.appeal(p_account text, p_member int, p_request text, p_no bigint, p_words text)
returns jsonb language plpgsql as $$
declare
  v_own gulou.declaration := gulou.own_declaration(p_account, p_member, p_no);
begin
  if v_own.no is null then
    return gulou.refusal('not_found');
  elsif v_own.status <> 'rejected' then
    return jsonb_build_object('refusal', 'state_conflict', 'status', v_own.status, 'no', p_no);
  elsif coalesce(btrim(p_words), '') = '' then
    return gulou.refusal('words_missing');
  elsif char_length(btrim(p_words)) > 500 then
    return gulou.refusal('words_too_long');
  end if;
  -- A rejected one freed its time; another service may stand there now.
  if v_own.timed and gulou.overlapping(p_account, p_member, v_own.started_at, v_own.ended_at, p_no) is not null then
    return jsonb_build_object('refusal', 'overlap',
      'no', gulou.overlapping(p_account, p_member, v_own.started_at, v_own.ended_at, p_no));
  end if;
  update gulou.declaration set reason = btrim(p_words) where account_id = p_account and no = p_no;
  perform gulou.move_declaration(p_account, p_no, 'appealed', p_member, 'member', btrim(p_words), p_request);
  return jsonb_build_object('no', p_no, 'status', 'appealed');
end $$;

create or replace function api.appeal(p_account text, p_openid text, p_key uuid, p_request text, p_no bigint,
  p_words text) returns jsonb language plpgsql as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, case when v_member is null then gulou.refusal('not_bound')
    else gulou.appeal(p_account, v_member, p_request, p_no, p_words) end);
end $$;
