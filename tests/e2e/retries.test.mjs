// The same push again: at once, later, elsewhere, and while the work still goes on. One effect, one answer, never
// silence. What the platform does with its three attempts is what the simulator does.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { bindMembers, lock, lockMember, pidOf, platformTo, ready, releaseAll, secondServer, server, sleep, sql, startAgain, state, stop, until } from './system.mjs'

const client = new Client()
const PORT_ABOVE = 40 // the second server's, above the first one's: nobody else's ports
const platform = platformTo(server)
const serial = BigInt(Date.now()) << 12n
let last = serial
const push = (words) => ({ type: 'text', content: words, msgId: String(++last), createTime: Math.floor(Date.now() / 1000), attempts: 1 })
const declared = (member, words) => Number(sql(`select count(*) from gulou.declaration where account_id = 'demo' and member_id = ${member} and words = '${words}'`)[0][0])
const unique = (text) => `${text}${serial}`
const once = (results) => {
  assert.deepEqual([...new Set(results.map((one) => one.reply))], [results[0].reply])
  assert.match(results[0].reply, /编号/)
  return results[0].reply
}

let people

before(() => { people = bindMembers(160, 8, 'oRetry') })
after(async () => {
  await releaseAll()
  startAgain()
})

test('the same push three times at once, and again after a restart: one effect, one answer', async () => {
  const [{ member, openid }] = people
  const words = unique('三次')
  const same = push(`申报 40 1 ${words}`)
  const answer = once(await Promise.all([1, 2, 3].map(() => platform.send(openid, same))))
  await stop('server', 'SIGTERM')
  startAgain()
  assert.equal((await platform.send(openid, same)).reply, answer)
  assert.equal(declared(member, words), 1)
})

test('an event three times at once: one answer', async () => {
  const event = { type: 'event', event: 'CLICK', eventKey: `申报 40 1 ${unique('菜单')}`, createTime: 1790000000, attempts: 1 }
  once(await Promise.all([1, 2, 3].map(() => platform.send(people[0].openid, event))))
  assert.equal(declared(people[0].member, unique('菜单')), 1)
})

test('a MsgId that two people share is two messages', async () => {
  const words = unique('同号')
  const same = push(`申报 40 1 ${words}`)
  const [one, other] = await Promise.all(people.slice(0, 2).map(({ openid }) => platform.send(openid, same)))
  assert.notEqual(one.reply, other.reply)
  assert.deepEqual(people.slice(0, 2).map(({ member }) => declared(member, words)), [1, 1])
})

test('two servers on one database get the same pushes at the same moment: one effect each, one answer', async () => {
  const second = await secondServer(Number(new URL(server).port) + PORT_ABOVE)
  try {
    const doors = [platform, platformTo(second.address), platform, platformTo(second.address)]
    const all = people.flatMap((person) => [1, 2, 3, 4, 5].map((i) => ({ ...person, words: unique(`两处${i}`) })))
      .map((one) => ({ ...one, same: push(`申报 40 1 ${one.words}`) }))
    const answers = await Promise.all(all.map(({ openid, same }) => Promise.all(doors.map((door) => door.send(openid, same)))))
    answers.forEach(once)
    for (const { member, words } of all) assert.equal(declared(member, words), 1)
  } finally {
    await second.stop()
  }
})

describe('work that outlasts the attempts', { concurrency: true }, () => {
  const unanswered = (result) => {
    assert.deepEqual(result.attempts.map((one) => one.error), ['timeout', 'timeout', undefined], JSON.stringify(result.attempts))
    assert.match(result.reply, /还在处理[^]*继续/)
  }

  test('a change: the third attempt says so, 继续 first has no result, then the change\'s own answer', async () => {
    const person = client.person(people[2].openid)
    const words = unique('久等')
    const held = await lockMember(people[2].member)
    unanswered(await person.send({ type: 'text', content: `申报 40 1 ${words}` }))
    assert.match(await person.say('继续'), /还没有结果/)
    await held.release()
    await until(async () => /收到您的申报[^]*编号/.test(await person.say('继续')), 20, '继续 gives the answer')
    assert.equal(declared(people[2].member, words), 1)
  })

  test('a question is asked again by 继续', async () => {
    const person = client.person(people[3].openid)
    const held = await lock('lock table gulou.period_score in access exclusive mode')
    const result = await person.send({ type: 'text', content: '积分' })
    await held.release()
    unanswered(result)
    assert.match(await person.tap('继续'), /可用：/)
  })

  test('a step of the dialogue is shown by 继续, and taken once', async () => {
    const person = client.person(people[5].openid)
    const held = await lock('lock table gulou.service_category in access exclusive mode')
    const result = await person.send({ type: 'text', content: '申报' })
    await held.release()
    unanswered(result)
    assert.match(await person.tap('继续'), /哪一类/)
    assert.match(await person.tap('平安文明'), /哪一项/)
    await person.say('取消')
  })

})

test('a member whose messages wait does not keep the others waiting', async () => {
  const held = await lockMember(people[4].member)
  const words = Array.from({ length: 24 }, (_, i) => unique(`等${i}`))
  const waiting = words.map((one) => platform.send(people[4].openid, { ...push(`申报 40 1 ${one}`), attempts: 3 }))
  const neighbours = people.slice(5).flatMap(({ openid }) => [1, 2, 3, 4].map((i) => platform.send(openid, push(`申报 40 1 ${unique(`邻居${i}`)}`))))
  for (const { reply } of await Promise.all(neighbours)) assert.match(reply ?? '', /编号/)
  await held.release()
  for (const { reply } of await Promise.all(waiting)) assert.match(reply ?? '', /编号/)
  for (const one of words) assert.equal(declared(people[4].member, one), 1)
})

test('a question at once from two attempts: both answers hold what the person was to be told', async () => {
  const { member, openid } = people[6]
  sql(`insert into gulou.outbox (account_id, lane, kind, subject, facts, status) values ('demo', 'member:${member}', 'notification', '${unique('提醒')}',
    '{"what": "approved", "member": ${member}, "no": 1, "item": "义务巡逻", "counted": "10", "cap": null}', 'held')`)
  const held = await lock('lock table gulou.outbox in share mode') // the first to come gets as far as taking what is to be told
  const same = push('积分')
  const answers = [1, 2].map(() => platform.send(openid, same))
  await until(async () => Number(sql(`select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%spoken%'`)[0][0]) > 0, 10, 'an attempt waits')
  await sleep(300) // for the other one, which on a busy machine may come later: either way both have to be told
  await held.release()
  for (const { reply } of await Promise.all(answers)) assert.match(reply ?? '', /【提醒】[^]*可用：/)
})

test('told to stop while work waits, the server closes its door at once and ends cleanly; the same push has its answer later', async () => {
  const { member, openid } = people[7]
  const words = unique('关停')
  const same = push(`申报 40 1 ${words}`)
  const held = await lockMember(member)
  const unanswered = platform.send(openid, same)
  await until(async () => Number(sql(`select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%api.declare%'`)[0][0]) > 0, 10, 'the work waits')
  process.kill(pidOf('server'), 'SIGTERM')
  await until(async () => (await platform.send(openid, push('积分'))).attempts[0].error.includes('ECONNREFUSED'), 4, 'the door is closed')
  process.kill(pidOf('server'), 0) // throws when it has not waited for the work
  await stop('server', 'SIGTERM')
  assert.match(readFileSync(`${state}/log/server.log`, 'utf8').trim().split('\n').at(-1), /event=stopped clean=true/)
  assert.equal((await unanswered).reply, null)
  await held.release()
  startAgain()
  assert.match((await platform.send(openid, same)).reply ?? '', /编号/)
  assert.equal(declared(member, words), 1)
})

test('继续 without anything waiting says so', async () => {
  assert.match(await client.person(people[7].openid).say('继续'), /没有等待中的结果/)
})

test('PostgreSQL is away when the answer is due: 系统繁忙 is true, nothing was done', async () => {
  const words = unique('没有库')
  await stop('postgres', 'SIGINT')
  const result = await client.person(people[0].openid).send({ type: 'text', content: `申报 40 1 ${words}` })
  startAgain()
  await ready()
  assert.match(result.reply, /系统繁忙/)
  assert.equal(result.attempts.length, 1)
  await sleep(1000)
  assert.equal(declared(people[0].member, words), 0)
})

test('PostgreSQL is away for a later attempt: an earlier one may have done it elsewhere, so nobody says that nothing happened', async () => {
  const written = (secondsAgo, words) => ({ ...push(`申报 40 1 ${words}`), createTime: Math.floor(Date.now() / 1000) - secondsAgo })
  await stop('postgres', 'SIGINT')
  const [second, third] = await Promise.all([written(5, unique('第二次')), written(10, unique('第三次'))].map((one) => platform.send(people[0].openid, one)))
  startAgain()
  await ready()
  assert.equal(second.attempts[0].error, 'timeout')
  assert.match(third.reply, /还在处理/)
})

test('PostgreSQL ends in the middle of the work: a later attempt has the answer, done once', async () => {
  const { member, openid } = people[1]
  const words = unique('断库')
  const held = await lockMember(member)
  const sent = client.person(openid).send({ type: 'text', content: `申报 40 1 ${words}` })
  await sleep(1000)
  await stop('postgres', 'SIGINT')
  await held.release()
  await sleep(4500)
  startAgain()
  const result = await sent
  assert.ok(result.attempts.length > 1, JSON.stringify(result.attempts))
  assert.match(result.reply, /编号/)
  assert.equal(declared(member, words), 1)
})
