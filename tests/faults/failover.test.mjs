// The primary dies under load, the synchronous standby takes over; nothing that was answered is lost. Then the old
// primary comes back as a standby, and the whole once more in the other direction. ./scripts/test failover
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { config, gulou, platformTo, program, readyz, until } from '../e2e/system.mjs'
import { everything } from './checks.mjs'
import { sleep } from './faults.mjs'
import { Pair } from './pair.mjs'
import { signalAll } from './process.mjs'
import { people, recovered } from './system.mjs'
import { server } from './world.mjs'

const LOAD_MS = 4000
const RECOVERY_SECONDS = 10
const READS = 20
const READING_SECONDS = 60
const STALL_MS = 20000 // longer than a server waits for a commit before it asks why
const SETTLING_SECONDS = 120 // at the very beginning, on a machine that may be busy
const seed = process.env.GULOU_FAULTS_SEED || String(Date.now() % 1000000)
const pair = new Pair(Number(process.env.GULOU_FAULTS_PORT))
const say = (line) => console.log(`failover: ${line}`)

let model

before(async () => {
  say(`seed ${seed}`)
  await pair.begin()
  model = people(pair, seed)
  await recovered(pair, model.reviewers[0], SETTLING_SECONDS)
})
after(() => pair.end())

// Whether each server answers what only reads, as often as it is asked.
async function eachReads() {
  const doors = pair.servers.map((one) => platformTo(one.address, { attemptMs: 3000 }))
  for (let i = 0; i < READS; i++) {
    const replies = await Promise.all(doors.map((door) => door.send(model.reviewers[0].openid, { type: 'text', content: '积分', attempts: 1 })))
    if (!replies.every(({ reply }) => /可用：/.test(reply ?? ''))) return false
    await sleep(200)
  }
  return true
}

const processesOfServers = async () =>
  Number((await pair.primary.query("select count(*) from pg_stat_activity where application_name = 'gulou'")).stdout)

test('the standby stops: people read, changes wait, and the primary does not fill with waiting processes', async () => {
  model.start()
  await sleep(LOAD_MS / 2)
  pair.standby.pause()
  try {
    const end = Date.now() + READING_SECONDS * 1000
    while (!await eachReads()) assert.ok(Date.now() < end, `nobody can read ${READING_SECONDS} s after the standby stopped`)
    const processes = await processesOfServers()
    for (const stalled = Date.now(); Date.now() < stalled + STALL_MS;) assert.ok(await eachReads(), 'somebody could read, and no longer can')
    assert.ok(await processesOfServers() <= processes, `${processes} processes grew to ${await processesOfServers()}`)
  } finally {
    pair.standby.resume()
  }
  await recovered(pair, model.reviewers[0], RECOVERY_SECONDS)
  await sleep(LOAD_MS)
  await model.stop()
  assert.deepEqual(everything(model), [])
})

test('hosts in any order and nothing else said: everybody works on the one that writes', async () => {
  const { primary, standby } = pair
  const postgres = `postgresql://gulou@127.0.0.1:${standby.port},127.0.0.1:${primary.port}/gulou`
  const beside = server(9, Number(process.env.GULOU_FAULTS_PORT) + 50, { postgres, redis: '' })
  beside.process.start()
  try {
    const door = platformTo(beside.address, { attemptMs: 3000 })
    await until(async () => await readyz(beside.ops).catch(() => '') === 'ready\n', 10, 'the server beside is ready')
    assert.match((await door.send(model.reviewers[0].openid, { type: 'text', content: '积分' })).reply, /可用：/)
    assert.equal((await standby.query("select count(*) from pg_stat_activity where application_name = 'gulou'")).stdout.trim(), '0')
    const { stdout } = spawnSync(program, ['check', '--config', config], { env: { ...process.env, GULOU_POSTGRES_URL: postgres }, encoding: 'utf8' })
    assert.match(stdout, /^ok +postgres: reached/m)
    assert.doesNotMatch(stdout, /standby/)
  } finally {
    await beside.process.end('SIGTERM')
  }
})

async function loseThePrimary() {
  const acts = model.acts.length
  model.start()
  await sleep(LOAD_MS)
  const started = Date.now()
  const all = pair.primary.pids()
  const ended = pair.primary.end('SIGKILL')
  signalAll(all, 'SIGKILL') // all of its processes at once, as a machine dies
  await ended
  await pair.promote()
  const promoted = Date.now() - started
  await recovered(pair, model.reviewers[0], RECOVERY_SECONDS)
  const well = Date.now() - started
  await sleep(LOAD_MS)
  await model.stop()
  say(`promoted after ${promoted} ms, every server answers after ${well} ms; ${model.acts.length - acts} acts around it`)
  assert.deepEqual(everything(model), [])
  assert.match(gulou('audit'), /everything verifies/)
}

test('the primary is killed under load: the servers follow to the standby, nothing that was answered is lost', loseThePrimary)

test('the old primary is started again, fenced: nobody works on it', async () => {
  pair.fence()
  pair.standby.start()
  await pair.standby.answers()
  model.start()
  await sleep(LOAD_MS / 2)
  await model.stop()
  assert.deepEqual(everything(model), [])
  assert.equal((await pair.standby.query("select count(*) from pg_stat_activity where application_name = 'gulou'")).stdout.trim(), '0')
  await pair.standby.end('SIGINT')
})

test('rewound, it follows as the new standby; and the whole once more in the other direction', async () => {
  await pair.rebuild()
  await loseThePrimary()
})

test('no server has ended by itself', async () => {
  for (const { code } of await pair.end()) assert.equal(code, 0)
  assert.deepEqual(pair.servers.flatMap((one) => one.process.unasked), [])
})
