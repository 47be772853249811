// Redis is lost, evicted, filled with nonsense, restored from long ago, and slow: every answer stays right and comes in
// time, and what was broken mends itself.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { bindMembers, config, makeReviewers, pidOf, platformTo, program, ready, readyz, secondServer, server, sql, startAgain, state, stop, until } from './system.mjs'

const BUDGET_MS = 5000 // then the platform hangs up
const MEND_SECONDS = 30
const socket = /^url\s*=\s*"unix:\/\/([^"]+)"/m.exec(readFileSync(`${state}/config.toml`, 'utf8'))[1]
const redis = (...words) => execFileSync('redis-cli', ['-s', socket, ...words], { encoding: 'utf8', timeout: 5000 }).trim()
const platform = platformTo(server)
const run = Date.now()

let member, reviewer, period, sqlOnly

before(async () => {
  [member, reviewer] = bindMembers(140, 2, 'oRedis')
  makeReviewers([reviewer])
  const [[today]] = sql(`select gulou.period_of('demo', gulou.local_day(gulou.now_()))`)
  period = `board:demo:${today}`
  // The same answers without Redis: what is right.
  sqlOnly = await secondServer(Number(new URL(server).port) + 50, undefined, { GULOU_REDIS_URL: '' })
})
after(async () => {
  await sqlOnly.stop()
  startAgain()
})

async function say(words, door = platform, person = member) {
  const { reply, attempts } = await door.send(person.openid, { type: 'text', content: words, attempts: 1 })
  assert.ok(attempts[0].ms < BUDGET_MS && !attempts[0].error, `「${words}」: ${JSON.stringify(attempts)}`)
  return reply.replace(/^【提醒】[^]*————\n/, '')
}

const truth = () => say('排行', platformTo(sqlOnly.address))
const ranksAreTrue = async () => assert.equal(await say('排行'), await truth())
// The board is read again: built anew and marked.
const mended = () => until(async () => redis('exists', `${period}:ready`) === '1', MEND_SECONDS, 'the board is built anew')

async function scored() {
  const no = /编号：(\d+)/.exec(await say(`申报 40 1 缓存${run}第${Math.random()}件`))[1]
  assert.match(await say(`通过 ${no}`, platform, reviewer), /已通过/)
}

test('the ranks come from the board', async () => {
  const reads = () => Number(/cmdstat_zrangebyscore:calls=(\d+)/.exec(redis('info', 'commandstats'))?.[1] ?? 0) // nothing else asks so
  await mended()
  const before = reads()
  for (let i = 0; i < 8; i++) await ranksAreTrue() // whoever was not asked yet does not know which board
  assert.ok(reads() > before)
})

for (const part of ['v', 'members', 'units', 'ready']) {
  test(`the board's ${part} is evicted: the ranks stay true, with the next score too, and the board mends itself`, async () => {
    await mended()
    redis('del', `${period}:${part}`)
    await ranksAreTrue()
    await scored()
    await ranksAreTrue()
    await mended()
    await ranksAreTrue()
  })

  test(`the board's ${part} is of another type: the same`, async () => {
    await mended()
    redis('del', `${period}:${part}`)
    redis('rpush', `${period}:${part}`, 'nonsense')
    await ranksAreTrue()
    await scored()
    await ranksAreTrue()
    await until(async () => redis('type', `${period}:${part}`) !== 'list', MEND_SECONDS, 'the nonsense is gone')
    await mended()
    await ranksAreTrue()
  })
}

test('somebody writes scores into the board: nobody is shown points that the books do not have', async () => {
  await mended()
  redis('zadd', `${period}:members`, '-99999', '0000000003')
  await ranksAreTrue()
  redis('zadd', `${period}:members`, '-99999', 'nonsense')
  await ranksAreTrue()
  redis('zadd', `${period}:members`, '-88888', String(member.member).padStart(10, '0'))
  await ranksAreTrue()
  redis('del', `${period}:ready`)
  await mended()
  await ranksAreTrue()
})

test('Redis comes back with the data of long ago: its board is not believed', async () => {
  await mended()
  redis('save')
  await scored()
  const file = `${redis('config', 'get', 'dir').split('\n')[1]}/dump.rdb`
  await stop('redis', 'SIGTERM') // saves nothing: it is a cache
  await ranksAreTrue()
  startAgain()
  await ready()
  assert.notEqual(redis('dbsize'), '0', `loaded from ${file}`)
  await ranksAreTrue()
  await mended()
  await ranksAreTrue()
  rmSync(file)
})

test('Redis is full and evicts everything: a dialogue begins again, one line declares, the ranks are true', async () => {
  await say('申报')
  redis('flushall')
  assert.match(await say('40'), /帮助|申报/)
  assert.match(await say('申报'), /哪一类/)
  assert.match(await say(`申报 40 1 清空${run}`), /编号/)
  await ranksAreTrue()
})

test('Redis answers and writes nothing: the operator is told what it says, and one line declares', async () => {
  redis('config', 'set', 'maxmemory', '1') // and evicts nothing
  try {
    await until(async () => /degraded: redis/.test(await readyz()), 20, 'readyz tells')
    assert.match(readFileSync(`${state}/log/server.log`, 'utf8'), /event=redis_writes_nothing message="OOM /)
    const { status, stdout } = spawnSync(program, ['check', '--config', config], { encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(stdout, /^FAIL +redis: it answers and writes nothing: OOM /m)
    assert.match(await say('申报'), /一句话/)
    assert.match(await say(`申报 40 1 写不进${run}`), /编号/)
    await ranksAreTrue()
  } finally {
    redis('config', 'set', 'maxmemory', '0')
  }
  await ready()
  assert.match(await say('申报'), /哪一类/)
  await say('取消')
})

test('nonsense under a dialogue: it begins again', async () => {
  await say('申报')
  for (const key of redis('keys', 'dialogue:demo:*').split('\n')) redis('set', key, 'nonsense')
  assert.match(await say('申报'), /哪一类/)
  assert.match(await say('40'), /做了多久/)
  for (const key of redis('keys', 'dialogue:demo:*').split('\n')) redis('hset', key, 'j', '{"step":')
  assert.match(await say('申报'), /哪一类/)
  for (const key of redis('keys', 'dialogue:demo:*').split('\n')) redis('hset', key, 'j', '{"step":"confirm","replies":7,"photos":{}}')
  assert.ok((await say('确认')).length > 0)
  await say('取消')
})

test('nonsense for 继续: there is nothing to continue', async () => {
  const parts = ['demo', member.openid].map((part) => `${part.length}:${part}`).join('')
  const key = `continue:demo:${createHash('sha256').update(parts).digest('hex')}`
  for (const value of ['nonsense', 'declare nonsense ', 'declare 00000000-0000-0000-0000-00000000000g ', 'declare 00000000-0000-0000-0000-000000000000 ']) {
    redis('set', key, value)
    assert.match(await say('继续'), /没有等待中的结果|还没有结果/)
  }
})

test('Redis hangs: every answer comes in time, and is right; then all is back', async () => {
  const right = await truth()
  process.kill(pidOf('redis'), 'SIGSTOP')
  try {
    assert.equal(await say('排行'), right)
    assert.match(await say(`申报 40 1 停住${run}`), /编号/)
    assert.match(await say('申报'), /一句话/)
    await until(async () => /degraded: redis/.test(await readyz()), 10, 'readyz tells')
    assert.match(await say('积分'), /可用/)
  } finally {
    process.kill(pidOf('redis'), 'SIGCONT')
  }
  await ready()
  assert.match(await say('申报'), /哪一类/)
  await say('取消')
  await mended()
  await ranksAreTrue()
})
