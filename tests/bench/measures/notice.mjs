// M: a whole quarter is frozen with its Merkle root and published, then settled; against PostgreSQL's COPY of the same
// lines to a file. The lines are those of the big database's last quarter.
import { atMost } from '../goals.mjs'
import { makeDatabase, sql, sqlTogether, state } from '../machine.mjs'
import { bigMembers } from './size.mjs'

const timed = (query) => { const started = performance.now(); const rows = sql('notice', query); return { ms: performance.now() - started, rows } }
const PERIOD = "gulou.period_of('bench', (date_trunc('quarter', gulou.local_day(now())) - interval '1 day')::date)"

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
  prepare(bench) {
    makeDatabase('notice')
    bench.seed('notice', bigMembers(bench))
  },
  async round() {
    const fixed = timed(`select gulou.freeze('bench', ${PERIOD}, 100000001, 100000002, 'bench'); select gulou.publish('bench', ${PERIOD}, 100000001, 100000002, 'bench')`)
    const copy = timed(`copy (select no, unit, item, points, reviewed_on, name_digest, leaf from gulou.announcement_line where account_id = 'bench') to '${state}/postgres/lines.copy'`)
    const [[lines]] = sql('notice', "select count(*) from gulou.announcement_line where account_id = 'bench'")
    sql('notice', "select api.set_clock(now() + interval '40 days')")
    const started = performance.now()
    await sqlTogether('notice', SETTLE, JOBS)
    const settled = { ms: performance.now() - started }
    const [[open]] = sql('notice', `select count(*) from gulou.declaration where account_id = 'bench' and period = ${PERIOD} and status <> 'settled'`)
    if (open !== '0') throw new Error(`${open} lines were not settled`)
    const note = `${Number(lines).toLocaleString('en')} lines`
    return { M: { figure: fixed.ms / 1000, baseline: copy.ms / 1000, note }, Msettle: { figure: settled.ms / 1000, baseline: copy.ms / 1000, note } }
  }
}
