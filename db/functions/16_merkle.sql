-- Merkle trees as RFC 6962 2.1 defines them. Pairing level by level, with an odd last node carried up,
-- builds the same tree as the RFC's split at the largest power of two.

create or replace function gulou.leaf_hash(p_leaf text) returns bytea language sql immutable as $$
  select sha256('\x00'::bytea || convert_to(p_leaf, 'UTF8'))
$$;

create or replace function gulou.merkle_level(p_nodes bytea[]) returns bytea[] language sql immutable as $$
  select array_agg(case when i < cardinality(p_nodes) then sha256('\x01'::bytea || p_nodes[i] || p_nodes[i + 1])
                        else p_nodes[i] end order by i)
  from generate_series(1, cardinality(p_nodes), 2) as i
$$;

-- The root over leaf hashes; the hash of nothing for no leaf at all.
create or replace function gulou.merkle_root(p_hashes bytea[]) returns bytea language plpgsql immutable as $$
begin
  if coalesce(cardinality(p_hashes), 0) = 0 then
    return sha256('');
  end if;
  while cardinality(p_hashes) > 1 loop
    p_hashes := gulou.merkle_level(p_hashes);
  end loop;
  return p_hashes[1];
end $$;

-- The audit path of leaf p_index (0-based), nearest sibling first, as hex.
create or replace function gulou.merkle_path(p_hashes bytea[], p_index int) returns jsonb
language plpgsql immutable as $$
declare
  v_path jsonb := '[]';
  v_sibling int;
begin
  while cardinality(p_hashes) > 1 loop
    v_sibling := (p_index # 1) + 1;
    if v_sibling <= cardinality(p_hashes) then
      v_path := v_path || to_jsonb(encode(p_hashes[v_sibling], 'hex'));
    end if;
    p_hashes := gulou.merkle_level(p_hashes);
    p_index := p_index / 2;
  end loop;
  return v_path;
end $$;
