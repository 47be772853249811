-- The daily seal: one Merkle root over the heads of all chains, so that no member's history can be rewritten
-- later without contradicting what was printed that day.

create or replace function gulou.chain_heads(p_account text) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_array(member_id, chain_seq, encode(chain_hash, 'hex')) order by member_id), '[]')
  from gulou.balance where account_id = p_account and chain_seq > 0
$$;

create or replace function gulou.heads_root(p_heads jsonb) returns bytea language sql immutable as $$
  select gulou.merkle_root(array_agg(gulou.leaf_hash(concat_ws('|', head ->> 0, head ->> 1, head ->> 2))
                                     order by place))
  from jsonb_array_elements(p_heads) with ordinality as listed (head, place)
$$;

-- Once a local day for every account; whoever comes second finds it done.
create or replace function api.seal_day() returns jsonb language plpgsql as $$
declare
  v_sealed jsonb;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('gulou.seal_day', 0)) then
    return '{"sealed":[]}';
  end if;
  with sealed as (
    insert into gulou.daily_seal
    select a.account_id, gulou.local_day(gulou.now_()), gulou.heads_root(h.heads), h.heads, gulou.now_()
    from gulou.account a cross join lateral (select gulou.chain_heads(a.account_id) as heads) h
    where not exists (select from gulou.daily_seal s
                      where s.account_id = a.account_id and s.day = gulou.local_day(gulou.now_()))
    returning account_id, day, root, jsonb_array_length(heads) as chains)
  select coalesce(jsonb_agg(jsonb_build_object('account', account_id, 'day', day, 'chains', chains,
                                               'root', encode(root, 'hex'))), '[]')
  into v_sealed from sealed;
  return jsonb_build_object('sealed', v_sealed);
end $$;
