// What breaks comes back: Redis, PostgreSQL and the server are stopped by the ids that scripts/run wrote down, and
// started again by it. Runs alone, because everything else would notice.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from './client.mjs'

const client = new Client()
const { GULOU_E2E_OPS: ops, GULOU_E2E_STATE: state, GULOU_E2E_BIN: program } = process.env
const script = fileURLToPath(new URL('../../scripts/run', import.meta.url))
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const pidOf = (name) => Number(readFileSync(`${state}/run/${name}.pid`, 'utf8').split(' ')[0])
const startAgain = () => execFileSync(script, ['--detach', '--state', state], { env: { ...process.env, GULOU_BUILD: program.replace(/\/gulou$/, '') }, stdio: 'pipe' })
const ready = async () => (await fetch(`${ops}/readyz`)).text()
const declared = async (person) => ((await person.say('我的申报')).match(/编号/g) ?? []).length

async function until(condition, seconds, what) {
  for (let i = 0; i < seconds * 10; i++) {
    if (await condition().catch(() => false)) return
    await sleep(100)
  }
  assert.fail(`${what} within ${seconds} s`)
}

async function stop(name, signal) {
  const pid = pidOf(name)
  process.kill(pid, signal)
  await until(async () => { try { process.kill(pid, 0); return false } catch { return true } }, 15, `${name} ends`)
}

let member

before(async () => {
  member = client.person()
  await member.say('绑定 DEMO0150')
})
after(startAgain)

test('without Redis: the same ranks from SQL, one-line commands, a plain word for the dialogue; then all is back', async () => {
  const ranks = await member.say('排行')
  await stop('redis', 'SIGTERM')
  await until(async () => /degraded: redis/.test(await ready()), 10, 'readyz tells')
  assert.equal(await member.say('排行'), ranks)
  assert.match(await member.say('申报'), /一句话/)
  assert.match(await member.say('申报 40 1 没有缓存时巡逻'), /编号/)
  startAgain()
  await until(async () => /^ready/.test(await ready()), 15, 'ready again')
  assert.match(await member.say('申报'), /哪一类/)
})

test('without PostgreSQL: a polite word and no 5xx; afterwards it works without a restart of the server', async () => {
  await stop('postgres', 'SIGINT')
  await until(async () => (await fetch(`${ops}/readyz`)).status === 503, 10, 'readyz tells')
  const result = await member.send({ type: 'text', content: '积分', attempts: 1 })
  assert.ok(result.attempts[0].error === 'timeout' || /系统繁忙/.test(result.reply), JSON.stringify(result))
  startAgain()
  await until(async () => /^ready/.test(await ready()), 15, 'ready again')
  assert.match(await member.say('积分'), /可用/)
})

test('a retry after the server was killed finds the first answer', async () => {
  const before = await declared(member)
  const same = { msg_id: '7400000000000000077', create_time: 1790000000, attempts: 1 }
  const first = await member.send({ type: 'text', content: '申报 40 1 重启之前', ...same })
  await stop('server', 'SIGKILL')
  startAgain()
  const second = await member.send({ type: 'text', content: '申报 40 1 重启之前', ...same })
  assert.equal(second.reply, first.reply)
  assert.equal(await declared(member), before + 1)
})

test('SIGTERM ends cleanly', async () => {
  await stop('server', 'SIGTERM')
  assert.match(readFileSync(`${state}/log/server.log`, 'utf8').trim().split('\n').at(-1), /event=stopped clean=true/)
})
