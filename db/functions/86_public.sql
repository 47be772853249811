-- What everybody may read of notices on pages and as files. Lines show a masked name beside a unit, which is still
-- personal data (domain 10): open in the window and 30 days after, then to bound members only. The head of a notice,
-- its root and the proofs (which name nobody) stay open.

create or replace function gulou.open_till(p_closes timestamptz) returns timestamptz language sql immutable as $$
  select p_closes + interval '30 days'
$$;

-- `p_session` is the digest of the browser's session; NULL for a visitor.
create or replace function gulou.may_read_lines(p_account text, p_session bytea, p_id int) returns boolean
language plpgsql as $$
begin
  return gulou.now_() < (select gulou.open_till(closes_at) from gulou.announcement
                         where account_id = p_account and announcement_id = p_id)
      or (p_session is not null
          and gulou.speaker(p_account, gulou.session_openid(p_account, p_session)) is not null);
end $$;

-- NULL when the lines may be read; the head stands beside the refusal.
create or replace function gulou.lines_refusal(p_account text, p_session bytea, p_id int) returns jsonb
language plpgsql as $$
begin
  if not gulou.is_public(p_account, p_id) then
    return gulou.refusal('not_found');
  elsif not gulou.may_read_lines(p_account, p_session, p_id) then
    return gulou.refusal('members_only') || gulou.notice_head(p_account, p_id);
  end if;
  return null;
end $$;

create or replace function api.public_notice(p_account text, p_session bytea, p_id int, p_after bigint, p_limit int)
returns jsonb language plpgsql as $$
begin
  return coalesce(gulou.lines_refusal(p_account, p_session, p_id), api.notice(p_account, p_id, p_after, p_limit));
end $$;

-- ---------------------------------------------------------------- a notice as a page

-- The lines of a notice that hold `p_search` in unit, item or shown name, or have that number; all of them for NULL.
create or replace function gulou.found_lines(p_account text, p_id int, p_search text)
returns table (no bigint, member_id int, member text, org_id int, unit text, item text, category text, points int,
               reviewed_on date) language sql stable as $$
  select l.no, l.member_id, gulou.line_name(p_account, l.member_id, n.shown_name), d.org_id, l.unit, l.item, c.name,
         l.points, l.reviewed_on
  from gulou.announcement_line l
  join gulou.declaration d on d.account_id = l.account_id and d.no = l.no
  join gulou.service_item i on i.account_id = l.account_id and i.item = d.item
  join gulou.service_category c on c.account_id = l.account_id and c.category = i.category
  left join gulou.announcement_name n on n.account_id = l.account_id and n.announcement_id = l.announcement_id
    and n.member_id = l.member_id
  where l.account_id = p_account and l.announcement_id = p_id
    and case when p_search is null then true
             when p_search ~ '^[0-9]+$' then l.no::text = p_search
             else strpos(lower(concat_ws(' ', l.unit, l.item, gulou.line_name(p_account, l.member_id, n.shown_name))),
                         lower(p_search)) > 0 end
$$;

-- What became of the lines so far: {"settled":{"entries","points"}, …} by the names of gulou.shown_state(); dismissed
-- ones count as listed, which they are again.
create or replace function gulou.states_of(p_account text, p_id int) returns jsonb language sql stable as $$
  with held as (
    select distinct no from gulou.objection
    where account_id = p_account and announcement_id = p_id and status in ('filed', 'accepted', 'investigating')),
  sorted as (
    select case d.status when 'settled' then 'settled' when 'revoked' then 'upheld' when 'revoked_late' then 'corrected'
             else case when held.no is not null then 'objected' else 'listed' end end as state, l.points
    from gulou.announcement_line l
    join gulou.declaration d on d.account_id = l.account_id and d.no = l.no
    left join held on held.no = l.no
    where l.account_id = p_account and l.announcement_id = p_id)
  select coalesce(jsonb_object_agg(state, jsonb_build_object('entries', entries, 'points', points::text)), '{}')
  from (select state, count(*) as entries, sum(points) as points from sorted group by state) as summed
$$;

-- p_page counts from 1; p_sort: no, member, unit, item, points or date.
create or replace function api.notice_page(p_account text, p_session bytea, p_id int, p_search text, p_sort text,
                                           p_page int, p_limit int) returns jsonb language plpgsql as $$
declare
  v_refusal jsonb := gulou.lines_refusal(p_account, p_session, p_id);
  v_head    jsonb;
begin
  if v_refusal is not null then
    return v_refusal;
  end if;
  v_head := gulou.notice_head(p_account, p_id);
  return v_head || gulou.corrections_beside(p_account, p_id)
    || jsonb_build_object('entry_count', v_head -> 'entries', 'states', gulou.states_of(p_account, p_id),
         'may_object', (select status = 'published' and gulou.now_() < closes_at from gulou.announcement
                        where account_id = p_account and announcement_id = p_id)) || (
    with found as materialized (select * from gulou.found_lines(p_account, p_id, p_search)),
    page as (
      select *, row_number() over () as place from (
        select * from found
        order by case when p_sort = 'points' then -points end, case when p_sort = 'member' then member end,
                 case when p_sort = 'unit' then unit end, case when p_sort = 'item' then item end,
                 case when p_sort = 'date' then reviewed_on end, no
        limit p_limit offset (p_page - 1)::bigint * p_limit) as cut),
    categories as (select category as name, sum(points) as points, count(*) as entries from found group by category),
    units as (
      select org_id, min(unit) as name, sum(points) as points, count(*) as entries,
             row_number() over (order by sum(points) desc, org_id) as place
      from found group by org_id)
    select jsonb_build_object(
      'entries', coalesce((select jsonb_agg(jsonb_build_object('no', no, 'member', member, 'unit', unit, 'unit_id', org_id,
                   'item', item, 'points', points::text, 'reviewed_on', reviewed_on,
                   'state', gulou.shown_state(p_account, p_id, no)) order by place) from page), '[]'),
      'found', (select jsonb_build_object('entries', count(*), 'members', count(distinct member_id),
                  'points', coalesce(sum(points), 0)::text, 'pages', greatest(1, ceil(count(*)::numeric / p_limit))) from found),
      'categories', coalesce((select jsonb_agg(jsonb_build_object('name', name, 'points', points::text, 'entries', entries,
                   'share', round(100 * points / greatest((select max(points) from categories), 1))) order by points desc, name)
                 from categories), '[]'),
      'units', coalesce((select jsonb_agg(jsonb_build_object('id', org_id, 'name', name, 'points', points::text, 'entries',
                   entries, 'share', round(100 * points / greatest((select max(points) from units), 1))) order by place)
                 from units where place <= 10), '[]'),
      'unit_count', (select count(*) from units)));
end $$;

-- One line for the page that checks it: the proof, and the line itself when it may be read.
create or replace function api.notice_check(p_account text, p_session bytea, p_id int, p_no bigint) returns jsonb
language plpgsql as $$
declare
  v_proof jsonb := case when p_no is not null then api.proof(p_account, p_id, p_no) end;
begin
  if not gulou.is_public(p_account, p_id) then
    return gulou.refusal('not_found');
  end if;
  return gulou.notice_head(p_account, p_id) || jsonb_build_object('no', p_no, 'unknown', v_proof ? 'refusal',
    'proof', case when v_proof ? 'refusal' then null else v_proof end,
    'entry', case when v_proof ? 'leaf' and gulou.may_read_lines(p_account, p_session, p_id)
                  then api.notice(p_account, p_id, p_no - 1, 1) #> '{entries,0}' end);
end $$;

-- ---------------------------------------------------------------- a unit's page

create or replace function api.unit_page(p_account text, p_org int) returns jsonb language plpgsql stable as $$
declare
  v_now    timestamptz := gulou.now_();
  v_today  date := gulou.local_day(v_now);
  v_period text := gulou.period_of(p_account, v_today);
  v_org    gulou.org;
begin
  select * into v_org from gulou.org where account_id = p_account and org_id = p_org;
  if v_org.org_id is null then
    return gulou.refusal('not_found');
  end if;
  return jsonb_build_object('id', v_org.org_id, 'name', v_org.name, 'community', v_org.community, 'period', v_period,
    'rank', gulou.unit_rank_of(p_account, v_period, p_org),
    'member_count', (select count(*) from gulou.member_org o join gulou.member m using (account_id, member_id)
                where o.account_id = p_account and o.org_id = p_org and o.during @> v_today
                  and m.status not in ('left', 'erased')),
    'active', (select coalesce(sum(members), 0) from gulou.unit_total
               where account_id = p_account and period = v_period and org_id = p_org),
    'points', (select coalesce(sum(points), 0)::text from gulou.unit_total
               where account_id = p_account and period = v_period and org_id = p_org),
    'categories', (
      with counted as (
        select c.name, sum(d.counted) as points, count(*) as entries
        from gulou.declaration d
        join gulou.service_item i on i.account_id = d.account_id and i.item = d.item
        join gulou.service_category c on c.account_id = d.account_id and c.category = i.category
        where d.account_id = p_account and d.org_id = p_org and d.counted > 0
          and d.status in ('approved', 'announced', 'objected', 'settled')
        group by c.name)
      select coalesce(jsonb_agg(jsonb_build_object('name', name, 'points', points::text, 'entries', entries,
               'share', round(100 * points / (select max(points) from counted))) order by points desc, name), '[]')
      from counted),
    'periods', (
      select coalesce(jsonb_agg(jsonb_build_object('period', period, 'points', points::text, 'members', members,
               'rank', gulou.unit_rank_of(p_account, period, p_org),
               'provisional', gulou.is_provisional(p_account, period)) order by gulou.period_start(period) desc), '[]')
      from (select period, points, members from gulou.unit_total
            where account_id = p_account and org_id = p_org and members > 0
            order by gulou.period_start(period) desc limit 12) as latest),
    'notices', (
      select coalesce(jsonb_agg(jsonb_build_object('notice', announcement_id, 'title', title, 'lines', lines,
               'points', points::text) order by announcement_id desc), '[]')
      from (select a.announcement_id, a.title, count(*) as lines, sum(l.points) as points
            from gulou.announcement a
            join gulou.announcement_line l using (account_id, announcement_id)
            join gulou.declaration d on d.account_id = l.account_id and d.no = l.no
            where a.account_id = p_account and a.status <> 'frozen' and d.org_id = p_org
              and v_now < gulou.open_till(a.closes_at)
            group by a.announcement_id, a.title order by a.announcement_id desc limit 12) as shown));
end $$;
