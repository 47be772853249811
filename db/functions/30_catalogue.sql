-- The service catalogue, found by number or by words.

create or replace function gulou.item_facts(p_account text, p_item int) returns jsonb
language sql stable as $$
  select jsonb_build_object('number', item, 'name', name, 'basis', basis, 'points', points::text, 'proof', proof)
  from gulou.service_item where account_id = p_account and item = p_item
$$;

-- The items that words may mean: the number, else the exact name, else every name that holds the words.
create or replace function gulou.items_of(p_account text, p_words text) returns int[]
language plpgsql stable as $$
declare
  v_words text := btrim(p_words);
  v_items int[];
begin
  if v_words ~ '^\d{1,6}$' then
    if length(v_words) < 4 then   -- by its key; a code has four digits
      return (select array[item] from gulou.service_item where account_id = p_account and item = v_words::int);
    end if;
    select array_agg(item) into v_items from gulou.service_item
    where account_id = p_account and (item = v_words::int or code = v_words and length(v_words) = 4);
    return v_items;
  end if;
  select array_agg(item) into v_items from gulou.service_item where account_id = p_account and name = v_words;
  if v_items is null and v_words <> '' then
    select array_agg(item order by item) into v_items from gulou.service_item
    where account_id = p_account and strpos(lower(name), lower(v_words)) > 0;
  end if;
  return v_items;
end $$;

create or replace function gulou.items_json(p_account text, p_items int[]) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(gulou.item_facts(p_account, item) order by item), '[]') from unnest(p_items) as item
$$;

create or replace function api.find_items(p_account text, p_openid text, p_words text) returns jsonb
language sql stable as $$
  select jsonb_build_object('items', gulou.items_json(p_account, gulou.items_of(p_account, p_words)))
$$;

-- Asked where the guided declaration begins, so that a guest learns at once what is missing.
create or replace function api.catalogue(p_account text, p_openid text) returns jsonb
language sql stable as $$
  select case when gulou.speaker(p_account, p_openid) is null then gulou.refusal('not_bound') else jsonb_build_object('categories', coalesce(jsonb_agg(jsonb_build_object(
      'number', c.category, 'code', c.code, 'name', c.name,
      'items', (select jsonb_agg(gulou.item_facts(p_account, i.item) order by i.item)
                from gulou.service_item i where i.account_id = p_account and i.category = c.category))
    order by c.category), '[]')) end
  from gulou.service_category c where c.account_id = p_account
$$;
