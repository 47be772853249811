-- Lots: what became available together expires together (domain 5). gulou.post_round() is the only caller, so that
-- the open lots of a member always add up to what is available (INV-04), whoever posts.

-- Points earned in a period last until the end of the year after.
create or replace function gulou.lot_expiry(p_period text) returns timestamptz language sql immutable as $$
  select gulou.local_midnight(make_date(left(p_period, 4)::int + 2, 1, 1))
$$;

-- "member.seq" names a posting where it is the source of another one.
create or replace function gulou.tx_source(p_member int, p_seq bigint) returns text language sql immutable as $$
  select p_member || '.' || p_seq
$$;

-- The posting whose lots this one takes from, or gives back to, before any other: what it takes back, releases
-- from reservation, or reverses. NULL: none.
create or replace function gulou.lots_before_others(p_tx gulou.ledger_tx) returns bigint language sql stable as $$
  select case p_tx.kind
    when 'REVERSAL' then split_part(p_tx.source_id, '.', 2)::bigint
    else (select seq from gulou.ledger_tx
          where account_id = p_tx.account_id and member_id = p_tx.member_id
            and kind = case p_tx.kind when 'UNRESERVE' then 'RESERVE' else 'RELEASE' end
            and source_type = p_tx.source_type and source_id = p_tx.source_id
          order by leg limit 1) end
$$;

-- Takes points out of open lots: the source's own first, then what expires earliest.
create or replace function gulou.eat_lots(p_tx gulou.ledger_tx, p_points bigint) returns void language sql as $$
  with queue as (
    select seq as lot_seq, left_over, sum(left_over) over (
        order by seq is not distinct from gulou.lots_before_others(p_tx) desc, expires_at, seq) as up_to
    from gulou.lot
    where account_id = p_tx.account_id and member_id = p_tx.member_id and left_over > 0),
  eaten as (
    select lot_seq, least(left_over, p_points - (up_to - left_over)) as points
    from queue where up_to - left_over < p_points),
  noted as (
    insert into gulou.lot_entry
    select p_tx.account_id, p_tx.member_id, lot_seq, p_tx.seq, -points from eaten)
  update gulou.lot l set left_over = l.left_over - eaten.points from eaten
  where l.account_id = p_tx.account_id and l.member_id = p_tx.member_id and l.seq = eaten.lot_seq
$$;

-- Gives points back to the lots that the source's posting had taken them from; returns how many found no room.
create or replace function gulou.refill_lots(p_tx gulou.ledger_tx, p_points bigint) returns bigint
language plpgsql as $$
declare
  v_lot  record;
  v_left bigint := p_points;
begin
  for v_lot in
    select l.seq, least(-e.amount, l.points - l.left_over) as room
    from gulou.lot_entry e
    join gulou.lot l on l.account_id = e.account_id and l.member_id = e.member_id and l.seq = e.lot_seq
    where e.account_id = p_tx.account_id and e.member_id = p_tx.member_id
      and e.seq = gulou.lots_before_others(p_tx) and e.amount < 0 and l.left_over < l.points
    order by l.expires_at, l.seq
  loop
    exit when v_left = 0;
    v_lot.room := least(v_lot.room, v_left);
    update gulou.lot set left_over = left_over + v_lot.room
    where account_id = p_tx.account_id and member_id = p_tx.member_id and seq = v_lot.seq;
    insert into gulou.lot_entry values (p_tx.account_id, p_tx.member_id, v_lot.seq, p_tx.seq, v_lot.room);
    v_left := v_left - v_lot.room;
  end loop;
  return v_left;
end $$;

-- What postings do to the lots; they stand in the ledger already, one of a member, and the members are locked. What
-- becomes available makes a lot, unless it goes back where it came from.
create or replace function gulou.move_lots(p_txs gulou.ledger_tx[]) returns void language plpgsql as $$
declare
  v_tx   gulou.ledger_tx;
  v_left gulou.ledger_tx[];
begin
  for v_tx in
    select tx.* from unnest(p_txs) as tx where tx.available < 0 or tx.kind in ('UNRESERVE', 'REVERSAL')
  loop
    if v_tx.available < 0 then
      perform gulou.eat_lots(v_tx, -v_tx.available);
    else
      v_tx.available := gulou.refill_lots(v_tx, v_tx.available);
      v_left := v_left || v_tx;
    end if;
  end loop;
  with made as (
    insert into gulou.lot
    select account_id, member_id, seq, available, available, gulou.lot_expiry(period)
    from (select * from unnest(p_txs) where kind not in ('UNRESERVE', 'REVERSAL')
          union all select * from unnest(v_left)) as gained
    where available > 0
    returning account_id, member_id, seq, points)
  insert into gulou.lot_entry select account_id, member_id, seq, seq, points from made;
end $$;

-- A reversal is the mirror of one earlier posting of the same member, and nothing else (INV-09): its source is
-- that posting, so that INV-08 lets it happen once.
create or replace function gulou.mirrored(p_tx gulou.ledger_tx) returns gulou.ledger_tx language plpgsql stable as $$
declare
  v_first gulou.ledger_tx;
begin
  select * into v_first from gulou.ledger_tx
  where account_id = p_tx.account_id and member_id = p_tx.member_id
    and gulou.tx_source(member_id, seq) = p_tx.source_id and seq = split_part(p_tx.source_id, '.', 2)::bigint;
  if v_first.seq is null or p_tx.source_type <> 'ledger_tx' or p_tx.leg <> 0 or v_first.kind = 'REVERSAL' then
    raise exception 'nothing that % of member % could reverse', p_tx.source_id, p_tx.member_id
      using errcode = 'restrict_violation';
  end if;
  p_tx.rule_version := v_first.rule_version;
  p_tx.period := v_first.period;
  p_tx.service_time := v_first.service_time;
  p_tx.issue := -v_first.issue;
  p_tx.pending := -v_first.pending;
  p_tx.available := -v_first.available;
  p_tx.reserved := -v_first.reserved;
  p_tx.debt := -v_first.debt;
  p_tx.redeemed := -v_first.redeemed;
  p_tx.expired := -v_first.expired;
  p_tx.revoked := -v_first.revoked;
  return p_tx;
end $$;
