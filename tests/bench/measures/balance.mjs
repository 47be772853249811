// C: 积分, one's balance, period and rank; only reads. Against the same statement by pgbench.
import { atLeast } from '../goals.mjs'
import { serve, spent } from '../load.mjs'
import { bestPgbench } from '../machine.mjs'
import { memberOf, Pushes } from '../pushes.mjs'

const STATEMENT = `\\set member random(1, :members)
select api.spoken('bench', 'oBench' || lpad((:member)::text, 22, '0'), gen_random_uuid(), 'message',
  api.balance('bench', 'oBench' || lpad((:member)::text, 22, '0')));
`

export const questions = (name, members, options) => new Pushes(name, (i) => ({ person: memberOf(i, members), content: '积分' }), options)
export const ask = (server, pushes, options) => serve(server, pushes, { most: 40000, expected: /可用：.*\n待公示：[\s\S]*名/, ...options })
export const askByPgbench = (database, members, seconds) => bestPgbench(database, STATEMENT, seconds, () => ({ members }))

export default {
  letter: 'C',
  rows: { C: { what: '积分 through the callback, 64 connections', unit: '/s', against: 'pgbench, best of -c 8, 16, 32', goal: atLeast(1.5),
    reason: 'nothing is committed, so a group shares little: both sides run the same function on the same two cores, and ours decrypts and signs beside it' } },
  async round(bench) {
    const base = await askByPgbench('base', bench.members, bench.slice)
    const result = await bench.served((server) => ask(server, questions('balance', bench.members), { seconds: bench.seconds }))
    return { C: { figure: result.rate, baseline: base.tps, note: spent(result, base) } }
  }
}
