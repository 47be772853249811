// Load by wrk: composed pushes at full speed over kept connections, and the certainty that all were answered rightly.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cpuSeconds, postgresSeconds } from './machine.mjs'

const run = promisify(execFile)
const script = fileURLToPath(new URL('./replay.lua', import.meta.url))
const SAMPLE = 16
const WARM_SECONDS = 1 // a fresh connection of PostgreSQL reads and plans every function first

export async function wrk(address, file, { connections, seconds, skip = 0, again = false }) {
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, address, '--', file, skip, ...(again ? ['again'] : [])].map(String))
  const result = JSON.parse(stdout.trim().split('\n').at(-1))
  if (result.failed > 0) throw new Error(`${result.failed} requests failed: ${stdout}`)
  if (result.ended) throw new Error(`the pushes in ${file} were too few`)
  return { ...result, rate: result.answered / result.seconds }
}

// The last ones sent may have been cut; the first ones were answered.
export function worthAnotherLook(sent, connections) {
  const last = Math.min(sent, 2 * connections)
  return [...Array(last).keys()].map((i) => sent - last + i).concat([...Array(Math.min(SAMPLE, sent - last)).keys()])
}

// Fresh pushes for as long as `seconds` may need at `most` a second, after a moment to warm up. Then every push has been
// answered, as a sample of them is asked again, and none with 系统繁忙. Returns wrk's figures, how many were `sent` in all,
// and the CPU seconds that server and PostgreSQL took for one.
export async function serve(server, pushes, { connections = 64, seconds, most, expected }) {
  pushes.compose(Math.ceil(most * (WARM_SECONDS + seconds)) + connections)
  const busy = await server.metric('gulou_replies_busy_total')
  const { sent: skip } = await wrk(server.address, pushes.file, { connections, seconds: WARM_SECONDS })
  await pushes.again(server.address, worthAnotherLook(skip, connections), expected)
  const before = [cpuSeconds(server.pid), postgresSeconds()]
  const result = await wrk(server.address, pushes.file, { connections, seconds, skip })
  const cpu = { server: (cpuSeconds(server.pid) - before[0]) / result.answered, postgres: (postgresSeconds() - before[1]) / result.answered }
  const sent = skip + result.sent
  await pushes.again(server.address, worthAnotherLook(sent, connections), expected)
  if (await server.metric('gulou_replies_busy_total') > busy) throw new Error('some were answered 系统繁忙')
  return { ...result, sent, cpu }
}

// How the CPU was spent, for the table's remarks.
const micros = (seconds) => Math.round(seconds * 1e6)
export const spent = ({ cpu }, base) => `µs of CPU a message: server ${micros(cpu.server)}, PostgreSQL ${micros(cpu.postgres)}; under pgbench PostgreSQL ${micros(base.postgres)}`
