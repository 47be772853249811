-- Working days of the region. A year whose holidays were not announced yet is unknown, and what depends on
-- it is refused rather than guessed (domain 9.14).

-- NULL when the year is not loaded.
create or replace function gulou.is_workday(p_day date) returns boolean language sql stable as $$
  select case when exists (select from gulou.workday_year where year = extract(year from p_day)::int)
    then coalesce((select workday from gulou.workday_calendar where day = p_day),
                  extract(isodow from p_day) < 6) end
$$;

-- The last day of a window of working days; day 1 is the first working day after publication.
-- NULL when a needed year is not loaded.
create or replace function gulou.last_window_day(p_published date, p_days int) returns date
language plpgsql stable as $$
declare
  v_day  date := p_published;
  v_left int := p_days;
  v_work boolean;
begin
  while v_left > 0 loop
    v_day := v_day + 1;
    v_work := gulou.is_workday(v_day);
    if v_work is null then
      return null;
    elsif v_work then
      v_left := v_left - 1;
    end if;
  end loop;
  return v_day;
end $$;

-- The moment a window closes: 24:00 of its last day.
create or replace function gulou.closes_at(p_published date, p_days int) returns timestamptz
language sql stable as $$
  select gulou.local_midnight(gulou.last_window_day(p_published, p_days) + 1)
$$;
