-- The demonstration neighbourhood: 75 units, 260 members, five reviewers and two administrators of the office,
-- a past quarter that was lived, published and can be objected to, and the running quarter with work waiting.
-- Runs once; a second run finds it done. Names are invented.

create or replace function pg_temp.demo_units() returns void language sql as $$
  insert into gulou.org
  select 'demo', place, name, case when place <= 53 then 'office_branch' else 'reporting_unit' end,
         (array['前进', '咸熙', '东街', '中山'])[1 + (place - 1) % 4]
  from unnest(string_to_array('区发展和改革局,区教育局,区科技局,区公安分局,区民政局,区司法局,区财政局,区人社局,区自然资源局,'
    '区生态环境局,区住建局,区交通局,区水利局,区农业农村局,区商务局,区文旅局,区卫健局,区退役军人局,区应急管理局,区审计局,'
    '区市场监管局,区体育局,区统计局,区医保局,区信访局,区城管局,区大数据局,区机关事务中心,区档案馆,区委党校,区总工会,团区委,'
    '区妇联,区科协,区工商联,区残联,区红十字会,区文联,区法院,区检察院,区税务局,区气象局,区消防大队,区图书馆,区文化馆,区博物馆,'
    '区疾控中心,区妇幼保健院,区中医院,区人民医院,区第一小学,区实验小学,区第三中学,供电公司,自来水公司,燃气公司,邮政分公司,'
    '电信分公司,移动分公司,联通分公司,工商银行支行,农业银行支行,中国银行支行,建设银行支行,农商银行支行,人寿保险公司,烟草公司,'
    '新华书店,广电网络公司,公交公司,环卫公司,园林公司,粮食储备公司,城投公司,文旅投资公司', ',')) with ordinality as listed (name, place);
  insert into gulou.org values ('demo', 100, '区域党委办公室', 'committee', null);
$$;

-- 260 members in 75 units; numbers 901 to 907 are the office.
create or replace function pg_temp.demo_people() returns void language plpgsql as $$
declare
  v_family text[] := string_to_array('王,李,张,刘,陈,杨,黄,赵,周,吴,徐,孙,马,朱,胡,郭,何,林,罗,梁,宋,郑,谢,韩,唐,冯,于,董,萧,程,欧阳', ',');
  v_given  text[] := string_to_array('建国,秀英,伟,桂兰,志强,敏,玉梅,磊,丽华,军,洋,海燕,勇,艳,杰,娟,涛,明,超,秀兰,霞,平,刚,雪梅,'
    '文博,雨桐,子涵,思远,晓东,国庆,春梅,永福,嘉怡,浩然,慧敏,立新,小红', ',');
begin
  insert into gulou.member
  select 'demo', n, v_family[1 + n * 7 % 31] || v_given[1 + n * 11 % 37], 'invited' from generate_series(1, 260) as n;
  insert into gulou.member values
    ('demo', 901, '沈静', 'invited'), ('demo', 902, '许文涛', 'invited'), ('demo', 903, '曹丽', 'invited'),
    ('demo', 904, '彭志远', 'invited'), ('demo', 905, '曾玉兰', 'invited'), ('demo', 906, '田永年', 'invited'),
    ('demo', 907, '蒋晓云', 'invited');
  insert into gulou.member_org
  select 'demo', n, case when n > 900 then 100 else 1 + (n - 1) % 75 end, daterange('2020-01-01', null)
  from (select member_id as n from gulou.member where account_id = 'demo') as all_members;
  insert into gulou.member_role
  select 'demo', n, case when n <= 905 then 'reviewer' else 'administrator' end from generate_series(901, 907) as n;
  insert into gulou.invite
  select 'demo', gulou.code_hash('demo', code), n from (
    select 'DEMO' || lpad(n::text, 4, '0') as code, n from generate_series(1, 260) as n
    union all select 'REVIEW' || lpad((n - 900)::text, 2, '0'), n from generate_series(901, 905) as n
    union all select 'ADMIN' || lpad((n - 905)::text, 3, '0'), n from generate_series(906, 907) as n) as codes;
  -- They served before they had the account in WeChat: the office took their declarations on paper.
  update gulou.member set status = 'active' where account_id = 'demo';
end $$;

-- Sets the clock as `gulou clock` would; times are local.
create or replace function pg_temp.at(p_time timestamp) returns void language sql as $$
  select api.set_clock(p_time at time zone 'Asia/Shanghai')
$$;

-- The service of one member, declared on the evening of its day.
create or replace function pg_temp.demo_service(p_member int, p_day date, p_round int) returns bigint
language plpgsql as $$
declare
  v_items int[]  := array[40, 13, 41, 38, 2, 19, 8, 31, 17, 44, 36, 29, 24, 42, 1, 33, 20, 9, 14, 27];
  v_item  int    := v_items[1 + (p_member * 3 + p_round * 5) % 20];
  v_words text[] := array['在小区里巡查了两圈', '陪老人聊天、打扫屋子', '路口劝导文明出行', '清理楼道杂物', '给居民讲课答疑',
                          '上门服务，居民很满意', '组织了十几位居民参加', '帮忙调解并跟进'];
  v_made  jsonb;
begin
  v_made := gulou.declare_for('demo', p_member, 'demo', v_item::text, 60 + 30 * ((p_member + p_round) % 6),
    null, null, null, extract(year from p_day)::int, extract(month from p_day)::int, extract(day from p_day)::int,
    v_words[1 + (p_member + p_round * 3) % 8],
    case when v_item between 35 and 39
         then jsonb_build_array(jsonb_build_object('media_id', 'demo-' || p_member || '-' || p_round)) end, null);
  return (v_made ->> 'no')::bigint;
end $$;

create or replace function pg_temp.demo_quarter(p_first date, p_days int, p_members int) returns void
language plpgsql as $$
declare
  v_day  date;
  v_nos  bigint[];
  v_week bigint[] := '{}';
begin
  for i in 0 .. p_days - 1 loop
    v_day := p_first + i;
    perform pg_temp.at(v_day + time '21:00');
    select array_agg(pg_temp.demo_service(1 + (i * 37 + k * 53) % p_members, v_day, i + k)) into v_nos
    from generate_series(1, 2 + i % 3) as k;
    v_week := v_week || v_nos;
    if i % 7 = 6 or i = p_days - 1 then
      perform pg_temp.at(v_day + time '22:00');
      perform gulou.approve_many('demo', 901 + (i / 7) % 5, 'demo',
        (select array_agg(no) from gulou.declaration where no = any (v_week) and status = 'submitted'));
      v_week := '{}';
    end if;
  end loop;
end $$;

-- Two administrators freeze and publish, as they would in the chat.
create or replace function pg_temp.demo_notice(p_period text, p_freeze timestamp, p_publish timestamp) returns void
language plpgsql as $$
begin
  perform pg_temp.at(p_freeze);
  perform gulou.freeze('demo', p_period, 906, 907, 'demo');
  perform pg_temp.at(p_publish);
  perform gulou.publish('demo', p_period, 907, 906, 'demo');
end $$;

-- Work that waits: pending ones, one returned, one rejected.
create or replace function pg_temp.demo_waiting(p_today date) returns void language plpgsql as $$
declare
  v_nos bigint[];
begin
  select array_agg(pg_temp.demo_service(member, p_today - 1 - member % 3, member)) into v_nos
  from unnest(array[201, 204, 207, 211, 214, 218, 223, 229]) as member;
  perform gulou.decide(d, case d.no when v_nos[7] then 'returned' else 'rejected' end, 902,
    case d.no when v_nos[7] then '请写明服务的楼栋' else '这一天没有安排这项活动' end, 'demo')
  from gulou.declaration d where d.account_id = 'demo' and d.no in (v_nos[7], v_nos[8]);
end $$;

do $$
declare
  v_today    date := gulou.local_day(statement_timestamp());
  v_quarter  date := date_trunc('quarter', v_today)::date;
  v_past     date := (v_quarter - interval '3 months')::date;
  v_publish  date;
begin
  if exists (select from gulou.org where account_id = 'demo') then
    return;
  end if;
  perform api.sync_account('demo', '钟鼓楼区域党委');
  perform pg_temp.demo_units();
  perform pg_temp.demo_people();
  perform pg_temp.demo_quarter(v_past, v_quarter - v_past, 260);
  -- Published on the last working day before today, so that the window is open.
  v_publish := greatest(v_quarter, v_today - 1);
  perform pg_temp.demo_notice(gulou.period_of('demo', v_past), v_publish + time '09:00', v_publish + time '10:00');
  perform pg_temp.demo_quarter(greatest(v_quarter, v_today - 25), least(v_today - v_quarter, 25), 260);
  perform pg_temp.at(v_today + time '00:01');
  perform pg_temp.demo_waiting(v_today);
  perform api.set_clock(null);
  -- The demonstration's photos were never at any platform.
  update gulou.photo set status = 'failed' where account_id = 'demo';
  delete from gulou.outbox where account_id = 'demo' and kind = 'photo';
  -- Members are invited again: binding in the chat is theirs to do.
  update gulou.member set status = 'invited' where account_id = 'demo';
end $$;
