// L: 排行, one's own rank and the top ten, from the board in Redis, against the two bare commands on the same board by
// redis-benchmark, which is hiredis underneath. The message also asks PostgreSQL who is speaking, what the ten are called and
// whether their points are true.
import { execFileSync } from 'node:child_process'
import { atLeast } from '../goals.mjs'
import { serve } from '../load.mjs'
import { build, config, databaseUrl, makeDatabase, sockets, sql } from '../machine.mjs'
import { memberOf, Pushes } from '../pushes.mjs'
import { bigMembers } from './size.mjs'

const CONNECTIONS = 64
const redis = (...command) => execFileSync('redis-cli', ['-s', `${sockets}/redis.sock`, ...command], { encoding: 'utf8' }).trim()

function perSecond(requests, ...command) {
  const text = execFileSync('redis-benchmark', ['-s', `${sockets}/redis.sock`, '-c', CONNECTIONS, '-n', requests, '--csv', ...command].map(String), { encoding: 'utf8' })
  return Number(/^"[^"\n]*","([\d.]+)"/m.exec(text.slice(text.indexOf('\n') + 1))[1])
}

export default {
  letter: 'L',
  rows: { L: { what: '排行: own rank and top ten through the callback', unit: '/s', against: 'ZREVRANK + ZREVRANGE, redis-benchmark', goal: atLeast(0.5),
    reason: 'a whole message with its cipher and a call of PostgreSQL stands beside two bare commands' } },
  prepare(bench) {
    makeDatabase('big')
    bench.seed('big', bigMembers(bench))
    execFileSync(`${build}/gulou`, ['rebuild-cache', '--config', config], { env: { ...process.env, GULOU_POSTGRES_URL: databaseUrl('big') }, stdio: 'pipe' })
    const [[period]] = sql('big', `select gulou.period_of('bench', gulou.local_day(now()))`)
    this.board = redis('--scan', '--pattern', `board:*bench*${period}*members`).split('\n')[0]
    if (!this.board) throw new Error('no board was built')
  },
  async round(bench) {
    const members = bigMembers(bench)
    const someone = redis('zrange', this.board, String(members >> 1), String(members >> 1))
    const requests = 20000 * bench.seconds
    const pair = 1 / (1 / perSecond(requests, 'zrevrank', this.board, someone) + 1 / perSecond(requests, 'zrevrange', this.board, 0, 9, 'withscores'))
    const result = await bench.served((server) => serve(server, new Pushes('rank', (i) => ({ person: memberOf(i, members), content: '排行' })),
      { connections: CONNECTIONS, seconds: bench.seconds, most: 50000, expected: /第?\d+名|王/ }), { database: 'big' })
    return { L: { figure: result.rate, baseline: pair, note: `${members.toLocaleString('en')} members; server ${Math.round(result.cpu.server * 1e6)} µs, PostgreSQL ${Math.round(result.cpu.postgres * 1e6)} µs of CPU a message` } }
  }
}
