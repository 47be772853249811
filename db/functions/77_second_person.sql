-- Acts that need two administrators: one asks, another one agrees (INV-10).

-- Why the act is not possible now; NULL when it is.
-- Publishing, or a longer window, needs working days of a year that is not loaded.
create or replace function gulou.calendar_refusal(p_from date) returns jsonb language sql stable as $$
  select jsonb_build_object('refusal', 'calendar_missing', 'year', min(year))
  from generate_series(extract(year from p_from)::int, 2999) as year
  where year not in (select w.year from gulou.workday_year w)
$$;

-- The day from which the timetable has this period frozen, when that is still to come; else NULL.
create or replace function gulou.early_from(p_account text, p_period text) returns date language plpgsql stable as $$
declare
  v_from date := (gulou.timetable(p_account, p_period)).freeze_from;
begin
  return case when gulou.local_day(gulou.now_()) < v_from then v_from end;
end $$;

-- Why a period cannot be frozen or published now; NULL when it can.
create or replace function gulou.period_refusal(p_account text, p_kind text, p_period text) returns jsonb
language plpgsql stable as $$
declare
  v_today  date := gulou.local_day(gulou.now_());
  v_status text;
  v_days   int;
begin
  select status, window_days into v_status, v_days from gulou.announcement
  where account_id = p_account and period = p_period and kind = 'member_points';
  if p_kind = 'freeze' and gulou.period_end(p_period) > v_today then
    return jsonb_build_object('refusal', 'period_not_ended', 'period', p_period,
                              'ends', gulou.period_end(p_period) - 1, 'from', gulou.early_from(p_account, p_period));
  elsif p_kind = 'freeze' and v_status is not null or p_kind = 'publish' and v_status <> 'frozen' then
    return jsonb_build_object('refusal', 'already', 'period', p_period, 'status', v_status);
  elsif p_kind = 'publish' and v_status is null then
    return jsonb_build_object('refusal', 'not_frozen', 'period', p_period);
  elsif p_kind = 'publish' and gulou.closes_at(v_today, v_days) is null then
    return gulou.calendar_refusal(v_today);
  end if;
  return null;
end $$;

-- Why this administrator cannot ask for the act, or agree to it, now; NULL when they can. Who asks: the act as a
-- row that may not be stored yet.
create or replace function gulou.act_refusal(p_act gulou.second_person_request, p_actor int) returns jsonb
language plpgsql stable as $$
begin
  if p_act.kind = 'objection' then
    return gulou.objection_refusal(p_act.account_id, p_act.subject, p_act.details ->> 'outcome', p_actor);
  elsif p_act.kind = 'correction' then
    return gulou.correction_refusal(p_act.account_id, p_act.subject, p_actor);
  elsif not gulou.is_period_of(p_act.account_id, p_act.period) then
    return jsonb_build_object('refusal', 'period_invalid',
      'example', gulou.period_before(p_act.account_id, gulou.local_day(gulou.now_())));
  elsif p_act.kind = 'extension' then
    return gulou.extension_refusal(p_act.account_id, p_act.period, (p_act.details ->> 'days')::int);
  end if;
  return gulou.period_refusal(p_act.account_id, p_act.kind, p_act.period);
end $$;

-- Takes what the act must have to itself, so that what was found possible stays so until the end: first of all locks.
create or replace function gulou.lock_act(p_act gulou.second_person_request) returns void language plpgsql as $$
begin
  if p_act.kind in ('freeze', 'publish') then
    perform gulou.period_gate(p_act.account_id, true);
  elsif p_act.kind = 'objection' then
    perform gulou.lock_objection(p_act.account_id, p_act.subject);
  elsif p_act.kind = 'correction' then
    perform from gulou.declaration where account_id = p_act.account_id and no = p_act.subject for update;
  elsif p_act.kind = 'extension' then
    perform from gulou.announcement
    where account_id = p_act.account_id and period = p_act.period and kind = 'member_points' for update;
  end if;
end $$;

create or replace function gulou.perform_act(p_act gulou.second_person_request, p_decider int, p_request text)
returns jsonb language sql as $$
  select case p_act.kind
    when 'freeze' then gulou.freeze(p_act.account_id, p_act.period, p_act.asker_id, p_decider, p_request)
    when 'publish' then gulou.publish(p_act.account_id, p_act.period, p_act.asker_id, p_decider, p_request)
    when 'objection' then gulou.decide_objection(p_act.account_id, p_act.subject, p_act.details ->> 'outcome',
      p_act.details ->> 'words', p_act.asker_id, p_decider, p_request)
    when 'correction' then gulou.correct(p_act.account_id, p_act.subject, p_act.details ->> 'words',
      (p_act.details ->> 'false_declaration')::boolean, p_act.asker_id, p_decider, p_request)
    when 'extension' then gulou.extend(p_act.account_id, p_act.period, (p_act.details ->> 'days')::int,
      p_act.asker_id, p_decider, p_request) end
$$;

-- What both administrators are told about an act.
create or replace function gulou.act_facts(p_act gulou.second_person_request) returns jsonb language sql immutable as $$
  select jsonb_build_object('request', p_act.request_no, 'kind', p_act.kind, 'period', p_act.period,
                            'subject', p_act.subject) || p_act.details
$$;

-- And, before they decide, what a list would hold and leave out. Before its day of the timetable it leaves out who may
-- still declare.
create or replace function gulou.act_outlook(p_act gulou.second_person_request) returns jsonb language sql stable as $$
  select case when p_act.kind not in ('freeze', 'publish') then '{}' else jsonb_build_object(
    'early_from', case when p_act.kind = 'freeze' then gulou.early_from(p_act.account_id, p_act.period) end,
    'approved', (select count(*) from gulou.declaration
                 where account_id = p_act.account_id and period = p_act.period and status = 'approved'),
    'waiting', (select count(*) from gulou.declaration
                where account_id = p_act.account_id and status in ('submitted', 'appealed')
                  and gulou.ended_in(p_act.period, ended_at))) end
$$;

-- ---------------------------------------------------------------- ask

-- The act as the first administrator states it: {"kind","period"?,"subject"?, and its details}.
create or replace function gulou.stated_act(p_account text, p_asker int, p_kind text, p_period text, p_subject bigint,
                                            p_details jsonb) returns gulou.second_person_request
language sql stable as $$
  select jsonb_populate_record(null::gulou.second_person_request, jsonb_build_object('account_id', p_account,
    'kind', p_kind, 'subject', coalesce(p_subject, 0), 'details', coalesce(p_details, '{}'), 'asker_id', p_asker,
    'status', 'waiting', 'asked_at', gulou.now_(), 'period', case p_kind
      when 'objection' then (select a.period from gulou.objection o join gulou.announcement a using (account_id, announcement_id)
                             where o.account_id = p_account and o.objection_no = p_subject)
      when 'correction' then (select period from gulou.declaration where account_id = p_account and no = p_subject)
      else p_period end))
$$;

create or replace function gulou.ask_second(p_account text, p_openid text, p_request text, p_kind text, p_period text,
                                            p_subject bigint, p_details jsonb) returns jsonb language plpgsql as $$
declare
  v_asker   int := gulou.speaker(p_account, p_openid);
  v_act     gulou.second_person_request;
  v_other   gulou.second_person_request;
  v_refusal jsonb;
  v_facts   jsonb;
begin
  if v_asker is null then
    return gulou.refusal('not_bound');
  elsif not gulou.has_role(p_account, v_asker, 'administrator') then
    return gulou.refusal('not_yours');
  elsif p_details ? 'words' and coalesce(p_details ->> 'words', '') = '' then
    return gulou.refusal('words_missing');
  elsif char_length(p_details ->> 'words') > 500 then
    return gulou.refusal('words_too_long');
  end if;
  v_act := gulou.stated_act(p_account, v_asker, p_kind, p_period, p_subject, p_details);
  perform gulou.lock_act(v_act);
  v_refusal := gulou.act_refusal(v_act, v_asker);
  if v_refusal is not null then
    return v_refusal;
  end if;
  select * into v_other from gulou.second_person_request
  where account_id = p_account and kind = p_kind and period = v_act.period and subject = v_act.subject
    and status = 'waiting';
  if v_other.request_no is not null then
    return gulou.act_facts(v_other) || gulou.refusal('pending_request');
  end if;
  v_act.request_no := nextval('gulou.request_no');
  insert into gulou.second_person_request values (v_act.*);
  if p_kind = 'objection' and p_details ->> 'outcome' <> 'not_accepted' then
    perform gulou.take_up(o, v_asker, p_request) from gulou.objection o
    where account_id = p_account and objection_no = p_subject;
  end if;
  -- Whoever may agree hears of it, with all that the asker reads.
  v_facts := gulou.act_facts(v_act) || gulou.act_outlook(v_act);
  perform gulou.notify(p_account, a.member_id, 'second_wanted', v_act.request_no::text,
                       v_facts || jsonb_build_object('by', gulou.name_of(p_account, v_asker), 'asker', v_asker))
  from gulou.administrators(p_account) a
  where a.member_id <> v_asker and gulou.act_refusal(v_act, a.member_id) is null;
  return v_facts;
end $$;

create or replace function api.request_second(p_account text, p_openid text, p_key uuid, p_request text,
                                              p_kind text, p_period text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key,
    case when p_kind in ('freeze', 'publish')
         then gulou.ask_second(p_account, p_openid, p_request, p_kind, p_period, null, null) end);
end $$;

create or replace function api.request_objection(p_account text, p_openid text, p_key uuid, p_request text,
  p_objection bigint, p_outcome text, p_words text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key,
    case when p_outcome in ('upheld', 'dismissed', 'not_accepted')
         then gulou.ask_second(p_account, p_openid, p_request, 'objection', null, p_objection,
           jsonb_build_object('outcome', p_outcome, 'words', btrim(p_words))) end);
end $$;

create or replace function api.request_correction(p_account text, p_openid text, p_key uuid, p_request text,
  p_no bigint, p_false boolean, p_words text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, gulou.ask_second(p_account, p_openid, p_request, 'correction', null, p_no,
    jsonb_build_object('false_declaration', p_false, 'words', btrim(p_words))));
end $$;

create or replace function api.request_extension(p_account text, p_openid text, p_key uuid, p_request text,
  p_period text, p_days int) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, gulou.ask_second(p_account, p_openid, p_request, 'extension', p_period,
    null, jsonb_build_object('days', p_days)));
end $$;

-- ---------------------------------------------------------------- answer

create or replace function gulou.decide_second(p_account text, p_openid text, p_request text, p_no bigint,
                                               p_agree boolean, p_words text) returns jsonb
language plpgsql as $$
declare
  v_decider int := gulou.speaker(p_account, p_openid);
  v_act     gulou.second_person_request;
  v_refusal jsonb;
begin
  if v_decider is null then
    return gulou.refusal('not_bound');
  elsif not gulou.has_role(p_account, v_decider, 'administrator') then
    return gulou.refusal('not_yours');
  end if;
  -- Read once for what to lock, and again behind the locks.
  select * into v_act from gulou.second_person_request where account_id = p_account and request_no = p_no;
  if v_act.request_no is null then
    return jsonb_build_object('refusal', 'not_found', 'request', p_no);
  end if;
  perform gulou.lock_act(v_act);
  select * into v_act from gulou.second_person_request
  where account_id = p_account and request_no = p_no for update;
  if v_act.status <> 'waiting' then
    return jsonb_build_object('refusal', 'already_decided', 'request', p_no, 'status', v_act.status,
      'by', gulou.name_of(p_account, v_act.decider_id));
  elsif v_act.asker_id = v_decider then
    return jsonb_build_object('refusal', 'own_request', 'request', p_no);
  end if;
  if p_agree then
    v_refusal := gulou.act_refusal(v_act, v_decider);
    if v_refusal is not null then
      return v_refusal;
    end if;
  end if;
  update gulou.second_person_request
  set status = case when p_agree then 'agreed' else 'refused' end, decider_id = v_decider,
      decided_at = gulou.now_(), words = nullif(btrim(p_words), '')
  where account_id = p_account and request_no = p_no;
  -- Nobody needs to be asked any more, whoever is no administrator now included.
  update gulou.outbox set status = 'done', ended_at = clock_timestamp()
  where account_id = p_account and kind = 'notification' and status in ('waiting', 'held')
    and subject like 'second_wanted:' || p_no || ':%';
  return gulou.act_facts(v_act) || jsonb_build_object('agreed', p_agree)
    || case when p_agree then gulou.perform_act(v_act, v_decider, p_request) else '{}' end;
end $$;

create or replace function api.decide_request(p_account text, p_openid text, p_key uuid, p_request text,
  p_no bigint, p_agree boolean, p_words text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key,
                          gulou.decide_second(p_account, p_openid, p_request, p_no, p_agree, p_words));
end $$;
