// A photo's way: sent in the chat, fetched and cleaned by itself, seen by the reviewer through a link that ends.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { noise } from './pictures.mjs'
import { secondServer } from './system.mjs'
import { Visitor } from './visitor.mjs'

const { GULOU_E2E_SIMULATOR, GULOU_E2E_SERVER } = process.env
const photo = readFileSync(new URL('photo.jpg', import.meta.url))
const PORT = Number(new URL(GULOU_E2E_SERVER ?? 'http://localhost:1').port) + 160 // nothing of the system's
const number = (words) => Number(/编号：(\d+)/.exec(words)?.[1])
const unescaped = (text) => text.replaceAll('&amp;', '&')

describe('photos', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  let member, reviewer

  before(async () => {
    const client = new Client()
    member = client.person()
    reviewer = client.person()
    await member.follow()
    await member.say(`绑定 ${invite()}`)
    await reviewer.say(`绑定 ${invite('reviewer')}`)
  })

  async function declare(words, ...photos) {
    const no = number(await member.say(`申报 40 1 ${words}`))
    for (const one of photos) assert.match((await member.photo(one)).reply, /照片已收到/)
    return no
  }

  // The reviewer's queue, page after page, until the declaration is there.
  async function inQueue(no) {
    let words = await reviewer.say('待审')
    while (!words.includes(`编号：${no}\n`)) words = await reviewer.tap('更多')
    return words.split('编号：').find((one) => one.startsWith(`${no}\n`))
  }

  async function eventually(what, check) {
    for (let i = 0; i < 100; i++) {
      const value = await check()
      if (value) return value
      await new Promise((done) => setTimeout(done, 100))
    }
    assert.fail(`it never came to this: ${what}`)
  }

  const linkOf = (row) => unescaped(/href="(http[^"]+evidence[^"]+)"/.exec(row)[1])
  async function pictureOf(link) {
    const page = await (await fetch(link)).text()
    const path = /src="([^"]+photo[^"]+)"/.exec(page)
    return path && GULOU_E2E_SERVER + unescaped(path[1])
  }

  test('the reviewer sees it, without the place it was taken at', async () => {
    const no = await declare('夜间巡逻', photo)
    const row = await inQueue(no)
    assert.match(row, /看照片1张/)
    const picture = await eventually('the picture', () => pictureOf(linkOf(row)))
    const response = await fetch(picture)
    const bytes = Buffer.from(await response.arrayBuffer())
    assert.equal(response.headers.get('content-type'), 'image/jpeg')
    assert.match(response.headers.get('cache-control'), /no-store/)
    assert.ok(photo.includes('Exif') && !bytes.includes('Exif'))
    assert.equal(bytes.readUInt16BE(0), 0xffd8)
  })

  test('a link that was changed shows nothing', async () => {
    const link = linkOf(await inQueue(await declare('早间巡逻', photo)))
    const other = link.replace(/evidence\/\d+/, 'evidence/1')
    const later = link.replace(/until=(\d+)/, (_, until) => `until=${Number(until) + 1}`)
    for (const one of [other, later, link.replace(/&mac=.*/, ''), link.slice(0, -1) + 'x']) {
      const response = await fetch(one)
      assert.equal(response.status, 403, one)
      assert.doesNotMatch(await response.text(), /早间巡逻/)
    }
  })

  test('a photo used before is flagged with the earlier number', async () => {
    const first = await declare('上午巡逻', photo)
    const second = await declare('下午巡逻', photo)
    assert.ok(first < second)
    await eventually('the flag', async () => /曾用于编号\d+/.test(await inQueue(second)))
  })

  test('who sends many slow pictures keeps another\'s waiting for one of them', async () => {
    const one = await secondServer(PORT, undefined, { GULOU_SERVER_WORKERS: '1' })
    try {
      const [many, other] = [new Visitor(member), new Visitor(reviewer)]
      for (const who of [many, other]) {
        await who.open('declare')
        who.server = one.address
      }
      const send = async (who, body) => (await who.load(`${one.address}/demo/photos?key=${randomUUID()}`, { method: 'POST', body, headers: { 'X-CSRF-Token': who.csrf } })).status
      const slow = noise(2800, 2800)
      let answered = 0
      const all = Array.from({ length: 8 }, () => send(many, slow).then((status) => { answered++; return status }))
      await Promise.race(all)
      assert.equal(await send(other, photo), 200)
      assert.ok(answered < 5, `${answered} of the many were first`)
      assert.deepEqual(await Promise.all(all), Array(8).fill(200))
    } finally {
      await one.stop()
    }
  })

  test('what is no photo, or half of one, is told to the member, who sends another', async () => {
    for (const bad of [Buffer.from('no picture at all'), photo.subarray(0, photo.length / 2)]) {
      const no = await declare('晚间巡逻', bad)
      const told = async () => (await member.received()).some((one) => one.text.includes(`编号：${no} `) &&
        one.text.includes('请重新发一张'))
      await eventually('the message', told)
      assert.match(await inQueue(no), /无照片/)
    }
  })
})
