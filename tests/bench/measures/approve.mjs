// D: a reviewer approves ten declarations in one message. Against the same statement by pgbench.
import { atLeast } from '../goals.mjs'
import { serve, spent } from '../load.mjs'
import { bestPgbench, sql } from '../machine.mjs'
import { Pushes } from '../pushes.mjs'

const TEN = 10
const REVIEWERS = 40

// :first is the first number, :each how many messages a client has at most.
const STATEMENT = `\\set i :i + 1
\\set no :first + ${TEN} * (:client_id * :each + :i - 1)
\\set reviewer random(1, ${REVIEWERS})
select api.spoken('bench', 'oReviewer' || lpad((:reviewer)::text, 19, '0'), gen_random_uuid(), 'message',
  api.approve('bench', 'oReviewer' || lpad((:reviewer)::text, 19, '0'), gen_random_uuid(), 'bench',
    array[${Array.from({ length: TEN }, (_, k) => `:no + ${k}`)}]::bigint[]));
`

export const approvals = (name, first) => new Pushes(name, (i) => ({ person: `oReviewer${String(1 + i % REVIEWERS).padStart(19, '0')}`,
  content: `通过 ${Array.from({ length: TEN }, (_, k) => first + TEN * i + k).join(' ')}` }))

// A tenth of what is approved and counted, of the numbers from `first` on: messages, for each approves all of its ten.
const approved = (database, first, most) => Number(sql(database, `select count(*) / ${TEN} from gulou.declaration where account_id = 'bench' and no between ${first} and ${first + TEN * most - 1} and status = 'approved' and counted > 0`)[0][0])

// What members were to be told of it goes: else the next measures would show it, or plan over the dead rows it left.
const forget = (database) => sql(database, "delete from gulou.outbox where account_id = 'bench'; vacuum analyze gulou.outbox")

// From the number `first` on, `most` messages a second at most, in `seconds` and one more to warm up.
export async function approve(server, database, { first, most, seconds }) {
  const result = await serve(server, approvals('approve', first), { most, seconds, expected: /(编号：\d+ 已通过，王建国 5分\n){10}/,
    written: () => approved(database, first, most * (seconds + 1) + 64) })
  forget(database)
  return result
}

export async function approveByPgbench(database, { first, most, seconds }) {
  const part = { 8: 0, 16: 1, 32: 2 }
  const result = await bestPgbench(database, STATEMENT, seconds, (clients) => ({ i: 0, each: Math.floor(most * (seconds + 1) / clients), first: first + TEN * most * (seconds + 1) * part[clients] }))
  const done = approved(database, first, 3 * most * (seconds + 1))
  if (done !== result.transactions) throw new Error(`pgbench approved ${done} times ten in ${result.transactions} calls: ${most} a second are too few`)
  forget(database)
  return result
}

export default {
  letter: 'D',
  rows: { D: { what: 'approvals, ten numbers a message, 64 connections', unit: '/s', against: 'pgbench, best of -c 8, 16, 32', goal: atLeast(3),
    reason: 'ten approvals are a hundred rows with their indexes, which cost the same whoever asks; a group shares the statements and the commit' } },
  async round(bench) {
    const { seconds, slice } = bench
    const most = { pgbench: 1500, served: 2500 }
    const byPgbench = 3 * (slice + 1) * most.pgbench
    const first = bench.waiting(TEN * (byPgbench + (seconds + 1) * most.served + 64))
    const result = await bench.served((server) => approve(server, 'base', { first: first + TEN * byPgbench, most: most.served, seconds }))
    const base = await approveByPgbench('base', { first, most: most.pgbench, seconds: slice })
    return { D: { figure: result.rate, baseline: base.tps, note: spent(result, base) } }
  }
}
