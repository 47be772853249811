-- Postings of many members go into the book together, and leave what one after the other would have left (domain 5; INV-01,
-- INV-04, INV-07).
begin;
set client_min_messages = warning;
select plan(7);

select api.sync_account('t', '测试');
insert into gulou.member select 't', n, '成员' || n, 'active' from generate_series(1, 3) as n;
insert into gulou.balance (account_id, member_id) select 't', n from generate_series(1, 3) as n;

create function tx(p_member int, p_kind text, p_source text, p_books jsonb) returns gulou.ledger_tx language sql as $$
  select jsonb_populate_record(null::gulou.ledger_tx,
    '{"account_id": "t", "reason": "试 \"引号\" \\", "source_type": "test", "rule_version": 1, "period": "2026-Q3", "request_id": "test",
      "leg": 0, "issue": 0, "pending": 0, "available": 0, "reserved": 0, "debt": 0, "redeemed": 0, "expired": 0, "revoked": 0}'::jsonb
    || p_books || jsonb_build_object('member_id', p_member, 'kind', p_kind, 'source_id', p_source))
$$;
-- Crossing members, several of one, a debt that is repaid out of the lot just made, a reservation and its way back.
create function txs() returns gulou.ledger_tx[] language sql as $$
  select array[
    tx(2, 'AWARD_PENDING', 'a', '{"issue": -50, "pending": 50}'), tx(1, 'AWARD_PENDING', 'b', '{"issue": -30, "pending": 30}'),
    tx(2, 'RELEASE', 'a', '{"pending": -50, "available": 50}'), tx(3, 'ADJUST', 'c', '{"issue": 7, "debt": -7}'),
    tx(1, 'RELEASE', 'b', '{"pending": -30, "available": 30}'), tx(3, 'ADJUST', 'd', '{"issue": -9, "available": 9}'),
    tx(3, 'DEBT_REPAY', 'd', '{"available": -7, "debt": 7}'), tx(2, 'RESERVE', 'e', '{"available": -20, "reserved": 20}'),
    tx(2, 'UNRESERVE', 'e', '{"available": 20, "reserved": -20}'), tx(2, 'EXPIRE', 'f', '{"available": -5, "expired": 5}')]
$$;
create function books() returns jsonb language sql as $$
  select jsonb_build_object(
    'tx', (select jsonb_agg(tx order by member_id, seq) from gulou.ledger_tx tx where account_id = 't'),
    'balance', (select jsonb_agg(b order by member_id) from gulou.balance b where account_id = 't'),
    'lot', (select jsonb_agg(l order by member_id, seq) from gulou.lot l where account_id = 't'),
    'entry', (select jsonb_agg(e order by member_id, lot_seq, seq) from gulou.lot_entry e where account_id = 't'))
$$;

-- Both in one statement, so that the clock says the same.
create temp table left_behind (single jsonb, together jsonb);
do $$
declare
  v_txs    gulou.ledger_tx[] := txs();
  v_single jsonb;
begin
  begin
    for i in 1 .. cardinality(v_txs) loop
      perform gulou.post(v_txs[i]);
    end loop;
    v_single := books();
    raise exception 'undone';
  exception when raise_exception then null;
  end;
  perform gulou.post_many(v_txs);
  insert into left_behind values (v_single, books());
end $$;

select is(together -> 'tx', single -> 'tx', 'INV-07: the book is the same to the last byte, hashes and times too') from left_behind;
select is(together -> 'balance', single -> 'balance', 'INV-02: so are the balances') from left_behind;
select is(together -> 'lot', single -> 'lot', 'INV-04: and the lots') from left_behind;
select is(together -> 'entry', single -> 'entry', 'INV-04: and what was taken from which') from left_behind;
select is((select count(*) from gulou.ledger_tx where account_id = 't'), 10::bigint, 'all of them stand there');
-- The canonical form, written another way: the row as jsonb without its hashes, times in microseconds.
select is((select count(*) from gulou.ledger_tx tx where account_id = 't' and hash is distinct from sha256(prev_hash || convert_to((
    (to_jsonb(tx) - array['prev_hash', 'hash', 'posted_at', 'service_time'])
    || jsonb_build_object('posted_us', (extract(epoch from posted_at) * 1000000)::bigint,
                          'service_us', (extract(epoch from service_time) * 1000000)::bigint))::text, 'UTF8'))), 0::bigint,
  'INV-07: each hash covers every field');
select throws_ok($$select gulou.post_many(array[tx(9, 'AWARD_PENDING', 'z', '{"issue": -1, "pending": 1}')])$$, 'P0002', null,
                 'nobody''s points are not dropped silently');

select * from finish();
rollback;
