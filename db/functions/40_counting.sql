-- What a service is worth: half-hours, the split at midnight, and the caps (domain 6.2).

-- The rules that were valid on the day of the service (domain 9.10).
create or replace function gulou.rules_on(p_account text, p_day date) returns gulou.rule_version
language sql stable as $$
  select * from gulou.rule_version where account_id = p_account and valid_from <= p_day
  order by valid_from desc limit 1
$$;

-- Points before any cap.
create or replace function gulou.claim(p_item gulou.service_item, p_minutes int) returns int
language sql immutable as $$
  select case p_item.basis when 'task' then p_item.points else p_item.points / 2 * (p_minutes / 30) end
$$;

-- The points of each local day before the caps over days; the declaration's own cap has cut the end.
create or replace function gulou.points_by_day(p_item gulou.service_item, p_rule gulou.rule_version,
                                               p_started timestamptz, p_ended timestamptz)
returns table (day date, points int) language plpgsql immutable as $$
declare
  v_minutes    int  := extract(epoch from p_ended - p_started)::int / 60;
  v_last       date := gulou.local_day(p_ended - interval '1 microsecond');
  v_first      date := gulou.local_day(p_started);
  v_half_hours int  := least(v_minutes / 30, p_rule.declaration_half_hours);
  v_before     int;
begin
  if p_item.basis = 'task' then
    return query select v_last, p_item.points;
  elsif v_first = v_last then
    return query select v_first, v_half_hours * p_item.points / 2;
  else
    -- At most two days: a service lasts at most 24 hours.
    v_before := least(v_half_hours,
                      extract(epoch from gulou.local_midnight(v_last) - p_started)::int / 60 / 30);
    return query select v_first, v_before * p_item.points / 2
                 union all select v_last, (v_half_hours - v_before) * p_item.points / 2;
  end if;
end $$;

-- Points of the member that already count, in one of the ranges the caps look at.
create or replace function gulou.counted_already(p_account text, p_member int, p_from date, p_until date,
                                                 p_period text, p_category int) returns int
language sql stable as $$
  select coalesce(sum(d.points), 0)::int
  from gulou.declaration_day d join gulou.declaration using (account_id, no)
  where d.account_id = p_account and d.member_id = p_member
    and (p_from is null or d.day >= p_from and d.day < p_until)
    and (p_period is null or d.period = p_period)
    and (p_category is null or d.category = p_category)
    and declaration.status in ('approved', 'announced', 'objected', 'settled')
$$;

-- What counts after all caps, the name of the cap that decided, and the split over days.
-- The caller holds the member's lock when it means to write the result.
create or replace function gulou.count_points(p_account text, p_member int, p_item gulou.service_item,
  p_rule gulou.rule_version, p_started timestamptz, p_ended timestamptz, p_period text,
  out counted int, out cap text, out days jsonb)
language plpgsql stable as $$
declare
  v_day   record;
  v_week  date;
  v_room  record;
  v_left  int;
  v_in_week int := 0;
  v_last_week date;
begin
  counted := 0;
  days := '[]';
  if p_item.basis = 'hour'
     and extract(epoch from p_ended - p_started)::int / 1800 > p_rule.declaration_half_hours then
    cap := 'declaration';
  end if;
  for v_day in select * from gulou.points_by_day(p_item, p_rule, p_started, p_ended) order by 1 loop
    v_week := date_trunc('week', v_day.day)::date;
    if v_week is distinct from v_last_week then
      v_in_week := 0;
      v_last_week := v_week;
    end if;
    v_left := v_day.points;
    for v_room in
      select * from (values
        ('day', p_rule.day_cap
          - gulou.counted_already(p_account, p_member, v_day.day, v_day.day + 1, null, null)),
        ('week', p_rule.week_cap - v_in_week
          - gulou.counted_already(p_account, p_member, v_week, v_week + 7, null, null)),
        ('category', p_rule.category_cap - counted
          - gulou.counted_already(p_account, p_member, null, null, p_period, p_item.category)),
        ('period', p_rule.period_cap - counted
          - gulou.counted_already(p_account, p_member, null, null, p_period, null))) as room (name, points)
    loop
      if v_left > greatest(v_room.points, 0) then
        v_left := greatest(v_room.points, 0);
        cap := v_room.name;
      end if;
    end loop;
    if v_left > 0 then
      counted := counted + v_left;
      v_in_week := v_in_week + v_left;
      days := days || jsonb_build_object('day', v_day.day, 'points', v_left);
    end if;
  end loop;
end $$;

-- The period a service counts in: the quarter in which it ended, or, when that quarter's list is fixed
-- already, the one that is open now (announcements never change, INV-12).
create or replace function gulou.counting_period(p_account text, p_ended timestamptz) returns text
language sql stable as $$
  select case when exists (select from gulou.announcement where account_id = p_account
                           and kind = 'member_points' and period = own)
              then gulou.period_of(gulou.local_day(gulou.now_())) else own end
  from gulou.period_of(gulou.local_day(p_ended - interval '1 microsecond')) as own
$$;
