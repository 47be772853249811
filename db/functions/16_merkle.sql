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

-- So many levels further up, or at the root.
create or replace function gulou.merkle_climb(p_nodes bytea, p_levels int) returns bytea language plpgsql immutable as $$
begin
  while p_levels > 0 and octet_length(p_nodes) > 32 loop
    p_nodes := gulou.merkle_level(p_nodes);
    p_levels := p_levels - 1;
  end loop;
  return p_nodes;
end $$;

-- A block: so many leaves, a power of two, that its root is a node of the whole tree. Of a million lines a proof then
-- hashes a thousand leaves and the thousand blocks.
create or replace function gulou.merkle_block_levels() returns int language sql immutable as 'select 10';
create or replace function gulou.merkle_block_leaves() returns int language sql immutable as 'select 1 << gulou.merkle_block_levels()';

-- The roots of all blocks.
create or replace function gulou.merkle_branches(p_hashes bytea[]) returns bytea language sql immutable as $$
  select gulou.merkle_climb(gulou.merkle_leaves(p_hashes), gulou.merkle_block_levels())
$$;

-- The root over leaf hashes, or over the branches; the hash of nothing for no leaf at all.
create or replace function gulou.merkle_root(p_nodes bytea) returns bytea language sql immutable as $$
  select coalesce(gulou.merkle_climb(p_nodes, 64), sha256(''))
$$;

create or replace function gulou.merkle_root(p_hashes bytea[]) returns bytea language sql immutable as $$
  select gulou.merkle_root(gulou.merkle_leaves(p_hashes))
$$;

-- The audit path of node p_index (0-based) to the root, nearest sibling first, as hex.
drop function if exists gulou.merkle_path(bytea[], int);
create or replace function gulou.merkle_path(p_nodes bytea, p_index int) returns jsonb language plpgsql immutable as $$
declare
  v_path    jsonb := '[]';
  v_sibling int;
begin
  while octet_length(p_nodes) > 32 loop
    v_sibling := p_index # 1;
    if v_sibling * 32 < octet_length(p_nodes) then
      v_path := v_path || to_jsonb(encode(substr(p_nodes, v_sibling * 32 + 1, 32), 'hex'));
    end if;
    p_nodes := gulou.merkle_level(p_nodes);
    p_index := p_index / 2;
  end loop;
  return v_path;
end $$;
