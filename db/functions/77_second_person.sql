-- Acts that need two administrators: one asks, another one agrees (INV-10).

-- Why the act is not possible now; NULL when it is.
create or replace function gulou.act_refusal(p_account text, p_kind text, p_period text) returns jsonb
language plpgsql stable as $$
declare
  v_today  date := gulou.local_day(gulou.now_());
  v_status text;
  v_days   int;
  v_year   int;
begin
  if coalesce(p_period, '') !~ '^20\d\d-Q[1-4]$' then
    return gulou.refusal('period_invalid');
  end if;
  select status, window_days into v_status, v_days from gulou.announcement
  where account_id = p_account and period = p_period and kind = 'member_points';
  if p_kind = 'freeze' and gulou.period_end(p_period) > v_today then
    return jsonb_build_object('refusal', 'period_not_ended', 'period', p_period,
                              'ends', gulou.period_end(p_period) - 1);
  elsif p_kind = 'freeze' and v_status is not null or p_kind = 'publish' and v_status <> 'frozen' then
    return jsonb_build_object('refusal', 'already', 'period', p_period, 'status', v_status);
  elsif p_kind = 'publish' and v_status is null then
    return jsonb_build_object('refusal', 'not_frozen', 'period', p_period);
  elsif p_kind = 'publish' and gulou.closes_at(v_today, v_days) is null then
    select min(year) into v_year from generate_series(extract(year from v_today)::int, 2999) as year
    where year not in (select w.year from gulou.workday_year w);
    return jsonb_build_object('refusal', 'calendar_missing', 'year', v_year);
  end if;
  return null;
end $$;

create or replace function gulou.ask_second(p_account text, p_openid text, p_kind text, p_period text)
returns jsonb language plpgsql as $$
declare
  v_asker   int := gulou.speaker(p_account, p_openid);
  v_refusal jsonb;
  v_waiting bigint;
  v_request bigint;
begin
  if v_asker is null then
    return gulou.refusal('not_bound');
  elsif not gulou.has_role(p_account, v_asker, 'administrator') then
    return gulou.refusal('not_yours');
  end if;
  perform gulou.period_gate(p_account, true);
  v_refusal := gulou.act_refusal(p_account, p_kind, p_period);
  if v_refusal is not null then
    return v_refusal;
  end if;
  select request_no into v_waiting from gulou.second_person_request
  where account_id = p_account and kind = p_kind and period = p_period and status = 'waiting';
  if v_waiting is not null then
    return jsonb_build_object('refusal', 'pending_request', 'request', v_waiting, 'kind', p_kind, 'period', p_period);
  end if;
  v_request := nextval('gulou.request_no');
  insert into gulou.second_person_request (account_id, request_no, kind, period, asker_id, asked_at)
  values (p_account, v_request, p_kind, p_period, v_asker, gulou.now_());
  return jsonb_build_object('request', v_request, 'kind', p_kind, 'period', p_period,
    'approved', (select count(*) from gulou.declaration
                 where account_id = p_account and period = p_period and status = 'approved'),
    'waiting', (select count(*) from gulou.declaration
                where account_id = p_account and status in ('submitted', 'appealed')
                  and gulou.period_of(gulou.local_day(ended_at - interval '1 microsecond')) = p_period));
end $$;

create or replace function api.request_second(p_account text, p_openid text, p_key uuid, p_request text,
                                              p_kind text, p_period text) returns jsonb language plpgsql as $$
begin
  if not gulou.inbox_take(p_account, p_key) then
    return gulou.inbox_answer(p_account, p_key);
  end if;
  return gulou.inbox_keep(p_account, p_key, gulou.ask_second(p_account, p_openid, p_kind, p_period));
end $$;

create or replace function gulou.decide_second(p_account text, p_openid text, p_request text, p_no bigint,
                                               p_agree boolean, p_words text) returns jsonb
language plpgsql as $$
declare
  v_decider int := gulou.speaker(p_account, p_openid);
  v_asked   gulou.second_person_request;
  v_refusal jsonb;
begin
  if v_decider is null then
    return gulou.refusal('not_bound');
  elsif not gulou.has_role(p_account, v_decider, 'administrator') then
    return gulou.refusal('not_yours');
  end if;
  perform gulou.period_gate(p_account, true);
  select * into v_asked from gulou.second_person_request
  where account_id = p_account and request_no = p_no for update;
  if v_asked.request_no is null then
    return jsonb_build_object('refusal', 'not_found', 'request', p_no);
  elsif v_asked.status <> 'waiting' then
    return jsonb_build_object('refusal', 'already_decided', 'request', p_no, 'status', v_asked.status,
      'by', gulou.name_of(p_account, v_asked.decider_id));
  elsif v_asked.asker_id = v_decider then
    return jsonb_build_object('refusal', 'own_request', 'request', p_no);
  end if;
  if p_agree then
    v_refusal := gulou.act_refusal(p_account, v_asked.kind, v_asked.period);
    if v_refusal is not null then
      return v_refusal;
    end if;
  end if;
  update gulou.second_person_request
  set status = case when p_agree then 'agreed' else 'refused' end, decider_id = v_decider,
      decided_at = gulou.now_(), words = nullif(btrim(p_words), '')
  where account_id = p_account and request_no = p_no;
  return jsonb_build_object('request', p_no, 'kind', v_asked.kind, 'period', v_asked.period, 'agreed', p_agree)
    || case when not p_agree then '{}'::jsonb
            when v_asked.kind = 'freeze'
            then gulou.freeze(p_account, v_asked.period, v_asked.asker_id, v_decider, p_request)
            else gulou.publish(p_account, v_asked.period, v_asked.asker_id, v_decider, p_request) end;
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
