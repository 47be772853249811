-- Periods: a quarter (2026-Q4) or, where the account's rules say so, a month (2026-11).

-- The rules that were valid on the day of the service (domain 9.10).
create or replace function gulou.rules_on(p_account text, p_day date) returns gulou.rule_version
language plpgsql stable as $$
declare
  v_rule gulou.rule_version;
begin
  select * into v_rule from gulou.rule_version where account_id = p_account and valid_from <= p_day
  order by valid_from desc limit 1;
  return v_rule;
end $$;

-- The period of a day. What is valid on the first day of a quarter decides for all of it, so that a switch in the
-- middle leaves the quarter, or its months, that run as they are.
create or replace function gulou.period_of(p_account text, p_day date) returns text language plpgsql stable as $$
declare
  v_kind text;
begin
  select period_kind into v_kind from gulou.rule_version
  where account_id = p_account and valid_from <= date_trunc('quarter', p_day)::date order by valid_from desc limit 1;
  return to_char(p_day, case v_kind when 'month' then 'YYYY-MM' else 'YYYY"-Q"Q' end);
end $$;

create or replace function gulou.is_period(p_period text) returns boolean language sql immutable as $$
  select coalesce(p_period ~ '^20\d\d-(Q[1-4]|0[1-9]|1[0-2])$', false)
$$;

-- Its first day, and the first day after it.
create or replace function gulou.period_start(p_period text) returns date language sql immutable as $$
  select case when p_period like '%-Q_' then make_date(left(p_period, 4)::int, right(p_period, 1)::int * 3 - 2, 1)
              else make_date(left(p_period, 4)::int, right(p_period, 2)::int, 1) end
$$;

create or replace function gulou.period_end(p_period text) returns date language sql immutable as $$
  select (gulou.period_start(p_period) + case when p_period like '%-Q_' then interval '3 months'
                                              else interval '1 month' end)::date
$$;

-- Whether the account counts in this very period: not in its months, when it is a quarter.
create or replace function gulou.is_period_of(p_account text, p_period text) returns boolean
language sql stable as $$
  select case when gulou.is_period(p_period)
              then gulou.period_of(p_account, gulou.period_start(p_period)) = p_period else false end
$$;

-- A service counts in the period in which it ends (domain 9.12).
create or replace function gulou.ended_in(p_period text, p_ended timestamptz) returns boolean
language sql immutable as $$
  select p_ended > gulou.local_midnight(gulou.period_start(p_period))
     and p_ended <= gulou.local_midnight(gulou.period_end(p_period))
$$;

-- The one before the period of that day.
create or replace function gulou.period_before(p_account text, p_day date) returns text language sql stable as $$
  select gulou.period_of(p_account, gulou.period_start(gulou.period_of(p_account, p_day)) - 1)
$$;

create or replace function gulou.period_title(p_period text) returns text language sql immutable as $$
  select left(p_period, 4) || ' 年' || case when p_period like '%-Q_' then '第 ' || right(p_period, 1) || ' 季度'
                                            else ' ' || right(p_period, 2)::int || ' 月' end
$$;

-- ---------------------------------------------------------------- timetable

-- The last days to declare and to review, the first to fix the list, the last to publish it (domain 4.3): by the rules
-- of the period's last day.
create or replace function gulou.timetable(p_account text, p_period text, out declare_until date, out review_until date,
  out freeze_from date, out publish_by date) language plpgsql stable as $$
declare
  v_last date := gulou.period_end(p_period) - 1;
  v_rule gulou.rule_version := gulou.rules_on(p_account, v_last);
begin
  declare_until := v_last + v_rule.declare_until;
  review_until := v_last + v_rule.review_until;
  freeze_from := v_last + v_rule.freeze_from;
  publish_by := v_last + v_rule.publish_by;
end $$;

-- The first day whose services can still be declared for their period.
create or replace function gulou.declared_from(p_account text, p_today date) returns date language plpgsql stable as $$
declare
  v_last text := gulou.period_before(p_account, p_today);
begin
  return gulou.period_start(case when p_today <= (gulou.timetable(p_account, v_last)).declare_until then v_last
                                 else gulou.period_of(p_account, p_today) end);
end $$;
