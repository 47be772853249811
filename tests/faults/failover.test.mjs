// The primary dies under load, the synchronous standby takes over; nothing that was answered is lost. Then the old
// primary comes back as a standby, and the whole once more in the other direction. ./scripts/test failover
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gulou } from '../e2e/system.mjs'
import { everything } from './checks.mjs'
import { sleep } from './faults.mjs'
import { Pair } from './pair.mjs'
import { signalAll } from './process.mjs'
import { people, recovered } from './system.mjs'

const LOAD_MS = 4000
const RECOVERY_SECONDS = 10
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
