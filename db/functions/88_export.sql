-- Lists for the office: the ledger, the declarations, a notice. Names are masked; with a mark (api.export_unmasked)
-- they are full, and every row carries it. Each page: {"columns":[{"title","type","width"}…],"rows":[[text…]…],"next"}.

-- A row in the audit, before anybody reads what is not masked; NULL: the reason is none.
create or replace function gulou.note_export(p_account text, p_what text, p_period text, p_member int, p_reason text,
                                             p_by text) returns int language plpgsql as $$
declare
  v_no int;
begin
  if coalesce(char_length(btrim(p_reason)), 0) not between 4 and 200 then
    return null;
  end if;
  perform from gulou.account where account_id = p_account for no key update;
  select coalesce(max(export_no), 0) + 1 into v_no from gulou.export_audit where account_id = p_account;
  insert into gulou.export_audit (account_id, export_no, what, period, member_id, reason, taken_by, at)
  values (p_account, v_no, p_what, p_period, p_member, btrim(p_reason), p_by || '/' || session_user, gulou.now_());
  return v_no;
end $$;

-- {"mark"} is what each row of the file then shows.
create or replace function api.export_unmasked(p_account text, p_what text, p_period text, p_reason text, p_by text)
returns jsonb language plpgsql as $$
declare
  v_no int := gulou.note_export(p_account, p_what, p_period, null, p_reason, p_by);
begin
  return case when v_no is null then gulou.refusal('reason')
              else jsonb_build_object('mark', format('第%s次导出 %s', v_no, gulou.local_day(gulou.now_()))) end;
end $$;

-- The names of one list: masks are told apart over everybody of the account.
create or replace function gulou.names_for(p_account text, p_mark text) returns table (member_id int, shown text)
language sql stable as $$
  select m.member_id, coalesce(m.name, '已注销成员#' || m.member_id) from gulou.member m
  where m.account_id = p_account and p_mark is not null
  union all
  select l.* from gulou.masked_list(p_account, (select array_agg(m.member_id) from gulou.member m
                                                where m.account_id = p_account and p_mark is null)) l
$$;

-- "title type width" a column; marked lists end with the mark.
create or replace function gulou.export_page(p_columns text[], p_mark text, p_rows jsonb, p_next jsonb) returns jsonb
language sql immutable as $$
  select jsonb_build_object('columns', (
      select jsonb_agg(jsonb_build_object('title', split_part(one, ' ', 1), 'type', split_part(one, ' ', 2),
                                          'width', split_part(one, ' ', 3)::int) order by place)
      from unnest(p_columns || case when p_mark is not null then array['水印 text 22'] end)
        with ordinality as listed (one, place)),
    'rows', coalesce(case when p_mark is null then p_rows
      else (select jsonb_agg(row || to_jsonb(p_mark) order by place)
            from jsonb_array_elements(p_rows) with ordinality as listed (row, place)) end, '[]'), 'next', p_next)
$$;

-- p_after: [member, seq] of the last row seen.
create or replace function api.export_ledger(p_account text, p_period text, p_mark text, p_after jsonb, p_limit int)
returns jsonb language sql stable as $$
  with page as (
    select t.*, row_number() over (order by t.member_id, t.seq) as place
    from gulou.ledger_tx t
    where t.account_id = p_account and (p_period is null or t.period = p_period)
      and (p_after is null or (t.member_id, t.seq) > ((p_after ->> 0)::int, (p_after ->> 1)::bigint))
    order by t.member_id, t.seq limit p_limit)
  select gulou.export_page(array['成员编号 number 10', '姓名 text 12', '单位 text 24', '第几笔 number 8', '记账日期 date 12',
      '记账时间 text 10', '类型 kind 14', '事由 text 24', '来源 text 20', '计分周期 text 10', '待公示 number 9', '可用 number 9',
      '冻结 number 9', '待抵扣 number 9', '校验值 text 66'], p_mark,
    jsonb_agg(jsonb_build_array(p.member_id::text, n.shown, coalesce(o.name, ''), p.seq::text,
      gulou.local_day(p.posted_at)::text, to_char(p.posted_at at time zone 'Asia/Shanghai', 'HH24:MI:SS'), p.kind, p.reason,
      p.source_type || ' ' || p.source_id, p.period, p.pending::text, p.available::text, p.reserved::text, p.debt::text,
      encode(p.hash, 'hex')) order by p.place),
    case when count(*) = p_limit then (array_agg(jsonb_build_array(p.member_id, p.seq) order by p.place desc))[1] end)
  from page p
  join gulou.names_for(p_account, p_mark) n using (member_id)
  left join gulou.org o on o.account_id = p_account and o.org_id = gulou.org_on(p_account, p.member_id,
    gulou.local_day(coalesce(p.service_time, p.posted_at)))
$$;

-- p_after: [no]. What members wrote is theirs and stands in full lists only.
create or replace function api.export_declarations(p_account text, p_period text, p_mark text, p_after jsonb, p_limit int)
returns jsonb language sql stable as $$
  with page as (
    select d.* from gulou.declaration d
    where d.account_id = p_account and d.no > coalesce((p_after ->> 0)::bigint, 0)
      and (p_period is null or p_period = coalesce(d.period,
             gulou.period_of(p_account, gulou.local_day(d.ended_at - interval '1 microsecond'))))
    order by d.no limit p_limit)
  select gulou.export_page(array['编号 number 8', '成员编号 number 10', '姓名 text 12', '单位 text 24', '项目编号 number 10',
      '服务项目 text 24', '服务日期 date 12', '分钟 number 8', '状态 status 16', '申报分 number 8', '计入分 number 8',
      '封顶 cap 12', '计分周期 text 10', '申报日期 date 12', '审核日期 date 12']
      || case when p_mark is not null then array['说明 text 40'] end, p_mark,
    jsonb_agg(jsonb_build_array(p.no::text, p.member_id::text, n.shown, o.name, p.item::text, i.name,
      gulou.local_day(p.started_at)::text, p.minutes::text, p.status, p.claimed::text, coalesce(p.counted::text, ''),
      coalesce(p.cap, ''), coalesce(p.period, ''), gulou.local_day(p.created_at)::text,
      coalesce(gulou.local_day(p.reviewed_at)::text, ''))
      || case when p_mark is not null then jsonb_build_array(p.words) else '[]' end order by p.no),
    case when count(*) = p_limit then jsonb_build_array(max(p.no)) end)
  from page p
  join gulou.names_for(p_account, p_mark) n using (member_id)
  join gulou.org o on o.account_id = p_account and o.org_id = p.org_id
  join gulou.service_item i on i.account_id = p_account and i.item = p.item
$$;

-- p_after: [no]. The same columns as the public file, and as it the sum at the end, so that `gulou notice verify`
-- checks it; a full list has the names beside it.
create or replace function api.export_notice(p_account text, p_period text, p_mark text, p_after jsonb, p_limit int)
returns jsonb language plpgsql stable as $$
declare
  v_notice gulou.announcement;
  v_page   jsonb;
  v_full   text[] := case when p_mark is not null then array['全名 text 12'] end;
begin
  select * into v_notice from gulou.announcement
  where account_id = p_account and period = p_period and kind = 'member_points';
  if v_notice.announcement_id is null then
    return gulou.refusal('not_found');
  end if;
  with page as (
    select l.*, coalesce(n.shown_name, '已注销成员#' || l.member_id) as shown, coalesce(n.name_salt, '') as salt,
           coalesce(m.name, '已注销成员#' || l.member_id) as full_name
    from gulou.announcement_line l
    join gulou.member m on m.account_id = l.account_id and m.member_id = l.member_id
    left join gulou.announcement_name n on n.account_id = l.account_id and n.announcement_id = l.announcement_id
      and n.member_id = l.member_id
    where l.account_id = p_account and l.announcement_id = v_notice.announcement_id
      and l.no > coalesce((p_after ->> 0)::bigint, 0)
    order by l.no limit p_limit)
  select gulou.export_page(array['编号 number 10', '姓名 text 14', '单位 text 26', '服务项目 text 26', '积分 number 8',
      '审核日期 date 12', '姓名盐值 text 36', '核对值 text 100', '状态 state 16'] || v_full, p_mark,
    coalesce(jsonb_agg(jsonb_build_array(no::text, shown, unit, item, points::text, reviewed_on::text, salt, leaf,
        gulou.shown_state(p_account, v_notice.announcement_id, no))
        || case when p_mark is not null then jsonb_build_array(full_name) else '[]' end order by no), '[]')
      || case when count(*) < p_limit then jsonb_build_array(jsonb_build_array('合计', '', '',
           v_notice.entries::text, v_notice.points::text, '', '', encode(v_notice.root, 'hex'), (
           select gulou.state_digest(jsonb_agg(jsonb_build_object('no', l.no, 'state',
             gulou.shown_state(p_account, v_notice.announcement_id, l.no)) order by l.no))
           from gulou.announcement_line l
           where l.account_id = p_account and l.announcement_id = v_notice.announcement_id))
           || case when p_mark is not null then '[""]'::jsonb else '[]' end) else '[]' end,
    case when count(*) = p_limit then jsonb_build_array(max(no)) end) into v_page
  from page;
  return v_page;
end $$;
