-- What an office keeps in Excel, read row by row: units, members, items, the calendar of working days, rules. The
-- program hands over texts; everything that may be written in a file, and what it changes, stands here.
--
-- An import really writes, and takes everything back at the end unless it is to stay: so the report of a trial run is
-- that of the run itself, and one wrong row leaves nothing behind. An empty cell changes nothing.

-- ---------------------------------------------------------------- reading cells

-- Names as they are compared: no blanks around, none inside one of Han characters only (王　明).
create or replace function gulou.tidy(p_text text) returns text language sql immutable as $$
  select case when inside !~ '[[:ascii:]]' then regexp_replace(inside, '[[:space:]　]', '', 'g')
              when inside !~ '[A-Za-z0-9]' then regexp_replace(inside, '[[:space:]　]', '', 'g')
              else inside end
  from regexp_replace(replace(p_text, chr(160), ' '), '^[[:space:]　]+|[[:space:]　]+$', '', 'g') as inside
$$;

-- Whether people can read this name and say it: a letter (Han, Latin, Greek, Cyrillic, Uyghur, Tibetan, Yi, Mongolian…) is
-- in it, and nothing that looks like nothing: whoever compares two names sees all of both. No spreadsheet takes it for a
-- formula, nor was it one, a number or an error before.
create or replace function gulou.is_title(p_text text) returns boolean language sql immutable as $$
  select p_text ~ '[A-Za-zÀ-ÖØ-öø-ɏͰ-ϿЀ-ӿء-يٱ-ۓཀ-ཬᠠ-ᡷ가-힣ꀀ-ꒌ〇㐀-鿿豈-﫿𠀀-𲎯]'
    and p_text !~ '^([-=+@#＝＋－＠＃]|[0-9.]+[Ee][-+]?[0-9]+$)' and p_text !~ '[<>|\u0001-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5]'
    and p_text !~ '[\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff]'
    and p_text !~ '[\U000e0000-\U000e0fff]'
$$;

-- Full-width digits and signs as half-width ones, no blanks.
create or replace function gulou.plain(p_text text) returns text language sql immutable as $$
  select regexp_replace(normalize(p_text, NFKC), '[[:space:]]', '', 'g')
$$;

-- 2026-01-01, 2026/1/1, 2026.1.1, 2026年1月1日, 20260101; NULL when it is no day.
create or replace function gulou.read_day(p_text text) returns date language sql immutable as $$
  select gulou.day_of(part[1]::int, part[2]::int, part[3]::int)
  from (select coalesce(regexp_match(text, '^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$'),
                        regexp_match(text, '^(\d{4})(\d{2})(\d{2})$')) as part
        from gulou.plain(p_text) as text) as parts
$$;

-- 4, 4.0, 4.5, 8分, 4小时; NULL when it is no number.
create or replace function gulou.read_number(p_text text) returns numeric language sql immutable as $$
  select (regexp_match(gulou.plain(p_text), '^(-?\d{1,9}(?:\.\d{1,3})?)(?:分|小时|次|天|日|个?工作日)?$'))[1]::numeric
$$;

-- The key of {"key":["words",…]} whose words these are; NULL when none.
create or replace function gulou.read_choice(p_text text, p_choices jsonb) returns text language sql immutable as $$
  select key from jsonb_each(p_choices) where value ? gulou.plain(p_text) limit 1
$$;

-- What is wrong with a cell, and what would be right.
create or replace function gulou.wrong_cell(p_row jsonb, p_column text, p_text text, p_problem text, p_right text)
returns jsonb language sql immutable as $$
  select jsonb_build_object('wrong', jsonb_build_array(jsonb_build_object('row', p_row -> 'row', 'column', p_column,
    'text', coalesce(p_text, ''), 'problem', p_problem, 'right', p_right)))
$$;

create or replace function gulou.outcome(p_key text, p_outcome text, p_change text) returns jsonb
language sql immutable as $$
  select jsonb_build_object('key', p_key, 'outcome', p_outcome, 'change', p_change)
$$;

-- ---------------------------------------------------------------- reading a table

-- 单位（必填）, *单位, 单 位: all 单位.
create or replace function gulou.plain_header(p_text text) returns text language sql immutable as $$
  select regexp_replace(regexp_replace(gulou.plain(p_text), '\(.*\)', '', 'g'), '[*:]', '', 'g')
$$;

-- The fields of each kind of file: the first header is the one we name, the others are understood as well.
create or replace function gulou.import_fields(p_kind text) returns jsonb language sql immutable as $$
  select case p_kind
    when 'units' then '{"unit":["单位","单位名称","报到单位","名称"],"community":["社区","报到社区","所属社区"],
      "kind":["类别","单位类别","类型"]}'::jsonb
    when 'members' then '{"unit":["单位","单位名称","所在单位"],"name":["姓名","名字","成员姓名"],
      "role":["角色","身份"],"number":["编号","成员编号"],"before":["原单位"],"day":["日期","调入日期","生效日期"]}'
    when 'items' then '{"number":["项目编号","编号"],"category":["类别","项目类别"],"name":["名称","项目名称","服务项目"],
      "basis":["计分方式"],"points":["分值","积分"],"proof":["佐证","佐证要求"]}'
    when 'calendar' then '{"day":["日期"],"workday":["是否工作日","工作日","是否上班"],"note":["说明","备注","节日"]}'
    when 'rules' then '{"valid_from":["生效日期"],"declaration_half_hours":["单次最多小时"],"day_cap":["每日上限"],
      "week_cap":["每周上限"],"period_cap":["每季度上限","每期上限","每月上限"],"category_cap":["每类上限"],"days_back":["可补报天数"],
      "returns_max":["可退回次数"],"window_days":["公示工作日"],"debt_floor":["待抵扣下限"],
      "answer_days":["答复工作日"],"false_penalty":["虚假申报扣分"],"period_kind":["计分周期","周期"],
      "declare_until":["申报截止日"],"review_until":["审核截止日"],"freeze_from":["冻结起始日"],"publish_by":["发布截止日"],
      "open_objections":["待办异议上限"]}' end
$$;

create or replace function gulou.needed_fields(p_kind text) returns text[] language sql immutable as $$
  select case p_kind when 'units' then array['unit'] when 'members' then array['unit', 'name']
    when 'items' then array['number'] when 'calendar' then array['workday', 'day'] when 'rules' then array['valid_from'] end
$$;

-- What we call the field's column, and the one that says which row is meant.
create or replace function gulou.column_of(p_kind text, p_field text) returns text language sql immutable as $$
  select gulou.import_fields(p_kind) -> p_field ->> 0
$$;

create or replace function gulou.key_column(p_kind text) returns text language sql immutable as $$
  select gulou.column_of(p_kind, fields[cardinality(fields)]) from gulou.needed_fields(p_kind) as fields
$$;

-- Why a column that is there is not read.
create or replace function gulou.unread_column(p_kind text, p_header text) returns text language sql immutable as $$
  select case when p_header ~ '手机|电话|联系方式' then format('“%s”一列没有读取：系统不保存手机号', p_header)
    when p_header ~ '身份证|证件' then format('“%s”一列没有读取：系统不收集证件号，请从文件中删去', p_header)
    else format('“%s”一列不认识，没有读取；能读的列：%s', p_header,
      (select string_agg(value ->> 0, '、') from jsonb_each(gulou.import_fields(p_kind)))) end
$$;

-- The first cell with something in it that no header stands above: {"place","text"}, else NULL. p_titled: which columns
-- have a header.
create or replace function gulou.stray_cell(p_titled boolean[], p_cells jsonb) returns jsonb language sql immutable as $$
  select jsonb_build_object('place', place, 'text', gulou.tidy(text))
  from jsonb_array_elements_text(p_cells) with ordinality as cell (text, place)
  where not coalesce(p_titled[place], false) and gulou.tidy(text) <> '' order by place limit 1
$$;

-- As a spreadsheet calls them: 3 is C, 27 is AA.
create or replace function gulou.column_letters(p_place int) returns text language sql immutable as $$
  select case when p_place > 26 then chr(64 + (p_place - 1) / 26) else '' end || chr(65 + (p_place - 1) % 26)
$$;

create or replace function gulou.misplaced_cell(p_row jsonb) returns jsonb language sql immutable as $$
  select gulou.wrong_cell(p_row, gulou.column_letters((p_row -> 'stray' ->> 'place')::int) || '列', p_row -> 'stray' ->> 'text',
    '这一列没有表头', '在表头里写上这一列的名称，或这一格空着；CSV 里一格内容含有逗号的，整格加英文双引号')
  where p_row ? 'stray'
$$;

-- The row that heads the table. The program takes the first one with two cells filled; but a single cell above it that is
-- the name of a column heads a list of one column, and not a title, unless all of the row below are names, too.
create or replace function gulou.header_row(p_kind text, p_table jsonb) returns int language sql immutable as $$
  with first_rows as (
    select row from jsonb_array_elements(p_table -> 'above') as row
    union all select jsonb_build_object('row', p_table -> 'header_row', 'cells', p_table -> 'columns')
    union all select row from jsonb_path_query(p_table, '$.rows[0 to 4]') as row
  ), counted as (
    select (row ->> 'row')::int as row, count(*) as filled,
           count(*) filter (where exists (select from jsonb_each(gulou.import_fields(p_kind)) where value ? gulou.plain_header(cell))) as names
    from first_rows cross join jsonb_array_elements_text(row -> 'cells') as cell
    where gulou.plain_header(cell) <> '' group by 1
  )
  select coalesce(min(one.row), (p_table ->> 'header_row')::int)
  from counted as one, counted as taken
  where one.filled = 1 and one.names = 1 and taken.row = (p_table ->> 'header_row')::int and taken.names < taken.filled
    and (one.row < taken.row or taken.names = 0)
$$;

create or replace function gulou.with_header(p_kind text, p_table jsonb) returns jsonb language sql immutable as $$
  select case when head = (p_table ->> 'header_row')::int then p_table else (
    select jsonb_build_object('header_row', head, 'columns', (jsonb_agg(row -> 'cells') filter (where (row ->> 'row')::int = head)) -> 0,
      'rows', coalesce(jsonb_agg(row order by (row ->> 'row')::int) filter (where (row ->> 'row')::int > head), '[]'))
    from jsonb_array_elements(coalesce(p_table -> 'above', '[]') || jsonb_build_array(jsonb_build_object('row', p_table -> 'header_row',
      'cells', p_table -> 'columns')) || (p_table -> 'rows')) as row) end
  from gulou.header_row(p_kind, p_table) as head
$$;

-- {"columns":[header…],"header_row":n,"above":[…],"rows":[{"row":n,"cells":[text…]}…]} by fields:
-- {"rows":[{"row":n,"unit":"甲",…,"stray":{…}}…],"wrong":[…],"notes":[…]}. Cells that are empty are left out.
create or replace function gulou.read_table(p_kind text, p_table jsonb) returns jsonb language plpgsql stable as $$
declare
  v_fields  jsonb := gulou.import_fields(p_kind);
  v_table   jsonb := gulou.with_header(p_kind, p_table);
  v_titled  boolean[] := array(select gulou.plain_header(value) <> '' from jsonb_array_elements_text(v_table -> 'columns') with ordinality
                               order by ordinality);
  v_at      jsonb := '{}';       -- field: its place
  v_wrong   jsonb := '[]';
  v_notes   jsonb := '[]';
  v_header  record;
  v_field   text;
begin
  for v_header in select gulou.plain_header(value) as name, ordinality::int - 1 as place
                  from jsonb_array_elements_text(v_table -> 'columns') with ordinality loop
    select key into v_field from jsonb_each(v_fields) where value ? v_header.name;
    if v_field is null then
      if v_header.name not in ('', '序号') then
        v_notes := v_notes || to_jsonb(gulou.unread_column(p_kind, v_header.name));
      end if;
    elsif v_at ? v_field then
      v_wrong := v_wrong || (gulou.wrong_cell(jsonb_build_object('row', v_table -> 'header_row'), v_header.name,
        v_header.name, '这一列出现了两次', '只留一列') -> 'wrong');
    else
      v_at := v_at || jsonb_build_object(v_field, v_header.place);
    end if;
  end loop;
  foreach v_field in array gulou.needed_fields(p_kind) loop
    if not v_at ? v_field then
      v_wrong := v_wrong || (gulou.wrong_cell(jsonb_build_object('row', v_table -> 'header_row'), v_fields -> v_field ->> 0,
        '', '缺少这一列', format('表头里要有“%s”', v_fields -> v_field ->> 0)) -> 'wrong');
    end if;
  end loop;
  return jsonb_build_object('wrong', v_wrong, 'notes', v_notes, 'rows', case when v_wrong = '[]' then coalesce((
    select jsonb_agg(jsonb_build_object('row', row -> 'row') || cells order by (row ->> 'row')::int)
    from jsonb_array_elements(v_table -> 'rows') as row
    cross join lateral (
      select coalesce(jsonb_object_agg(at.key, gulou.tidy(row -> 'cells' ->> (at.value)::int)), '{}')
             || jsonb_strip_nulls(jsonb_build_object('stray', gulou.stray_cell(v_titled, row -> 'cells'))) as cells
      from jsonb_each_text(v_at) as at where gulou.tidy(row -> 'cells' ->> (at.value)::int) <> '') as filled
    where cells <> '{}'), '[]') else '[]' end);
end $$;

-- The cells that a row cannot do without.
create or replace function gulou.missing_cell(p_kind text, p_row jsonb) returns jsonb language sql stable as $$
  select gulou.wrong_cell(p_row, gulou.column_of(p_kind, field), '', '没有填写', format('请填%s', gulou.column_of(p_kind, field)))
  from unnest(gulou.needed_fields(p_kind)) as field where not p_row ? field limit 1
$$;

-- ---------------------------------------------------------------- units

create or replace function gulou.import_unit(p_account text, p_row jsonb) returns jsonb language plpgsql as $$
declare
  v_name      text := p_row ->> 'unit';
  v_kinds     jsonb := '{"office_branch":["机关党组织","机关","机关支部"],"reporting_unit":["报到单位","双报到单位","单位"],
                         "committee":["区域党委","党委"]}';
  v_community text := regexp_replace(p_row ->> 'community', '(.)社区$', '\1');
  v_kind      text := gulou.read_choice(p_row ->> 'kind', v_kinds);
  v_before    gulou.org;
  v_change    text;
begin
  select * into v_before from gulou.org where account_id = p_account and name = v_name;
  if v_before.org_id is null and (char_length(v_name) > 40 or not gulou.is_title(v_name)) then
    return gulou.wrong_cell(p_row, '单位', v_name, '不像单位名称', '1到40个字，至少有一个汉字或字母，不以 = + - @ # 开头，不含 < > | 和看不见的字符');
  elsif p_row ? 'kind' and v_kind is null then
    return gulou.wrong_cell(p_row, '类别', p_row ->> 'kind', '没有这个类别', '机关党组织、报到单位、区域党委之一');
  elsif char_length(v_community) > 20 or v_community ~ '[[:digit:]]' or not gulou.is_title(v_community) then
    return gulou.wrong_cell(p_row, '社区', v_community, '不像社区名称', '例如：前进');
  end if;
  if v_before.org_id is null then
    insert into gulou.org
    select p_account, coalesce(max(org_id), 0) + 1, v_name, coalesce(v_kind, 'reporting_unit'), v_community
    from gulou.org where account_id = p_account;
    return gulou.outcome(v_name, 'new', v_name);
  end if;
  v_change := concat_ws('，',
    case when v_kind <> v_before.kind then format('类别 %s → %s', v_kinds -> v_before.kind ->> 0, v_kinds -> v_kind ->> 0) end,
    case when v_community is distinct from coalesce(v_before.community, '') and v_community is not null
         then format('社区 %s → %s', coalesce(v_before.community, '（空）'), v_community) end);
  update gulou.org set kind = coalesce(v_kind, kind), community = coalesce(v_community, community)
  where account_id = p_account and org_id = v_before.org_id and v_change <> '';
  return gulou.outcome(v_name, case when v_change = '' then 'same' else 'changed' end, v_name || '：' || v_change);
end $$;

-- ---------------------------------------------------------------- members

-- "审核员、管理员" as roles in order; {} for 成员; NULL when something else is there.
create or replace function gulou.read_roles(p_text text) returns text[] language plpgsql immutable strict as $$
declare
  v_roles text[] := '{}';
  v_word  text;
begin
  foreach v_word in array regexp_split_to_array(normalize(btrim(p_text), NFKC), '[、,;/+和[:space:]]+') loop
    if v_word in ('审核员', '审核', '审核人', '审核人员') then
      v_roles := v_roles || 'reviewer'::text;
    elsif v_word in ('管理员', '管理') then
      v_roles := v_roles || 'administrator'::text;
    elsif v_word not in ('成员', '党员', '在职党员', '普通成员', '无') then
      return null;
    end if;
  end loop;
  return (select coalesce(array_agg(distinct role order by role), '{}') from unnest(v_roles) as role);
end $$;

create or replace function gulou.role_words(p_roles text[]) returns text language sql immutable as $$
  select coalesce(string_agg(case role when 'reviewer' then '审核员' else '管理员' end, '、' order by role desc), '成员')
  from unnest(p_roles) as role
$$;

create or replace function gulou.roles_of(p_account text, p_member int) returns text[] language sql stable as $$
  select coalesce(array_agg(role order by role), '{}') from gulou.member_role
  where account_id = p_account and member_id = p_member
$$;

-- A row in the member's history without a change of state.
create or replace function gulou.note_member(p_account text, p_member int, p_reason text, p_request text) returns void
language sql as $$
  select gulou.move_member(p_account, p_member, status, null, p_reason, p_request)
  from gulou.member where account_id = p_account and member_id = p_member
$$;

create or replace function gulou.set_roles(p_account text, p_member int, p_roles text[], p_request text) returns void
language plpgsql as $$
begin
  delete from gulou.member_role where account_id = p_account and member_id = p_member and role <> all (p_roles);
  insert into gulou.member_role select p_account, p_member, role from unnest(p_roles) as role on conflict do nothing;
  perform gulou.note_member(p_account, p_member, '角色：' || gulou.role_words(p_roles), p_request);
  perform gulou.want_tags(p_account);
end $$;

-- From that day the member belongs to another unit; what was before stays with the old one (domain 9.1). NULL, or why
-- it cannot be.
create or replace function gulou.transfer(p_account text, p_member int, p_org int, p_day date, p_request text)
returns text language plpgsql as $$
declare
  v_now  gulou.member_org;
  v_last date;
begin
  select * into v_now from gulou.member_org
  where account_id = p_account and member_id = p_member and during @> p_day for update;
  if v_now.member_id is null then
    return '这一天不属于任何单位';
  elsif upper(v_now.during) is not null then
    return format('%s 已登记另一次调动', upper(v_now.during));
  end if;
  -- Whatever was declared stands with the unit of its day.
  select max(gulou.local_day(ended_at - interval '1 microsecond')) into v_last from gulou.declaration
  where account_id = p_account and member_id = p_member and org_id <> p_org
    and status not in ('withdrawn', 'rejected_final', 'voided', 'revoked');
  if v_last >= p_day then
    return format('%s 还有以原单位申报的服务，调动日期最早可填 %s', v_last, v_last + 1);
  end if;
  if lower(v_now.during) = p_day then
    update gulou.member_org set org_id = p_org
    where account_id = p_account and member_id = p_member and during = v_now.during;
  else
    update gulou.member_org set during = daterange(lower(during), p_day)
    where account_id = p_account and member_id = p_member and during = v_now.during;
    insert into gulou.member_org values (p_account, p_member, p_org, daterange(p_day, null));
  end if;
  perform gulou.note_member(p_account, p_member, format('调动：%s 起', p_day), p_request);
  return null;
end $$;

-- Members of this name in the unit on the day, or in any unit.
create or replace function gulou.members_named(p_account text, p_name text, p_org int, p_day date) returns int[]
language sql stable as $$
  select coalesce(array_agg(m.member_id order by m.member_id), '{}') from gulou.member m
  where m.account_id = p_account and m.name = p_name and m.status not in ('left', 'erased')
    and (p_org is null or gulou.org_on(p_account, m.member_id, p_day) = p_org)
$$;

create or replace function gulou.unit_names(p_account text, p_members int[], p_day date) returns text
language sql stable as $$
  select string_agg(format('%s（编号 %s）', coalesce(o.name, '无单位'), member), '、' order by member)
  from unnest(p_members) as member
  left join gulou.org o on o.account_id = p_account and o.org_id = gulou.org_on(p_account, member, p_day)
$$;

-- Who the row is about: {"member"} when known, {} when new, or {"wrong"}.
create or replace function gulou.member_of_row(p_account text, p_row jsonb, p_org int, p_day date) returns jsonb
language plpgsql stable as $$
declare
  v_name   text := p_row ->> 'name';
  v_number numeric := gulou.read_number(p_row ->> 'number');
  v_before int;
  v_found  int[];
  v_known  gulou.member;
begin
  if p_row ? 'number' then
    if v_number is null or v_number <> trunc(v_number) or v_number not between 1 and 999999999 then
      return gulou.wrong_cell(p_row, '编号', p_row ->> 'number', '不是编号', '整数；新成员可以空着，由系统编号');
    end if;
    select * into v_known from gulou.member where account_id = p_account and member_id = v_number;
    if v_known.member_id is null then
      return '{}';
    elsif v_known.status in ('left', 'erased') or v_known.name is distinct from v_name then
      return gulou.wrong_cell(p_row, '编号', p_row ->> 'number', format('编号 %s 是%s', v_number,
        case when v_known.name is null then '已注销的成员' when v_known.status = 'left' then '已离开的成员'
             else v_known.name end), '请核对编号与姓名');
    end if;
    return jsonb_build_object('member', v_known.member_id);
  end if;
  if p_row ? 'before' then
    select org_id into v_before from gulou.org where account_id = p_account and name = p_row ->> 'before';
    if v_before is null then
      return gulou.wrong_cell(p_row, '原单位', p_row ->> 'before', '没有这个单位', '与单位名册中的写法一致');
    end if;
    v_found := gulou.members_named(p_account, v_name, v_before, p_day);
    if v_found = '{}' then       -- read a second time: already there
      select coalesce(array_agg(m), '{}') into v_found
      from unnest(gulou.members_named(p_account, v_name, p_org, p_day)) as m
      where exists (select from gulou.member_org where account_id = p_account and member_id = m and org_id = v_before);
    end if;
    if v_found = '{}' then
      return gulou.wrong_cell(p_row, '原单位', p_row ->> 'before', format('%s没有名叫%s的成员', p_row ->> 'before', v_name),
                              '请核对原单位；新成员把“原单位”空着');
    end if;
  else
    v_found := gulou.members_named(p_account, v_name, p_org, p_day);
  end if;
  if cardinality(v_found) > 1 then
    return gulou.wrong_cell(p_row, '姓名', v_name, '同一单位有几位同名的成员',
                            format('请在“编号”中填是哪一位：%s', array_to_string(v_found, '、')));
  end if;
  return case when v_found = '{}' then '{}' else jsonb_build_object('member', v_found[1]) end;
end $$;

create or replace function gulou.import_member(p_account text, p_row jsonb, p_request text) returns jsonb
language plpgsql as $$
declare
  v_name   text := p_row ->> 'name';
  v_today  date := gulou.local_day(gulou.now_());
  v_day    date := case when p_row ? 'day' then gulou.read_day(p_row ->> 'day') else v_today end;
  v_roles  text[] := gulou.read_roles(p_row ->> 'role');
  v_org    int;
  v_who    jsonb;
  v_member int;
  v_others int[];
  v_why    text;
  v_change text[] := '{}';
  v_result jsonb;
begin
  select org_id into v_org from gulou.org where account_id = p_account and name = p_row ->> 'unit';
  if v_org is null then
    return gulou.wrong_cell(p_row, '单位', p_row ->> 'unit', '没有这个单位', '与单位名册中的写法一致，或先导入单位');
  elsif char_length(v_name) not between 2 and 20 or v_name !~ '^[A-Za-zÀ-ɏ〇㐀-鿿豈-﫿𠀀-𲎯·•・‧∙ .-]+$' then
    return gulou.wrong_cell(p_row, '姓名', v_name, '不像姓名', '2到20个字，不含数字和符号');
  elsif p_row ? 'role' and v_roles is null then
    return gulou.wrong_cell(p_row, '角色', p_row ->> 'role', '没有这个角色', '成员、审核员、管理员；兼任写“审核员、管理员”');
  elsif v_day is null then
    return gulou.wrong_cell(p_row, '日期', p_row ->> 'day', '不是日期', '例如 2026-12-01');
  end if;
  v_who := gulou.member_of_row(p_account, p_row, v_org, v_day);
  if v_who ? 'wrong' then
    return v_who;
  end if;
  v_member := (v_who ->> 'member')::int;
  if v_member is null then
    v_others := gulou.members_named(p_account, v_name, null, v_day);
    v_member := gulou.make_member(p_account, coalesce(gulou.read_number(p_row ->> 'number')::int,
      gulou.next_member(p_account)), v_org, v_name, null, '名册导入', p_request);
    if v_roles <> '{}' then
      perform gulou.set_roles(p_account, v_member, v_roles, p_request);
    end if;
    return gulou.outcome(v_member::text, 'new', format('%s（%s）', v_name, p_row ->> 'unit'))
      || jsonb_build_object('member', v_member)
      || case when v_others = '{}' then '{}' else jsonb_build_object('note', format(
           '第%s行 %s：%s已有同名成员。若是同一人调动，请填“原单位”', p_row ->> 'row', v_name,
           gulou.unit_names(p_account, v_others, v_day))) end;
  end if;
  if gulou.org_on(p_account, v_member, v_day) is distinct from v_org then
    v_why := gulou.transfer(p_account, v_member, v_org, v_day, p_request);
    if v_why is not null then
      return gulou.wrong_cell(p_row, '日期', v_day::text, format('%s不能这天调动', v_name), v_why);
    end if;
    v_change := v_change || format('%s 起属于%s', v_day, p_row ->> 'unit');
  end if;
  if v_roles <> gulou.roles_of(p_account, v_member) then
    v_change := v_change || format('角色 %s → %s', gulou.role_words(gulou.roles_of(p_account, v_member)),
                                   gulou.role_words(v_roles));
    perform gulou.set_roles(p_account, v_member, v_roles, p_request);
  end if;
  return gulou.outcome(v_member::text, case when v_change = '{}' then 'same' else 'changed' end,
                       format('%s：%s', v_name, array_to_string(v_change, '，')));
end $$;

-- ---------------------------------------------------------------- items

-- 40 is an item's number, 0801 (in Excel often 801) its code. NULL when it is neither; `item` is NULL for a new one.
create or replace function gulou.read_item(p_account text, p_text text, out item int, out code text, out good boolean)
language plpgsql stable as $$
declare
  v_number numeric := gulou.read_number(p_text);
begin
  good := v_number = trunc(v_number) and v_number between 1 and 9999;
  if good and v_number < 100 and gulou.plain(p_text) !~ '^0\d\d\d' then
    item := (select i.item from gulou.service_item i where i.account_id = p_account and i.item = v_number);
  elsif good then
    code := lpad(trunc(v_number)::text, 4, '0');
    item := (select i.item from gulou.service_item i where i.account_id = p_account and i.code = read_item.code);
  end if;
end $$;

-- A category of this name; a new one comes last.
create or replace function gulou.take_category(p_account text, p_name text, out category int, out is_new boolean)
language plpgsql as $$
begin
  category := (select c.category from gulou.service_category c where c.account_id = p_account and c.name = p_name);
  is_new := category is null;
  if is_new then
    category := (select coalesce(max(c.category), 0) + 1 from gulou.service_category c where c.account_id = p_account);
    insert into gulou.service_category values (p_account, category, 'category_' || category, p_name);
  end if;
end $$;

-- The first free code of the category.
create or replace function gulou.free_code(p_account text, p_category int) returns text language sql stable as $$
  select min(code) from (select lpad(p_category::text, 2, '0') || lpad(n::text, 2, '0') as code
                         from generate_series(1, 99) as n) as codes
  where code not in (select i.code from gulou.service_item i where i.account_id = p_account)
$$;

create or replace function gulou.item_change(p_before gulou.service_item, p_after gulou.service_item) returns text
language sql stable as $$
  select concat_ws('，',
    case when p_after.name <> p_before.name then format('名称 %s → %s', p_before.name, p_after.name) end,
    case when p_after.category <> p_before.category then '类别' end,
    case when p_after.basis <> p_before.basis then format('计分方式 → %s', case p_after.basis when 'hour' then '按小时' else '按次' end) end,
    case when p_after.points <> p_before.points then format('分值 %s → %s', p_before.points, p_after.points) end,
    case when p_after.proof <> p_before.proof then format('佐证 → %s', case p_after.proof when 'required' then '必须' else '欢迎' end) end)
$$;

create or replace function gulou.import_item(p_account text, p_row jsonb) returns jsonb language plpgsql as $$
declare
  v_known    record := gulou.read_item(p_account, p_row ->> 'number');
  v_basis    text := gulou.read_choice(p_row ->> 'basis', '{"hour":["按小时","小时","每小时","按时"],"task":["按次","次","每次"]}');
  v_proof    text := gulou.read_choice(p_row ->> 'proof', '{"required":["必须","必需","要","是","需要"],"welcome":["欢迎","可选","否","不需要","无"]}');
  v_points   numeric := gulou.read_number(p_row ->> 'points');
  v_before   gulou.service_item;
  v_after    gulou.service_item;
  v_category record;
  v_other    int;
  v_open     int;
  v_change   text;
begin
  if not coalesce(v_known.good, false) then
    return gulou.wrong_cell(p_row, '项目编号', p_row ->> 'number', '不是项目编号', '例如 45，或四位编码 0809');
  elsif p_row ? 'basis' and v_basis is null then
    return gulou.wrong_cell(p_row, '计分方式', p_row ->> 'basis', '没有这种方式', '按小时，或按次');
  elsif p_row ? 'proof' and v_proof is null then
    return gulou.wrong_cell(p_row, '佐证', p_row ->> 'proof', '没有这种要求', '必须，或欢迎');
  elsif p_row ? 'points' and (v_points is null or v_points <> trunc(v_points) or v_points not between 1 and 1000) then
    return gulou.wrong_cell(p_row, '分值', p_row ->> 'points', '不是分值', '1到1000的整数');
  elsif char_length(p_row ->> 'name') > 30 or not gulou.is_title(p_row ->> 'name') then
    return gulou.wrong_cell(p_row, '名称', p_row ->> 'name', '名称太长或有不能用的符号',
                            '1到30个字，至少有一个汉字或字母，不以 = + - @ # 开头，不含 < > | 和看不见的字符');
  elsif char_length(p_row ->> 'category') > 30 or not gulou.is_title(p_row ->> 'category') then
    return gulou.wrong_cell(p_row, '类别', p_row ->> 'category', '类别太长或有不能用的符号',
                            '1到30个字，至少有一个汉字或字母，不以 = + - @ # 开头，不含 < > | 和看不见的字符');
  end if;
  select * into v_before from gulou.service_item where account_id = p_account and item = v_known.item;
  if v_before.item is null and not p_row ?& array['category', 'name', 'basis', 'points'] then
    return gulou.wrong_cell(p_row, '项目编号', p_row ->> 'number', '这是新项目，还缺内容', '新项目要填类别、名称、计分方式、分值');
  end if;
  v_after := v_before;
  v_after.account_id := p_account;
  if p_row ? 'category' then
    v_category := gulou.take_category(p_account, p_row ->> 'category');
    v_after.category := v_category.category;
  end if;
  v_after.name := coalesce(p_row ->> 'name', v_before.name);
  v_after.basis := coalesce(v_basis, v_before.basis);
  v_after.points := coalesce(v_points::int, v_before.points);
  v_after.proof := coalesce(v_proof, v_before.proof, 'welcome');
  if v_after.basis = 'hour' and v_after.points % 2 = 1 then
    return gulou.wrong_cell(p_row, '分值', v_after.points::text, '按小时的分值要是双数', '半小时计一半，例如 10');
  end if;
  select item into v_other from gulou.service_item
  where account_id = p_account and name = v_after.name and item is distinct from v_before.item;
  if v_other is not null then
    return gulou.wrong_cell(p_row, '名称', v_after.name, format('项目 %s 已经用了这个名称', v_other), '换一个名称，或改用那个编号');
  end if;
  if v_before.item is null then
    v_after.item := case when v_known.code is null then gulou.read_number(p_row ->> 'number')::int
      else (select coalesce(max(item), 0) + 1 from gulou.service_item where account_id = p_account) end;
    v_after.code := coalesce(v_known.code, gulou.free_code(p_account, v_after.category));
    insert into gulou.service_item select (v_after).*;
    return gulou.outcome(v_after.item::text, 'new', format('%s %s', v_after.item, v_after.name))
      || case when v_category.is_new then jsonb_build_object('note', format('第%s行 类别“%s”是新的，请确认不是笔误',
              p_row ->> 'row', p_row ->> 'category')) else '{}' end;
  end if;
  v_change := gulou.item_change(v_before, v_after);
  if (v_after.category, v_after.basis, v_after.points) <> (v_before.category, v_before.basis, v_before.points) then
    -- What somebody was promised is what a reviewer counts.
    select count(*) into v_open from gulou.declaration where account_id = p_account and item = v_before.item
      and status in ('draft', 'submitted', 'in_review', 'returned', 'rejected', 'appealed');
    if v_open > 0 then
      return gulou.wrong_cell(p_row, '项目编号', p_row ->> 'number', format('项目 %s 有 %s 条申报还没有办完，现在不能改：%s',
        v_before.item, v_open, v_change), '等审核办完再改，或用一个新编号');
    end if;
  end if;
  update gulou.service_item set category = v_after.category, name = v_after.name, basis = v_after.basis,
                                points = v_after.points, proof = v_after.proof
  where account_id = p_account and item = v_before.item and v_change <> '';
  return gulou.outcome(v_before.item::text, case when v_change = '' then 'same' else 'changed' end,
                       format('%s %s：%s', v_before.item, v_before.name, v_change));
end $$;

-- ---------------------------------------------------------------- the calendar of working days

-- One day of the file. What is a plain weekday or weekend without a word about it is not kept.
create or replace function gulou.import_day(p_row jsonb) returns jsonb language plpgsql as $$
declare
  v_day    date := gulou.read_day(p_row ->> 'day');
  v_answer text := gulou.read_choice(p_row ->> 'workday', '{"yes":["是","上班","工作日","调休上班","补班","1"],
                                                            "no":["否","放假","休息","休息日","节假日","0"]}');
  v_work   boolean := v_answer = 'yes';
  v_before gulou.workday_calendar;
  v_after  gulou.workday_calendar;
begin
  if v_day is null then
    return gulou.wrong_cell(p_row, '日期', p_row ->> 'day', '不是日期', '例如 2027-01-01');
  elsif v_answer is null then
    return gulou.wrong_cell(p_row, '是否工作日', p_row ->> 'workday', '没看懂', '是，或否');
  end if;
  select * into v_before from gulou.workday_calendar where day = v_day;
  if (extract(isodow from v_day) < 6) <> v_work or p_row ? 'note' then
    v_after := row(v_day, v_work, left(coalesce(p_row ->> 'note', case when v_work then '调休上班' else '放假' end), 40));
    insert into gulou.workday_calendar select (v_after).*
    on conflict (day) do update set workday = excluded.workday, note = excluded.note;
  else
    delete from gulou.workday_calendar where day = v_day;
  end if;
  return gulou.outcome(v_day::text,
    case when (v_before.day, v_before.workday, v_before.note) is not distinct from
              (v_after.day, v_after.workday, v_after.note) then 'same' when v_before.day is null then 'new' else 'changed' end,
    format('%s %s', v_day, case when v_work then '上班' else '放假' end));
end $$;

-- The public holidays that a year needs, and which the calendar has: {"found","missing"}.
create or replace function gulou.holidays_of(p_year int) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'found', string_agg(format('%s %s', name, days), '，' order by place) filter (where days is not null),
    'missing', string_agg(name, '、' order by place) filter (where days is null))
  from unnest(array['元旦', '春节', '清明', '劳动', '端午', '中秋', '国庆']) with ordinality as listed (name, place)
  cross join lateral (
    select to_char(min(day), 'MM-DD') || case when max(day) > min(day) then to_char(max(day), '至MM-DD') else '' end as days
    from gulou.workday_calendar
    where extract(year from day) = p_year and not workday and strpos(note, name) > 0) as own
$$;

-- After the last row: what the file does not name goes, the years must be whole, and no window may become too short.
create or replace function gulou.import_calendar_end(p_rows jsonb) returns jsonb language plpgsql as $$
declare
  v_days     date[] := (select array_agg(gulou.read_day(row ->> 'day')) from jsonb_array_elements(p_rows) as row);
  v_wrong    jsonb := '[]';
  v_notes    jsonb := '[]';
  v_changes  jsonb := '[]';
  v_holidays jsonb;
  v_gone     date;
  v_year     int;
  v_notice   record;
begin
  for v_year in select distinct extract(year from day)::int from unnest(v_days) as day where day is not null order by 1 loop
    for v_gone in delete from gulou.workday_calendar
                  where extract(year from day) = v_year and day <> all (v_days) returning day loop
      v_changes := v_changes || to_jsonb(format('%s 不再是例外', v_gone));
    end loop;
    v_holidays := gulou.holidays_of(v_year);
    if v_holidays ->> 'missing' is not null then
      v_wrong := v_wrong || (gulou.wrong_cell('{"row":null}', '说明', v_year::text,
        format('%s年缺少：%s', v_year, v_holidays ->> 'missing'), '一年的节假日要齐全，“说明”中写节日名称') -> 'wrong');
    else
      insert into gulou.workday_year values (v_year) on conflict do nothing;
      v_notes := v_notes || to_jsonb(format('%s年：%s；调休上班 %s 天', v_year, v_holidays ->> 'found',
        (select count(*) from gulou.workday_calendar where extract(year from day) = v_year and workday
           and extract(isodow from day) > 5)));
    end if;
  end loop;
  -- What is published stays until the hour that was published; a longer window is the administrators' decision.
  for v_notice in select title, closes_at, gulou.closes_at(gulou.local_day(opened_at), 3) as least,
                         gulou.closes_at(gulou.local_day(opened_at), window_days) as usual
                  from gulou.announcement
                  where (select array_agg(extract(year from day)) from unnest(v_days) as day)
                        && array[extract(year from gulou.local_day(opened_at)), extract(year from gulou.local_day(closes_at))] loop
    if v_notice.closes_at < v_notice.least then
      v_wrong := v_wrong || (gulou.wrong_cell('{"row":null}', '日期', '', format('这样改，“%s”的公示期就不足3个工作日',
        v_notice.title), '公示期内的日子不能改成放假') -> 'wrong');
    elsif v_notice.closes_at > gulou.now_() and v_notice.closes_at <> v_notice.usual then
      v_notes := v_notes || to_jsonb(format('“%s”正在公示，截止日期不变：%s', v_notice.title,
                                            gulou.local_day(v_notice.closes_at - interval '1 microsecond')));
    end if;
  end loop;
  return jsonb_build_object('wrong', v_wrong, 'notes', v_notes, 'changes', v_changes);
end $$;

-- ---------------------------------------------------------------- rules

-- The number of a cell as the table keeps it, and what is allowed.
create or replace function gulou.rule_numbers() returns table (field text, factor int, low int, high int)
language sql immutable as $$
  values ('declaration_half_hours', 2, 1, 48), ('day_cap', 1, 1, 100000), ('week_cap', 1, 1, 100000),
    ('period_cap', 1, 1, 100000), ('category_cap', 1, 1, 100000), ('days_back', 1, 1, 366), ('returns_max', 1, 0, 10),
    ('window_days', 1, 3, 7), ('debt_floor', 1, -500, 0), ('answer_days', 1, 1, 30), ('false_penalty', 1, 0, 1000),
    ('declare_until', 1, 1, 28), ('review_until', 1, 1, 28), ('freeze_from', 1, 1, 28), ('publish_by', 1, 1, 28),
    ('open_objections', 1, 1, 1000)
$$;

create or replace function gulou.import_rule(p_account text, p_row jsonb) returns jsonb language plpgsql as $$
declare
  v_from   date := gulou.read_day(p_row ->> 'valid_from');
  v_today  date := gulou.local_day(gulou.now_());
  v_own    gulou.rule_version;
  v_base   gulou.rule_version;
  v_after  gulou.rule_version;
  v_values jsonb := '{}';
  v_number numeric;
  v_kind   text;
  v_rule   record;
begin
  if v_from is null then
    return gulou.wrong_cell(p_row, '生效日期', p_row ->> 'valid_from', '不是日期', '例如 2027-01-01');
  end if;
  for v_rule in select * from gulou.rule_numbers() where p_row ? field loop
    v_number := gulou.read_number(p_row ->> v_rule.field) * v_rule.factor;
    if v_number is null or v_number <> trunc(v_number) or v_number not between v_rule.low and v_rule.high then
      return gulou.wrong_cell(p_row, gulou.column_of('rules', v_rule.field), p_row ->> v_rule.field, '超出范围或不是数字',
        format('%s到%s', round(v_rule.low::numeric / v_rule.factor, v_rule.factor - 1),
               round(v_rule.high::numeric / v_rule.factor, 0)));
    end if;
    v_values := v_values || jsonb_build_object(v_rule.field, v_number::int);
  end loop;
  if p_row ? 'period_kind' then
    v_kind := case when p_row ->> 'period_kind' ~ '^(按)?(季度?)$' then 'quarter' when p_row ->> 'period_kind' ~ '^(按)?(月|每月|月度)$' then 'month' end;
    if v_kind is null then
      return gulou.wrong_cell(p_row, '计分周期', p_row ->> 'period_kind', '不认识', '季度 或 月');
    end if;
    v_values := v_values || jsonb_build_object('period_kind', v_kind);
  end if;
  select * into v_own from gulou.rule_version where account_id = p_account and valid_from = v_from;
  select * into v_base from gulou.rule_version where account_id = p_account and valid_from <= v_from
  order by valid_from desc limit 1;
  if v_base.rule_version is null then
    return gulou.wrong_cell(p_row, '生效日期', v_from::text, '早于最初的规则', format('%s 或以后', v_today + 1));
  end if;
  v_after := jsonb_populate_record(v_base, v_values || jsonb_build_object('valid_from', v_from, 'rule_version',
    coalesce(v_own.rule_version, (select max(rule_version) + 1 from gulou.rule_version where account_id = p_account))));
  if v_own is not distinct from v_after then
    return gulou.outcome(v_from::text, 'same', '');
  elsif v_from <= v_today then
    return gulou.wrong_cell(p_row, '生效日期', v_from::text, '规则不追溯', format('%s 或以后', v_today + 1));
  elsif v_after.day_cap > v_after.week_cap or v_after.week_cap > v_after.period_cap
        or v_after.category_cap > v_after.period_cap then
    return gulou.wrong_cell(p_row, '每日上限', p_row ->> 'day_cap', '上限之间不合理', '每日 ≤ 每周 ≤ 每季度，每类 ≤ 每季度');
  elsif v_after.declare_until > v_after.review_until or v_after.review_until >= v_after.freeze_from
        or v_after.freeze_from > v_after.publish_by then
    return gulou.wrong_cell(p_row, '冻结起始日', p_row ->> 'freeze_from', '期后日程不合理', '申报 ≤ 审核 < 冻结 ≤ 发布');
  end if;
  delete from gulou.rule_version where account_id = p_account and valid_from = v_from;
  insert into gulou.rule_version select (v_after).*;
  return gulou.outcome(v_from::text, case when v_own.rule_version is null then 'new' else 'changed' end,
                       format('%s 起的规则（第%s版）', v_from, v_after.rule_version));
end $$;

-- ---------------------------------------------------------------- the whole file

create or replace function gulou.import_row(p_kind text, p_account text, p_row jsonb, p_request text) returns jsonb
language sql as $$
  select coalesce(gulou.misplaced_cell(p_row), gulou.missing_cell(p_kind, p_row), case p_kind
    when 'units' then gulou.import_unit(p_account, p_row)
    when 'members' then gulou.import_member(p_account, p_row, p_request)
    when 'items' then gulou.import_item(p_account, p_row)
    when 'calendar' then gulou.import_day(p_row)
    when 'rules' then gulou.import_rule(p_account, p_row) end)
$$;

-- What became of all rows, in their order: {"wrong","notes","changes","members","counts"}. In one statement: what grows
-- row by row is copied with each.
create or replace function gulou.import_sum(p_kind text, p_rows jsonb, p_done jsonb[]) returns jsonb
language plpgsql stable as $$
begin
  return (
    with done as (
      select place, row, one, one ? 'wrong' as bad,
             first_value(row ->> 'row') over same as first, row_number() over same as time
      from unnest(p_done) with ordinality as each (one, place)
      join jsonb_array_elements(p_rows) with ordinality as stated (row, place) using (place)
      window same as (partition by one ? 'wrong', one ->> 'key' order by place)),
    judged as (
      select place, row, case when bad or time = 1 then one
        else gulou.wrong_cell(row, gulou.key_column(p_kind), '', format('与第%s行重复', first),
          '只留一行' || case p_kind when 'members' then '；同名的另一位请填编号' else '' end) end as one
      from done)
    select jsonb_build_object(
      'wrong', coalesce((select jsonb_agg(cell order by place, nth) from judged
                         cross join lateral jsonb_array_elements(one -> 'wrong') with ordinality as told (cell, nth)), '[]'),
      'notes', coalesce(jsonb_agg(one -> 'note' order by place) filter (where one ? 'note'), '[]'),
      'changes', coalesce(jsonb_agg(format('第%s行 %s', row ->> 'row', one ->> 'change') order by place)
                          filter (where one ->> 'outcome' = 'changed'), '[]'),
      'members', coalesce(jsonb_agg(jsonb_build_object('member', one -> 'member', 'name', row -> 'name', 'unit', row -> 'unit')
                          order by place) filter (where one ? 'member'), '[]'),
      'counts', jsonb_build_object('new', count(*) filter (where one ->> 'outcome' = 'new'),
        'changed', count(*) filter (where one ->> 'outcome' = 'changed'),
        'same', count(*) filter (where one ->> 'outcome' = 'same')))
    from judged);
end $$;

-- {"applied","new","changed","same","wrong":[{"row","column","text","problem","right"}…],"notes":[…],"changes":[…],
-- "members":[{"member","name","unit"}…] the new ones}. Each row looks for what it names by a plan that was made while
-- the tables were small: one that reads a whole table would read every row that was imported before. Where nothing else
-- helps, such a plan now counts as so dear that PostgreSQL would compile it, each time anew.
create or replace function gulou.import_file(p_kind text, p_account text, p_table jsonb, p_apply boolean,
                                             p_request text) returns jsonb language plpgsql
  set enable_seqscan = off set jit = off as $$
declare
  v_read    jsonb := gulou.read_table(p_kind, p_table);
  v_wrong   jsonb := v_read -> 'wrong';
  v_notes   jsonb := v_read -> 'notes';
  v_changes jsonb;
  v_members jsonb;
  v_counts  jsonb;
  v_done    jsonb[] := '{}';   -- what became of each row
  v_row     jsonb;
  v_one     jsonb;
begin
  perform from gulou.account where account_id = p_account for no key update;    -- one import at a time
  if v_wrong = '[]' and v_read -> 'rows' = '[]' then
    v_wrong := gulou.wrong_cell('{"row":null}', '', '', '文件里没有数据', '表头下面至少有一行') -> 'wrong';
  end if;
  begin
    for v_row in select * from jsonb_array_elements(v_read -> 'rows') loop
      v_done := array_append(v_done, gulou.import_row(p_kind, p_account, v_row, p_request));
    end loop;
    v_one := gulou.import_sum(p_kind, v_read -> 'rows', v_done);
    v_wrong := v_wrong || (v_one -> 'wrong');
    v_notes := v_notes || (v_one -> 'notes');
    v_changes := v_one -> 'changes';
    v_members := v_one -> 'members';
    v_counts := v_one -> 'counts';
    if p_kind = 'calendar' and v_wrong = '[]' then
      v_one := gulou.import_calendar_end(v_read -> 'rows');
      v_wrong := v_one -> 'wrong';
      v_notes := v_notes || (v_one -> 'notes');
      v_changes := v_changes || (v_one -> 'changes');
      v_counts := v_counts || jsonb_build_object('changed', (v_counts ->> 'changed')::int + jsonb_array_length(v_one -> 'changes'));
    end if;
    if p_kind = 'members' and v_wrong = '[]' and (select count(*) from gulou.member_role
                                                   where account_id = p_account and role = 'administrator') < 2 then
      v_notes := v_notes || to_jsonb('管理员不足两位：冻结和公示要两位管理员'::text);
    end if;
    if not p_apply or v_wrong <> '[]' then
      raise exception 'taken back' using errcode = 'GU001';
    end if;
  exception when sqlstate 'GU001' then
    null;
  end;
  return v_counts || jsonb_build_object('applied', p_apply and v_wrong = '[]', 'wrong', v_wrong, 'notes', v_notes,
    'changes', v_changes, 'members', v_members);
end $$;

-- For the operator only, see 99_rights.sql.
create or replace function api.import_units(p_account text, p_table jsonb, p_apply boolean) returns jsonb
language sql as $$ select gulou.import_file('units', p_account, p_table, p_apply, 'import') $$;

create or replace function api.import_members(p_account text, p_table jsonb, p_apply boolean) returns jsonb
language sql as $$ select gulou.import_file('members', p_account, p_table, p_apply, 'import') $$;

create or replace function api.import_items(p_account text, p_table jsonb, p_apply boolean) returns jsonb
language sql as $$ select gulou.import_file('items', p_account, p_table, p_apply, 'import') $$;

create or replace function api.import_calendar(p_account text, p_table jsonb, p_apply boolean) returns jsonb
language sql as $$ select gulou.import_file('calendar', p_account, p_table, p_apply, 'import') $$;

create or replace function api.import_rules(p_account text, p_table jsonb, p_apply boolean) returns jsonb
language sql as $$ select gulou.import_file('rules', p_account, p_table, p_apply, 'import') $$;

-- Codes for members who were made by an import in this transaction: [{"member","code"}…]; only digests are kept.
create or replace function api.import_invites(p_account text, p_invites jsonb) returns jsonb language sql as $$
  with made as (
    insert into gulou.invite
    select p_account, gulou.code_hash(p_account, i ->> 'code'), (i ->> 'member')::int
    from jsonb_array_elements(p_invites) as i returning 1)
  select jsonb_build_object('invites', (select count(*) from made))
$$;
