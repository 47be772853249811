// Everything is broken in every way while people use the service; then nothing that was answered may be lost or doubled.
// ./scripts/test faults; GULOU_FAULTS_SEED repeats a run's plan, GULOU_FAULTS_COUNT makes it longer.
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { gulou, platformTo } from '../e2e/system.mjs'
import { everything } from './checks.mjs'
import { chance } from './chance.mjs'
import { carryOut, planOf } from './faults.mjs'
import { people, recovered } from './system.mjs'
import { World } from './world.mjs'

const { GULOU_E2E_STATE: state } = process.env
const seed = process.env.GULOU_FAULTS_SEED || String(Date.now() % 1000000)
const total = Number(process.env.GULOU_FAULTS_COUNT || 220)
const ROUND = 500 // faults; then all is mended, looked at, and broken again
const RECOVERY_SECONDS = 10
const SETTLING_SECONDS = 120 // at the very beginning, on a machine that may be busy
const DISK_MEGABYTES = 300 + total / 50 // what a round leaves behind is small; filling it is quick
const world = new World({ port: Number(process.env.GULOU_FAULTS_PORT), diskMegabytes: Math.round(DISK_MEGABYTES) })
const say = (line) => console.log(`faults: ${line}`)
const note = (line) => appendFileSync(`${state}/log/faults.log`, `${new Date().toISOString()} ${line}\n`)

let model, plan
const tally = {}

before(async () => {
  say(`seed ${seed}, ${total} faults; the same again: GULOU_FAULTS_SEED=${seed} GULOU_FAULTS_COUNT=${total} ./scripts/test faults`)
  if (!world.disk) say('no disk can be mounted here: none will be full')
  await world.begin()
  world.unclean = []
  model = people(world, seed)
  await recovered(world, model.reviewers[0], SETTLING_SECONDS)
  plan = planOf(world, chance(seed, 'plan'), total)
})

after(() => world.end())

for (let at = 0; at < total; at += ROUND) {
  const last = Math.min(at + ROUND, total)
  test(`faults ${at + 1} to ${last}: all is well soon after, and what was answered is there once`, async () => {
    model.start()
    try {
      const one = await carryOut(world, plan.slice(at, last), note)
      for (const [name, times] of Object.entries(one)) tally[name] = (tally[name] ?? 0) + times
      const ms = await recovered(world, model.reviewers[0], RECOVERY_SECONDS)
      say(`${last} faults; well again after ${ms} ms; ${model.acts.length} acts, ${model.answered} answers`)
    } finally {
      await model.stop()
    }
    assert.deepEqual(everything(model), [])
    assert.match(gulou('audit'), /everything verifies/)
  })
}

test('ranks are what the books say, on every server', async () => {
  const ask = (one) => platformTo(one.address).send(model.members[0].openid, { type: 'text', content: '排行', attempts: 1 })
  const ranks = async () => (await Promise.all(world.servers.map(ask))).map(({ reply }) => reply?.replace(/^【提醒】[^]*————\n/, ''))
  const kept = await ranks()
  await world.redis.end('SIGTERM')
  assert.deepEqual(kept, await ranks())
  assert.match(kept[0], /我的名次/)
})

test('no server has ended by itself, and every one that was asked to has ended well', async () => {
  const ends = await world.end()
  const servers = world.servers.flatMap((one) => one.process.unasked)
  assert.deepEqual(servers, [])
  assert.deepEqual(world.unclean, [])
  for (const { code } of ends) assert.equal(code, 0)
  say(`by kind: ${JSON.stringify(tally)}`)
})
