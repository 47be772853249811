-- Files of an office: what they may hold, what they change, and that a trial run or one wrong row leaves nothing behind.
begin;
set client_min_messages = warning;
select plan(99);

select api.set_clock('2026-11-20 10:00+08');
select api.sync_account('t', '测试');

-- A table as the program reads it: the header in row 1, the rows from row 2.
create function file(p_columns text, variadic p_rows text[]) returns jsonb language sql as $$
  select jsonb_build_object('columns', to_jsonb(string_to_array(p_columns, '|')), 'header_row', 1, 'rows',
    (select coalesce(jsonb_agg(jsonb_build_object('row', place + 1, 'cells', to_jsonb(string_to_array(row, '|'))) order by place), '[]')
     from unnest(p_rows) with ordinality as listed (row, place)))
$$;
create function counts(p_report jsonb) returns text language sql as $$
  select concat_ws(' ', p_report ->> 'new', p_report ->> 'changed', p_report ->> 'same',
                   jsonb_array_length(p_report -> 'wrong'), p_report ->> 'applied')
$$;
-- The first wrong cell, in words.
create function fault(p_report jsonb) returns text language sql as $$
  select concat_ws(' ', w ->> 'row', w ->> 'column', w ->> 'problem') from (select p_report -> 'wrong' -> 0 as w) as first
$$;
create function remedy(p_report jsonb) returns text language sql as $$ select p_report -> 'wrong' -> 0 ->> 'right' $$;

-- ---- units
create temp table units as select file('*社 区|单位名称（必填）|类别', '前进社区|区民政局|机关', '咸熙|供电公司|', '| 区委 |区域党委') as f;
select is(counts(api.import_units('t', f, false)), '3 0 0 0 false', 'a trial run counts three new units') from units;
select is((select count(*) from gulou.org where account_id = 't'), 0::bigint, 'and leaves none');
select is(counts(api.import_units('t', f, true)), '3 0 0 0 true', 'then they are there') from units;
select is((select string_agg(concat_ws('/', org_id, name, kind, community), ' ' order by org_id) from gulou.org where account_id = 't'),
  '1/区民政局/office_branch/前进 2/供电公司/reporting_unit/咸熙 3/区委/committee', 'whatever the order of columns and the spelling of headers');
select is(counts(api.import_units('t', f, true)), '0 0 3 0 true', 'a second time nothing changes') from units;
select is(api.import_units('t', file('单位|社区', '供电公司|中山', '区民政局|'), true) -> 'changes' ->> 0,
  '第2行 供电公司：社区 咸熙 → 中山', 'a change is named, an empty cell changes nothing');
select is(fault(api.import_units('t', file('单位|类别', '甲|机关', '乙|公司'), true)), '3 类别 没有这个类别', 'a wrong cell is named');
select is((select count(*) from gulou.org where account_id = 't'), 3::bigint, 'and the good row beside it is not kept');
select is(fault(api.import_units('t', file('单位', '甲', '甲'), true)), '3 单位 与第2行重复', 'a unit stands once');
select is(fault(api.import_units('t', file('社区', '前进'), true)), '1 单位 缺少这一列', 'a column that is needed is asked for');
select is(fault(api.import_units('t', file('单位|单位名称', '甲|乙'), true)), '1 单位名称 这一列出现了两次', 'and may stand once');
select is((select string_agg(concat_ws(' ', one ->> 'row', one ->> 'column', one ->> 'text', one ->> 'problem'), '，' order by nth)
           from jsonb_array_elements(api.import_units('t', file('单位|社区', '甲|一|前进', '乙|前进| |', '|||丙', '丁|'), true) -> 'wrong') with ordinality as told (one, nth)),
  '2 C列 前进 这一列没有表头，4 D列 丙 这一列没有表头', 'a cell that no header stands above is named, a blank one is harmless');
select is(remedy(api.import_units('t', file('单位||社区', '甲|一|前进'), true)), '在表头里写上这一列的名称，或这一格空着；CSV 里一格内容含有逗号的，整格加英文双引号', 'nor does an empty header take it');
-- The program takes the first row with two cells filled for the header; what stands above it comes along.
create function below(p_above text, p_columns text, variadic p_rows text[]) returns jsonb language sql as $$
  select jsonb_build_object('columns', to_jsonb(string_to_array(p_columns, '|')), 'header_row', cardinality(above) + 1,
    'above', (select jsonb_agg(jsonb_build_object('row', place, 'cells', jsonb_build_array(cell)) order by place) from unnest(above) with ordinality as a (cell, place)),
    'rows', (select jsonb_agg(jsonb_build_object('row', cardinality(above) + 1 + place, 'cells', to_jsonb(string_to_array(row, '|'))) order by place)
             from unnest(p_rows) with ordinality as listed (row, place)))
  from string_to_array(p_above, '|') as above
$$;
create function faults(p_report jsonb) returns text language sql as $$
  select string_agg(concat_ws(' ', one ->> 'row', one ->> 'column', one ->> 'text', one ->> 'problem'), '，' order by nth)
  from jsonb_array_elements(p_report -> 'wrong') with ordinality as told (one, nth)
$$;
select is(faults(api.import_units('t', below('单位', '甲|前进', '乙|咸熙', '丙'), true)), '2 B列 前进 这一列没有表头，3 B列 咸熙 这一列没有表头',
  'a header of one column above rows of two: the cells beside it are named');
select is(faults(api.import_units('t', below('单位名册|单位', '甲|单位', '乙|机关'), true)), '3 B列 单位 这一列没有表头，4 B列 机关 这一列没有表头',
  'also where a cell of the first row looks like a header: 机关 was taken for a unit');
select is(faults(api.import_units('t', below('单位|甲', '乙|前进', '丙'), true)), '3 B列 前进 这一列没有表头', 'and where rows of one cell come first');
select is(faults(api.import_members('t', below('单位', '区委|王明', '区委|李四'), true)), '1 姓名  缺少这一列', 'a column that is needed is missing in the header''s own row');
select is(counts(api.import_units('t', file('单位名册', '单位', '甲', '乙'), false)), '2 0 0 0 false', 'a title above a header of one column is passed over');
select is(counts(api.import_units('t', below('2026年|单位', '单位|社区', '甲|前进'), false)), '1 0 0 0 false', 'a title may be called like a column');
select is(gulou.column_letters(1) || gulou.column_letters(26) || gulou.column_letters(27) || gulou.column_letters(64), 'AZAABL', 'columns are called as a spreadsheet calls them');
select is(fault(api.import_units('t', file('单位', ''), true)), ' 文件里没有数据', 'a file without rows is no file');
select matches(api.import_units('t', file('单位|负责人|序号', '甲|x|1'), false) -> 'notes' ->> 0, '“负责人”一列不认识，没有读取；能读的列：.*单位', 'an unknown column is named');
select is((select string_agg(name, ' ') from unnest(array['-1e+300', '1.2E+11', '2026-01-01', '#REF!', '=1+1甲', '@SUM(A1)', '＝甲', '…………', '12', 'a<b', repeat('甲', 41),
    U&'供电\200B公司', U&'\202E供电公司', U&'供电公司\FE0F', U&'\2800', U&'供电公司\+0E0100']) as name
  where fault(api.import_units('t', file('单位', name), true)) is distinct from '2 单位 不像单位名称'), null, 'what a spreadsheet makes of a slip is no unit, nor is an invisible twin of one');
select is(remedy(api.import_units('t', file('单位', '12'), true)), '1到40个字，至少有一个汉字或字母，不以 = + - @ # 开头，不含 < > | 和看不见的字符', 'and what would be right is said');
select is((select string_agg(name, ' ') from unnest(array['第12小学', '12333热线', 'IBM', 'A+B（中国）', '𠮷田商店', '团区委·青年', '「鼓楼」1949', 'مەكتەپ', 'བོད་ཡིག']) as name
  where counts(api.import_units('t', file('单位', name), false)) <> '1 0 0 0 false'), null, 'whatever units are really called');
select is((select count(*) from gulou.org where account_id = 't'), 3::bigint, 'nothing of this stays');
insert into gulou.org values ('t', 9, '12345', 'reporting_unit', '前进');
select is(counts(api.import_units('t', file('单位|社区', '12345|中山'), false)), '0 1 0 0 false', 'one that was there before the rule is no obstacle');
select is(fault(api.import_units('t', file('单位|社区', U&'区委|前\200B进'), true)), U&'2 社区 不像社区名称', 'a community has a name, too');

-- ---- members
create temp table members as select file('单位|姓名|角色|手机', '区民政局|王　明|审核员|13800000000', '区民政局|李四||', '供电公司|赵 云|管理员、审核员|', '供电公司|王小明|成员|') as f;
select is(counts(api.import_members('t', f, false)), '4 0 0 0 false', 'four new members') from members;
select is((select count(*) from gulou.member where account_id = 't'), 0::bigint, 'not yet');
select is(api.import_members('t', f, false) -> 'notes' ->> 0, '“手机”一列没有读取：系统不保存手机号', 'a phone number is not taken') from members;
select is(api.import_members('t', f, false) -> 'notes' ->> 1, '管理员不足两位：冻结和公示要两位管理员', 'a notice will need two') from members;
select is(jsonb_array_length(api.import_members('t', file('单位|姓名|角色', '区民政局|甲乙|管理员', '区委|丙丁|管理员'), false) -> 'notes'), 0, 'two are enough');
select is(jsonb_array_length(api.import_members('t', f, true) -> 'members'), 4, 'each is to get a code') from members;
select is((select string_agg(concat_ws('/', member_id, name, status), ' ' order by member_id) from gulou.member where account_id = 't'),
  '1/王明/invited 2/李四/invited 3/赵云/invited 4/王小明/invited', 'blanks inside names are gone, all are invited');
select is(gulou.roles_of('t', 1) || gulou.roles_of('t', 3), array['reviewer', 'administrator', 'reviewer'], 'with their roles');
select is(counts(api.import_members('t', f, true)), '0 0 4 0 true', 'a second time nothing changes') from members;
select is(api.import_members('t', file('单位|姓名|角色', '区民政局|王明|成员', '区民政局|李四|审核员'), true) -> 'changes',
  '["第2行 王明：角色 审核员 → 成员", "第3行 李四：角色 成员 → 审核员"]', 'roles change by the file');
select is((select reason from gulou.member_event where account_id = 't' and member_id = 2 order by seq desc limit 1), '角色：审核员', 'and the history says so');
select is(fault(api.import_members('t', file('单位|姓名', '区民政厅|甲乙'), true)), '2 单位 没有这个单位', 'a unit must be known');
select is(fault(api.import_members('t', file('单位|姓名', '区民政局|13800138000'), true)), '2 姓名 不像姓名', 'a number is no name');
select is(fault(api.import_members('t', file('单位|姓名', '区民政局|=甲乙()'), true)), '2 姓名 不像姓名', 'nor is a formula');
select is((select count(*) from unnest(array['欧阳娜', '𠮷田', 'Anna Müller', '买买提·艾力', '〇一']) as name
           where api.import_members('t', file('单位|姓名', '区民政局|' || name), false) ->> 'new' <> '1'), 0::bigint, 'whatever people are called');
select is(gulou.read_roles('审核员 管理员') || gulou.read_roles('管理员，审核员'), array['administrator', 'reviewer', 'administrator', 'reviewer'], 'roles however they are divided');
select is(fault(api.import_members('t', file('单位|姓名', '区民政局|'), true)), '2 姓名 没有填写', 'nor is nothing');
select is(remedy(api.import_members('t', file('单位|姓名|角色', '区民政局|李四|审合员'), true)), '成员、审核员、管理员；兼任写“审核员、管理员”', 'what would be right is said');
select is((select string_agg(concat_ws(' ', one ->> 'row', one ->> 'problem'), '，' order by nth)
           from jsonb_array_elements(api.import_units('t', file('单位', '甲', '=乙', '甲', '丙', '甲'), true) -> 'wrong') with ordinality as told (one, nth)),
          '3 不像单位名称，4 与第2行重复，6 与第2行重复', 'all that is wrong is told in the order of the rows');
select is(fault(api.import_members('t', file('单位|姓名', '区民政局|李四', '区民政局|李四'), true)), '3 姓名 与第2行重复', 'two rows may not be about one person');
select is(fault(api.import_members('t', file('单位|姓名|编号', '区民政局|李四|1'), true)), '2 编号 编号 1 是王明', 'a number goes with its name');
select is(counts(api.import_members('t', file('单位|姓名|编号', '区民政局|李四|77', '区民政局|李四|2'), true)), '1 0 1 0 true', 'a second 李四 by a number of one''s own');
select is(fault(api.import_members('t', file('单位|姓名', '区民政局|李四'), true)), '2 姓名 同一单位有几位同名的成员', 'from then on the number is needed');
select is(counts(api.import_members('t', file('单位|姓名', '供电公司|王明'), false)), '1 0 0 0 false', 'the same name elsewhere is somebody else');
select is(api.import_members('t', file('单位|姓名', '供电公司|王明'), false) -> 'notes' ->> 0,
  '第2行 王明：区民政局（编号 1）已有同名成员。若是同一人调动，请填“原单位”', 'and the office is asked');

-- ---- somebody moves (domain 9.1)
create temp table moves as select file('姓名|原单位|单位|调入日期', '王明|区民政局|供电公司|2026年11月1日') as f;
select is(api.import_members('t', f, true) -> 'changes' ->> 0, '第2行 王明：2026-11-01 起属于供电公司', 'a move is dated') from moves;
select is(gulou.org_on('t', 1, '2026-10-31') || ' ' || gulou.org_on('t', 1, '2026-11-01'), '1 2', 'what was before stays with the old unit');
select is(counts(api.import_members('t', f, true)), '0 0 1 0 true', 'moving twice is moving once') from moves;
select is(fault(api.import_members('t', file('姓名|原单位|单位', '赵云|区民政局|区委'), true)), '2 原单位 区民政局没有名叫赵云的成员', 'whoever moves must have been there');
insert into gulou.binding values ('t', 'o4', 4, now());
update gulou.member set status = 'active' where account_id = 't';
select isnt(gulou.declare_for('t', 4, 'test', '40', 60, null, null, null, 2026, 11, 15, '巡逻', null, null) ->> 'no', null, 'a service on the 15th');
select is(remedy(api.import_members('t', file('姓名|编号|单位|日期', '王小明|4|区委|2026-11-10'), true)),
  '2026-11-15 还有以原单位申报的服务，调动日期最早可填 2026-11-16', 'is not taken from the unit that it was for');
select is(counts(api.import_members('t', file('姓名|编号|单位|日期', '王小明|4|区委|2026/11/16'), true)), '0 1 0 0 true', 'the day after it is');

-- ---- invites
select is(api.import_invites('t', '[{"member":2,"code":"abcd2345"}]') ->> 'invites', '1', 'a code is kept');
select is((select count(*) from gulou.invite where account_id = 't' and code_hash = gulou.code_hash('t', 'ABCD2345')), 1::bigint, 'as its digest');

-- ---- items
select is(counts(api.import_items('t', file('项目编号|类别|名称|计分方式|分值|佐证', '45|平安文明|夜间照明检查|按小时|12|必须', '0808|平安文明|交通疏导|小时|10分|'), true)), '2 0 0 0 true', 'items by number and by code');
select is((select string_agg(concat_ws('/', item, code, name, basis, points, proof), ' ' order by item) from gulou.service_item where account_id = 't' and item > 44),
  '45/0806/夜间照明检查/hour/12/required 46/0808/交通疏导/hour/10/welcome', 'are there');
select is(api.import_items('t', file('项目编号|名称|佐证', '101|办公软件课|'), true) -> 'changes' ->> 0, '第2行 1 办公软件与公文写作课：名称 办公软件与公文写作课 → 办公软件课', 'Excel takes the 0 off 0101, we put it back');
select is(fault(api.import_items('t', file('项目编号|名称', '47|新项目'), true)), '2 项目编号 这是新项目，还缺内容', 'a new item needs everything');
select is(fault(api.import_items('t', file('项目编号|分值', '2|11'), true)), '2 分值 按小时的分值要是双数', 'half an hour counts half');
select is(fault(api.import_items('t', file('项目编号|名称', '2|=1+1'), true)), '2 名称 名称太长或有不能用的符号', 'an item''s name is no formula');
select is(fault(api.import_items('t', file('项目编号|类别|名称|计分方式|分值', U&'50|平安\200B文明|打更|按次|5'), true)), '2 类别 类别太长或有不能用的符号', 'nor is a category one with something unseen');
select is((select count(*) from gulou.service_category where account_id = 't' and name ~ U&'\200B'), 0::bigint, 'and it is not made');
select is(fault(api.import_items('t', file('项目编号|名称', '2|办公软件课'), true)), '2 名称 项目 1 已经用了这个名称', 'a name is one item''s');
select is(fault(api.import_items('t', file('项目编号|分值', '40|20'), true)), '2 项目编号 项目 40 有 1 条申报还没有办完，现在不能改：分值 10 → 20', 'what somebody was promised is counted');
select is(counts(api.import_items('t', file('项目编号|名称', '40|义务巡逻队'), true)), '0 1 0 0 true', 'its name may change, its number never');
select matches(api.import_items('t', file('项目编号|类别|名称|计分方式|分值', '50|平安文名|打更|按次|5'), false) -> 'notes' ->> 0, '类别“平安文名”是新的，请确认不是笔误', 'a category that is new is pointed at');

-- ---- the calendar (domain 9.14)
create temp table year2027 as select file('日期|是否工作日|说明', '2027-01-01|否|元旦', '2027/2/5|放假|春节', '2027.2.6|否|春节', '2027年2月7日|上班|调休上班', '20270405|否|清明节',
  '2027-05-01|否|劳动节', '2027-05-03|否|劳动节', '2027-06-09|否|端午节', '2027-09-15|否|中秋节', '2027-10-01|否|国庆节', '2027-10-02|否|国庆节', '2027-03-01|是|') as f;
select is(gulou.is_workday('2027-01-04'), null, '2027 is not known');
select is(counts(api.import_calendar('t', f, false)), '11 0 1 0 false', 'eleven days that are not as usual') from year2027;
select is(gulou.is_workday('2027-01-04'), null, 'a trial run opens no year');
select is(api.import_calendar('t', f, true) -> 'notes' ->> 0, '2027年：元旦 01-01，春节 02-05至02-06，清明 04-05，劳动 05-01至05-03，端午 06-09，中秋 09-15，国庆 10-01至10-02；调休上班 1 天', 'the holidays are shown') from year2027;
select is(array[gulou.is_workday('2027-01-01'), gulou.is_workday('2027-01-04'), gulou.is_workday('2027-02-07')], array[false, true, true], 'the year is known');
select is(counts(api.import_calendar('t', f, true)), '0 0 12 0 true', 'a second time nothing changes') from year2027;
select is(api.import_calendar('t', jsonb_set(f, '{rows}', (f -> 'rows') - 6), true) -> 'changes' ->> 0, '2027-05-03 不再是例外', 'a day that is not named any more is as usual') from year2027;
select is(gulou.is_workday('2027-05-03'), true, 'and worked again');
select is(fault(api.import_calendar('t', file('日期|是否工作日|说明', '2028-01-01|否|元旦'), true)), '说明 2028年缺少：春节、清明、劳动、端午、中秋、国庆', 'half a year is no year');
select is(gulou.is_workday('2028-01-03'), null, 'and opens nothing');
select is(fault(api.import_calendar('t', file('日期|是否工作日', '2027-02-30|否'), true)), '2 日期 不是日期', 'the 30th of February is no day');
insert into gulou.announcement (account_id, announcement_id, period, title, status, window_days, frozen_at, opened_at, closes_at, members, entries, points, root)
  values ('t', 1, '2026-Q3', '公示', 'published', 5, '2027-01-05 10:00+08', '2027-01-05 10:00+08', '2027-01-13 00:00+08', 0, 0, 0, sha256(''));
select api.set_clock('2027-01-06 10:00+08');
create function with_days(variadic p_days text[]) returns jsonb language sql as $$
  select jsonb_set(f, '{rows}', (f -> 'rows') || (select jsonb_agg(jsonb_build_object('row', 20 + place, 'cells', jsonb_build_array(day, '否', '停电')))
    from unnest(p_days) with ordinality as listed (day, place))) from year2027
$$;
select is(fault(api.import_calendar('t', with_days('2027-01-07', '2027-01-08', '2027-01-11'), true)), '日期 这样改，“公示”的公示期就不足3个工作日', 'no window becomes too short');
select is(api.import_calendar('t', with_days('2027-01-11'), true) -> 'notes' ->> 1, '“公示”正在公示，截止日期不变：2027-01-12', 'a window that runs keeps its end');
select is((select closes_at from gulou.announcement where account_id = 't'), '2027-01-13 00:00+08'::timestamptz, 'indeed');

-- ---- rules (domain 9.10)
select is(fault(api.import_rules('t', file('生效日期|每日上限', '2027-01-06|50'), true)), '2 生效日期 规则不追溯', 'rules never begin in the past');
select is(counts(api.import_rules('t', file('生效日期|每日上限|单次最多小时', '2027-02-01|50|3.5'), true)), '1 0 0 0 true', 'a new version from a day on');
select is((select (rule_version, declaration_half_hours, day_cap, week_cap)::text from gulou.rules_on('t', '2027-02-01')), '(2,7,50,160)', 'what is not said stays');
select is((gulou.rules_on('t', '2027-01-31')).day_cap, 64, 'until the day before the old one counts');
select is(counts(api.import_rules('t', file('生效日期|每日上限|单次最多小时', '2027-02-01|50|3.5'), true)), '0 0 1 0 true', 'a second time nothing changes');
select is(counts(api.import_rules('t', file('生效日期|答复工作日|虚假申报扣分', '2027-03-01|7|30'), true)), '1 0 0 0 true', 'also how objections are dealt with');
select is((select (answer_days, false_penalty, day_cap)::text from gulou.rules_on('t', '2027-03-01')), '(7,30,50)', 'upon what the version before said');
select is(remedy(api.import_rules('t', file('生效日期|公示工作日', '2027-02-01|2'), true)), '3到7', 'what is allowed is said');
select is(fault(api.import_rules('t', file('生效日期|每日上限', '2027-02-01|500'), true)), '2 每日上限 上限之间不合理', 'a day is part of a week');

-- ---- many
create function member_rows_read() returns bigint language sql as $$
  select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = 'gulou.member'::regclass
$$;
create temp table before as select member_rows_read() as n;
select api.import_members('t', (select file('单位|姓名', variadic array_agg('区委|' || chr(19968 + n) || '同志')) from generate_series(1, 1000) as n), true) is null;
select cmp_ok(member_rows_read() - n, '<', 20000::bigint, 'of a thousand members none is read for each of the others') from before;

-- ---- who may
select ok(not has_function_privilege('gulou_app', 'api.import_members(text, jsonb, boolean)', 'execute'), 'the server''s role imports nothing');

select * from finish();
rollback;
