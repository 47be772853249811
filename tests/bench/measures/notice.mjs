// M: a whole quarter is frozen with its Merkle root and published, then settled; against PostgreSQL's COPY of the same
// lines to a file. The lines are those of the big database's last quarter; with --full a million of a database of their own.
import { atMost } from '../goals.mjs'
import { dropDatabase, intoMemory, makeDatabase, sql, sqlTogether, state } from '../machine.mjs'
import { bigMembers } from './size.mjs'

const MEMBERS = 100000 // with ten declarations each
const timed = (query) => { const started = performance.now(); const rows = sql('quarter', query); return { ms: performance.now() - started, rows } }
const LAST_DAY = "(date_trunc('quarter', gulou.local_day(now())) - interval '1 day')::date"
const PERIOD = `gulou.period_of('bench', ${LAST_DAY})`

// As a server's two jobs do: batch after batch, each a transaction of its own.
const JOBS = 2
const SETTLE = `do $$ begin
  while (api.settle_due() ->> 'more')::boolean loop commit; end loop;
end $$`

export default {
  letter: 'M',
  once: true,
  rows: {
    M: { what: 'freeze, root and publish of a quarter', unit: ' s', against: 'COPY of its lines to a file', goal: atMost(10),
    reason: 'every line is hashed twice and written three times (line, its event, the declaration’s event), and its declaration changes; COPY writes one file' },
    Msettle: { what: 'settlement of it', unit: ' s', against: 'the same', goal: atMost(40),
    reason: 'every line is a posting with its hash, a lot with its entry and two events' }
  },
  // `notice` stays as it was seeded, for the next run in this state folder.
  prepare(bench) {
    if (bench.full) {
      makeDatabase('notice')
      bench.seed('notice', MEMBERS, LAST_DAY)
    } else {
      makeDatabase('big')
      bench.seed('big', bigMembers(bench))
      makeDatabase('notice', 'big')
    }
  },
  async round() {
    dropDatabase('quarter')
    makeDatabase('quarter', 'notice')
    intoMemory('quarter')
    const fixed = timed(`select gulou.freeze('bench', ${PERIOD}, 100000001, 100000002, 'bench'); select gulou.publish('bench', ${PERIOD}, 100000001, 100000002, 'bench')`)
    const copy = timed(`copy (select no, unit, item, points, reviewed_on, name_digest, leaf from gulou.announcement_line where account_id = 'bench') to '${state}/postgres/lines.copy'`)
    const [[lines]] = sql('quarter', "select count(*) from gulou.announcement_line where account_id = 'bench'")
    sql('quarter', "select api.set_clock(now() + interval '40 days')")
    const started = performance.now()
    await sqlTogether('quarter', SETTLE, JOBS)
    const settled = { ms: performance.now() - started }
    const [[open]] = sql('quarter', `select count(*) from gulou.declaration where account_id = 'bench' and period = ${PERIOD} and status <> 'settled'`)
    if (open !== '0') throw new Error(`${open} lines were not settled`)
    const note = `${Number(lines).toLocaleString('en')} lines`
    dropDatabase('quarter')
    return { M: { figure: fixed.ms / 1000, baseline: copy.ms / 1000, note }, Msettle: { figure: settled.ms / 1000, baseline: copy.ms / 1000, note } }
  }
}
