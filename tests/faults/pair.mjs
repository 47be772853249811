// A primary with a synchronous standby, as docs/failover.md sets them up: the same commands.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { sleep } from './faults.mjs'
import { killAll, leaveNothing, platformApi, Postgres, privateRedis, runAsService, server, writeConfig } from './world.mjs'

const { GULOU_E2E_STATE: state, GULOU_E2E_BIN: program } = process.env
const PG_BIN = '/usr/lib/postgresql/15/bin'
const SERVERS = 2
// wal_log_hints: a primary that was left behind can be rewound instead of copied anew.
const SETTINGS = 'wal_log_hints = on\nwal_keep_size = 512MB\n'

export class Pair {
  constructor(port) {
    mkdirSync(`${state}/log`, { recursive: true })
    const database = (name, n) => new Postgres({ name, folder: `${state}/${name}`, port: port + n, more: SETTINGS })
    this.primary = database('east', 0)
    this.standby = database('west', 1)
    this.redis = privateRedis(port + 2)
    this.api = platformApi(port + 3, port + 10)
    this.url = `postgresql://gulou@127.0.0.1:${port},127.0.0.1:${port + 1}/gulou?target_session_attrs=read-write`
    this.servers = Array.from({ length: SERVERS }, (_, i) =>
      server(i, port + 10 * (i + 1), { postgres: this.url, redis: `redis://127.0.0.1:${port + 2}` }))
    this.apiPort = port + 3
  }

  get processes() { return [this.primary, this.standby, this.redis, this.api, ...this.servers.map((one) => one.process)] }
  abandon() { killAll(this.processes) }

  async begin() {
    leaveNothing(this)
    this.primary.init()
    this.primary.start()
    this.redis.start()
    await this.primary.answers()
    await this.primary.query('create database gulou')
    writeConfig(this.url, this.apiPort)
    execFileSync(program, ['migrate', '--demo', '--config', `${state}/config.toml`], { stdio: 'pipe' })
    runAsService([`${PG_BIN}/pg_basebackup`, '-D', this.standby.folder, '-d', this.from(this.primary), '-R', '-X', 'stream', '-c', 'fast'])
    await this.follow()
    this.api.start()
    for (const one of this.servers) one.process.start()
  }

  from(source) { return `host=127.0.0.1 port=${source.port} user=gulou application_name=standby` }

  // The standby streams; from then on the primary answers nobody before the standby has it.
  async follow() {
    this.standby.start()
    await this.standby.answers()
    await this.replication('state', 'streaming')
    await this.primary.query("alter system set synchronous_standby_names = 'FIRST 1 (standby)'")
    await this.primary.query('select pg_reload_conf()')
    await this.replication('sync_state', 'sync')
  }

  async replication(column, wanted) {
    for (let i = 0; i < 300; i++) {
      const { stdout } = await this.primary.query(`select ${column} from pg_stat_replication where application_name = 'standby'`)
      if (stdout.trim() === wanted) return
      await sleep(100)
    }
    throw new Error(`the standby is not ${wanted}`)
  }

  async promote() {
    await this.standby.query('select pg_promote(true, 30)')
    ;[this.primary, this.standby] = [this.standby, this.primary]
  }

  // The one that was left behind comes back as a standby of the one that took over.
  async rebuild() {
    rmSync(`${this.standby.folder}/standby.signal`, { force: true })
    runAsService([`${PG_BIN}/postgres`, '--single', '-D', this.standby.folder, 'template1'])
    await this.primary.query('checkpoint') // else pg_rewind may not see that it was promoted
    runAsService([`${PG_BIN}/pg_rewind`, '-D', this.standby.folder, '--source-server', `${this.from(this.primary)} dbname=postgres`])
    // Its own settings were replaced by those of the other one.
    const auto = `${this.standby.folder}/postgresql.auto.conf`
    writeFileSync(auto, `primary_conninfo = '${this.from(this.primary)}'\n`)
    this.fence()
    await this.follow()
  }

  // A data folder with this file never takes a change, whoever starts it.
  fence() { writeFileSync(`${this.standby.folder}/standby.signal`, '') }

  async end() {
    const ends = await Promise.all(this.servers.map((one) => one.process.end('SIGTERM')))
    await Promise.all([this.api.end('SIGTERM'), this.redis.end('SIGTERM'), this.primary.end('SIGINT'), this.standby.end('SIGINT')])
    return ends
  }
}
