-- What a new account starts with: the default rule set and the catalogue of 44 items (domain 6.1, 6.2). Sample
-- data of the region; the committee changes it by new versions.

create or replace function gulou.seed_rules(p_account text) returns void language sql as $$
  insert into gulou.rule_version
  values (p_account, 1, date '2025-01-01', 8, 64, 160, 400, 160, 30, 2, 5, -500)
  on conflict do nothing
$$;

create or replace function gulou.seed_catalogue(p_account text) returns void language plpgsql as $$
begin
  insert into gulou.service_category
  select p_account, place, code, name from (values
    (1, 'career_skills', '职场技能培训'), (2, 'culture_life', '文化生活'), (3, 'care_volunteer', '关心关爱志愿服务'),
    (4, 'mediation_legal', '纠纷调解'), (5, 'health_medical', '健康服务'), (6, 'education_science', '教育科普'),
    (7, 'neighbourhood_env', '小区环境'), (8, 'safety_civility', '平安文明')) as listed (place, code, name)
  on conflict do nothing;
  insert into gulou.service_item
  select p_account, place, left(code, 2)::int, code, name,
         case basis when 't' then 'task' else 'hour' end, case basis when 'p' then 16 else 10 end,
         case when place between 35 and 39 then 'required' else 'welcome' end
  from (select row_number() over (order by code) as place, code, name, basis from (values
    ('0101', '办公软件与公文写作课', 'p'), ('0102', '求职简历与面试辅导', 'p'), ('0103', '职场修复瑜伽', 'b'),
    ('0104', '沟通表达训练', 'b'), ('0105', '新媒体运营入门', 'p'), ('0106', '茶酒竹工匠技艺体验', 'b'),
    ('0201', '心灵成长读书会', 'b'), ('0202', '读书分享会', 'b'), ('0203', '书法绘画班', 'b'),
    ('0204', '合唱舞蹈辅导', 'b'), ('0205', '社区文艺演出', 'b'), ('0206', '露天电影放映', 'b'),
    ('0301', '独居老人探访', 'b'), ('0302', '微心愿圆梦', 't'), ('0303', '残疾人上门帮扶', 'b'),
    ('0304', '困难家庭慰问', 'b'), ('0305', '老年人智能手机课', 'b'), ('0306', '代办代购', 'b'),
    ('0401', '邻里纠纷调解', 'p'), ('0402', '法律援助咨询', 'p'), ('0403', '物业矛盾协商', 'p'),
    ('0404', '劳动权益咨询', 'p'), ('0405', '普法讲座', 'p'),
    ('0501', '义诊与健康检查', 'p'), ('0502', '康复理疗体验', 'p'), ('0503', '慢病管理课', 'p'),
    ('0504', '心理咨询', 'p'), ('0505', '急救技能培训', 'p'),
    ('0601', '家庭教育沟通', 'b'), ('0602', '四点钟学校辅导', 'b'), ('0603', '机器人编程课', 'p'),
    ('0604', '科普实验课', 'p'), ('0605', '假期托管看护', 'b'), ('0606', '红色故事讲解', 'b'),
    ('0701', '无物管小区修剪花草', 'b'), ('0702', '楼道清洁', 'b'), ('0703', '体育器材检修', 'b'),
    ('0704', '垃圾分类督导', 'b'), ('0705', '老旧小区基本物业对接', 'b'),
    ('0801', '义务巡逻', 'b'), ('0802', '文明劝导', 'b'), ('0803', '消防隐患排查', 'b'),
    ('0804', '夜市油烟噪音协调', 'b'), ('0805', '防诈骗宣传', 'b')) as listed (code, name, basis)) as numbered
  on conflict do nothing;
end $$;

-- Called at start for every account of the configuration.
create or replace function api.sync_account(p_account text, p_name text, p_verified boolean default false)
returns jsonb language plpgsql as $$
begin
  insert into gulou.account values (p_account, p_name, p_verified)
  on conflict (account_id) do update set name = excluded.name, verified = excluded.verified
    where (account.name, account.verified) <> (excluded.name, excluded.verified);
  if not exists (select from gulou.service_category where account_id = p_account) then
    perform gulou.seed_rules(p_account);
    perform gulou.seed_catalogue(p_account);
  end if;
  return '{}';
end $$;

-- Every date decision uses the given time onwards; NULL goes back to real time. Periods have names in these years only.
create or replace function api.set_clock(p_time timestamptz) returns jsonb language plpgsql as $$
begin
  if extract(year from p_time at time zone 'Asia/Shanghai') not between 2000 and 2099 then
    return gulou.refusal('no_such_year');
  end if;
  update gulou.clock set away_by = coalesce(p_time - statement_timestamp(), interval '0');
  return jsonb_build_object('now', gulou.rfc3339(gulou.now_()));
end $$;
