-- Ranks are read from sums that follow the scores (migration 0021); they are exact at every moment (INV-23).
begin;
set client_min_messages = warning;
select plan(24);

select api.set_clock('2026-09-20 18:00+08');
select api.fold_scores();   -- what other accounts have
select api.sync_account('r', '测试');
insert into gulou.org select 'r', n, '单位' || n, 'reporting_unit' from generate_series(1, 3) as n;
insert into gulou.member select 'r', n, '成员' || n, 'active' from generate_series(1, 40) as n;
insert into gulou.member_org (account_id, member_id, org_id) select 'r', n, 1 + n % 3 from generate_series(1, 40) as n;

create function add(p_member int, p_points int, p_org int default null) returns jsonb language sql as $$
  select gulou.add_score('r', '2026-Q3', p_member, coalesce(p_org, 1 + p_member % 3), p_points)
$$;
-- Rank by the book: 1 + how many have strictly more.
create function faults() returns bigint language sql as $$
  with total as (select member_id, sum(points) as points from gulou.period_score where account_id = 'r' group by member_id),
  units as (select org_id, sum(points) as points from gulou.period_score where account_id = 'r' group by org_id)
  select (select count(*) from total t where gulou.rank_of('r', '2026-Q3', member_id) is distinct from
            case when t.points > 0 then 1 + (select count(*) from total o where o.points > t.points)::int end)
       + (select count(*) from units u where gulou.unit_rank_of('r', '2026-Q3', org_id) is distinct from
            case when u.points > 0 then 1 + (select count(*) from units o where o.points > u.points)::int end)
$$;
create function sums() returns jsonb language sql as $$
  select one from jsonb_array_elements(api.audit() -> 'checks') as one where one ->> 'name' like 'every rank%'
$$;

select is(gulou.rank_of('r', '2026-Q3', 1), null, 'nobody has points: no rank');
select add(1, 30), add(2, 20), add(3, 20), add(4, 10);
select is((select string_agg(gulou.rank_of('r', '2026-Q3', n)::text, ' ' order by n) from generate_series(1, 5) as n), '1 2 2 4',
          'INV-23: 1-2-2-4, before anything was summed up; without points no rank');
select is((select jsonb_agg(row -> 'rank') from jsonb_array_elements(api.ranking('r', null, 'members', '2026-Q3', 3) -> 'rows') as row), '[1, 2, 2]',
          'the board says the same');
select is(api.fold_scores() ->> 'rows', '4', 'what changed is summed up');
select is(api.fold_scores() ->> 'rows', '0', 'once');
select is((select string_agg(gulou.rank_of('r', '2026-Q3', n)::text, ' ' order by n) from generate_series(1, 4) as n), '1 2 2 4', 'the sums say the same');
select add(4, 15);
select is((select string_agg(gulou.rank_of('r', '2026-Q3', n)::text, ' ' order by n) from generate_series(1, 4) as n), '1 3 3 2',
          'INV-23: a change counts at once, for those it passed, too');
select is((select jsonb_agg(row -> 'points') from jsonb_array_elements(api.ranking('r', null, 'members', '2026-Q3', 3) -> 'rows') as row), '["30", "25", "20"]',
          'and on the board');
select add(1, -40);
select is(gulou.rank_of('r', '2026-Q3', 1), null, 'below zero: no rank');
select add(2, 5, 3);
select is(gulou.rank_of('r', '2026-Q3', 2), 1, 'INV-23: points of two units are one member''s');

-- With what Redis ranked: its rows when the book says the same, else the book's.
insert into gulou.binding values ('r', 'o3', 3, now());
create function board(p_ids int[], p_points bigint[], p_period text default '2026-Q3') returns jsonb language sql as $$
  select (api.board_together(array['r'], array['o3'], array[p_period], array[p_ids::text], array[p_points::text], array[3]))[1]::jsonb
$$;
create temp table right_one as
  select api.ranking('r', 'o3', 'members', null, 3) - '{unit,periods,member}'::text[] as answer;
select is(answer -> 'mine', '{"rank": 3, "points": "20"}', 'the asker''s own rank') from right_one;
select is(board('{2,4,3}', '{25,25,20}'), answer, 'a board that is true is shown') from right_one;
select is(board('{2}', '{25}') -> 'rows', jsonb_build_array(answer #> '{rows,0}'), 'as it is') from right_one;
select is(board(ids, points, period), answer, 'the book answers: ' || why) from right_one, (values
  (null::int[], null::bigint[], null, 'Redis said nothing'), ('{}', '{}', '2026-Q3', 'an empty board'),
  ('{2,4}', '{25,26}', '2026-Q3', 'points that nobody has'), ('{2,99}', '{25,25}', '2026-Q3', 'somebody who is unknown'),
  ('{2,40}', '{25,25}', '2026-Q3', 'a member of whom the book has nothing'),
  ('{2}', '{25}', '2026-Q2', 'another period')) as wrong (ids, points, period, why);

-- Two hundred changes in random order, summed up now and then, against the book after each twentieth.
do $$
begin
  perform setseed(0.42);
  for i in 1 .. 200 loop
    perform add(1 + (random() * 39)::int, (random() * 12)::int * 5 - 10, 1 + (random() * 2)::int);
    if random() < 0.1 then
      perform gulou.fold_scores(1 + (random() * 30)::int);
    end if;
    if i % 20 = 0 and faults() > 0 then
      raise exception 'after % changes % ranks are wrong', i, faults();
    end if;
  end loop;
end $$;
select is(faults(), 0::bigint, 'INV-23: after two hundred changes every rank is by the book');
select is(sums() ->> 'ok', 'true', 'the audit agrees, with sums behind the scores');
select api.fold_scores();
select is(faults(), 0::bigint, 'INV-23: and when everything was summed up');
select is(sums() ->> 'ok', 'true', 'the audit agrees');
update gulou.score_count set members = members + 1 where account_id = 'r' and points = (select min(points) from gulou.score_count where account_id = 'r');
select matches(sums() ->> 'detail', '^board r 2026-Q3 \d+ points: \d+ members, scores say \d+$', 'INV-23: a changed sum is found and named');

select * from finish();
rollback;
