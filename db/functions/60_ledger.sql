-- The book of points (domain 5): insert-only, double entry, one hash chain a member.

-- SHA-256(previous hash ‖ canonical fields). Canonical: the fields as jsonb writes them, shorter names first, without the
-- hashes, times in microseconds, so that no session setting can change it. Written out, because building the jsonb costs
-- twice the rest of a posting; stable, so that PostgreSQL writes it into the statement.
create or replace function gulou.tx_hash(p_tx gulou.ledger_tx) returns bytea language sql stable as $$
  select sha256(p_tx.prev_hash || convert_to(format('{"leg": %s, "seq": %s, "debt": %s, "kind": %s, "issue": %s, '
      '"period": %s, "reason": %s, "expired": %s, "pending": %s, "revoked": %s, "actor_id": %s, "redeemed": %s, '
      '"reserved": %s, "available": %s, "member_id": %s, "posted_us": %s, "source_id": %s, "account_id": %s, '
      '"request_id": %s, "service_us": %s, "approver_id": %s, "source_type": %s, "rule_version": %s}',
    p_tx.leg, p_tx.seq, p_tx.debt, to_json(p_tx.kind), p_tx.issue,
    to_json(p_tx.period), to_json(p_tx.reason), p_tx.expired, p_tx.pending, p_tx.revoked,
    coalesce(p_tx.actor_id::text, 'null'), p_tx.redeemed,
    p_tx.reserved, p_tx.available, p_tx.member_id, gulou.time_text(p_tx.posted_at), to_json(p_tx.source_id),
    to_json(p_tx.account_id),
    to_json(p_tx.request_id), coalesce(gulou.time_text(p_tx.service_time), 'null'),
    coalesce(p_tx.approver_id::text, 'null'), to_json(p_tx.source_type), p_tx.rule_version), 'UTF8'))
$$;

-- At most one posting of each member, in one statement a table: as it stands in the book, behind the head of its member's
-- chain. Constraints refuse what must not be: sums, bounds, a second posting of the same. A reversal's amounts are not the
-- caller's: they mirror what it reverses.
create or replace function gulou.post_round(p_txs gulou.ledger_tx[], p_now timestamptz) returns void
language plpgsql as $$
declare
  v_count int;
  v_moved gulou.ledger_tx[];
begin
  if exists (select from unnest(p_txs) as tx where tx.kind = 'REVERSAL') then
    p_txs := (select array_agg(case tx.kind when 'REVERSAL' then gulou.mirrored(tx) else tx end) from unnest(p_txs) as tx);
  end if;
  with chained as (
    select tx.account_id, tx.member_id, b.chain_seq + 1 as seq, tx.kind, tx.reason, tx.source_type, tx.source_id, tx.leg,
           tx.rule_version, tx.period, tx.actor_id, tx.approver_id, tx.request_id,
           greatest(p_now, b.posted_at + interval '1 microsecond') as posted_at, tx.service_time, tx.issue, tx.pending,
           tx.available, tx.reserved, tx.debt, tx.redeemed, tx.expired, tx.revoked, b.chain_hash as prev_hash,
           null::bytea as hash
    from unnest(p_txs) as tx
    join gulou.balance b on b.account_id = tx.account_id and b.member_id = tx.member_id),
  posted as (
    insert into gulou.ledger_tx
    select account_id, member_id, seq, kind, reason, source_type, source_id, leg, rule_version, period, actor_id, approver_id,
           request_id, posted_at, service_time, issue, pending, available, reserved, debt, redeemed, expired, revoked,
           prev_hash, gulou.tx_hash(row(chained.*)::gulou.ledger_tx)
    from chained
    returning account_id, member_id, seq, pending, available, reserved, debt, hash, posted_at, ledger_tx as tx),
  moved as (
    update gulou.balance b
    set pending = b.pending + p.pending, available = b.available + p.available, reserved = b.reserved + p.reserved,
        debt = b.debt + p.debt, chain_seq = p.seq, chain_hash = p.hash, posted_at = p.posted_at
    from posted p where b.account_id = p.account_id and b.member_id = p.member_id)
  select count(*), array_agg(tx) filter (where available <> 0) into v_count, v_moved from posted;
  if v_count is distinct from cardinality(p_txs) then
    raise exception 'a posting of a member without a balance' using errcode = 'no_data_found';
  end if;
  if v_moved is not null then
    perform gulou.move_lots(v_moved);
  end if;
end $$;
drop function if exists gulou.chained(gulou.ledger_tx, gulou.balance, timestamptz);

-- Posts transactions and moves the balances; each carries everything but seq, time and hashes. The caller holds the
-- locks of their members. Members' chains are independent: the first posting of every member goes together, then the
-- second of those that have one, and so on.
create or replace function gulou.post_many(p_txs gulou.ledger_tx[]) returns void language plpgsql as $$
declare
  v_now   timestamptz := gulou.now_();
  v_round gulou.ledger_tx[];
begin
  if (select count(distinct member_id) from unnest(p_txs)) = cardinality(p_txs) then   -- nearly always
    perform gulou.post_round(p_txs, v_now);
    return;
  end if;
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

-- AWARD_PENDING of approved declarations, which say what counted and in which period: issue −n, pending +n. Each has the
-- request that approved it beside it.
drop function if exists gulou.award(gulou.declaration[], text);
create or replace function gulou.award(p_owns gulou.declaration[], p_requests text[]) returns void language plpgsql as $$
declare
  v_txs gulou.ledger_tx[];
begin
  select array_agg(gulou.declaration_tx(own, 'AWARD_PENDING', '服务审核通过', (own).period, -(own).counted, (own).counted, 0, 0, 0,
                                        (own).reviewer_id, null, p_requests[place]) order by place)
  into v_txs from (select own, row_number() over () as place from unnest(p_owns) as own) as listed
  where (own).counted > 0;
  perform gulou.post_many(v_txs);
end $$;

-- Adds points to what the boards show, in the order of members, and returns the rows as they are now: absolute values and
-- versions. Nearly every row is there already, and changing it costs less than trying to insert it first.
drop function if exists gulou.add_scores(text, text[], int[], int[], int[]);
create or replace function gulou.raise_scores(p_account text, p_periods text[], p_members int[], p_orgs int[], p_points int[])
returns setof gulou.period_score language plpgsql as $$
begin
  return query
    with summed as materialized (
      select line.*, nextval('gulou.score_version') as version
      from (select period, member, org, sum(points) as points
            from unnest(p_periods, p_members, p_orgs, p_points) as line (period, member, org, points)
            group by period, member, org having sum(points) <> 0 order by member, period, org) as line),
    changed as (
      update gulou.period_score s
      set points = s.points + summed.points, version = summed.version, changed_at = clock_timestamp()
      from summed
      where s.account_id = p_account and s.period = summed.period and s.member_id = summed.member and s.org_id = summed.org
      returning s.*),
    added as (
      insert into gulou.period_score as s
      select p_account, period, member, org, points, version, clock_timestamp() from summed
      where (period, member, org) not in (select period, member_id, org_id from changed)
      on conflict (account_id, period, member_id, org_id) do update
        set points = s.points + excluded.points, version = excluded.version, changed_at = excluded.changed_at
      returning *)
    select * from changed union all select * from added;
end $$;

-- A row for the caches.
create or replace function gulou.score_facts(p_row gulou.period_score) returns jsonb language sql stable as $$
  select jsonb_build_object('period', p_row.period, 'member', p_row.member_id, 'org', p_row.org_id,
                            'points', p_row.points::text, 'version', p_row.version)
$$;

create or replace function gulou.add_score(p_account text, p_period text, p_member int, p_org int, p_points int)
returns jsonb language plpgsql as $$
begin
  return (select gulou.score_facts(changed)
          from gulou.raise_scores(p_account, array[p_period], array[p_member], array[p_org], array[p_points]) as changed);
end $$;

-- ---------------------------------------------------------------- what a member reads

-- 积分 of many, as JSON: text is cheaper to make than a jsonb that is then written out.
drop function if exists gulou.balances_of(text[], text[]);
drop function if exists api.balance_together(text[], text[]);
create or replace function api.balance_together(p_account text[], p_openid text[]) returns text[]
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_today date := gulou.local_day(gulou.now_());
begin
  return array(
    with running as materialized (
      select account, gulou.period_of(account, v_today) as period from (select distinct unnest(p_account) as account) as one),
    own as materialized (
      select c.place, c.account, r.period, k.member_id as member, coalesce(b.available, 0) as available,
             coalesce(b.pending, 0) as pending, coalesce(b.reserved, 0) as reserved, coalesce(-b.debt, 0) as debt,
             (select coalesce(sum(points), 0)::bigint from gulou.period_score s
              where s.account_id = c.account and s.period = r.period and s.member_id = k.member_id) as score,
             (select count(*) from gulou.declaration d where d.account_id = c.account and d.member_id = k.member_id
              and status in ('draft', 'submitted', 'in_review', 'appealed')) as waiting
      from unnest(p_account, p_openid) with ordinality as c (account, openid, place)
      join running r using (account)
      left join gulou.binding k on k.account_id = c.account and k.openid = c.openid and k.ended_at is null
      left join gulou.balance b on b.account_id = c.account and b.member_id = k.member_id),
    ranks as (
      select r.account, each.score, 1 + each.above as rank
      from running r cross join lateral gulou.members_above_each(r.account, r.period, array(
        select distinct own.score from own where own.account = r.account and own.score > 0)) as each)
    select case when member is null then '{"refusal":"not_bound"}'
           else concat('{"period":"', period, '","available":"', available, '","pending":"', pending, '","reserved":"', reserved,
                       '","debt":"', debt, '","score":"', score, '","rank":', coalesce(rank::text, 'null'),
                       ',"provisional":true,"waiting":', waiting, '}') end
    from own left join ranks using (account, score) order by place);
end $$;

create or replace function api.balance(p_account text, p_openid text) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return (api.balance_together(array[p_account], array[p_openid]))[1];
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
