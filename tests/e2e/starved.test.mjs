// A server whose memory is taken away at any point of anything it does: what was begun ends as it should, what comes
// next is turned away kindly, and when there is memory again all is well; nothing crashes and nothing leaks. The
// program is gulou_starved, whose allocations fail as tests/starved/starved.c is told.
//
//   GULOU_STARVED_TRIES=1000000    every allocation of every path is tried, not only some (20 of each, beginning anywhere)
import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { crowd } from './people.mjs'
import { APPROVED_TEMPLATE, configWith, platformTo, program, secondServer, server as first, sleep, sql, startAgain, state, stop, until } from './system.mjs'
import { Visitor } from './visitor.mjs'

const PORT = Number(new URL(first ?? 'http://localhost:1').port) + 60
const TRIES = Number(process.env.GULOU_STARVED_TRIES ?? 20)
const STARVED = program?.replace(/gulou$/, 'gulou_starved')
const EVER = 1n << 40n
const photo = readFileSync(new URL('photo.jpg', import.meta.url))

describe('without memory', { skip: !(STARVED && existsSync(STARVED)) && 'the sanitized build has gulou_starved' }, () => {
  const file = `${state}/starved.orders`, log = `${state}/starved.log`
  let orders, server, platform, members, talkers, reader, phone, notice, visitor

  before(async () => {
    members = crowd(200)
    talkers = crowd(50) // whose 取消 may have been turned away: nobody else's words belong to their dialogue
    reader = members.pop()
    phone = new Client().person(reader.openid)
    await phone.say('积分') // a follower from now on
    await stop('server', 'SIGTERM') // so that only the starved one works
    writeFileSync(file, Buffer.alloc(24))
    orders = openSync(file, 'r+')
    const address = `http://127.0.0.1:${PORT}`
    server = await secondServer(PORT, configWith(APPROVED_TEMPLATE), { GULOU_STARVED: file, GULOU_TEST_LOG: log, GULOU_SERVER_PUBLIC_URL: address, GULOU_SERVER_WORKERS: '1', GULOU_SERVER_TRUSTED_PROXY: '127.0.0.1' }, STARVED)
    platform = platformTo(server.address)
    notice = (await (await fetch(`${server.address}/api/v1/demo/notices?limit=100`)).json()).notices.at(-1).id
    visitor = await signedIn()
  })
  after(async () => {
    if (orders) closeSync(orders)
    startAgain()
  })

  // ---- orders

  function order(from, many) {
    const bytes = Buffer.alloc(24)
    bytes.writeBigInt64LE(BigInt(from), 8)
    bytes.writeBigInt64LE(BigInt(many), 16)
    writeSync(orders, bytes, 0, 24, 0)
  }

  function asked() {
    const bytes = Buffer.alloc(8)
    readSync(orders, bytes, 0, 8, 0)
    return Number(bytes.readBigInt64LE(0))
  }

  // ---- what people do; each returns what they see

  let turn = 0, uploads = 0
  const someone = () => members[turn++ % members.length].openid

  async function send(act, openid = someone()) {
    const result = await platform.attempt(platform.compose(openid, act), {})
    return result.message?.text ?? result.error ?? `status ${result.status}`
  }
  const say = (content, openid) => send({ type: 'text', content }, openid)

  async function dialogue() {
    const person = talkers[turn++ % talkers.length].openid
    await say('取消', person)
    const asks = await say('申报', person)
    return asks + await say('1', person) + await say('取消', person)
  }

  // From everywhere, so that nobody asks too fast; and no connection is kept: our pool would hide what happens.
  const visitorHeaders = () => ({ Connection: 'close', 'X-Forwarded-For': `203.0.${turn++ >> 8 & 255}.${turn & 255}` })

  async function get(path) {
    const response = await fetch(server.address + path, { headers: visitorHeaders() })
    return `${response.status} ${Buffer.from(await response.arrayBuffer()).toString('latin1')}`
  }

  async function signedIn() {
    const one = new Visitor({ openid: someone(), client: { account: 'demo' } }, server.address)
    const load = one.load
    one.load = (url, options = {}) => load.call(one, url, { ...options, headers: { ...visitorHeaders(), ...options.headers } })
    const page = await one.open('declare')
    one.seen = `${page.status} ${page.html}`
    return one
  }

  // A session may send so many a minute.
  async function anotherSession() {
    if (++uploads % 20 === 0) visitor = await signedIn()
  }

  async function upload() {
    const key = crypto.randomUUID()
    const response = await visitor.load(`${server.address}/demo/photos?key=${key}`, { method: 'POST', body: photo, headers: { 'X-CSRF-Token': visitor.csrf } })
    return `${response.status} ${await response.text()}`
  }

  const BUSY = /系统繁忙|^503 /
  const paths = {
    'a question': [() => say('积分'), /可用/],
    'a declaration': [() => say(`申报 40 1 夜间巡逻${turn}`), /编号：\d+/],
    'the guided declaration': [dialogue, /取消/],
    'a photo': [() => send({ type: 'image' }), /照片|申报/],
    'words nobody understands': [() => say('繁體字的問題'), /帮助/],
    'a page': [() => get(`/demo/notices/${notice}`), /^200 [^]*<\/html>/],
    'JSON': [() => get(`/api/v1/demo/notices/${notice}?limit=500`), /^200 \{[^]*\}$/],
    'CSV': [() => get(`/demo/notices/${notice}.csv`), /^200 /],
    'XLSX': [() => get(`/demo/notices/${notice}.xlsx`), /^200 PK/],
    'a sign-in': [async () => (await signedIn()).seen, /^200 [^]*csrf/],
    'an upload': [upload, /^200 /, anotherSession]
  }

  for (const [name, [act, right, prepare = () => {}]] of Object.entries(paths)) {
    test(`${name}: one allocation fails, whichever it is`, async (t) => {
      await act() // what is kept from the first time on
      order(0, 0)
      assert.match(await act(), right)
      const many = asked()
      t.diagnostic(`${many} allocations`)
      const step = Math.ceil(many / TRIES)
      for (let n = 1 + Math.floor(Math.random() * step); n <= many; n += step) {
        await prepare()
        order(n, 1)
        const seen = await act()
        assert.match(seen, right, `allocation ${n} of ${many}: ${seen.slice(0, 300)}`)
      }
      order(0, 0)
    })

    test(`${name}: all allocations fail from some point on, until there is memory again`, async () => {
      order(0, 0)
      await act()
      const many = asked(), step = Math.ceil(many / Math.min(6, TRIES))
      for (let n = 1; n <= many; n += step) {
        await prepare()
        order(n, EVER)
        const seen = await act()
        assert.ok(right.test(seen) || BUSY.test(seen), `from allocation ${n} of ${many} on: ${seen.slice(0, 300)}`)
        while (asked() <= n) await say('积分') // it may have needed less than before
        assert.match(await say('积分'), BUSY)
        assert.match(await get('/demo/notices'), BUSY)
        order(0, 0)
        assert.match(await say('积分'), /可用/)
      }
      assert.match(await act(), right)
    })
  }

  // ---- what it writes to people by itself

  let number = 7000000
  function news() {
    const no = ++number
    sql(`select gulou.notify('demo', ${reader.member}, 'approved', 'starved:${no}', '{"no":${no},"item":"夜间巡逻","counted":"10"}')`)
    return no
  }

  // How the news ended, and how often the phone shows it. What waits for its minute need not wait.
  async function became(no) {
    const [where, status] = [`account_id = 'demo' and facts ->> 'no' = '${no}'`, () => sql(`select status from gulou.outbox where ${where}`)[0][0]]
    await until(async () => {
      sql(`update gulou.outbox set due_at = clock_timestamp(), taken_till = null where ${where} and status = 'waiting' and taken_till < clock_timestamp() + interval '54 seconds'`)
      return status() !== 'waiting'
    }, 20, `the end of news ${no}`)
    return `${status()} ${(await phone.received()).filter((one) => JSON.stringify(one).includes(`${no}`)).length}`
  }

  test('a notification: one allocation fails, whichever it is', async (t) => {
    await became(news())
    order(0, 0)
    assert.equal(await became(news()), 'done 1')
    const many = asked()
    t.diagnostic(`${many} allocations`)
    const step = Math.ceil(many / TRIES)
    for (let n = 1 + Math.floor(Math.random() * step); n <= many; n += step) {
      order(n, 1)
      assert.equal(await became(news()), 'done 1', `allocation ${n} of ${many}`)
    }
    order(0, 0)
  })

  test('a notification: all allocations fail from some point on, until there is memory again', async () => {
    order(0, 0)
    await became(news())
    const many = asked(), step = Math.ceil(many / Math.min(6, TRIES))
    for (let n = 1; n <= many; n += step) {
      order(n, EVER)
      const no = news()
      await sleep(1000)
      order(0, 0)
      assert.equal(await became(no), 'done 1', `from allocation ${n} of ${many} on`)
    }
  })

  test('it ends cleanly, and has lost no memory', async () => {
    const closed = new Promise((resolve) => server.child.once('exit', resolve))
    await server.stop()
    const tail = readFileSync(log, 'utf8').slice(-4000)
    assert.equal(await closed, 0, tail)
    assert.match(readFileSync(log, 'utf8'), /event=memory_short/)
    assert.doesNotMatch(readFileSync(log, 'utf8'), /ERROR: |runtime error|out of memory/)
  })
})
