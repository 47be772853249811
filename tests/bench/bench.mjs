// What the measures share: the seeded database `base`, the sizes of a quick or a whole run, servers that live as long as
// a measurement. A measurement takes so many `seconds`, a `slice` when the best of several counts.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sql, startServer } from './machine.mjs'

const SEED = fileURLToPath(new URL('./seed.sql', import.meta.url))

export class Bench {
  constructor({ quick, full, rounds }) {
    const seconds = quick ? 1 : 4
    Object.assign(this, { quick, full, rounds: Number(rounds ?? (quick ? 1 : 3)), seconds, slice: Math.max(1, seconds / 2), members: quick ? 2000 : 5000 })
  }

  // Once, in a state folder that is used again. Ten declarations of each member end on `last`, a day in SQL; yesterday
  // without it.
  seed(database = 'base', members = this.members, last = 'null') {
    // A measure declares for hours what a member does in years, and nobody reviews it.
    sql(database, "create or replace function gulou.waiting_max() returns int language sql immutable as 'select 100000'")
    sql(database, readFileSync(SEED, 'utf8'))
    const [[seeded]] = sql(database, "select count(*) from gulou.member where account_id = 'bench' and member_id < 100000000")
    if (seeded === '0') {
      // What the seed writes is right by construction, and audited when it is small: no foreign key is looked up.
      sql(database, `set session_replication_role = replica; select bench.seed(${members}, ${last})`)
      // It has passed over the balances ten times in one go; people who declare for months leave no such gaps.
      sql(database, 'vacuum full gulou.balance, gulou.period_score, gulou.member_score; vacuum analyze')
    } else if (seeded !== String(members)) {
      throw new Error(`the state folder's database ${database} has ${seeded} members, and this run needs ${members}: take another folder`)
    }
  }

  // So many declarations of half an hour that wait for a reviewer; the first of their numbers. Ten that follow each other
  // are of ten members.
  waiting(count, database = 'base', members = this.members) {
    const people = Math.min(count, members)
    return Number(sql(database, `select bench.waiting(1, ${people}, ${Math.ceil(count / people)})`)[0][0])
  }

  // People have few declarations waiting. A measure leaves them hundreds, which the next one would count for every 积分.
  forget(database = 'base') {
    const [[forgotten]] = sql(database, 'select bench.forget()')
    if (forgotten !== '0') sql(database, 'vacuum analyze gulou.declaration')
  }

  // Runs while a server of ours serves; baselines run while none does.
  async served(measure, { database = 'base', ...options } = {}) {
    const server = await startServer(database, options)
    try { return await measure(server) } finally { await server.stop() }
  }
}
