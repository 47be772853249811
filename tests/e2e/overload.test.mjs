// More than can be done at once: one account's flood leaves another account its share, one person's flood leaves the
// others theirs, everybody gets an answer within the platform's patience, and afterwards all is as before.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { accountsFromToml } from '../simulator/accounts.mjs'
import { Platform } from '../simulator/platform.mjs'
import { crowd } from './people.mjs'
import { configWith, lock, secondServer, server as first, sleep, sql, until } from './system.mjs'

const PORT = Number(new URL(first ?? 'http://localhost:1').port) + 100
const FLOOD = 200 // pushes under way at once
const MOST_WAITING = 4600 // more than the queue has room for
const OTHER = `
[[account]]
id = "other"
name = "隔壁街道"
app_id = "wx0000000000000001"
app_secret = "unused"
token = "other"
mode = "secure"
encoding_aes_key = "${'A'.repeat(43)}"
`
const TURNED_AWAY = /您发得太快了|系统繁忙/

describe('more than can be done', { skip: !first && 'GULOU_E2E_SERVER is not set' }, () => {
  let server, demo, other, members

  before(async () => {
    const file = configWith(OTHER)
    server = await secondServer(PORT, file, { GULOU_SERVER_WORKERS: '1' })
    const [ours, theirs] = ['demo', 'other'].map((id) => accountsFromToml(file).find((one) => one.id === id))
    demo = new Platform({ account: ours, server: server.address })
    other = new Platform({ account: theirs, server: server.address })
    members = crowd(FLOOD).map(({ openid }) => openid)
  })
  after(async () => {
    await server?.stop()
  })

  const say = async (platform, openid, content) => {
    const { reply, attempts } = await platform.send(openid, { type: 'text', content })
    return { words: reply ?? JSON.stringify(attempts), attempts: attempts.length }
  }

  // People of the account who ask one thing after the other until they are told to stop.
  function flood(people) {
    const answers = []
    let going = true
    const done = Promise.all(people.map(async (openid, i) => {
      while (going) answers.push(await say(demo, openid, i % 3 ? '积分' : `申报 40 1 洪水${i}次${answers.length}`))
    }))
    return { answers, stop() { going = false; return done } }
  }

  test('the flood of one account does not keep another one\'s people waiting', async () => {
    const wave = flood(members)
    try {
      for (let i = 0; i < 10; i++) {
        const { words } = await say(other, `oNeighbour${i}`, '积分')
        assert.match(words, /绑定/) // what a stranger is told
        await sleep(100)
      }
    } finally {
      await wave.stop()
    }
    // Nobody of the flood was left without words either.
    const odd = wave.answers.filter(({ words }) => !/可用|编号|已经|上限|重复|时长/.test(words) && !TURNED_AWAY.test(words))
    assert.deepEqual(odd.slice(0, 3), [])
    assert.ok(wave.answers.some(({ words }) => /可用/.test(words)))
  })

  test('one person who sends hundreds at once is told so; the others notice nothing', async () => {
    const [fast, ...others] = members
    const held = await lock(`select from gulou.balance where account_id = 'demo' and member_id = (select member_id from gulou.binding where account_id = 'demo' and openid = '${fast}') for update`)
    const sent = Promise.all(Array.from({ length: 200 }, (_, i) => say(demo, fast, `申报 40 1 一次${i}`)))
    try {
      for (const openid of others.slice(0, 10)) {
        const { words, attempts } = await say(demo, openid, '积分')
        assert.match(words, /可用/)
        assert.equal(attempts, 1, 'answered at once')
      }
    } finally {
      await held.release()
    }
    const answers = await sent
    const refused = answers.filter(({ words }) => /您发得太快了/.test(words)).length
    assert.ok(refused > 0, 'some are told')
    assert.ok(answers.some(({ words }) => /编号|已经|上限|重复/.test(words)), 'and some are done')
    assert.match((await say(demo, fast, '积分')).words, /可用/)
  })

  test('what was turned away was not done, and what was done was answered', async () => {
    const person = members.at(-1)
    const run = Date.now()
    const answers = await Promise.all(Array.from({ length: 100 }, async (_, i) => ({ i, ...await say(demo, person, `申报 40 1 核对${run}之${i}完`) })))
    const done = new Set(sql(`select words from gulou.declaration where account_id = 'demo' and words like '核对${run}之%'`).map(([words]) => words))
    for (const { i, words } of answers) {
      const there = done.has(`核对${run}之${i}完`)
      if (TURNED_AWAY.test(words)) assert.ok(!there, `turned away, and done: ${i}`)
      if (/收到您的申报/.test(words)) assert.ok(there, `answered, and not done: ${i}`)
    }
  })

  // Asks for both accounts, so that the queue is full before either one's oldest has waited long, until `over`.
  async function fill(over) {
    const asked = []
    let under = 0, going = true
    const end = over.finally(() => { going = false })
    const ask = (platform, openid) => {
      under++
      asked.push(platform.send(openid, { type: 'text', content: '积分', attempts: 1 }).finally(() => { under-- }))
    }
    for (let i = 0; going; i++) {
      if (under < MOST_WAITING) {
        ask(demo, members[1 + i % (FLOOD - 1)])
        ask(other, `oNeighbour${i % 100}`)
      }
      if (under >= MOST_WAITING || i % 50 === 0) await Promise.race([end, sleep(5)])
    }
    return Promise.all(asked)
  }

  test('a later attempt that finds no room does not say that nothing was done', async () => {
    const held = await lock('lock table gulou.binding in access exclusive mode')
    const person = members.at(-2) // who has not declared much yet
    try {
      const declared = demo.send(person, { type: 'text', content: '申报 40 1 挤满之前' })
      await sleep(200)
      const asked = fill(declared)
      const { reply, attempts } = await declared
      assert.match(reply, /还在处理.*继续/)
      assert.equal(attempts[0].error, 'timeout')
      assert.equal(attempts.at(-1).error, undefined)
      assert.ok((await asked).some((one) => /系统繁忙/.test(one.reply)), 'there was no room')
    } finally {
      await held.release()
    }
    await until(async () => /收到您的申报/.test((await say(demo, person, '继续')).words), 20, 'the declaration is told')
    assert.equal(sql("select count(*) from gulou.declaration where account_id = 'demo' and words like '%挤满之前%'")[0][0], '1')
  })

  test('afterwards nobody waits and nobody is turned away', async () => {
    for (const openid of members.slice(0, 50)) assert.match((await say(demo, openid, '积分')).words, /可用/)
  })
})
