-- What a service is worth: half-hours, the split at midnight, and the caps (domain 6.2).

-- Points before any cap.
create or replace function gulou.claim(p_item gulou.service_item, p_minutes int) returns int
language sql immutable as $$
  select case p_item.basis when 'task' then p_item.points else p_item.points / 2 * (p_minutes / 30) end
$$;

-- The points of each local day before the caps over days; the declaration's own cap has cut the end, and says so. At most
-- two days, because a service lasts at most 24 hours: the first, then the one after.
drop function if exists gulou.points_by_day(gulou.service_item, gulou.rule_version, timestamptz, timestamptz);
create function gulou.points_by_day(p_item gulou.service_item, p_rule gulou.rule_version, p_started timestamptz,
                                    p_ended timestamptz, out first date, out points int[], out cap text)
language plpgsql immutable as $$
declare
  v_last       date := gulou.local_day(p_ended - interval '1 microsecond');
  v_half_hours int  := extract(epoch from p_ended - p_started)::int / 1800;
  v_before     int;
begin
  first := gulou.local_day(p_started);
  if p_item.basis = 'task' then
    first := v_last;
    points := array[p_item.points];
    return;
  end if;
  if v_half_hours > p_rule.declaration_half_hours then
    v_half_hours := p_rule.declaration_half_hours;
    cap := 'declaration';
  end if;
  if first = v_last then
    points := array[v_half_hours * p_item.points / 2];
  else
    v_before := least(v_half_hours, extract(epoch from gulou.local_midnight(v_last) - p_started)::int / 1800);
    points := array[v_before * p_item.points / 2, (v_half_hours - v_before) * p_item.points / 2];
  end if;
end $$;

-- The points of a member that count already, in each of the ranges that the caps look at: what was approved and has not
-- been revoked. Two sums, because the days of a week may belong to two periods.
drop function if exists gulou.counted_already(text, int, date, date, text, int, bigint[]);
create or replace function gulou.counted_already(p_account text, p_member int, p_day date, p_week date, p_period text,
  p_category int, out in_day int, out in_week int, out in_category int, out in_period int)
language plpgsql stable as $$
declare
  v_revoked bigint[] := array(select no from gulou.declaration
                              where account_id = p_account and member_id = p_member and status in ('revoked', 'revoked_late'));
begin
  select coalesce(sum(points) filter (where category = p_category), 0), coalesce(sum(points), 0)
  into in_category, in_period from gulou.declaration_day
  where account_id = p_account and member_id = p_member and period = p_period and no <> all (v_revoked);
  select coalesce(sum(points) filter (where day = p_day), 0), coalesce(sum(points), 0)
  into in_day, in_week from gulou.declaration_day
  where account_id = p_account and member_id = p_member and day >= p_week and day < p_week + 7 and no <> all (v_revoked);
end $$;

-- What counts after all caps, the name of the cap that decided, and the split over days.
-- The caller holds the member's lock when it means to write the result.
drop function if exists gulou.count_points(text, int, gulou.service_item, gulou.rule_version, timestamptz, timestamptz, text, bigint[]);
create or replace function gulou.count_points(p_account text, p_member int, p_item gulou.service_item,
  p_rule gulou.rule_version, p_started timestamptz, p_ended timestamptz, p_period text,
  out counted int, out cap text, out days jsonb)
language plpgsql stable as $$
declare
  v_split   record := gulou.points_by_day(p_item, p_rule, p_started, p_ended);
  v_day     date;
  v_week    date;
  v_counted record;
  v_rooms   int[];
  v_left    int;
  v_in_week int := 0;
begin
  counted := 0;
  days := '[]';
  cap := v_split.cap;
  for i in 1 .. cardinality(v_split.points) loop
    v_day := v_split.first + i - 1;
    if v_week is distinct from v_day - (extract(isodow from v_day)::int - 1) then
      v_week := v_day - (extract(isodow from v_day)::int - 1);
      v_in_week := 0;
    end if;
    v_counted := gulou.counted_already(p_account, p_member, v_day, v_week, p_period, p_item.category);
    v_rooms := array[p_rule.day_cap - v_counted.in_day, p_rule.week_cap - v_counted.in_week - v_in_week,
      p_rule.category_cap - v_counted.in_category - counted, p_rule.period_cap - v_counted.in_period - counted];
    v_left := v_split.points[i];
    for place in 1 .. 4 loop
      if v_left > greatest(v_rooms[place], 0) then
        v_left := greatest(v_rooms[place], 0);
        cap := (array['day', 'week', 'category', 'period'])[place];
      end if;
    end loop;
    if v_left > 0 then
      counted := counted + v_left;
      v_in_week := v_in_week + v_left;
      days := days || jsonb_build_object('day', v_day, 'points', v_left);
    end if;
  end loop;
end $$;

-- The period a service counts in: the one in which it ended, or, when the list of that is fixed already,
-- the one that is open now (announcements never change, INV-12).
create or replace function gulou.counting_period(p_account text, p_ended timestamptz) returns text
language plpgsql stable as $$
declare
  v_own text := gulou.period_of(p_account, gulou.local_day(p_ended - interval '1 microsecond'));
begin
  return case when exists (select from gulou.announcement
                           where account_id = p_account and kind = 'member_points' and period = v_own)
              then gulou.period_of(p_account, gulou.local_day(gulou.now_())) else v_own end;
end $$;
