// K: the same work on a big database as on a small one. Ten declarations a member in both; --full has the million members
// and ten million declarations of the goal, and takes most of an hour to seed.
import { atLeast } from '../goals.mjs'
import { intoMemory, makeDatabase, sql } from '../machine.mjs'
import { approve } from './approve.mjs'
import { ask, questions } from './balance.mjs'
import { declarations, declare } from './declare.mjs'

const SMALL = 1000
const MOST_APPROVALS = 2000 // a second

export function bigMembers(bench) {
  return bench.full ? 1000000 : bench.quick ? 5000 : 20000
}

// Everybody has spoken within ten minutes, as in every other measure: of a thousand members the first second would see to it,
// of a million it would not, and whoever has not writes a row. Of the long histories nobody asks for more than the end.
function warm(database) {
  sql(database, `update gulou.follower set window_until = now() + interval '50 hours' where window_until < now() + interval '49 hours';
    vacuum gulou.follower`)
  intoMemory(database, 'declaration', 'declaration_day', 'declaration_event', 'ledger_tx')
}

// Few declarations wait of anybody, of the thousand as of the million, whatever was measured before.
async function work(bench, database, members) {
  const { seconds } = bench
  bench.forget(database)
  warm(database)
  return bench.served(async (server) => {
    const KB = (await declare(server, database, declarations('size', members), { seconds })).rate
    bench.forget(database)
    const KC = (await ask(server, questions('size', members), { seconds })).rate
    const first = bench.waiting(10 * (MOST_APPROVALS * (seconds + 1) + 64), database, Math.min(members, 5000))
    const KD = (await approve(server, database, { first, most: MOST_APPROVALS, seconds })).rate
    return { KB, KC, KD }
  }, { database })
}

export default {
  letter: 'K',
  rows: {
    KB: { what: 'declarations on a big database', unit: '/s', against: '1,000 members, 10,000 declarations', goal: atLeast(0.8) },
    KC: { what: '积分 on it', unit: '/s', against: 'the same', goal: atLeast(0.8),
      reason: 'the caches of the processor hold what a thousand members touch, not what is behind four big indexes' },
    KD: { what: 'approvals of ten on it', unit: '/s', against: 'the same', goal: atLeast(0.8) }
  },
  prepare(bench) {
    for (const [name, members] of [['small', SMALL], ['big', bigMembers(bench)]]) {
      makeDatabase(name)
      bench.seed(name, members)
    }
  },
  async round(bench) {
    const big = bigMembers(bench)
    const small = await work(bench, 'small', SMALL)
    const large = await work(bench, 'big', big)
    const note = `${big.toLocaleString('en')} members, ${(10 * big).toLocaleString('en')} declarations`
    return Object.fromEntries(Object.keys(small).map((row) => [row, { figure: large[row], baseline: small[row], note }]))
  }
}
