// What can go wrong, and the plan of a run: drawn from the seed before it begins, so that the same seed breaks the same
// things in the same order. One thing is broken in one way at a time; different things at once.
import { readFileSync } from 'node:fs'
import { statfs, unlink } from 'node:fs/promises'
import { signalAll } from './process.mjs'
import { run } from './world.mjs'

const { GULOU_E2E_STATE: state, GULOU_E2E_BIN: program } = process.env
const PAUSE_MS = [0, 400] // between the beginnings of two faults
const OPEN_MOST = 6 // faults under way or waiting
const STOP_MS = 5000
const CLOCK_TRIES = 20
const DAY_MS = 86400000
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// ---- on lines

const cut = (line) => line.cut()
const silence = (line) => { line.silent = true; return () => line.speak() }
const slow = (line, ms) => { line.delayMs = 50 + (ms * 7) % 600; return () => { line.delayMs = 0 } }
const refuse = async (line) => { await line.close(); return () => line.open() }

// ---- on processes

const kill = async (one) => { await one.end('SIGKILL'); return () => one.start() }
const freeze = (one) => { one.pause(); return () => one.resume() }

// Once in some hundred ends the sanitizer's own thread that looks for leaks dies, after the server's last line: then nobody
// knows of leaks, and nothing else is wrong.
const checkerDied = (one) => /event=stopped clean=true\nTracer caught signal.*\n.*LeakSanitizer has encountered a fatal error[^]{0,300}$/.test(readFileSync(one.log, 'utf8'))

// Asked to end, as at an upgrade; what is under way is finished first.
async function renew(one, ms, world) {
  const { code, signal } = await one.end('SIGTERM')
  if (code === 1 && checkerDied(one)) console.log(`faults: ${one.name}: the leak checker died`)
  else if (code !== 0 && signal !== 'SIGTERM') world.unclean.push(`${one.name} ended with ${code ?? signal}`) // by SIGTERM: it had hardly begun
  return () => one.start()
}

// As a supervisor does it: a PostgreSQL that does not end in time is ended. (It may hang so when a backend has just
// crashed.)
async function restartFast(one) {
  const late = setTimeout(() => signalAll(one.pids(), 'SIGKILL'), STOP_MS)
  await one.end('SIGINT')
  clearTimeout(late)
  return () => one.start()
}

// A crash of one backend makes PostgreSQL end all of them and recover.
const killBackend = (one, ms) => { const [, ...children] = one.pids(); signalAll([children[ms % children.length]].filter(Boolean), 'SIGKILL') }
const endBackends = (one) => one.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gulou' and pid <> pg_backend_pid()").catch(() => {})

// ---- on Redis

const redis = (world, ...words) => run('redis-cli', ['-p', String(world.redisPort), ...words], { timeout: 2000 }).catch(() => ({ stdout: '' }))
const empty = (one, ms, world) => redis(world, 'flushall')

// Another type, nonsense, or nothing where something of ours was: evicted, or written by a stranger.
async function falsify(one, ms, world) {
  const key = (await redis(world, 'randomkey')).stdout.trim()
  if (!key) return
  await redis(world, ...[['set', key, 'nonsense'], ['del', key], ['expire', key, '1']][ms % 3])
}

// ---- on the platform, the disk and the clock

const loseAnswers = (one, ms, world) => world.platform.faults.push(...Array(1 + ms % 3).fill('lose_answer'))
const loseWay = (one, ms, world) => world.platform.faults.push(...Array(1 + ms % 3).fill('unreachable'))

async function fill(disk) {
  const file = `${disk}/filler`
  const { bavail, bsize } = await statfs(disk)
  await run('fallocate', ['-l', String(Math.max(bavail * bsize, 4096)), file]).catch(() => {})
  return () => unlink(file).catch(() => {})
}

// Some days ahead or back, by what the operator would use. Not while the database is away: then once more.
async function jump(one, ms) {
  const time = new Date(Date.now() + (ms % 14 - 3) * DAY_MS + ms * 1000).toISOString()
  for (let i = 0; i < CLOCK_TRIES; i++) {
    const done = await run(program, ['clock', '--set', time, '--config', `${state}/config.toml`], { timeout: 5000 }).catch(() => null)
    if (done) return
    await sleep(250)
  }
}

// ---- the plan

const servers = (world) => world.servers.map(({ process }) => process)
const lines = (kind) => (world) => world.servers.map((one) => one[kind])
const only = (part) => (world) => [world[part]]
const kind = (name, weight, targets, act, ms = [0, 0]) => ({ name, weight, targets, act, ms })

const KINDS = [
  kind('a line to PostgreSQL is cut', 14, lines('postgres'), cut),
  kind('a line to PostgreSQL is slow', 9, lines('postgres'), slow, [200, 1500]),
  kind('a line to PostgreSQL is silent', 8, lines('postgres'), silence, [200, 2500]),
  kind('a line to PostgreSQL is refused', 6, lines('postgres'), refuse, [100, 1500]),
  kind('a line to Redis is cut', 8, lines('redis'), cut),
  kind('a line to Redis is slow', 7, lines('redis'), slow, [200, 1500]),
  kind('a line to Redis is silent', 5, lines('redis'), silence, [200, 2000]),
  kind('a line to Redis is refused', 4, lines('redis'), refuse, [100, 1500]),
  kind('the line to the platform is cut', 3, only('apiLine'), cut),
  kind('the line to the platform is silent', 3, only('apiLine'), silence, [200, 2500]),
  kind('a server is killed', 8, servers, kill, [50, 800]),
  kind('a server is stopped', 6, servers, freeze, [100, 2500]),
  kind('a server is renewed', 2, servers, renew, [0, 100]),
  kind('PostgreSQL is killed', 4, only('postgres'), kill, [50, 500]),
  kind('PostgreSQL is stopped', 4, only('postgres'), freeze, [100, 2000]),
  kind('PostgreSQL is restarted', 2, only('postgres'), restartFast, [50, 500]),
  kind('a backend is killed', 2, only('postgres'), killBackend, [0, 100]),
  kind('every backend is ended', 3, only('postgres'), endBackends),
  kind('Redis is killed', 4, only('redis'), kill, [50, 800]),
  kind('Redis is stopped', 4, only('redis'), freeze, [100, 2000]),
  kind('Redis is emptied', 3, only('redis'), empty),
  kind('Redis holds wrong data', 5, only('redis'), falsify, [0, 100]),
  kind('the platform is killed', 2, only('api'), kill, [100, 1000]),
  kind('the platform is stopped', 2, only('api'), freeze, [100, 2000]),
  kind('answers are lost on their way', 5, only('platform'), loseAnswers, [0, 100]),
  kind('pushes are lost on their way', 3, only('platform'), loseWay, [0, 100]),
  kind('the disk is full', 3, only('disk'), fill, [200, 1500]),
  kind('the clock jumps', 3, only('clock'), jump, [0, 20000])
]
const INSTANT = new Set([cut, renew, killBackend, endBackends, empty, falsify, loseAnswers, loseWay, jump]) // `ms` is only a number to choose by

// [{kind, target, ms, pause}]; without the disk where none can be mounted.
export function planOf(world, chance, count) {
  const kinds = KINDS.filter((one) => one.targets(world).every(Boolean))
  return Array.from({ length: count }, () => {
    const one = chance.weighed(kinds)
    return { kind: one, target: chance.pick(one.targets(world)), ms: chance.between(...one.ms), pause: chance.between(...PAUSE_MS) }
  })
}

const nameOf = (world, target) => target.name ?? world.servers.find((one) => one.postgres === target || one.redis === target)?.name ?? ''

// Until every fault of the plan has been and gone; tells how many there were of each kind. Those of one thing wait for
// each other; the plan goes on meanwhile, until too many wait.
export async function carryOut(world, plan, note) {
  const last = new Map()
  const open = new Set()
  const tally = {}
  const one = async ({ kind, target, ms }) => {
    note(`${kind.name} ${nameOf(world, target)} ${ms}`)
    const mend = await kind.act(target, ms, world)
    if (!INSTANT.has(kind.act)) await sleep(ms)
    if (typeof mend === 'function') await mend()
    tally[kind.name] = (tally[kind.name] ?? 0) + 1
  }
  for (const fault of plan) {
    const before = last.get(fault.target) ?? Promise.resolve()
    const now = before.then(() => one(fault)).finally(() => open.delete(now))
    last.set(fault.target, now)
    open.add(now)
    await sleep(fault.pause)
    while (open.size >= OPEN_MOST) await Promise.race(open)
  }
  await Promise.all(open)
  return tally
}
