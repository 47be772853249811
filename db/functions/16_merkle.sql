-- Merkle trees as RFC 6962 2.1 defines them. Pairing level by level, with an odd last node carried up,
-- builds the same tree as the RFC's split at the largest power of two.

-- Stable, because convert_to() is: so it is written into the query that calls it for a million lines.
create or replace function gulou.leaf_hash(p_leaf text) returns bytea language sql stable as $$
  select sha256('\x00'::bytea || convert_to(p_leaf, 'UTF8'))
$$;

-- A level is one string of hashes of 32 bytes: the n-th node of an array of bytea is only found by passing over those
-- before it. generate_series() delivers in order, so nothing is sorted.
drop function if exists gulou.merkle_level(bytea[]);
create or replace function gulou.merkle_level(p_nodes bytea) returns bytea language plpgsql immutable as $$
begin
  return (
    select string_agg(case when octet_length(p_nodes) - at > 32 then sha256('\x01'::bytea || substr(p_nodes, at + 1, 64))
                           else substr(p_nodes, at + 1, 32) end, ''::bytea)
    from generate_series(0, octet_length(p_nodes) - 1, 64) as at);
end $$;

create or replace function gulou.merkle_leaves(p_hashes bytea[]) returns bytea language plpgsql immutable as $$
begin
  return (select string_agg(hash, ''::bytea) from unnest(p_hashes) as hash);
end $$;

-- The root over leaf hashes; the hash of nothing for no leaf at all.
create or replace function gulou.merkle_root(p_hashes bytea[]) returns bytea language plpgsql immutable as $$
declare
  v_nodes bytea := gulou.merkle_leaves(p_hashes);
begin
  while octet_length(v_nodes) > 32 loop
    v_nodes := gulou.merkle_level(v_nodes);
  end loop;
  return coalesce(v_nodes, sha256(''));
end $$;

-- The audit path of leaf p_index (0-based), nearest sibling first, as hex.
create or replace function gulou.merkle_path(p_hashes bytea[], p_index int) returns jsonb
language plpgsql immutable as $$
declare
  v_nodes   bytea := gulou.merkle_leaves(p_hashes);
  v_path    jsonb := '[]';
  v_sibling int;
begin
  while octet_length(v_nodes) > 32 loop
    v_sibling := p_index # 1;
    if v_sibling * 32 < octet_length(v_nodes) then
      v_path := v_path || to_jsonb(encode(substr(v_nodes, v_sibling * 32 + 1, 32), 'hex'));
    end if;
    v_nodes := gulou.merkle_level(v_nodes);
    p_index := p_index / 2;
  end loop;
  return v_path;
end $$;
