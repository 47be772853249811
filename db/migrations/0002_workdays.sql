-- The State Council's holiday notices for 2025 and 2026: days off, and weekends worked in exchange.
insert into gulou.workday_year values (2025), (2026);

insert into gulou.workday_calendar
select day::date, false, note
from (values
  (date '2025-01-01', date '2025-01-01', '元旦'), ('2025-01-28', '2025-02-04', '春节'),
  ('2025-04-04', '2025-04-06', '清明节'), ('2025-05-01', '2025-05-05', '劳动节'),
  ('2025-05-31', '2025-06-02', '端午节'), ('2025-10-01', '2025-10-08', '国庆节、中秋节'),
  ('2026-01-01', '2026-01-03', '元旦'), ('2026-02-15', '2026-02-23', '春节'),
  ('2026-04-04', '2026-04-06', '清明节'), ('2026-05-01', '2026-05-05', '劳动节'),
  ('2026-06-19', '2026-06-21', '端午节'), ('2026-09-25', '2026-09-27', '中秋节'),
  ('2026-10-01', '2026-10-07', '国庆节')) as holiday (first, last, note),
  generate_series(first, last, interval '1 day') as day;

insert into gulou.workday_calendar
select day, true, '调休上班'
from unnest(array['2025-01-26', '2025-02-08', '2025-04-27', '2025-09-28', '2025-10-11', '2026-01-04', '2026-02-14',
                  '2026-02-28', '2026-05-09', '2026-09-20', '2026-10-10']::date[]) as day;
