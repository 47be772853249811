// The book of points against a plain model of it (domain 5): random sequences of postings of every kind. What the model
// refuses, the database refuses without a trace; what it allows moves balances and lots by just that, after every step,
// and the audit agrees in the end. A sequence that fails is shrunk to the shortest that does and printed with its seed.
//
//   GULOU_TEST_SEED=n      the same sequences again      GULOU_TEST_RUNS=n      more of them (60)
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'

const SEED = Number(process.env.GULOU_TEST_SEED ?? Date.now() % 2 ** 31)
const RUNS = Number(process.env.GULOU_TEST_RUNS ?? 60)
const STEPS = 40
const MEMBERS = [1, 2]
const DEBT_MAX = 500
const books = ['issue', 'pending', 'available', 'reserved', 'debt', 'redeemed', 'expired', 'revoked']
const expiry = { '2026-Q3': 2028, '2026-Q4': 2028, '2027-Q1': 2029 } // the years at whose beginning lots end

// Points move from one book to another. `of`: it may name the posting of that kind which it takes back.
const kinds = {
  AWARD_PENDING: { from: 'issue', to: 'pending' },
  CANCEL_PENDING: { from: 'pending', to: 'issue' },
  RELEASE: { from: 'pending', to: 'available' },
  DEBT_REPAY: { from: 'available', to: 'debt' },
  RESERVE: { from: 'available', to: 'reserved' },
  UNRESERVE: { from: 'reserved', to: 'available', of: 'RESERVE' },
  SPEND: { from: 'reserved', to: 'redeemed', of: 'RESERVE' },
  EXPIRE: { from: 'available', to: 'expired' },
  CLAWBACK: { from: 'available', to: 'revoked', of: 'RELEASE' }, // what is not there becomes debt
  PENALTY: { from: 'available', to: 'revoked' },
  ADJUST: { from: 'issue', to: 'available' }
}

// ---- the model

class Model {
  constructor() {
    this.tried = 0
    this.posted = [] // in order, each with its member, seq, kind, source and moves
    this.members = new Map(MEMBERS.map((id) => [id, { books: Object.fromEntries(books.map((one) => [one, 0])), seq: 0, lots: [] }]))
  }

  // The posting that a step of chance stands for; chosen by index, so that shrinking keeps steps meaningful.
  posting(step) {
    const number = this.tried++
    const own = this.posted.filter((one) => one.member === step.member)
    const chosen = (list) => list.length > 0 ? list[step.which % list.length] : undefined
    if (step.kind === 'again') return chosen(this.posted) ?? this.plain({ ...step, kind: 'ADJUST' }, number)
    if (step.kind === 'REVERSAL') {
      const seq = chosen(own)?.seq ?? 1 + step.which
      return { member: step.member, kind: 'REVERSAL', type: 'ledger_tx', source: `${step.member}.${seq}`, period: step.period, moves: {} }
    }
    return this.plain(step, number, chosen(own.filter((one) => one.kind === kinds[step.kind].of)))
  }

  plain({ member, kind, points: wanted, period, back, fits, lopsided }, number, taken) {
    const { from, to } = kinds[kind]
    const { books: own } = this.members.get(member), there = own.available
    const most = from === 'issue' ? wanted : to === 'debt' ? Math.min(there, -own.debt) : own[from]
    const points = fits && most > 0 && to !== 'revoked' ? 1 + (wanted - 1) % most : wanted
    const moves = { [from]: -points, [to]: points }
    if (to === 'revoked') Object.assign(moves, { available: -Math.min(points, there), debt: -Math.max(0, points - there) })
    if (kind === 'ADJUST' && back) Object.assign(moves, { issue: points, available: -points })
    if (lopsided) moves.issue = (moves.issue ?? 0) + 1
    return { member, kind, type: 'test', source: (back && taken?.source) || String(number), period, moves }
  }

  reversed({ member, source }) {
    return this.posted.find((one) => one.member === member && source === `${member}.${one.seq}`)
  }

  // The posting as it will stand in the book; undefined: it must be refused.
  allowed(posting) {
    const first = posting.kind === 'REVERSAL' ? this.reversed(posting) : undefined
    if (posting.kind === 'REVERSAL' && (!first || first.kind === 'REVERSAL')) return undefined
    const moves = first ? Object.fromEntries(Object.entries(first.moves).map(([book, n]) => [book, -n])) : posting.moves
    const after = Object.fromEntries(books.map((one) => [one, this.members.get(posting.member).books[one] + (moves[one] ?? 0)]))
    const repeated = this.posted.some((one) => one.kind === posting.kind && one.type === posting.type && one.source === posting.source)
    const sum = Object.values(moves).reduce((a, b) => a + b, 0)
    if (repeated || sum !== 0 || after.pending < 0 || after.available < 0 || after.reserved < 0 || after.debt > 0 || after.debt < -DEBT_MAX) return undefined
    return { ...posting, moves, period: first?.period ?? posting.period, after }
  }

  take({ after, ...posting }) {
    const own = this.members.get(posting.member)
    const entry = { ...posting, seq: ++own.seq }
    this.posted.push(entry)
    own.books = after
    const points = entry.moves.available ?? 0
    if (points < 0) this.eat(own, entry, -points)
    if (points > 0) this.give(own, entry, points)
  }

  // Whose lots come first: those of the posting that is taken back.
  related({ member, kind, type, source }) {
    if (kind === 'REVERSAL') return this.reversed({ member, source })
    const wanted = kind === 'UNRESERVE' ? 'RESERVE' : 'RELEASE'
    return this.posted.find((one) => one.member === member && one.kind === wanted && one.type === type && one.source === source)
  }

  eat(own, entry, points) {
    const first = this.related(entry)?.seq
    const order = [...own.lots].sort((a, b) => (b.seq === first) - (a.seq === first) || a.expires - b.expires || a.seq - b.seq)
    for (const lot of order) {
      const eaten = Math.min(lot.left, points)
      if (eaten > 0) Object.assign(lot, { left: lot.left - eaten }).eaten.set(entry.seq, eaten)
      points -= eaten
    }
  }

  give(own, entry, points) {
    const source = ['UNRESERVE', 'REVERSAL'].includes(entry.kind) ? this.related(entry)?.seq : undefined
    for (const lot of [...own.lots].sort((a, b) => a.expires - b.expires || a.seq - b.seq)) {
      const back = Math.min(lot.eaten.get(source) ?? 0, lot.points - lot.left, points)
      lot.left += back
      points -= back
    }
    if (points > 0) own.lots.push({ seq: entry.seq, points, left: points, expires: expiry[entry.period], eaten: new Map() })
  }

  describe() {
    return [...this.members].map(([id, { books: b, seq, lots }]) => ({
      member: id, books: books.map((one) => b[one]), balance: [b.pending, b.available, b.reserved, b.debt], rows: seq,
      lots: lots.filter((lot) => lot.left > 0).map((lot) => [lot.seq, lot.left, lot.expires])
    }))
  }
}

// ---- the database

const client = new pg.Client()

before(async () => {
  await client.connect()
  await client.query(try_post_sql)
})
after(() => client.end())

// A constraint refuses; anything else is a fault of the function and ends the test.
const try_post_sql = `create function pg_temp.try_post(p_row jsonb) returns boolean language plpgsql as $$ begin
  perform gulou.post(jsonb_populate_record(null::gulou.ledger_tx, p_row));
  return false;
exception when integrity_constraint_violation or restrict_violation or check_violation or unique_violation then
  return true;
end $$`
const post_sql = 'select pg_temp.try_post($1) as refused'

async function post({ member, kind, type, source, period, moves }) {
  const row = { account_id: 'model', member_id: member, kind, reason: 'test', source_type: type, source_id: source, leg: 0, rule_version: 1,
    period, request_id: 'test', ...Object.fromEntries(books.map((one) => [one, moves[one] ?? 0])) }
  const { rows: [{ refused }] } = await client.query(post_sql, [row])
  return !refused
}

const describe_sql = `select b.member_id as member, array[b.pending, b.available, b.reserved, b.debt]::int[] as balance, b.chain_seq::int as rows,
  (select array[${books.map((one) => `coalesce(sum(${one}), 0)`)}]::int[] from gulou.ledger_tx t
   where t.account_id = b.account_id and t.member_id = b.member_id) as books,
  (select coalesce(jsonb_agg(jsonb_build_array(seq, left_over, extract(year from expires_at at time zone 'Asia/Shanghai')) order by seq), '[]')
   from gulou.lot l where l.account_id = b.account_id and l.member_id = b.member_id and left_over > 0) as lots
  from gulou.balance b where b.account_id = 'model' order by 1`

async function assertAgreement(model) {
  const { rows } = await client.query(describe_sql)
  assert.deepEqual(rows, model.describe().map(({ member, balance, rows, books, lots }) => ({ member, balance, rows, books, lots })))
}

// These postings have no notice behind them, which INV-11 asks for.
async function assertAudit() {
  const { rows: [{ audit }] } = await client.query('select api.audit() as audit')
  assert.deepEqual(audit.checks.filter((one) => !one.ok && !/INV-11/.test(one.name)), [])
}

class Step {
  constructor(wish) { this.wish = wish }
  check() { return true }
  toString() { return JSON.stringify(this.wish) }

  async run(model) {
    const posting = model.posting(this.wish)
    const allowed = model.allowed(posting)
    assert.equal(await post(posting), allowed !== undefined, JSON.stringify(posting))
    if (allowed) model.take(allowed)
    await assertAgreement(model)
  }
}

// Everything a sequence does is undone at its end, whatever happened.
async function inTransaction(steps, spoil = '') {
  const model = new Model()
  await client.query(`begin; ${spoil}; select api.sync_account('model', '模型');
    insert into gulou.member select 'model', n, '成员' || n, 'active' from generate_series(1, ${MEMBERS.length}) n;
    select gulou.lock_member('model', n) from generate_series(1, ${MEMBERS.length}) n`)
  try {
    await fc.asyncModelRun(() => ({ model, real: client }), steps)
    await assertAudit()
    return model
  } finally {
    await client.query('rollback')
  }
}

// ---- chance

const step = fc.record({
  member: fc.constantFrom(...MEMBERS),
  kind: fc.constantFrom('AWARD_PENDING', 'AWARD_PENDING', 'RELEASE', 'RELEASE', 'RESERVE', ...Object.keys(kinds), 'REVERSAL', 'again'),
  points: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 40 }) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 600 }) }),
  period: fc.constantFrom(...Object.keys(expiry)),
  which: fc.nat(20),
  back: fc.boolean(), // names what it takes back; of ADJUST: takes away
  fits: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }), // takes no more than there is
  lopsided: fc.oneof({ weight: 24, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
})
const sequence = fc.commands([step.map((wish) => new Step(wish))], { maxCommands: STEPS, size: 'max' })

test('the books are what the model says after every step of every sequence (INV-01 to INV-04, INV-07 to INV-09)', async (t) => {
  const done = { refused: 0 }
  t.diagnostic(`GULOU_TEST_SEED=${SEED}`)
  await fc.assert(fc.asyncProperty(sequence, async (steps) => {
    const model = await inTransaction(steps)
    for (const one of model.posted) done[one.kind] = (done[one.kind] ?? 0) + 1
    done.refused += model.tried - model.posted.length
  }), { seed: SEED, numRuns: RUNS })
  const posted = Object.values(done).reduce((a, b) => a + b, 0) - done.refused
  t.diagnostic(JSON.stringify({ posted, ...done }))
  // Both happened often enough to mean something.
  assert.ok(posted > done.refused / 4 && done.refused > posted / 20)
})

// Books without a floor must be found out, by the shortest way there is: one posting that takes what is not there.
test('a book that lost one of its rules is found out in a single step', async () => {
  const spoil = 'alter table gulou.balance drop constraint balance_pending_check'
  const found = await fc.check(fc.asyncProperty(sequence, async (steps) => { await inTransaction(steps, spoil) }), { seed: SEED, numRuns: RUNS })
  assert.ok(found.failed)
  const shortest = [...found.counterexample[0]].filter((one) => one.hasRan).map(String)
  assert.equal(shortest.length, 1, shortest.join('\n'))
  assert.match(shortest[0], /RELEASE|CANCEL_PENDING/, found.error)
})
