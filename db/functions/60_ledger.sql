-- The book of points (domain 5): insert-only, double entry, one hash chain a member.

-- SHA-256(previous hash ‖ canonical fields). Canonical: the row as jsonb text without its hashes, times in
-- microseconds, so that no session setting can change it.
create or replace function gulou.tx_hash(p_tx gulou.ledger_tx) returns bytea language sql immutable as $$
  select sha256(p_tx.prev_hash || convert_to((
    (to_jsonb(p_tx) - array['prev_hash', 'hash', 'posted_at', 'service_time'])
    || jsonb_build_object('posted_us', (extract(epoch from p_tx.posted_at) * 1000000)::bigint,
                          'service_us', (extract(epoch from p_tx.service_time) * 1000000)::bigint))::text, 'UTF8'))
$$;

-- Posts one transaction and moves the balances; `p_tx` carries everything but seq, time and hashes.
-- The caller holds the member's lock. Constraints refuse what must not be: sums, bounds, a second posting.
-- A reversal's amounts are not the caller's: they mirror what it reverses.
create or replace function gulou.post(p_tx gulou.ledger_tx) returns bigint language plpgsql as $$
declare
  v_head gulou.balance;
begin
  select * into strict v_head from gulou.balance
  where account_id = p_tx.account_id and member_id = p_tx.member_id for update;
  if p_tx.kind = 'REVERSAL' then
    p_tx := gulou.mirrored(p_tx);
  end if;
  p_tx.seq := v_head.chain_seq + 1;
  p_tx.posted_at := greatest(gulou.now_(), v_head.posted_at + interval '1 microsecond');
  p_tx.prev_hash := v_head.chain_hash;
  p_tx.hash := gulou.tx_hash(p_tx);
  insert into gulou.ledger_tx values (p_tx.*);
  update gulou.balance
  set pending = pending + p_tx.pending, available = available + p_tx.available,
      reserved = reserved + p_tx.reserved, debt = debt + p_tx.debt,
      chain_seq = p_tx.seq, chain_hash = p_tx.hash, posted_at = p_tx.posted_at
  where account_id = p_tx.account_id and member_id = p_tx.member_id;
  if p_tx.available <> 0 then
    perform gulou.move_lots(p_tx);
  end if;
  return p_tx.seq;
end $$;

-- One posting about a declaration's points; `p_books` names the amounts that are not 0.
create or replace function gulou.post_for(p_own gulou.declaration, p_kind text, p_reason text, p_period text,
  p_books jsonb, p_actor int, p_approver int, p_request text) returns bigint language plpgsql as $$
declare
  v_tx gulou.ledger_tx;
begin
  v_tx := jsonb_populate_record(null::gulou.ledger_tx, jsonb_build_object(
    'account_id', p_own.account_id, 'member_id', p_own.member_id, 'kind', p_kind,
    'reason', p_reason, 'source_type', 'declaration', 'source_id', p_own.no::text, 'leg', 0,
    'rule_version', p_own.rule_version, 'period', p_period, 'actor_id', p_actor, 'approver_id', p_approver,
    'request_id', p_request, 'issue', 0, 'pending', 0, 'available', 0, 'reserved', 0, 'debt', 0, 'redeemed', 0,
    'expired', 0, 'revoked', 0) || p_books);
  v_tx.service_time := p_own.ended_at;
  return gulou.post(v_tx);
end $$;

-- AWARD_PENDING for an approved declaration: issue −n, pending +n.
create or replace function gulou.award(p_own gulou.declaration, p_points int, p_period text, p_reviewer int,
                                       p_request text) returns void language plpgsql as $$
begin
  perform gulou.post_for(p_own, 'AWARD_PENDING', '服务审核通过', p_period,
    jsonb_build_object('issue', -p_points, 'pending', p_points), p_reviewer, null, p_request);
end $$;

-- Adds to what the boards show and returns the row for the caches: absolute value and version.
create or replace function gulou.add_score(p_account text, p_period text, p_member int, p_org int, p_points int)
returns jsonb language sql as $$
  insert into gulou.period_score as s
  values (p_account, p_period, p_member, p_org, p_points, nextval('gulou.score_version'), clock_timestamp())
  on conflict (account_id, period, member_id, org_id) do update
    set points = s.points + excluded.points, version = excluded.version, changed_at = excluded.changed_at
  returning jsonb_build_object('period', period, 'member', member_id, 'org', org_id, 'points', points::text,
                               'version', version)
$$;

-- ---------------------------------------------------------------- what a member reads

create or replace function api.balance(p_account text, p_openid text) returns jsonb
language plpgsql stable as $$
declare
  v_member int := gulou.speaker(p_account, p_openid);
  v_today  date := gulou.local_day(gulou.now_());
  v_period text := gulou.period_of(v_today);
  v_own    gulou.balance;
begin
  if v_member is null then
    return gulou.refusal('not_bound');
  end if;
  select * into v_own from gulou.balance where account_id = p_account and member_id = v_member;
  return jsonb_build_object(
    'member', v_member, 'org', gulou.org_on(p_account, v_member, v_today), 'period', v_period,
    'available', coalesce(v_own.available, 0)::text, 'pending', coalesce(v_own.pending, 0)::text,
    'reserved', coalesce(v_own.reserved, 0)::text, 'debt', (-coalesce(v_own.debt, 0))::text,
    'score', (select coalesce(sum(points), 0)::text from gulou.period_score
              where account_id = p_account and period = v_period and member_id = v_member),
    'rank', gulou.rank_of(p_account, v_period, v_member), 'provisional', true,
    'waiting', (select count(*) from gulou.declaration where account_id = p_account
                and member_id = v_member and status in ('draft', 'submitted', 'in_review', 'appealed')));
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
      where tx.account_id = p_account and tx.member_id = v_member and (p_before is null or tx.seq < p_before)
      order by tx.seq desc limit p_limit + 1),
    shown as (
      select own.*, i.name as item_name, d.no, gulou.local_day(d.started_at) as service_day,
             d.claimed, d.counted, d.cap
      from own
      left join gulou.declaration d on own.source_type = 'declaration' and d.account_id = own.account_id
        and d.no::text = own.source_id
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
