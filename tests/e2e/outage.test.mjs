// What breaks comes back: Redis, PostgreSQL and the server are stopped and started again.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Client } from './client.mjs'
import { configWith, gulou, ops, program, ready, readyz, sql, startAgain, state, stop, until } from './system.mjs'

const client = new Client()
const declared = async (person) => ((await person.say('我的申报')).match(/编号/g) ?? []).length

let member

// A server of another configuration, which does not wait for it to be ready.
function startBeside(account) {
  const file = configWith(`[[account]]\nid = "${account}"\nname = "晚到"\napp_id = "wx9"\napp_secret = "s"\ntoken = "abcdef"\nmode = "plain"\nverified = true\n`)
  const port = Number(new URL(ops).port) + 30
  return spawn(program, ['serve', '--config', file], { stdio: 'ignore',
    env: { ...process.env, GULOU_SERVER_LISTEN: `127.0.0.1:${port}`, GULOU_SERVER_OPS_LISTEN: `127.0.0.1:${port + 1}` } })
}

before(async () => {
  member = client.person()
  await member.say('绑定 DEMO0150')
})
after(startAgain)

test('without Redis: the same ranks from SQL, one-line commands, a plain word for the dialogue; then all is back', async () => {
  const ranks = await member.say('排行')
  await stop('redis', 'SIGTERM')
  await until(async () => /degraded: redis/.test(await readyz()), 10, 'readyz tells')
  assert.equal(await member.say('排行'), ranks)
  assert.match(await member.say('申报'), /一句话/)
  assert.match(await member.say('申报 40 1 没有缓存时巡逻'), /编号/)
  startAgain()
  await ready()
  assert.match(await member.say('申报'), /哪一类/)
})

test('without PostgreSQL: a polite word and no 5xx; afterwards it works without a restart of the server', async () => {
  await stop('postgres', 'SIGINT')
  await until(async () => (await fetch(`${ops}/readyz`)).status === 503, 10, 'readyz tells')
  const other = startBeside('late')
  const result = await member.send({ type: 'text', content: '积分', attempts: 1 })
  assert.ok(result.attempts[0].error === 'timeout' || /系统繁忙/.test(result.reply), JSON.stringify(result))
  startAgain()
  await ready()
  assert.match(await member.say('积分'), /可用/)
  // A server that started without it tells it of its accounts now.
  await until(async () => sql("select verified from gulou.account where account_id = 'late'")[0]?.[0] === 't', 40, 'the account is known')
  other.kill('SIGTERM')
})

test('why it cannot be reached is told, also when that changes during the outage', async () => {
  const told = () => readFileSync(`${state}/log/server.log`, 'utf8').match(/pg_connect_failed .* not permitted to log in/g)?.length ?? 0
  const before = told()
  sql('alter role gulou_server nologin')
  sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gulou_server'")
  try {
    await until(async () => told() > before, 10, 'the log says that the login is refused')
  } finally {
    sql('alter role gulou_server login')
  }
  await ready()
  assert.match(await member.say('积分'), /可用/)
})

test('a schema taken from under a running server is told, and the right one serves again without a restart', async () => {
  gulou('migrate', '--to', '0041')
  await until(async () => /^down: schema: .*gulou migrate/.test(await readyz()), 40, 'readyz tells')
  assert.match(await (await fetch(`${ops}/metrics`)).text(), /^gulou_schema_fits 0$/m)
  gulou('migrate')
  await until(async () => /^ready/.test(await readyz()), 40, 'ready again')
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
