-- What people are told without having asked: written down with what caused it, sent by the outbox over the best
-- channel of the moment, else shown on top of the person's next reply.

-- Unless they said otherwise, members hear of what became of their own acts (domain 10).
create or replace function gulou.wants_messages(p_account text, p_member int) returns boolean
language plpgsql stable as $$
begin
  return coalesce((select given from gulou.consent
                   where account_id = p_account and member_id = p_member and purpose = 'messages'
                   order by at desc limit 1), true);
end $$;

-- How a notification begins. An account that may send nothing has one channel, the next reply: no server needs to look
-- for another. Messages are wanted until somebody says otherwise.
create or replace function gulou.first_status(p_verified boolean, p_wanted boolean) returns text language sql immutable as $$
  select case when p_verified then 'waiting' when coalesce(p_wanted, true) then 'held' else 'done' end
$$;

create or replace function gulou.first_state(p_account text, p_member int, out status text, out ended_at timestamptz)
language plpgsql stable as $$
begin
  status := gulou.first_status((select verified from gulou.account where account_id = p_account),
                               gulou.wants_messages(p_account, p_member));
  ended_at := case status when 'done' then clock_timestamp() end;
end $$;

-- `p_facts` is what server/notification_words.c makes words of; {"what":…} is added. Whoever is not bound reads the
-- state when they come: nothing is kept for them.
create or replace function gulou.notify(p_account text, p_member int, p_what text, p_subject text, p_facts jsonb)
returns void language plpgsql as $$
begin
  insert into gulou.outbox (account_id, lane, kind, subject, facts, status, ended_at)
  select p_account, 'member:' || p_member, 'notification', p_what || ':' || p_subject || ':' || p_member,
         p_facts || jsonb_build_object('what', p_what, 'member', p_member), first.status, first.ended_at
  from gulou.binding b cross join gulou.first_state(p_account, p_member) as first
  where b.account_id = p_account and b.member_id = p_member and b.ended_at is null
  on conflict (account_id, kind, subject) do nothing;
end $$;

-- The same for somebody who asked to join and was not let in.
create or replace function gulou.notify_guest(p_account text, p_openid text, p_what text, p_subject text,
                                              p_facts jsonb) returns void language plpgsql as $$
begin
  insert into gulou.outbox (account_id, lane, kind, subject, facts, status, ended_at)
  select p_account, 'guest:' || p_openid, 'notification', p_what || ':' || p_subject,
         p_facts || jsonb_build_object('what', p_what, 'openid', p_openid), first.status, first.ended_at
  from gulou.first_state(p_account, null) as first
  on conflict (account_id, kind, subject) do nothing;
end $$;

-- ---------------------------------------------------------------- the platform's window

-- Nothing new to write down: a window at least as wide is open, to ten minutes, or seconds.
create or replace function gulou.window_stays_open(p_follower gulou.follower, p_act text) returns boolean
language sql as $$
  select case p_act when 'message' then p_follower.window_left >= 5
                           and p_follower.window_until >= clock_timestamp() + interval '47 hours 50 minutes'
              else p_follower.window_left >= 3
                           and p_follower.window_until >= clock_timestamp() + interval '50 seconds' end
$$;

-- A person's act opens a window for customer messages: a message 48 hours and 5 of them; a tap, a scan or a follow a minute
-- and 3 (protocol 7.4). For many at once, who were found to need it: most people have been silent for a while. Nobody waits
-- for a person's row: whoever holds it just now (an earlier message of theirs, whose commit may wait for a standby) leaves
-- it to the next message.
drop function if exists gulou.open_window(text, text, text);
create or replace function gulou.open_windows(p_account text[], p_openid text[], p_act text[]) returns void
language plpgsql as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  with opened as materialized (
    select account, openid, v_now + case when long then interval '48 hours' else interval '1 minute' end as until,
           case when long then 5 else 3 end as left
    from (select account, openid, bool_or(act = 'message') as long
          from unnest(p_account, p_openid, p_act) as c (account, openid, act) group by account, openid) as spoken),
  known as materialized (
    select f.account_id, f.openid, o.until, o.left from opened o
    join gulou.follower f on f.account_id = o.account and f.openid = o.openid
    order by f.account_id, f.openid for update of f skip locked),
  changed as (
    update gulou.follower f
    set window_until = greatest(f.window_until, k.until),
        window_left = greatest(case when f.window_until > v_now then f.window_left end, k.left)
    from known k where f.account_id = k.account_id and f.openid = k.openid)
  insert into gulou.follower as f (account_id, openid, subscribed, seen_at, window_until, window_left)
  select o.account, o.openid, true, gulou.now_(), o.until, o.left from opened o
  where not exists (select from gulou.follower f where f.account_id = o.account and f.openid = o.openid)
  order by o.account, o.openid
  on conflict (account_id, openid) do update
    set window_until = greatest(f.window_until, excluded.window_until),
        window_left = greatest(f.window_left, excluded.window_left);
end $$;

-- What was shown with the reply to this message; NULL: nothing. Planned as gulou.look_at_speakers().
create or replace function gulou.notes_shown(p_account text, p_key uuid) returns jsonb
language plpgsql stable set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
begin
  return (select jsonb_agg(facts order by outbox_id)
          from (select outbox_id, facts from gulou.outbox
                where account_id = p_account and shown_with between p_key and p_key order by shown_with) as shown);
end $$;

-- What waits for this person's next reply, the three oldest; the same again for a repeated message. What another message
-- of theirs takes just now, whose commit may wait for a standby, is that one's; another attempt of this very message is
-- waited for, because only one of the two replies will be seen. Planned as gulou.look_at_speakers().
create or replace function gulou.notes_for(p_account text, p_openid text, p_key uuid) returns jsonb
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_lane   text := coalesce('member:' || gulou.speaker(p_account, p_openid), 'guest:' || p_openid);
  v_notes  jsonb;
  v_oldest tid[];
begin
  perform pg_advisory_xact_lock(hashtextextended(p_key::text, 0));
  v_notes := gulou.notes_shown(p_account, p_key);
  if v_notes is not null then
    return v_notes;
  end if;
  v_oldest := array(select ctid from gulou.outbox   -- locked, they stay where they are
                    where account_id = p_account and lane between v_lane and v_lane and status = 'held'
                    order by lane, outbox_id limit 3 for update skip locked);
  with told as (
    update gulou.outbox set status = 'done', shown_with = p_key, ended_at = clock_timestamp()
    where ctid = any (v_oldest) returning outbox_id, facts)
  select jsonb_agg(facts order by outbox_id) into v_notes from told;
  return v_notes;
end $$;

-- Of many messages the places whose act is still to be noted, and of those who have notes to be shown. It is planned once,
-- perhaps over an empty outbox, when every index seems to be as good: the order that is asked for, of a range of one value,
-- leaves the right one. The settings are for this statement alone, and for no plan of what is done with its answer.
create or replace function gulou.look_at_speakers(p_account text[], p_openid text[], p_key uuid[], p_act text[],
  out unnoted int[], out waiting int[]) language plpgsql stable
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
begin
  select array_agg(place) filter (where not noted), array_agg(place order by place) filter (where waits)
  into unnoted, waiting
  from (
    select place, f.openid is not null and gulou.window_stays_open(f, act) as noted,
           coalesce(shown.found, held.found, false) as waits
    from unnest(p_account, p_openid, p_key, p_act) with ordinality as c (account, openid, key, act, place)
    left join gulou.follower f on f.account_id = account and f.openid = c.openid
    left join gulou.binding k on k.account_id = account and k.openid = c.openid and k.ended_at is null
    cross join lateral (select coalesce('member:' || k.member_id::text, 'guest:' || c.openid) as lane) as own
    left join lateral (select true as found from gulou.outbox
                       where account_id = account and shown_with between key and key
                       order by shown_with limit 1) as shown on true
    left join lateral (select true as found from gulou.outbox
                       where account_id = account and status = 'held' and lane between own.lane and own.lane
                       order by lane, outbox_id limit 1) as held on true
  ) as seen;
end $$;

-- What each of many messages is to be told besides its answer, by its place; NULL: nobody is told anything. Notes each act.
-- Every message comes here, and in a rush nearly none has anything to note or to show: one statement finds that out for all.
drop function if exists gulou.spoken_all(text[], text[], uuid[], text[], jsonb[]);
create or replace function gulou.notes_for_all(p_account text[], p_openid text[], p_key uuid[], p_act text[])
returns jsonb[] language plpgsql as $$
declare
  v_seen  record := gulou.look_at_speakers(p_account, p_openid, p_key, p_act);
  v_place int;
  v_notes jsonb[];
begin
  if v_seen.unnoted is not null then
    perform gulou.open_windows(array_agg(p_account[place]), array_agg(p_openid[place]), array_agg(p_act[place]))
    from unnest(v_seen.unnoted) as place;
  end if;
  foreach v_place in array coalesce(v_seen.waiting, '{}') loop
    v_notes[v_place] := gulou.notes_for(p_account[v_place], p_openid[v_place], p_key[v_place]);
  end loop;
  return v_notes;
end $$;

create or replace function gulou.with_notes(p_facts jsonb, p_notes jsonb) returns jsonb language plpgsql immutable as $$
begin
  return p_facts || jsonb_build_object('notes', coalesce(p_facts -> 'notes', '[]') || p_notes);
end $$;

-- Wraps the function that people's messages call: notes each act, and adds {"notes":[…]} to its facts. Those that come as
-- text stay text.
create or replace function api.spoken_together(p_account text[], p_openid text[], p_key uuid[], p_act text[],
  p_facts jsonb[]) returns jsonb[] language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_notes jsonb[] := gulou.notes_for_all(p_account, p_openid, p_key, p_act);
begin
  for place in 1 .. coalesce(array_upper(v_notes, 1), 0) loop
    if v_notes[place] is not null then
      p_facts[place] := gulou.with_notes(p_facts[place], v_notes[place]);
    end if;
  end loop;
  return p_facts;
end $$;

create or replace function api.spoken_together(p_account text[], p_openid text[], p_key uuid[], p_act text[],
  p_facts text[]) returns text[] language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_notes jsonb[] := gulou.notes_for_all(p_account, p_openid, p_key, p_act);
begin
  for place in 1 .. coalesce(array_upper(v_notes, 1), 0) loop
    if v_notes[place] is not null then
      p_facts[place] := gulou.with_notes(p_facts[place]::jsonb, v_notes[place])::text;
    end if;
  end loop;
  return p_facts;
end $$;

create or replace function api.spoken(p_account text, p_openid text, p_key uuid, p_act text, p_facts jsonb)
returns jsonb language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_notes jsonb[] := gulou.notes_for_all(array[p_account], array[p_openid], array[p_key], array[p_act]);
begin
  return case when v_notes[1] is null then p_facts else gulou.with_notes(p_facts, v_notes[1]) end;
end $$;

-- ---------------------------------------------------------------- choosing the channel

create or replace function gulou.take_from_window(p_account text, p_openid text) returns boolean
language plpgsql as $$
begin
  update gulou.follower set window_left = window_left - 1
  where account_id = p_account and openid = p_openid and window_left > 0 and window_until > clock_timestamp();
  return found;
end $$;

create or replace function gulou.take_subscription(p_account text, p_openid text, p_template text) returns boolean
language plpgsql as $$
begin
  update gulou.subscription set sends_left = sends_left - 1
  where account_id = p_account and openid = p_openid and template_id = p_template and sends_left > 0;
  return found;
end $$;

-- Whom a row is for now: a bound member, or the guest it names; no openid: nobody.
create or replace function gulou.receiver_of(p_account text, p_id bigint, out member_id int, out openid text)
language sql stable as $$
  select b.member_id, coalesce(b.openid, o.facts ->> 'openid')
  from gulou.outbox o
  left join gulou.binding b on b.account_id = o.account_id and b.member_id = (o.facts ->> 'member')::int
                           and b.ended_at is null
  where o.account_id = p_account and o.outbox_id = p_id
$$;

-- Who gets this row, and how: {"channel":"template"|"custom"|"subscription"|"reply"|"muted","openid"}. `p_channels`
-- are those that the account has and that have not been refused for this row yet. A template message comes first,
-- because only there the platform recognises a repetition (client_msg_id).
create or replace function api.notification_channel(p_account text, p_id bigint, p_channels text[],
                                                    p_subscription text) returns jsonb language plpgsql as $$
declare
  v_member     int;
  v_openid     text;
  v_subscribed boolean;
  v_channel    text;
begin
  select r.member_id, r.openid into v_member, v_openid from gulou.receiver_of(p_account, p_id) r;
  select subscribed into v_subscribed from gulou.follower where account_id = p_account and openid = v_openid;
  v_channel := case
    when v_openid is null then 'reply'
    when not gulou.wants_messages(p_account, v_member) then 'muted'
    when not coalesce(v_subscribed, true) then 'reply'
    when 'template' = any (p_channels) then 'template'
    when 'custom' = any (p_channels) and gulou.take_from_window(p_account, v_openid) then 'custom'
    when 'subscription' = any (p_channels) and gulou.take_subscription(p_account, v_openid, p_subscription)
      then 'subscription'
    else 'reply' end;
  return jsonb_build_object('channel', v_channel, 'openid', v_openid);
end $$;

-- What api.notification_channel() took for this row was not used.
create or replace function api.notification_not_sent(p_account text, p_id bigint, p_channel text, p_subscription text)
returns jsonb language plpgsql as $$
declare
  v_openid text;
begin
  select r.openid into v_openid from gulou.receiver_of(p_account, p_id) r;
  update gulou.follower set window_left = least(window_left + 1, 5)
  where p_channel = 'custom' and account_id = p_account and openid = v_openid;
  update gulou.subscription set sends_left = sends_left + 1
  where p_channel = 'subscription' and account_id = p_account and openid = v_openid and template_id = p_subscription;
  return '{}';
end $$;

-- The platform says that the receiver does not follow: nothing goes out until they come back.
create or replace function api.notification_unfollowed(p_account text, p_id bigint) returns jsonb
language plpgsql as $$
begin
  update gulou.follower f set subscribed = false
  from gulou.receiver_of(p_account, p_id) r
  where f.account_id = p_account and f.openid = r.openid;
  return '{}';
end $$;

-- ---------------------------------------------------------------- what became of it

-- Whether nothing is wanted any more of whoever would be told: another administrator has decided.
create or replace function gulou.is_over(p_row gulou.outbox) returns boolean language plpgsql stable as $$
begin
  return p_row.facts ->> 'what' = 'second_wanted'
    and exists (select from gulou.second_person_request
                where account_id = p_row.account_id and request_no = (p_row.facts ->> 'request')::bigint and status <> 'waiting');
end $$;

-- A message that did not reach the person after all is shown with the next reply. That it has a message at all is what its
-- index knows.
create or replace function gulou.apply_send_result(p_account text, p_message text, p_status text) returns void
language sql as $$
  update gulou.outbox o
  set result = result || jsonb_build_object('status', p_status),
      status = case when p_status = 'success' or gulou.is_over(o) then status else 'held' end
  where account_id = p_account and result ? 'message' and result ->> 'message' = p_message and status = 'done'
    and result -> 'status' is null
$$;

create or replace function api.send_result(p_account text, p_message text, p_status text) returns jsonb
language plpgsql as $$
begin
  insert into gulou.send_result values (p_account, p_message, p_status) on conflict do nothing;
  perform gulou.apply_send_result(p_account, p_message, p_status);
  return '{}';
end $$;

-- A follower agreed to a subscription notification, or to none any more:
-- [{"template":…,"accepted":true}…], as the platform's pop-up or settings told.
create or replace function api.subscribe(p_account text, p_openid text, p_key uuid, p_request text, p_choices jsonb)
returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  insert into gulou.subscription as s
  select p_account, p_openid, choice ->> 'template', max((choice ->> 'accepted')::boolean::int)
  from jsonb_array_elements(p_choices) as choice group by 3
  on conflict (account_id, openid, template_id) do update
    set sends_left = case when excluded.sends_left = 0 then 0 else s.sends_left + excluded.sends_left end;
  return gulou.inbox_keep(p_account, p_key, '{}');
end $$;

-- ---------------------------------------------------------------- what nobody's act causes

-- Tells reviewers that something waits for them, at most once a day each and only by day; and from two days before the
-- review deadline, how much of it is due.
create or replace function api.remind_reviewers() returns jsonb language plpgsql as $$
declare
  v_now   timestamptz := gulou.now_();
  v_today date := gulou.local_day(v_now);
  v_hour  int := extract(hour from v_now at time zone 'Asia/Shanghai');
  v_told  int := 0;
  v_one   record;
begin
  if v_hour not between 9 and 19 then
    return jsonb_build_object('told', 0);
  end if;
  for v_one in
    with untold as materialized (
      select r.account_id, r.member_id, gulou.org_on(r.account_id, r.member_id, v_today) as org_id
      from gulou.member_role r
      join gulou.binding b on b.account_id = r.account_id and b.member_id = r.member_id and b.ended_at is null
      where r.role = 'reviewer'
        and not exists (select from gulou.outbox o where o.account_id = r.account_id and o.kind = 'notification'
                        and o.subject = 'queue_waiting:' || v_today || ':' || r.member_id)),
    due as materialized (
      select account_id, period, last_day from (select distinct account_id from untold) as a
      left join lateral gulou.reviews_due(account_id) on true),
    waiting as materialized (   -- each looked at once, not once a reviewer
      select d.account_id, d.member_id, d.org_id, d.created_at, case d.status when 'appealed' then d.reviewer_id end as rejected_by,
             due.period is not null and gulou.ended_in(due.period, d.ended_at) as due
      from due join gulou.declaration d using (account_id) where d.status in ('submitted', 'appealed'))
    select r.account_id, r.member_id, w.waiting, w.oldest, w.due, due.period, due.last_day
    from untold r join due using (account_id)
    cross join lateral (
      select count(*) as waiting, v_today - gulou.local_day(min(created_at)) as oldest, count(*) filter (where waiting.due) as due
      from waiting
      where account_id = r.account_id and member_id <> r.member_id and org_id is distinct from r.org_id
        and rejected_by is distinct from r.member_id) w
    where w.waiting > 0
  loop
    -- Yesterday's count, not yet seen, says nothing that today's does not.
    update gulou.outbox set status = 'done', ended_at = clock_timestamp()
    where account_id = v_one.account_id and lane = 'member:' || v_one.member_id and status = 'held'
      and facts ->> 'what' = 'queue_waiting';
    perform gulou.notify(v_one.account_id, v_one.member_id, 'queue_waiting', v_today::text,
      jsonb_build_object('waiting', v_one.waiting, 'days', v_one.oldest) || case when v_one.due > 0
        then jsonb_build_object('due', v_one.due, 'period', v_one.period, 'last_day', v_one.last_day) else '{}' end);
    v_told := v_told + 1;
  end loop;
  return jsonb_build_object('told', v_told);
end $$;
