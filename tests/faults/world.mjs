// Everything that can break, privately below one folder: PostgreSQL on a small disk of its own, Redis, the platform's
// API, several servers, and a line from each server to each store.
import { execFile, execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { Line } from './line.mjs'
import { Process, signalAll } from './process.mjs'

export const run = promisify(execFile)
const { GULOU_E2E_STATE: state, GULOU_E2E_BIN: program } = process.env
const scripts = fileURLToPath(new URL('../../scripts/lib.sh', import.meta.url))
const simulator = fileURLToPath(new URL('../simulator/main.mjs', import.meta.url))
const PG_BIN = '/usr/lib/postgresql/15/bin'
const SERVERS = 3
const PORTS_EACH = 10
const settings = (more) => `listen_addresses = '127.0.0.1'
unix_socket_directories = ''
deadlock_timeout = 20ms
shared_buffers = 64MB
min_wal_size = 32MB
max_wal_size = 96MB
log_min_messages = warning
${more}`

// What scripts/lib.sh puts before a command that must not run as root.
const service = execFileSync('bash', ['-c', 'source "$0"; service_owns "$1"; printf "%s\\n" "${AS_SERVICE[@]}"', scripts, state], { encoding: 'utf8' })
  .split('\n').filter(Boolean)
export const asService = (command) => [...service, ...command]
export const runAsService = (command) => { const [first, ...rest] = asService(command); return execFileSync(first, rest, { encoding: 'utf8', input: '' }) }
const owned = (folder) => { mkdirSync(folder, { recursive: true }); if (service.length) execFileSync('chown', ['gulou:gulou', folder]) }

// Private PostgreSQL: a folder, a port, a process.
export class Postgres extends Process {
  constructor({ name, folder, port, more = '' }) {
    const log = `${state}/log/${name}.log`
    super({ name, log, command: asService([`${PG_BIN}/postgres`, '-D', folder, '-p', String(port)]) })
    Object.assign(this, { folder, port, more })
  }

  init() {
    owned(this.folder)
    runAsService([`${PG_BIN}/initdb`, '-D', this.folder, '-U', 'gulou', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'])
    appendFileSync(`${this.folder}/postgresql.conf`, settings(this.more))
  }

  // As systemd does. A process that waits for a spinlock whose holder was killed does not notice that its postmaster was
  // killed, too, and keeps the shared memory, without which no other starts, for two minutes.
  endLeftovers() {
    const isOurs = (pid) => { try { return readlinkSync(`/proc/${pid}/cwd`) === this.folder } catch { return false } }
    signalAll(readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOurs(name)).map(Number), 'SIGKILL')
  }

  url(database = 'gulou') { return `postgresql://gulou@127.0.0.1:${this.port}/${database}` }

  async answers(seconds = 30) {
    for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
      if (await this.query('select 1').catch(() => null)) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`${this.name} does not answer; see ${this.log}`)
  }

  query(sql, database = 'postgres') {
    return run(`${PG_BIN}/psql`, [`${this.url(database)}?connect_timeout=2`, '-XAtqc', sql], { timeout: 10000 })
  }
}

// A disk that can be filled; null where this machine lets nobody mount one.
export function smallDisk(folder, megabytes) {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'pipe' })
    return folder
  } catch {
    return null
  }
}

export class World {
  constructor({ port, diskMegabytes }) {
    const at = (n) => port + n
    mkdirSync(`${state}/log`, { recursive: true })
    this.disk = smallDisk(`${state}/disk`, diskMegabytes)
    this.postgres = new Postgres({ name: 'postgres', folder: `${state}/disk/postgres`, port: at(0) })
    this.redis = privateRedis(at(1))
    this.redisPort = at(1)
    this.api = platformApi(at(2), at(PORTS_EACH))
    this.clock = { name: 'clock' }
    this.apiLine = new Line(at(3), at(2))
    this.servers = Array.from({ length: SERVERS }, (_, i) => serverOnLines(i, at(PORTS_EACH * (i + 1)), { postgres: at(0), redis: at(1), api: at(3) }))
  }

  get processes() { return [this.postgres, this.redis, this.api, ...this.servers.map((one) => one.process)] }
  get lines() { return [this.apiLine, ...this.servers.flatMap((one) => [one.postgres, one.redis])] }

  async begin() {
    leaveNothing(this)
    this.postgres.init()
    this.postgres.start()
    this.redis.start()
    await this.postgres.answers()
    await this.postgres.query('create database gulou')
    writeConfig(this.postgres.url(), this.apiLine.port)
    execFileSync(program, ['migrate', '--demo', '--config', `${state}/config.toml`], { stdio: 'pipe' })
    await Promise.all(this.lines.map((line) => line.open()))
    this.api.start()
    for (const one of this.servers) one.process.start()
  }

  async end() {
    for (const one of this.processes) one.resume()
    const ends = await Promise.all(this.servers.map((one) => one.process.end('SIGTERM')))
    await Promise.all(this.lines.map((line) => line.close()))
    await Promise.all([this.api.end('SIGTERM'), this.redis.end('SIGTERM'), this.postgres.end('SIGINT')])
    this.abandon()
    return ends
  }

  abandon() {
    killAll(this.processes)
    if (this.disk) try { execFileSync('umount', ['--lazy', this.disk], { stdio: 'pipe' }) } catch { /* gone */ }
    this.disk = null
  }
}

// One of several servers on the same stores.
export function server(i, port, urls) {
  const name = `server ${i + 1}`
  const environment = { GULOU_SERVER_LISTEN: `127.0.0.1:${port}`, GULOU_SERVER_OPS_LISTEN: `127.0.0.1:${port + 1}`, GULOU_SERVER_WORKERS: '2',
    GULOU_POSTGRES_URL: urls.postgres, GULOU_REDIS_URL: urls.redis }
  const process = new Process({ name, log: `${state}/log/server-${i + 1}.log`, environment, command: [program, 'serve', '--config', `${state}/config.toml`] })
  return { name, address: `http://127.0.0.1:${port}`, ops: `http://127.0.0.1:${port + 1}`, process }
}

function serverOnLines(i, port, to) {
  const lines = { postgres: new Line(port + 2, to.postgres), redis: new Line(port + 3, to.redis) }
  return { ...server(i, port, { postgres: `postgresql://gulou@127.0.0.1:${port + 2}/gulou`, redis: `redis://127.0.0.1:${port + 3}` }), ...lines }
}

export const privateRedis = (port) => new Process({ name: 'redis', log: `${state}/log/redis.log`,
  command: asService(['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--dir', state, '--save', '', '--appendonly', 'no']) })

export const platformApi = (port, server) => new Process({ name: 'platform', log: `${state}/log/simulator.log`,
  command: [process.execPath, simulator, '--port', String(port), '--server', `http://127.0.0.1:${server}`, '--config', `${state}/config.toml`] })

// Whatever way this program ends, nothing that it started stays.
export function leaveNothing(world) {
  process.once('exit', () => world.abandon())
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
}

export function killAll(processes) {
  for (const one of processes) {
    one.wanted = false
    signalAll(one.pids(), 'SIGKILL')
  }
}

export function writeConfig(postgres, apiPort) {
  const letters = (n) => randomBytes(n).toString('hex').slice(0, n)
  writeFileSync(`${state}/config.toml`, `[server]
listen     = "127.0.0.1:1"
ops_listen = "127.0.0.1:2"
public_url = "http://127.0.0.1:1"
test_clock = true
[postgres]
url = "${postgres}"
[redis]
url = ""
[wechat]
api_base = "http://127.0.0.1:${apiPort}"
[[account]]
id               = "demo"
name             = "钟鼓楼区域党委"
app_id           = "wx2c2769f8efd9abc2"
app_secret       = "${letters(32)}"
token            = "${letters(24)}"
encoding_aes_key = "${letters(43)}"
mode             = "secure"
`, { mode: 0o600 })
}
