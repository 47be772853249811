// Load by wrk: composed pushes at full speed over kept connections, and the certainty that all were answered rightly.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build, cpuSeconds, postgresSeconds, sleep } from './machine.mjs'

const run = promisify(execFile)
const script = fileURLToPath(new URL('./replay.lua', import.meta.url))
const SAMPLE = 16
const WARM_SECONDS = 1 // a fresh connection of PostgreSQL reads and plans every function first
const ENOUGH = 3 // times the messages of the first second are as a rule more than any later one sees

// {answered, sent, seconds, rate, p50, p99, ended}; the file may only `end` too early when the caller can do with that.
export async function wrk(address, file, { connections, seconds, skip = 0, again = false, mayEnd = false }) {
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, address, '--', file, skip, ...(again ? ['again'] : [])].map(String))
  const result = JSON.parse(stdout.trim().split('\n').at(-1))
  if (result.failed > 0) throw new Error(`${result.failed} requests failed: ${stdout}`)
  if (result.ended && !mayEnd) throw new Error(`the pushes in ${file} were too few`)
  return { ...result, rate: result.answered / result.seconds }
}

// A closed load by rush.c, which takes less of the cores than wrk: `depth` requests at once on each connection. The pushes
// go round in a circle. {answered, rate, cpu: the seconds it took itself}.
export async function rush(port, file, { connections, depth, seconds }) {
  const { stdout } = await run(`${build}/bench_rush`, [port, file, connections, depth, seconds].map(String), { timeout: (seconds + 10) * 1000 })
  const result = JSON.parse(stdout)
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

// Fresh pushes at full speed for so many seconds, after one to warm up, which also tells how many to compose; `most` a
// second if that was too few. Nobody is turned away or answered 系统繁忙; what `written()` counts has grown by every push
// that was answered; and when the last ones have been asked again, by every push that was sent. Returns wrk's figures and
// the CPU seconds that server and PostgreSQL took for one.
export async function serve(server, pushes, { connections = 64, seconds, most, expected, written }) {
  const refused = async () => await server.metric('gulou_replies_busy_total') + await server.metric('gulou_callbacks_turned_away_total')
  const refusedBefore = await refused()
  const run = async (seconds, perSecond) => {
    pushes.compose(Math.ceil(perSecond * seconds) + connections)
    const [skip, fresh] = [pushes.sent, pushes.fields.length - pushes.sent]
    const writtenBefore = written?.()
    const before = [cpuSeconds(server.pid), postgresSeconds()]
    const result = await wrk(server.address, pushes.file, { connections, seconds, skip, mayEnd: perSecond < most })
    const cpu = { server: (cpuSeconds(server.pid) - before[0]) / result.answered, postgres: (postgresSeconds() - before[1]) / result.answered }
    await quiet(server)
    const [sent, answered] = [Math.min(result.sent, fresh), Math.min(result.answered, fresh - connections)]
    pushes.sent += sent
    const done = written?.() - writtenBefore
    if (done < answered || done > sent) throw new Error(`${sent} pushes were sent, ${answered} answered, and ${done} are written`)
    await pushes.again(server.address, worthAnotherLook(pushes.sent, connections), expected)
    if (written && written() - writtenBefore !== sent) throw new Error(`${sent} pushes were sent, ${written() - writtenBefore} are written`)
    return { ...result, cpu }
  }
  const warm = await run(WARM_SECONDS, most)
  let result = await run(seconds, Math.min(most, Math.max(most / 8, ENOUGH * warm.rate)))
  if (result.ended) result = await run(seconds, most)
  const turnedAway = await refused() - refusedBefore
  if (turnedAway > 0) throw new Error(`${turnedAway} were turned away or answered 系统繁忙`)
  return result
}

// How the CPU was spent, for the table's remarks.
const micros = (seconds) => Math.round(seconds * 1e6)
export const spent = ({ cpu }, base) => `µs of CPU a message: server ${micros(cpu.server)}, PostgreSQL ${micros(cpu.postgres)}; under pgbench PostgreSQL ${micros(base.postgres)}`
