-- The proof that the books are right: everything stored is computed again from its sources. Each check names
-- the first row that is wrong. Nothing is repaired here.

create or replace function gulou.check_row(p_name text, p_checked bigint, p_bad text) returns jsonb
language sql immutable as $$
  select jsonb_build_object('name', p_name, 'checked', p_checked, 'ok', p_bad is null, 'detail', p_bad)
$$;

create or replace function gulou.audit_sums() returns jsonb language sql stable as $$
  select gulou.check_row('every ledger transaction sums to 0 (INV-01)', count(*),
    min(format('ledger_tx %s member %s seq %s', account_id, member_id, seq))
      filter (where issue + pending + available + reserved + debt + redeemed + expired + revoked <> 0))
  from gulou.ledger_tx
$$;

create or replace function gulou.audit_balances() returns jsonb language sql stable as $$
  with summed as (
    select account_id, member_id, sum(pending) as pending, sum(available) as available, sum(reserved) as reserved,
           sum(debt) as debt, max(seq) as seq, count(*) as n
    from gulou.ledger_tx group by account_id, member_id)
  select gulou.check_row('every balance equals the sum of its entries (INV-02)', count(*),
    min(format('balance %s member %s: stored %s, entries say %s', account_id, member_id,
        concat_ws('/', b.pending, b.available, b.reserved, b.debt),
        concat_ws('/', coalesce(s.pending, 0), coalesce(s.available, 0), coalesce(s.reserved, 0), coalesce(s.debt, 0))))
      filter (where (b.pending, b.available, b.reserved, b.debt, b.chain_seq) is distinct from
        (coalesce(s.pending, 0), coalesce(s.available, 0), coalesce(s.reserved, 0), coalesce(s.debt, 0),
         coalesce(s.seq, 0))))
  from gulou.balance b full join summed s using (account_id, member_id)
$$;

create or replace function gulou.audit_bounds() returns jsonb language sql stable as $$
  select gulou.check_row('balances are within their bounds (INV-03)', count(*),
    min(format('balance %s member %s', account_id, member_id))
      filter (where pending < 0 or available < 0 or reserved < 0 or debt > 0 or debt < -500))
  from gulou.balance
$$;

create or replace function gulou.audit_chains() returns jsonb language sql stable as $$
  with linked as (
    select tx, lag(tx.hash) over chain as before, row_number() over chain as place,
           lead(tx.seq) over chain is null as is_last
    from gulou.ledger_tx tx window chain as (partition by account_id, member_id order by seq)),
  judged as (
    select (tx).account_id, (tx).member_id, (tx).seq,
           case when (tx).seq <> place then 'a row before it is missing'
                when (tx).prev_hash <> coalesce(before, decode(repeat('00', 32), 'hex')) then 'it does not follow the row before'
                when (tx).hash <> gulou.tx_hash(tx) then 'its content was changed'
                when is_last and (b.chain_hash, b.posted_at) is distinct from ((tx).hash, (tx).posted_at) then 'the chain head does not match' end as fault
    from linked left join gulou.balance b on b.account_id = (tx).account_id and b.member_id = (tx).member_id)
  select gulou.check_row('every hash chain holds (INV-07)', count(*),
    (array_agg(format('ledger_tx %s member %s seq %s: %s', account_id, member_id, seq, fault)
               order by account_id, member_id, seq) filter (where fault is not null))[1])
  from judged
$$;

-- A seal holds its own root, and every head it lists is still in its chain.
create or replace function gulou.audit_seals() returns jsonb language sql stable as $$
  with listed as (
    select s.account_id, s.day, (head ->> 0)::int as member_id, (head ->> 1)::bigint as seq, head ->> 2 as hash
    from gulou.daily_seal s cross join lateral jsonb_array_elements(s.heads) as head),
  faults as (
    select account_id, day, 'its root does not match its heads' as fault from gulou.daily_seal
    where root <> gulou.heads_root(heads)
    union all
    select l.account_id, l.day, format('member %s seq %s is not what was sealed', l.member_id, l.seq)
    from listed l left join gulou.ledger_tx tx using (account_id, member_id, seq)
    where encode(tx.hash, 'hex') is distinct from l.hash)
  select gulou.check_row('every daily seal verifies (INV-07)', (select count(*) from gulou.daily_seal),
    (select format('daily_seal %s %s: %s', account_id, day, fault) from faults order by day, fault limit 1))
$$;

-- A day of no declaration is none of an approved one.
create or replace function gulou.audit_awards() returns jsonb language sql stable as $$
  with counted as (
    select account_id, no, min(d.counted) as counted, min(d.claimed) as claimed, coalesce(sum(p.points), 0) as by_day,
      bool_or(p.member_id <> d.member_id or p.period <> d.period or p.day not between gulou.local_day(d.started_at)
              and gulou.local_day(d.ended_at - interval '1 microsecond')) as misplaced
    from gulou.declaration d full join gulou.declaration_day p using (account_id, no)
    where d.counted is not null or p.points is not null group by account_id, no),
  lines as (
    select counted.*, (select tx.pending from gulou.ledger_tx tx where tx.account_id = counted.account_id and tx.kind = 'AWARD_PENDING'
                       and tx.source_type = 'declaration' and tx.source_id = counted.no::text) as awarded
    from counted)
  select gulou.check_row('every approved declaration was booked once, day by day', count(*),
    min(format('declaration %s %s: counted %s, by day %s, booked %s', account_id, no, counted, by_day, awarded))
      filter (where counted is null or counted <> by_day or counted <> coalesce(awarded, 0) or counted > claimed or misplaced))
  from lines
$$;

create or replace function gulou.audit_caps() returns jsonb language sql stable as $$
  with live as (
    select p.*, r.day_cap, r.week_cap, r.category_cap, r.period_cap
    from gulou.declaration_day p join gulou.declaration d using (account_id, no)
    join gulou.rule_version r on r.account_id = d.account_id and r.rule_version = d.rule_version
    where d.status in ('approved', 'announced', 'objected', 'settled')),
  over as (
    select account_id, member_id, 'day ' || day as what, sum(points) as points, max(day_cap) as cap
    from live group by account_id, member_id, day
    union all
    select account_id, member_id, 'week of ' || date_trunc('week', day)::date, sum(points), max(week_cap)
    from live group by account_id, member_id, date_trunc('week', day)
    union all
    select account_id, member_id, 'category ' || category || ' in ' || period, sum(points), max(category_cap)
    from live group by account_id, member_id, category, period
    union all
    select account_id, member_id, period, sum(points), max(period_cap)
    from live group by account_id, member_id, period)
  select gulou.check_row('no cap is exceeded (INV-14)', count(*),
    min(format('declaration_day %s member %s %s: %s of at most %s', account_id, member_id, what, points, cap))
      filter (where points > cap))
  from over
$$;

create or replace function gulou.audit_events() returns jsonb language sql stable as $$
  with steps as (
    select e.*, lag(to_status) over history as before, row_number() over history as place,
           lead(seq) over history is null as is_last
    from gulou.declaration_event e window history as (partition by account_id, no order by seq)),
  judged as (
    select account_id, no,
           case when d.status is null then 'it was removed, its events were not'
                when s.seq is null then 'it has no event'
                when s.seq <> s.place then 'an event is missing'
                when s.from_status is distinct from s.before then 'events do not follow each other'
                when s.is_last and s.to_status <> d.status then 'the last event says ' || s.to_status end as fault
    from gulou.declaration d full join steps s using (account_id, no))
  select gulou.check_row('every history replays to its state (INV-25)', count(distinct (account_id, no)),
    (array_agg(format('declaration %s %s: %s', account_id, no, fault) order by account_id, no)
      filter (where fault is not null))[1])
  from judged
$$;

create or replace function gulou.audit_overlaps() returns jsonb language sql stable as $$
  with live as (
    select * from gulou.declaration where timed and status in ('draft', 'submitted', 'in_review', 'returned', 'appealed',
      'approved', 'announced', 'objected', 'settled'))
  select gulou.check_row('no member was in two places at once (INV-15)', (select count(*) from live),
    (select format('declaration %s %s overlaps %s', a.account_id, a.no, b.no)
     from live a join live b on a.account_id = b.account_id and a.member_id = b.member_id and a.no < b.no
       and tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)
     order by a.no limit 1))
$$;

-- While a period is not settled its score is provisional: all its live lines. The final one is what was released;
-- lines that an objection holds are out of it, and corrections count in the period they were published in.
create or replace function gulou.audit_scores() returns jsonb language sql stable as $$
  with counted as (
    select account_id, period, member_id, org_id, sum(points) as points from (
      select d.account_id, d.period, d.member_id, d.org_id, d.counted as points
      from gulou.declaration d
      left join gulou.announcement a on a.account_id = d.account_id and a.period = d.period and a.kind = 'member_points'
      where d.counted > 0 and (d.status in ('approved', 'announced', 'settled', 'revoked_late')
                               or d.status = 'objected' and a.status not in ('settled', 'archived'))
      union all
      select account_id, period, member_id, org_id, -points from gulou.correction_notice where points > 0) as lines
    group by account_id, period, member_id, org_id)
  select gulou.check_row('every score equals its lines (INV-20, INV-23)', count(*),
    min(format('period_score %s %s member %s: stored %s, lines say %s', account_id, period, member_id,
               coalesce(s.points, 0), coalesce(c.points, 0)))
      filter (where coalesce(s.points, 0) <> coalesce(c.points, 0)))
  from gulou.period_score s full join counted c using (account_id, period, member_id, org_id)
$$;

-- The sums that ranks are read from.
create or replace function gulou.audit_boards() returns jsonb language sql stable as $$
  with members as (
    select account_id, period, member_id, sum(ranked) as points from gulou.period_score
    group by account_id, period, member_id),
  counts as (
    select account_id, period, points, count(*) as members from gulou.member_score where points > 0
    group by account_id, period, points),
  units as (
    select account_id, period, org_id, sum(ranked) as points, count(*) filter (where ranked > 0) as members
    from gulou.period_score group by account_id, period, org_id),
  faults as (
    select account_id, period, format('member %s: %s points, scores say %s', member_id, s.points, m.points) as fault
    from gulou.member_score s full join members m using (account_id, period, member_id)
    where coalesce(s.points, 0) <> coalesce(m.points, 0)
    union all
    select account_id, period, format('%s points: %s members, scores say %s', points, k.members, c.members)
    from gulou.score_count k full join counts c using (account_id, period, points)
    where coalesce(k.members, 0) <> coalesce(c.members, 0)
    union all
    select account_id, period, format('unit %s: %s points of %s members, scores say %s of %s', org_id, s.points, s.members,
                                      u.points, u.members)
    from gulou.unit_score s full join units u using (account_id, period, org_id)
    where (coalesce(s.points, 0), coalesce(s.members, 0)) <> (coalesce(u.points, 0), coalesce(u.members, 0)))
  select gulou.check_row('every rank is read from what the scores add up to (INV-23)',
    (select count(*) from gulou.member_score),
    (select format('board %s %s %s', account_id, period, fault) from faults order by account_id, period, fault limit 1))
$$;

create or replace function gulou.audit_lots() returns jsonb language sql stable as $$
  with moved as (
    select account_id, member_id, lot_seq, sum(amount) as amount from gulou.lot_entry
    group by account_id, member_id, lot_seq),
  posted as (
    select account_id, member_id, seq, sum(amount) as amount from gulou.lot_entry group by account_id, member_id, seq),
  open as (
    select account_id, member_id, sum(left_over) as points from gulou.lot group by account_id, member_id),
  faults as (
    select coalesce(l.account_id, m.account_id) as account_id, coalesce(l.member_id, m.member_id) as member_id,
           format('lot %s: %s, its entries say %s', coalesce(l.seq, m.lot_seq),
                  coalesce('left ' || l.left_over, 'it was removed'), coalesce(m.amount, 0)) as fault
    from gulou.lot l full join moved m on m.account_id = l.account_id and m.member_id = l.member_id and m.lot_seq = l.seq
    where l.left_over is distinct from m.amount
    union all
    select l.account_id, l.member_id, format('lot %s: not as its posting made it', l.seq)
    from gulou.lot l
    left join gulou.ledger_tx tx using (account_id, member_id, seq)
    left join gulou.lot_entry e on e.account_id = l.account_id and e.member_id = l.member_id and e.lot_seq = l.seq and e.seq = l.seq
    where l.points is distinct from e.amount or l.expires_at is distinct from gulou.lot_expiry(tx.period)
    union all
    select account_id, member_id, format('seq %s: %s available, lots moved by %s', seq, tx.available, coalesce(p.amount, 0))
    from gulou.ledger_tx tx full join posted p using (account_id, member_id, seq)
    where coalesce(tx.available, 0) <> coalesce(p.amount, 0)
    union all
    select account_id, member_id, format('%s available, open lots hold %s', b.available, coalesce(o.points, 0))
    from gulou.balance b full join open o using (account_id, member_id)
    where coalesce(b.available, 0) <> coalesce(o.points, 0))
  select gulou.check_row('open lots are what is available (INV-04)', (select count(*) from gulou.lot),
    (select format('lot %s member %s %s', account_id, member_id, fault) from faults
     order by account_id, member_id, fault limit 1))
$$;

create or replace function gulou.audit_reversals() returns jsonb language sql stable as $$
  with judged as (
    select r.account_id, r.member_id, r.seq, case
      when first.seq is null then 'what it reverses does not exist'
      when first.kind = 'REVERSAL' then 'it reverses a reversal'
      when count(*) over (partition by r.account_id, r.source_id) > 1 then 'reversed twice'
      when (r.issue, r.pending, r.available, r.reserved, r.debt, r.redeemed, r.expired, r.revoked) is distinct from
           (-first.issue, -first.pending, -first.available, -first.reserved, -first.debt, -first.redeemed,
            -first.expired, -first.revoked) then 'it is no mirror' end as fault
    from gulou.ledger_tx r
    left join gulou.ledger_tx first on first.account_id = r.account_id and first.member_id = r.member_id
      and r.source_type = 'ledger_tx' and gulou.tx_source(first.member_id, first.seq) = r.source_id
    where r.kind = 'REVERSAL')
  select gulou.check_row('a posting is reversed at most once, a reversal never (INV-09)', count(*),
    min(format('ledger_tx %s member %s seq %s: %s', account_id, member_id, seq, fault)) filter (where fault is not null))
  from judged
$$;

-- The ledger's side of settlement: what was released is what settled, and nothing else became available.
create or replace function gulou.audit_releases() returns jsonb language sql stable as $$
  with tx as (
    select * from gulou.ledger_tx where kind in ('RELEASE', 'CANCEL_PENDING')),
  faults as (
    select tx.account_id, tx.source_id, 'released without a settled line whose window was over' as fault
    from tx
    left join gulou.declaration d on d.account_id = tx.account_id and tx.source_type = 'declaration'
      and d.no::text = tx.source_id and d.status in ('settled', 'revoked_late') and d.member_id = tx.member_id
    left join gulou.announcement_line l on l.account_id = d.account_id and l.no = d.no
    left join gulou.announcement a on a.account_id = l.account_id and a.announcement_id = l.announcement_id
      and a.status in ('window_closed', 'settled', 'archived') and a.closes_at <= tx.posted_at
    where tx.kind = 'RELEASE' and (a.announcement_id is null or tx.available <> d.counted or tx.period <> a.period)
    union all
    select d.account_id, d.no::text, case d.status when 'revoked' then 'revoked, but still pending'
                                                   else 'settled, but not released' end
    from gulou.declaration d
    left join tx on tx.account_id = d.account_id and tx.source_type = 'declaration' and tx.source_id = d.no::text
      and tx.kind = case d.status when 'revoked' then 'CANCEL_PENDING' else 'RELEASE' end
    where d.status in ('settled', 'revoked', 'revoked_late') and d.counted > 0 and tx.pending is distinct from -d.counted)
  select gulou.check_row('what became available was settled first (INV-11)', (select count(*) from tx),
    (select format('declaration %s %s: %s', account_id, source_id, fault) from faults
     order by account_id, source_id, fault limit 1))
$$;

-- The notice's side: histories of lines and objections replay, and agree with the declarations.
create or replace function gulou.audit_lines() returns jsonb language sql stable as $$
  with steps as (
    select e.*, lag(to_status) over history as before, row_number() over history as place,
           lead(seq) over history is null as is_last
    from gulou.announcement_line_event e window history as (partition by account_id, no order by seq)),
  held as (
    select distinct account_id, no from gulou.objection where status in ('filed', 'accepted', 'investigating')),
  judged as (
    select l.account_id, l.announcement_id, l.no, case
      when s.no is null then 'it has no event'
      when s.seq <> s.place or s.from_status is distinct from s.before then 'its events do not follow each other'
      when s.before in ('settled', 'upheld') then 'it changed after it was ' || s.before
      when s.announcement_id <> l.announcement_id or s.row_digest <> gulou.line_event_digest(s.announcement_id, s.no, s.seq,
        s.from_status, s.to_status, s.actor_id, s.reason, s.at, s.request_id) then format('its event %s was changed', s.seq)
      when not s.is_last then null
      when (s.to_status = 'objected') <> (h.no is not null) then 'it is held without an open objection, or the reverse'
      when d.status not in (select unnest(case s.to_status when 'listed' then array['approved', 'announced']
          when 'settled' then array['settled', 'revoked_late'] when 'upheld' then array['revoked']
          else array['objected'] end)) then format('it is %s, its declaration %s', s.to_status, d.status)
      when a.status in ('settled', 'archived') and s.to_status in ('listed', 'dismissed')
        or a.status = 'archived' and s.to_status = 'objected' then 'the settlement left it out' end as fault
    from gulou.announcement_line l
    join gulou.announcement a using (account_id, announcement_id)
    join gulou.declaration d on d.account_id = l.account_id and d.no = l.no
    left join steps s on s.account_id = l.account_id and s.no = l.no
    left join held h on h.account_id = l.account_id and h.no = l.no
    union all
    select s.account_id, s.announcement_id, s.no, 'it has events, and is not listed' from steps s
    where not exists (select from gulou.announcement_line l where l.account_id = s.account_id and l.no = s.no))
  select gulou.check_row('every line was settled, revoked, or is held (INV-21)', count(distinct (account_id, no)),
    (array_agg(format('announcement %s %s line %s: %s', account_id, announcement_id, no, fault)
               order by account_id, no) filter (where fault is not null))[1])
  from judged
$$;

create or replace function gulou.audit_objections() returns jsonb language sql stable as $$
  with steps as (
    select e.*, lag(to_status) over history as before, row_number() over history as place,
           lead(seq) over history is null as is_last
    from gulou.objection_event e window history as (partition by account_id, objection_no order by seq)),
  judged as (
    select account_id, objection_no, case
      when o.status is null then 'it was removed, its events were not'
      when s.seq is null then 'it has no event'
      when s.seq <> s.place or s.from_status is distinct from s.before then 'its events do not follow each other'
      when s.is_last and s.to_status <> o.status then 'the last event says ' || s.to_status
      when o.filed_at >= a.closes_at then 'it was filed after the window' end as fault
    from gulou.objection o
    left join gulou.announcement a using (account_id, announcement_id)
    full join steps s using (account_id, objection_no))
  select gulou.check_row('every objection came in time, and its history replays (INV-25)',
    count(distinct (account_id, objection_no)),
    (array_agg(format('objection %s %s: %s', account_id, objection_no, fault) order by account_id, objection_no)
      filter (where fault is not null))[1])
  from judged
$$;

create or replace function gulou.audit_corrections() returns jsonb language sql stable as $$
  with taken as (
    select account_id, source_id, sum(revoked) filter (where kind = 'CLAWBACK') as clawed_back,
           sum(revoked) filter (where kind = 'PENALTY') as penalty
    from gulou.ledger_tx where kind in ('CLAWBACK', 'PENALTY') and source_type = 'declaration'
    group by account_id, source_id),
  judged as (
    select d.account_id, d.no, case
      when c.no is null then 'revoked late without a correction notice'
      when d.status <> 'revoked_late' then 'corrected, but ' || d.status
      when c.points <> d.counted or c.member_id <> d.member_id or c.org_id <> d.org_id then 'it differs from its declaration'
      when gulou.period_start(c.period) <= gulou.period_start(d.period) then 'it counts in no later period'
      when (c.clawed_back, c.penalty_taken) is distinct from (coalesce(t.clawed_back, 0), coalesce(t.penalty, 0))
        then 'the ledger took back something else' end as fault
    from gulou.declaration d
    left join gulou.correction_notice c on c.account_id = d.account_id and c.no = d.no
    left join taken t on t.account_id = d.account_id and t.source_id = d.no::text
    where d.status = 'revoked_late' or c.no is not null)
  select gulou.check_row('every correction stands in a later period and in the ledger (INV-21)', count(*),
    min(format('correction of declaration %s %s: %s', account_id, no, fault)) filter (where fault is not null))
  from judged
$$;

create or replace function gulou.audit_notices() returns jsonb language sql stable as $$
  with summed as (
    select a.*, (select count(*) from gulou.announcement_line l where l.account_id = a.account_id
                 and l.announcement_id = a.announcement_id) as lines,
      (select coalesce(sum(l.points), 0) from gulou.announcement_line l where l.account_id = a.account_id
       and l.announcement_id = a.announcement_id) as line_points,
      gulou.merkle_branches(gulou.line_hashes(a.account_id, a.announcement_id)) as computed
    from gulou.announcement a),
  placed as (
    select *, row_number() over (partition by account_id, announcement_id order by position) - 1 as place
    from gulou.announcement_line),
  faults as (
    select account_id, announcement_id, no, 'it is not in its place among the leaves' as fault from placed
    where position <> place
    union all
    select account_id, announcement_id, 0::bigint as no, 'its root does not match its lines' from summed
    where root <> gulou.merkle_root(computed)
    union all
    select account_id, announcement_id, 0, 'the roots of its blocks do not match its lines' from summed where branches <> computed
    union all
    select account_id, announcement_id, 0, 'its totals do not match its lines' from summed
    where entries <> lines or points <> line_points
    union all
    select account_id, announcement_id, 0, 'its window is too short' from summed
    where closes_at < gulou.closes_at(gulou.local_day(opened_at), 3)
    union all
    select l.account_id, l.announcement_id, l.no, 'its leaf does not say what the line says'
    from gulou.announcement_line l
    where l.leaf <> concat_ws('|', l.no, l.unit, l.item, l.points, l.reviewed_on, l.name_digest)
    union all
    select l.account_id, l.announcement_id, l.no, 'its shown name was changed'
    from gulou.announcement_line l join gulou.announcement_name n using (account_id, announcement_id, member_id)
    where l.name_digest <> encode(sha256(convert_to(n.name_salt || n.shown_name, 'UTF8')), 'hex')
    union all
    select l.account_id, l.announcement_id, l.no, 'it differs from its declaration'
    from gulou.announcement_line l left join gulou.declaration d using (account_id, no)
    where l.points is distinct from d.counted or l.member_id is distinct from d.member_id
    union all
    select l.account_id, l.announcement_id, l.no, 'its declaration was changed after it was listed'
    from gulou.announcement_line l join gulou.declaration d using (account_id, no)
    where l.declaration_digest <> gulou.declaration_digest(d))
  select gulou.check_row('every notice has its root, totals, window and names (INV-12, INV-13)',
    (select count(*) from gulou.announcement),
    (select format('announcement %s %s%s: %s', account_id, announcement_id,
                   case when no > 0 then ' line ' || no else '' end, fault)
     from faults order by account_id, announcement_id, no = 0, no limit 1))
$$;

-- The head of a notice is what its last event saw, and one event follows the other.
create or replace function gulou.audit_heads() returns jsonb language sql stable as $$
  with steps as (
    select e.*, lag(to_status) over history as before, row_number() over history as place,
           lead(seq) over history is null as is_last
    from gulou.announcement_event e window history as (partition by account_id, announcement_id order by seq)),
  judged as (
    select account_id, announcement_id, case
      when a.status is null then 'it was removed, its events were not'
      when s.seq is null then 'it has no event'
      when s.seq <> s.place or s.from_status is distinct from s.before then 'its events do not follow each other'
      when s.is_last and s.to_status <> a.status then 'the last event says ' || s.to_status
      when s.is_last and s.head_digest <> gulou.head_digest(a) then 'its title, days or totals were changed' end as fault
    from gulou.announcement a full join steps s using (account_id, announcement_id))
  select gulou.check_row('every notice is as its last event left it (INV-12, INV-25)', count(distinct (account_id, announcement_id)),
    (array_agg(format('announcement %s %s: %s', account_id, announcement_id, fault) order by account_id, announcement_id)
      filter (where fault is not null))[1])
  from judged
$$;

-- What no chain covers has a digest of its own since it was written.
create or replace function gulou.audit_digests() returns jsonb
language plpgsql stable set timezone to 'UTC' as $$
begin
  return (
    with digested as (
      select account_id, 'objection ' || objection_no as what, row_digest, to_jsonb(o) as row, array['status'] as but
      from gulou.objection o
      union all
      select account_id, format('objection_event %s %s', objection_no, seq), row_digest, to_jsonb(e), '{}' from gulou.objection_event e
      union all
      select account_id, 'correction_notice ' || correction_no, row_digest, to_jsonb(c), '{}' from gulou.correction_notice c
      union all
      select account_id, 'second_person_request ' || request_no, row_digest, to_jsonb(r),
             array['status', 'decider_id', 'decided_at', 'words'] from gulou.second_person_request r
      union all
      select account_id, 'daily_seal ' || day, row_digest, to_jsonb(s), '{}' from gulou.daily_seal s
      union all
      select account_id, format('announcement_event %s %s', announcement_id, seq), row_digest, to_jsonb(e), '{}'
      from gulou.announcement_event e)
    select gulou.check_row('every digested row is as it was written (INV-06)', count(*),
      min(format('%s of %s: its content was changed', what, account_id))
        filter (where row_digest is distinct from gulou.row_digest(row, but)))
    from digested);
end $$;

create or replace function api.audit() returns jsonb language sql stable as $$
  with checks as (
    select array[gulou.audit_sums(), gulou.audit_balances(), gulou.audit_bounds(), gulou.audit_chains(),
      gulou.audit_seals(), gulou.audit_awards(), gulou.audit_caps(), gulou.audit_events(), gulou.audit_overlaps(),
      gulou.audit_scores(), gulou.audit_boards(), gulou.audit_notices(), gulou.audit_lots(), gulou.audit_reversals(),
      gulou.audit_releases(), gulou.audit_lines(), gulou.audit_objections(), gulou.audit_corrections(),
      gulou.audit_heads(), gulou.audit_digests()] as listed)
  select jsonb_build_object('checks', to_jsonb(listed),
    'ok', not exists (select from unnest(listed) as one where not (one ->> 'ok')::boolean))
  from checks
$$;
