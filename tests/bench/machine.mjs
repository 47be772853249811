// The processes that are measured: the server, PostgreSQL and its tools, wrk, nginx. Everything lives in the state folder
// that scripts/bench made, and ends with it.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { openSync, readFileSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { promisify } from 'node:util'
import { median } from './report.mjs'

const run = promisify(execFile)
export const { GULOU_BENCH_STATE: state, GULOU_BENCH_SOCKETS: sockets, GULOU_BENCH_BUILD: build, GULOU_BENCH_PG: pgBin } = process.env
export const firstPort = Number(process.env.GULOU_BENCH_PORT)
export const config = `${state}/config.toml`
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
const environment = { ...process.env, PGHOST: sockets, PGUSER: 'gulou', PGOPTIONS: '-c client_min_messages=warning' }
export const databaseUrl = (database) => `postgresql:///${database}?host=${sockets}&user=gulou`

// ---- CPU time

const stat = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ')

export function cpuSeconds(...pids) {
  return pids.reduce((sum, pid) => { const fields = stat(pid); return sum + Number(fields[11]) + Number(fields[12]) }, 0) / TICKS
}

const childrenOf = (parent) => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
  try { return stat(pid)[1] === String(parent) } catch { return false }
})

// Of PostgreSQL and what it has ended since.
export function postgresSeconds() {
  const postmaster = readFileSync(`${state}/run/postgres.pid`, 'utf8').split(' ')[0]
  const fields = stat(postmaster)
  return childrenOf(postmaster).reduce((sum, pid) => { try { return sum + cpuSeconds(pid) } catch { return sum } }, (Number(fields[13]) + Number(fields[14])) / TICKS)
}

// ---- programs that stay

const running = new Set()

export async function start(name, command, args, { ready, ...options } = {}) {
  const log = openSync(`${state}/log/${name}.log`, 'a')
  const child = spawn(command, args, { stdio: ['ignore', log, log], ...options })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const program = { pid: child.pid, async stop() { child.kill('SIGTERM'); await ended; running.delete(program) } }
  child.on('error', (error) => console.error(`${name}: ${error.message}`))
  running.add(program)
  for (let i = 0; ready && !await answers(ready); i++) {
    if (i === 2000 || child.exitCode !== null) throw new Error(`${name} is not ready, see ${state}/log/${name}.log`)
    await sleep(5)
  }
  return program
}

export const stopAll = () => Promise.all([...running].map((program) => program.stop()))

// A connection of its own: one kept from an earlier server on the same port is dead.
const get = (url) => new Promise((resolve, reject) => {
  http.get(url, { agent: false, timeout: 5000 }, (response) => {
    const parts = []
    response.on('data', (part) => parts.push(part))
    response.on('end', () => resolve({ ok: response.statusCode === 200, text: Buffer.concat(parts).toString() }))
  }).on('timeout', function () { this.destroy(new Error(`${url} does not answer`)) }).on('error', reject)
})

const answers = (url) => get(url).then(({ ok }) => ok, () => false)

// One server of ours: {pid, port, address, metric(name)}; `workers` event loops.
export async function startServer(database, { workers = 2, offset = 0, port = firstPort + offset, environment: more = {} } = {}) {
  const opsPort = firstPort + offset + 1
  const ops = `http://127.0.0.1:${opsPort}`
  const server = await start('server', `${build}/gulou`, ['serve', '--config', config], { ready: `${ops}/readyz`, env: { ...process.env,
    GULOU_SERVER_LISTEN: `127.0.0.1:${port}`, GULOU_SERVER_OPS_LISTEN: `127.0.0.1:${opsPort}`, GULOU_SERVER_WORKERS: String(workers),
    GULOU_POSTGRES_URL: databaseUrl(database), ...more } })
  const metric = async (name) => {
    const found = new RegExp(`^${name} (\\d+)`, 'm').exec((await get(`${ops}/metrics`)).text)
    if (!found) throw new Error(`the server has no metric ${name}`)
    return Number(found[1])
  }
  return Object.assign(server, { port, address: `http://127.0.0.1:${port}`, metric })
}

// ---- PostgreSQL

// Rows as lists of texts.
export function sql(database, query) {
  const text = execFileSync(`${pgBin}/psql`, ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database], { env: environment, encoding: 'utf8', input: query, maxBuffer: 1 << 28 })
  return text.split('\n').filter((row) => row !== '').map((row) => row.split('|'))
}

// The same over so many connections at once.
export function sqlTogether(database, query, connections) {
  return Promise.all(Array.from({ length: connections }, () =>
    run(`${pgBin}/psql`, ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', query], { env: environment })))
}

const WARM_SECONDS = 1 // a fresh connection of PostgreSQL reads and plans every function first

// {tps, p50 in ms, transactions, postgres: CPU seconds of one}: of a script's text, by so many clients, for so many
// seconds after a moment to warm up. The clients take the server's role.
export async function pgbench(database, text, clients, seconds, define = {}) {
  const file = `${state}/pgbench.sql`
  writeFileSync(file, text)
  const more = Object.entries(define).flatMap(([name, value]) => ['-D', `${name}=${value}`])
  const args = ['-n', '-M', 'prepared', '-c', clients, '-j', Math.min(2, clients), '-T', WARM_SECONDS + seconds, '-P', WARM_SECONDS, '-f', file, ...(clients === 1 ? ['-l'] : []), ...more, database]
  const before = postgresSeconds()
  const { stdout, stderr } = await run(`${pgBin}/pgbench`, args.map(String), { env: { ...environment, PGOPTIONS: '-c role=gulou_app -c jit=off' }, cwd: state })
  await sleep(200) // until its sessions have ended, and their time is the postmaster's
  const number = (pattern) => Number(pattern.exec(stdout)?.[1])
  if (number(/number of failed transactions: (\d+)/) !== 0) throw new Error(`pgbench: ${stdout}`)
  const [, warm, warmTps] = /^progress: ([\d.]+) s, ([\d.]+) tps/m.exec(stderr).map(Number)
  const transactions = number(/actually processed: (\d+)/)
  const took = transactions / number(/^tps = ([\d.]+)/m)
  return { tps: (transactions - warm * warmTps) / (took - warm), transactions, postgres: (postgresSeconds() - before) / transactions,
    p50: clients === 1 ? medianOfLog() : undefined }
}

// In ms, of what `pgbench -l` has written in the state folder; the file goes.
function medianOfLog() {
  const [name] = readdirSync(state).filter((one) => one.startsWith('pgbench_log.'))
  const times = readFileSync(`${state}/${name}`, 'utf8').trim().split('\n').map((line) => Number(line.split(' ')[2]))
  unlinkSync(`${state}/${name}`)
  return median(times) / 1000
}

// The fastest of 8, 16 and 32 clients, so many seconds each; `transactions` are those of all three.
export async function bestPgbench(database, text, seconds, define = () => ({})) {
  let best = { tps: 0 }
  let transactions = 0
  for (const clients of [8, 16, 32]) {
    sql(database, 'select gulou.fold_scores(1000000)') // which a server does once a second
    const result = await pgbench(database, text, clients, seconds, define(clients))
    transactions += result.transactions
    if (result.tps > best.tps) best = { ...result, clients }
  }
  return { ...best, transactions }
}

// A database of its own, migrated; as a copy of `template`, to which nobody may be connected, when it is not there yet.
export function makeDatabase(name, template = 'template1') {
  if (sql('postgres', `select 1 from pg_database where datname = '${name}'`).length === 0) sql('postgres', `create database ${name} template ${template} strategy file_copy`)
  execFileSync(`${build}/gulou`, ['migrate', '--config', config], { env: { ...environment, GULOU_POSTGRES_URL: databaseUrl(name) }, stdio: 'pipe' })
}

// What a server that has run for days has there: all tables and indexes but some.
export const intoMemory = (database, ...but) => sql(database, `create extension if not exists pg_prewarm;
  select count(pg_prewarm(c.oid)) from pg_class c where relnamespace = 'gulou'::regnamespace and relkind in ('r', 'i')
  and relname <> all ('{${but.join()}}')`)

export const dropDatabase = (name) => sql('postgres', `drop database if exists ${name}`)
