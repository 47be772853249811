// Clients that are slow, many, in a hurry or malicious, straight at the server and behind a real nginx: whoever is decent
// is answered meanwhile, and nobody gets another's answer.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { crowd } from './people.mjs'
import { nginxBefore } from './nginx.mjs'
import { Raw } from './raw.mjs'
import { platformTo, secondServer, server as first, sleep, until } from './system.mjs'

const PORT = Number(new URL(first ?? 'http://localhost:1').port) + 80
const CROWD = 10000
const STAY_MS = 10000
const get = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`

describe('hostile clients', { skip: !first && 'GULOU_E2E_SERVER is not set' }, () => {
  let server, platform, members

  before(async () => {
    server = await secondServer(PORT, undefined, { GULOU_SERVER_TRUSTED_PROXY: '127.0.0.1' })
    platform = platformTo(server.address)
    members = crowd(10)
  })
  after(() => server?.stop())

  let turn = 0
  async function isServed() {
    const { openid } = members[turn++ % members.length]
    const { message, error } = await platform.attempt(platform.compose(openid, { type: 'text', content: '积分' }), {})
    assert.match(message?.text ?? error, /可用/)
  }

  test('five hundred that drip their heads byte by byte keep nobody waiting, and are cut', async () => {
    const drips = Array.from({ length: 500 }, () => new Raw(server.address))
    await Promise.all(drips.map((one) => one.opened))
    let at = 0
    const timer = setInterval(() => {
      const byte = get('/robots.txt')[at++] ?? 'x'
      for (const one of drips) if (!one.ended) one.socket.write(byte)
    }, 700) // not one of them gets to its end within the deadline
    try {
      for (let i = 0; i < 5; i++) await isServed()
      await until(async () => drips.every((one) => one.ended), 40, 'all are cut')
      assert.ok(drips.every((one) => one.answers().every(({ status }) => status >= 400)))
    } finally {
      clearInterval(timer)
      for (const one of drips) one.leave()
    }
  })

  test('ten thousand connections stay open at once, and all of them are served', async () => {
    const all = []
    const ask = (one) => { one.asked = Date.now(); return one.say(get('/robots.txt')) }
    try {
      for (let i = 0; i < CROWD; i += 250) {
        const some = Array.from({ length: 250 }, () => new Raw(server.address))
        await Promise.all(some.map((one) => one.opened))
        all.push(...some)
        // One that has asked may stay for a while; one that has not is cut at its deadline.
        await Promise.all(some.map(async (one) => {
          await ask(one)
          assert.equal((await one.wait(1))[0]?.status, 200)
        }))
        for (const one of all) if (Date.now() - one.asked > STAY_MS) await ask(one)
      }
      await isServed()
      assert.equal(all.filter((one) => one.ended).length, 0, 'still open')
    } finally {
      for (const one of all) one.leave()
    }
    await isServed()
  })

  test('a hundred requests in one go are answered in their order', async () => {
    const one = new Raw(server.address)
    await one.say(Array.from({ length: 50 }, () => get('/robots.txt') + get('/nobody/')).join(''))
    const answers = await one.wait(100)
    assert.equal(answers.length, 100)
    answers.forEach(({ status, body }, i) => assert.deepEqual([status, /User-agent/.test(body)], i % 2 ? [404, false] : [200, true], `answer ${i}`))
    one.leave()
  })

  test('who says all and closes their own half is answered nevertheless', async () => {
    const one = new Raw(server.address)
    const { openid } = members[0]
    const { path, body } = platform.request(platform.compose(openid, { type: 'text', content: '积分' }))
    await one.say(`POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
    one.half()
    const [answer] = await one.wait(1)
    assert.equal(answer?.status, 200)
    await until(async () => one.ended, 15, 'the other half closes')
  })

  test('who leaves in the middle, thousands of times, takes nothing along', async () => {
    for (let i = 0; i < 20; i++) {
      const some = Array.from({ length: 100 }, () => new Raw(server.address))
      await Promise.all(some.map(async (one, k) => {
        await one.opened
        const text = `POST /wechat/demo?nonce=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\n<xml>`
        await one.say(text.slice(0, 1 + (i * 100 + k) % text.length))
        one.leave()
      }))
    }
    await isServed()
  })

  test('heads without end, one huge field and ten thousand small ones are refused', async () => {
    for (const more of [`X: ${'a'.repeat(1 << 20)}\r\n`, 'X: 1\r\n'.repeat(100000), `Cookie: ${'a=b; '.repeat(50000)}\r\n`]) {
      const one = new Raw(server.address)
      await one.opened
      one.say(get('/robots.txt', more))
      const answers = await one.wait(1)
      assert.ok(answers.every(({ status }) => status >= 400), JSON.stringify(answers).slice(0, 200))
      await until(async () => one.ended, 15, 'it is hung up')
      one.leave()
    }
    const long = new Raw(server.address)
    long.say(get(`/${'a'.repeat(100000)}`))
    assert.ok((await long.wait(1)).every(({ status }) => status >= 400))
    long.leave()
    await isServed()
  })

  test('a push in chunks of one byte is a push', async () => {
    const { path, body } = platform.request(platform.compose(members[0].openid, { type: 'text', content: '积分' }))
    const one = new Raw(server.address)
    const chunks = [...Buffer.from(body)].map((byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join('')
    await one.say(Buffer.from(`POST ${path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`, 'latin1'))
    const [answer] = await one.wait(1)
    assert.equal(answer?.status, 200)
    assert.match(answer.body, /Encrypt|Content/)
    one.leave()
  })

  test('chunks that are none, or without end, are refused', async () => {
    const head = 'POST /wechat/demo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
    for (const bad of ['zz\r\nhello\r\n', '-5\r\nhello\r\n', 'ffffffffffffffffff\r\nhello\r\n', '5\r\nhelloXX\r\n0\r\n\r\n']) {
      const one = new Raw(server.address)
      await one.opened
      await one.say(head + bad)
      const answers = await one.wait(1, 15)
      assert.ok(answers.every(({ status }) => status >= 400), `${bad}: ${JSON.stringify(answers)}`)
      one.leave()
    }
    const one = new Raw(server.address)
    await one.opened
    one.say(head)
    const chunk = `10000\r\n${'a'.repeat(65536)}\r\n`
    for (let i = 0; i < 64 && !one.ended; i++) await Promise.race([one.say(chunk), one.closed, sleep(1000)])
    await until(async () => one.ended || one.answers().some(({ status }) => status === 413), 15, 'it is hung up')
    one.leave()
    await isServed()
  })

  test('large bodies of many strangers do not fill the memory, and a photo is taken again when they are gone', async () => {
    const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]) / 1024
    const before = resident()
    const piece = 'x'.repeat(1 << 20)
    const head = `POST /demo/photos?key=1 HTTP/1.1\r\nHost: h\r\nContent-Length: ${10 << 20}\r\n\r\n`
    const all = Array.from({ length: 60 }, () => new Raw(server.address))
    try {
      await Promise.all(all.map((one) => one.opened))
      await Promise.all(all.map((one) => one.say(head)))
      for (let i = 0; i < 9; i++) await Promise.all(all.map((one) => one.say(piece)))
      assert.ok(resident() - before < 400, `${resident() - before} MiB more`)
      await isServed()
      const [last] = all
      await last.say(piece)
      assert.ok([403, 503].includes((await last.wait(1, 15))[0].status))
    } finally {
      for (const one of all) one.leave()
    }
    await until(async () => (await fetch(`${server.address}/demo/photos?key=1`, { method: 'POST', body: piece })).status === 403, 15, 'it is read again')
  })

  // ---- behind nginx: two servers that read one request differently would answer another's question

  const inner = get('/smuggled')
  const length = (text) => `Content-Length: ${text.length}\r\n`
  const shapes = {
    'length and chunks': `POST /demo/ HTTP/1.1\r\nHost: h\r\n${length(`0\r\n\r\n${inner}`)}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    'chunks and a short length': `POST /demo/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
    'two lengths': `POST /demo/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n${length(inner)}\r\n${inner}`,
    'a list of lengths': `POST /demo/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0, ${inner.length}\r\n\r\n${inner}`,
    'a length with a sign': `POST /demo/ HTTP/1.1\r\nHost: h\r\nContent-Length: +${inner.length}\r\n\r\n${inner}`,
    'a length in hex': `POST /demo/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n${inner}`,
    'an unknown coding': `POST /demo/ HTTP/1.1\r\nHost: h\r\n${length(inner)}Transfer-Encoding: xchunked\r\n\r\n${inner}`,
    'a coding behind a blank': `POST /demo/ HTTP/1.1\r\nHost: h\r\n${length(inner)}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`,
    'a coding behind a tab': `POST /demo/ HTTP/1.1\r\nHost: h\r\n${length(`0\r\n\r\n${inner}`)}Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n${inner}`,
    'a coding with a vertical tab': `POST /demo/ HTTP/1.1\r\nHost: h\r\n${length(`0\r\n\r\n${inner}`)}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${inner}`,
    'two codings': `POST /demo/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${inner}`,
    'a folded coding': `POST /demo/ HTTP/1.1\r\nHost: h\r\n${length(`0\r\n\r\n${inner}`)}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${inner}`,
    'bare line feeds': `POST /demo/ HTTP/1.1\nHost: h\n${length(inner).replace('\r', '')}\n${inner}`,
    'a chunk\'s extension with a line feed': `POST /demo/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n${inner}`,
    'a trailer that is a head': `POST /demo/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    'HTTP/1.0 with chunks': `POST /demo/ HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    'a body of GET': `GET /demo/ HTTP/1.1\r\nHost: h\r\n${length(inner)}\r\n${inner}`,
    'two hosts': `GET /demo/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${inner}`,
    'a NUL in a field': `GET /demo/ HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n${inner}`
  }

  test('no shape of a request smuggles another one past nginx', async () => {
    const nginx = await nginxBefore(server.address, PORT + 10)
    try {
      for (const [name, shape] of Object.entries(shapes)) {
        for (const address of [nginx.address, server.address]) {
          const one = new Raw(address)
          await one.opened
          await one.say(Buffer.from(shape, 'latin1'))
          await one.wait(2, 1)
          one.leave()
        }
        // Through the same few connections that nginx keeps to the server: an answer too many would be the next one's.
        for (let i = 0; i < 8; i++) {
          const response = await fetch(`${nginx.address}/robots.txt?${i}`)
          assert.deepEqual([response.status, await response.text()], [200, 'User-agent: *\nDisallow: /\n'], name)
        }
      }
    } finally {
      await nginx.stop()
    }
  })

  test('pushes and pages come through nginx as they are', async () => {
    const nginx = await nginxBefore(server.address, PORT + 10)
    try {
      const through = platformTo(nginx.address)
      for (const { openid } of members) {
        const { message, error } = await through.attempt(through.compose(openid, { type: 'text', content: '积分' }), {})
        assert.match(message?.text ?? error, /可用/)
      }
      assert.equal((await fetch(`${nginx.address}/demo/`)).status, 200)
    } finally {
      await nginx.stop()
    }
  })
})
