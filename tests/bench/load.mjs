// Load by wrk: composed pushes at full speed over kept connections, and the certainty that all were answered rightly.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cpuSeconds, postgresSeconds, sleep } from './machine.mjs'

const run = promisify(execFile)
const script = fileURLToPath(new URL('./replay.lua', import.meta.url))
const SAMPLE = 16
const WARM_SECONDS = 1 // a fresh connection of PostgreSQL reads and plans every function first

export async function wrk(address, file, { connections, seconds, skip = 0, depth = 1, again = false }) {
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, address, '--', file, skip, depth, ...(again ? ['again'] : [])].map(String))
  const result = JSON.parse(stdout.trim().split('\n').at(-1))
  if (result.failed > 0) throw new Error(`${result.failed} requests failed: ${stdout}`)
  if (result.ended) throw new Error(`the pushes in ${file} were too few`)
  return { ...result, rate: result.answered / result.seconds }
}

// Some of the first, and the last: wrk cuts what is under way at its end, and a slow one may have been sent long before.
export function worthAnotherLook(sent, connections) {
  const last = Math.min(sent, 8 * connections)
  return [...Array(last).keys()].map((i) => sent - last + i).concat([...Array(Math.min(SAMPLE, sent - last)).keys()])
}

// The server has no call under way any more, also none that nobody waits for.
async function quiet(server) {
  for (let i = 0; i < 600; i++) {
    if (await server.metric('gulou_pg_pending') === 0) return
    await sleep(50)
  }
  throw new Error('calls of the database are under way for half a minute')
}

// Fresh pushes for as long as `seconds` may need at `most` a second, after a moment to warm up. Nobody is turned away or
// answered 系统繁忙; what `written()` counts has grown by every push that was answered; and when the last ones have been
// asked again, by every push that was sent. Returns wrk's figures, how many were `sent` in all, and the CPU seconds that
// server and PostgreSQL took for one.
export async function serve(server, pushes, { connections = 64, seconds, most, expected, written }) {
  pushes.compose(Math.ceil(most * (WARM_SECONDS + seconds)) + connections)
  const refused = async () => await server.metric('gulou_replies_busy_total') + await server.metric('gulou_callbacks_turned_away_total')
  const [refusedBefore, writtenBefore] = [await refused(), written?.()]
  const run = async (seconds, skip) => {
    const before = [cpuSeconds(server.pid), postgresSeconds()]
    const result = await wrk(server.address, pushes.file, { connections, seconds, skip })
    const cpu = { server: (cpuSeconds(server.pid) - before[0]) / result.answered, postgres: (postgresSeconds() - before[1]) / result.answered }
    const sent = skip + result.sent
    await quiet(server)
    const done = written?.() - writtenBefore
    if (done < skip + result.answered || done > sent) throw new Error(`${sent} pushes were sent, ${skip + result.answered} answered, and ${done} are written`)
    await pushes.again(server.address, worthAnotherLook(sent, connections), expected)
    if (written && written() - writtenBefore !== sent) throw new Error(`${sent} pushes were sent, ${written() - writtenBefore} are written`)
    return { ...result, sent, cpu }
  }
  const { sent: skip } = await run(WARM_SECONDS, 0)
  const result = await run(seconds, skip)
  const turnedAway = await refused() - refusedBefore
  if (turnedAway > 0) throw new Error(`${turnedAway} were turned away or answered 系统繁忙`)
  return result
}

// How the CPU was spent, for the table's remarks.
const micros = (seconds) => Math.round(seconds * 1e6)
export const spent = ({ cpu }, base) => `µs of CPU a message: server ${micros(cpu.server)}, PostgreSQL ${micros(cpu.postgres)}; under pgbench PostgreSQL ${micros(base.postgres)}`
