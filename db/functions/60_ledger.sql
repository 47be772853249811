-- The book of points (domain 5): insert-only, double entry, one hash chain a member.

-- SHA-256(previous hash ‖ canonical fields). Canonical: the fields as jsonb text, without the hashes, times in
-- microseconds, so that no session setting can change it.
create or replace function gulou.tx_hash(p_tx gulou.ledger_tx) returns bytea language plpgsql immutable as $$
begin
  return sha256(p_tx.prev_hash || convert_to(jsonb_build_object(
    'account_id', p_tx.account_id, 'member_id', p_tx.member_id, 'seq', p_tx.seq, 'kind', p_tx.kind,
    'reason', p_tx.reason, 'source_type', p_tx.source_type, 'source_id', p_tx.source_id, 'leg', p_tx.leg,
    'rule_version', p_tx.rule_version, 'period', p_tx.period, 'actor_id', p_tx.actor_id,
    'approver_id', p_tx.approver_id, 'request_id', p_tx.request_id,
    'posted_us', (extract(epoch from p_tx.posted_at) * 1000000)::bigint,
    'service_us', (extract(epoch from p_tx.service_time) * 1000000)::bigint,
    'issue', p_tx.issue, 'pending', p_tx.pending, 'available', p_tx.available, 'reserved', p_tx.reserved,
    'debt', p_tx.debt, 'redeemed', p_tx.redeemed, 'expired', p_tx.expired, 'revoked', p_tx.revoked)::text, 'UTF8'));
end $$;

-- The posting as it will stand in the book, behind the head of its member's chain. A reversal's amounts are not the
-- caller's: they mirror what it reverses.
create or replace function gulou.chained(p_tx gulou.ledger_tx, p_head gulou.balance, p_now timestamptz)
returns gulou.ledger_tx language plpgsql stable as $$
begin
  if p_tx.kind = 'REVERSAL' then
    p_tx := gulou.mirrored(p_tx);
  end if;
  p_tx.seq := p_head.chain_seq + 1;
  p_tx.posted_at := greatest(p_now, p_head.posted_at + interval '1 microsecond');
  p_tx.prev_hash := p_head.chain_hash;
  p_tx.hash := gulou.tx_hash(p_tx);
  return p_tx;
end $$;

-- At most one posting of each member, in one statement a table. Constraints refuse what must not be: sums, bounds, a
-- second posting of the same.
create or replace function gulou.post_round(p_txs gulou.ledger_tx[], p_now timestamptz) returns void
language plpgsql as $$
declare
  v_posted gulou.ledger_tx[];
  v_moves  boolean;
begin
  with posted as (
    insert into gulou.ledger_tx
    select chained.* from unnest(p_txs) as tx
    join gulou.balance b on b.account_id = tx.account_id and b.member_id = tx.member_id
    cross join lateral gulou.chained(tx, b, p_now) as chained
    returning ledger_tx)
  select array_agg(ledger_tx), bool_or((ledger_tx).available <> 0) into v_posted, v_moves from posted;
  if cardinality(p_txs) is distinct from cardinality(v_posted) then
    raise exception 'a posting of a member without a balance' using errcode = 'no_data_found';
  end if;
  update gulou.balance b
  set pending = b.pending + tx.pending, available = b.available + tx.available, reserved = b.reserved + tx.reserved,
      debt = b.debt + tx.debt, chain_seq = tx.seq, chain_hash = tx.hash, posted_at = tx.posted_at
  from unnest(v_posted) as tx where b.account_id = tx.account_id and b.member_id = tx.member_id;
  if v_moves then
    perform gulou.move_lots(v_posted);
  end if;
end $$;

-- Posts transactions and moves the balances; each carries everything but seq, time and hashes. The caller holds the
-- locks of their members. Members' chains are independent: the first posting of every member goes together, then the
-- second of those that have one, and so on.
create or replace function gulou.post_many(p_txs gulou.ledger_tx[]) returns void language plpgsql as $$
declare
  v_now   timestamptz := gulou.now_();
  v_round gulou.ledger_tx[];
begin
  for v_round in
    select array_agg(tx order by place) from (
      select tx, place, row_number() over (partition by (tx).account_id, (tx).member_id order by place) as round
      from (select tx, row_number() over () as place from unnest(p_txs) as tx) as listed) as placed
    group by round order by round
  loop
    perform gulou.post_round(v_round, v_now);
  end loop;
end $$;

-- One posting, its member locked here if not before.
create or replace function gulou.post(p_tx gulou.ledger_tx) returns bigint language plpgsql as $$
begin
  perform from gulou.balance where account_id = p_tx.account_id and member_id = p_tx.member_id for update;
  perform gulou.post_round(array[p_tx], gulou.now_());
  return (select chain_seq from gulou.balance where account_id = p_tx.account_id and member_id = p_tx.member_id);
end $$;

-- A posting about a declaration's points, with the amounts of these books.
create or replace function gulou.declaration_tx(p_own gulou.declaration, p_kind text, p_reason text, p_period text,
  p_issue bigint, p_pending bigint, p_available bigint, p_debt bigint, p_revoked bigint, p_actor int, p_approver int,
  p_request text) returns gulou.ledger_tx language sql immutable as $$
  select row(p_own.account_id, p_own.member_id, null, p_kind, p_reason, 'declaration', p_own.no::text, 0,
    p_own.rule_version, p_period, p_actor, p_approver, p_request, null, p_own.ended_at, p_issue, p_pending,
    p_available, 0, p_debt, 0, 0, p_revoked, null, null)::gulou.ledger_tx
$$;

-- The same posted; `p_books` names the amounts that are not 0.
create or replace function gulou.post_for(p_own gulou.declaration, p_kind text, p_reason text, p_period text,
  p_books jsonb, p_actor int, p_approver int, p_request text) returns bigint language plpgsql as $$
begin
  return gulou.post(gulou.declaration_tx(p_own, p_kind, p_reason, p_period, coalesce((p_books ->> 'issue')::bigint, 0),
    coalesce((p_books ->> 'pending')::bigint, 0), coalesce((p_books ->> 'available')::bigint, 0),
    coalesce((p_books ->> 'debt')::bigint, 0), coalesce((p_books ->> 'revoked')::bigint, 0), p_actor, p_approver,
    p_request));
end $$;

-- AWARD_PENDING of approved declarations, which say what counted and in which period: issue −n, pending +n.
drop function if exists gulou.award(gulou.declaration, int, text, int, text);
create or replace function gulou.award(p_owns gulou.declaration[], p_request text) returns void language plpgsql as $$
declare
  v_txs gulou.ledger_tx[];
begin
  select array_agg(gulou.declaration_tx(own, 'AWARD_PENDING', '服务审核通过', own.period, -own.counted, own.counted, 0, 0, 0,
                                        own.reviewer_id, null, p_request))
  into v_txs from unnest(p_owns) as own where own.counted > 0;
  perform gulou.post_many(v_txs);
end $$;

-- Adds points to what the boards show, in the order of members, and returns the rows for the caches: absolute values
-- and versions.
create or replace function gulou.add_scores(p_account text, p_periods text[], p_members int[], p_orgs int[],
                                            p_points int[]) returns jsonb language plpgsql as $$
declare
  v_rows jsonb;
begin
  with added as (
    insert into gulou.period_score as s
    select p_account, period, member, org, points, nextval('gulou.score_version'), clock_timestamp()
    from (select period, member, org, sum(points) as points
          from unnest(p_periods, p_members, p_orgs, p_points) as line (period, member, org, points)
          group by period, member, org having sum(points) <> 0 order by member, period, org) as summed
    on conflict (account_id, period, member_id, org_id) do update
      set points = s.points + excluded.points, version = excluded.version, changed_at = excluded.changed_at
    returning *)
  select coalesce(jsonb_agg(jsonb_build_object('period', period, 'member', member_id, 'org', org_id,
                                               'points', points::text, 'version', version)), '[]')
  into v_rows from added;
  return v_rows;
end $$;

create or replace function gulou.add_score(p_account text, p_period text, p_member int, p_org int, p_points int)
returns jsonb language plpgsql as $$
begin
  return gulou.add_scores(p_account, array[p_period], array[p_member], array[p_org], array[p_points]) -> 0;
end $$;

-- ---------------------------------------------------------------- what a member reads

create or replace function api.balance(p_account text, p_openid text) returns jsonb
language plpgsql stable as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
  v_today  date := gulou.local_day(gulou.now_());
  v_period text := gulou.period_of(p_account, v_today);
  v_own    record;
begin
  if v_member is null then
    return gulou.refusal('not_bound');
  end if;
  select coalesce(b.available, 0) as available, coalesce(b.pending, 0) as pending, coalesce(b.reserved, 0) as reserved,
         coalesce(-b.debt, 0) as debt,
         gulou.org_on(p_account, v_member, v_today) as org,
         (select coalesce(sum(points), 0)::bigint from gulou.period_score
          where account_id = p_account and period = v_period and member_id = v_member) as score,
         (select count(*) from gulou.declaration where account_id = p_account and member_id = v_member
          and status in ('draft', 'submitted', 'in_review', 'appealed')) as waiting
  into v_own
  from (select) as asked left join gulou.balance b on b.account_id = p_account and b.member_id = v_member;
  return jsonb_build_object('member', v_member, 'org', v_own.org, 'period', v_period,
    'available', v_own.available::text, 'pending', v_own.pending::text, 'reserved', v_own.reserved::text,
    'debt', v_own.debt::text, 'score', v_own.score::text,
    'rank', case when v_own.score > 0 then 1 + gulou.members_above(p_account, v_period, v_own.score) end,
    'provisional', true, 'waiting', v_own.waiting);
end $$;

-- Every line says in which book it moved the member's points, by how much, and for what.
create or replace function api.ledger(p_account text, p_openid text, p_before bigint, p_limit int) returns jsonb
language plpgsql stable as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
begin
  if v_member is null then
    return gulou.refusal('not_bound');
  end if;
  return (
    with own as (
      select tx.*, row_number() over (order by tx.seq desc) as place
      from gulou.ledger_tx tx
      where tx.account_id = p_account and tx.member_id = v_member and tx.seq < coalesce(p_before, 9223372036854775807)
      order by tx.seq desc limit p_limit + 1),
    shown as (
      select own.*, i.name as item_name, d.no, gulou.local_day(d.started_at) as service_day,
             d.claimed, d.counted, d.cap
      from own
      left join gulou.declaration d on d.account_id = own.account_id   -- by its number: no other way has an index
        and d.no = case own.source_type when 'declaration' then own.source_id::bigint end
      left join gulou.service_item i on i.account_id = d.account_id and i.item = d.item)
    select jsonb_build_object(
      'rows', coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'at', gulou.rfc3339(posted_at), 'kind', kind,
          'reason', reason, 'pending', pending::text, 'available', available::text,
          'reserved', reserved::text, 'debt', debt::text, 'item', item_name, 'declaration', no,
          'date', service_day, 'claimed', claimed::text, 'counted', counted::text, 'cap', cap)
        order by seq desc) filter (where place <= p_limit), '[]'),
      'more', count(*) > p_limit)
    from shown);
end $$;
