// G: how long one declaration takes when nothing else happens, against the statement alone. H: how even the times are
// under half of what the server can do, in an open load: pace.c sends at fixed times.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { atMost } from '../goals.mjs'
import { serve, worthAnotherLook, wrk } from '../load.mjs'
import { build, pgbench } from '../machine.mjs'
import { count, declarations, EXPECTED, STATEMENT } from './declare.mjs'

const run = promisify(execFile)
const MOST = 12000
const CONNECTIONS = 64

async function alone({ seconds, members }, server) {
  const result = await serve(server, declarations('alone', members), { connections: 1, seconds, most: 4000, expected: EXPECTED })
  return result.p50
}

// The server's maximum first, then half of it.
async function paced({ seconds, members }, server) {
  const pushes = declarations('paced', members).compose(MOST * (seconds + 1))
  const before = count('base')
  const most = await wrk(server.address, pushes.file, { connections: CONNECTIONS, seconds: seconds + 1 })
  await pushes.again(server.address, worthAnotherLook(most.sent, CONNECTIONS), EXPECTED)
  const rate = Math.floor(most.rate / 2)
  const even = declarations('even', members).compose(rate * (seconds + 1))
  const { stdout } = await run(`${build}/bench_pace`, [server.port, even.file, CONNECTIONS, rate, seconds].map(String))
  const result = JSON.parse(stdout)
  if (count('base') - before !== most.sent + result.sent) throw new Error('not as many declarations were written as were sent')
  return { ...result, rate }
}

export default {
  letter: 'G',
  rows: {
    G: { what: 'one declaration at a time: p50', unit: ' ms', against: 'pgbench -c 1, p50', goal: atMost(1.25) },
    H: { what: 'declarations at half of the maximum: p99', unit: ' ms', against: 'p50 at the same load', goal: atMost(5) }
  },
  async round(bench) {
    const base = await pgbench('base', STATEMENT, 1, bench.seconds, { members: bench.members })
    const one = await bench.served((server) => alone(bench, server))
    const even = await bench.served((server) => paced(bench, server))
    return { G: { figure: one, baseline: base.p50 }, H: { figure: even.p99, baseline: even.p50, note: `${even.rate}/s, longest ${Math.round(even.max)} ms` } }
  }
}
