-- Names as the public sees them (domain 10).

-- Surnames of two characters. Those that are more often a common surname and the first character of a given name
-- (段干, 梁丘) are left out.
create or replace function gulou.has_double_surname(p_name text) returns boolean language sql immutable as $$
  select left(p_name, 2) = any (array['欧阳', '司马', '上官', '诸葛', '东方', '皇甫', '尉迟', '公孙', '慕容', '令狐',
    '司徒', '夏侯', '端木', '轩辕', '南宫', '独孤', '宇文', '长孙', '司空', '澹台', '公冶', '赫连', '申屠', '太史',
    '闻人', '濮阳', '淳于', '单于', '钟离', '闾丘', '西门', '呼延', '百里', '拓跋', '万俟', '公羊', '宗政', '太叔',
    '仲孙', '鲜于', '子车', '亓官', '司寇', '巫马', '公西', '颛孙', '壤驷', '漆雕', '乐正', '宰父', '谷梁', '夹谷',
    '羊舌', '微生', '左丘', '东郭', '南门', '第五', '纳兰', '完颜', '耶律', '南荣', '东里', '达奚', '褚师'])
$$;

-- Blanks inside a Chinese name are typography and would count as characters.
create or replace function gulou.mask_name(p_name text) returns text language plpgsql immutable as $$
declare
  v_plain   boolean := p_name ~ '^[一-鿿]*$';   -- nearly all: nothing more to look for
  v_foreign boolean := not v_plain and p_name ~ '[A-Za-zÀ-ɏＡ-Ｚａ-ｚ·•・‧∙]';
  v_name    text := case when v_plain then p_name when v_foreign then btrim(p_name, E' \t　') else regexp_replace(p_name, '[\s　]', '', 'g') end;
  n         int := char_length(v_name);
begin
  if n <= 1 then
    return '*';
  elsif n = 2 then
    return left(v_name, 1) || '*';
  elsif not v_foreign and gulou.has_double_surname(v_name) then
    return left(v_name, 2) || repeat('*', greatest(n - 3, 1)) || case when n >= 4 then right(v_name, 1) else '' end;
  end if;
  return left(v_name, 1) || repeat('*', n - 2) || right(v_name, 1);
end $$;

-- The names of one list, told apart: who shares one gets the last two digits of the member number, and the whole
-- number where those are the same, too.
create or replace function gulou.told_apart(p_members int[], p_names text[])
returns table (member_id int, shown_name text) language sql immutable as $$
  with named as (
    select member, name, count(*) over (partition by name) as alike,
           count(*) over (partition by name, member % 100) as alike_still
    from unnest(p_members, p_names) as listed (member, name))
  select member, name || case when alike = 1 or name like '已注销成员#%' then ''
                              when alike_still = 1 then lpad((member % 100)::text, 2, '0')
                              else lpad(member::text, greatest(2, length(member::text)), '0') end
  from named
$$;

create or replace function gulou.masked_list(p_account text, p_members int[])
returns table (member_id int, shown_name text) language plpgsql stable rows 10 as $$
begin
  return query
  select told.* from (
    select array_agg(m.member_id) as members,
           array_agg(coalesce(gulou.mask_name(m.name), '已注销成员#' || m.member_id)) as names
    from gulou.member m where m.account_id = p_account and m.member_id = any (p_members)) as listed
  cross join lateral gulou.told_apart(listed.members, listed.names) as told;
end $$;
