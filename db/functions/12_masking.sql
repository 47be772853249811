-- Names as the public sees them (domain 10).

create or replace function gulou.mask_name(p_name text) returns text language plpgsql immutable as $$
declare
  n int := char_length(p_name);
begin
  if n <= 1 then
    return '*';
  elsif p_name ~ '[A-Za-z·•]' then
    return left(p_name, 1) || repeat('*', n - 2) || case when n > 2 then right(p_name, 1) else '*' end;
  elsif left(p_name, 2) = any (array['欧阳', '司马', '上官', '诸葛', '东方', '皇甫', '尉迟', '公孙', '慕容', '令狐',
      '司徒', '夏侯', '端木', '轩辕', '南宫', '独孤', '宇文', '长孙', '司空', '澹台', '公冶', '赫连', '申屠', '太史',
      '闻人', '濮阳', '淳于', '单于', '钟离', '闾丘', '西门', '呼延', '百里', '拓跋']) and n >= 3 then
    return left(p_name, 2) || repeat('*', greatest(n - 3, 1)) || case when n >= 4 then right(p_name, 1) else '' end;
  elsif n = 2 then
    return left(p_name, 1) || '*';
  end if;
  return left(p_name, 1) || repeat('*', n - 2) || right(p_name, 1);
end $$;

-- The masked names of one list: a mask that two members share gets the last two digits of the member number.
create or replace function gulou.masked_list(p_account text, p_members int[])
returns table (member_id int, shown_name text) language sql stable as $$
  with masked as (
    select m.member_id, m.name is null as erased,
           coalesce(gulou.mask_name(m.name), '已注销成员#' || m.member_id) as mask
    from gulou.member m where m.account_id = p_account and m.member_id = any (p_members))
  select member_id, mask || case when not erased and count(*) over (partition by mask) > 1
                                 then lpad((member_id % 100)::text, 2, '0') else '' end
  from masked
$$;
