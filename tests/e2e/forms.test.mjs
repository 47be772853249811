// What a page's script sends is read strictly: a wrong field is named, and nothing is declared.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { sql, state } from './system.mjs'
import { Visitor } from './visitor.mjs'

const TOO_FEW_WORDS = /请再写一句说明/

describe('forms', { skip: !state && 'GULOU_E2E_STATE is not set' }, () => {
  let member, browser, day

  before(async () => {
    member = new Client().person()
    await member.say(`绑定 ${invite()}`)
    browser = new Visitor(member)
    const { html } = await browser.open('declare')
    day = /data-days-ago="1"/.test(html) && new Date(Date.parse(/max="([0-9-]+)"/.exec(html)[1]) - 2 * 86400_000).toISOString().slice(0, 10)
  })

  const declarations = () => Number(sql(`select count(*) from gulou.declaration join gulou.binding using (account_id, member_id) where openid = '${member.openid}'`)[0][0])
  const declare = (change) => browser.post('declare', { key: randomUUID(), item: 40, minutes: 60, day, words: '巡逻', photos: [], ...change })
  const preview = (change) => browser.post('declare/preview', { item: 40, minutes: 60, day, words: '', ...change })

  test('an end before the start is no night: the preview says so, and so does sending it', async () => {
    for (const ask of [preview, declare]) {
      const { status, value } = await ask({ minutes: undefined, from: '10:00', to: '09:00' })
      assert.deepEqual([status, value.refusal], [200, 'ends_first'])
      assert.match(value.message, /结束早于开始，请核对/)
    }
    const night = await preview({ minutes: undefined, from: '22:00', to: '01:00' })
    assert.deepEqual([night.value.minutes, night.value.refusal], [180, undefined])
    assert.equal(declarations(), 0)
  })

  test('a number is a whole number, and the field that holds none is named', async () => {
    const wrong = { item: ['40', 40.5, null, [40], true, 1e300], minutes: ['60', 90.5, 0, -60, null] }
    for (const [field, values] of Object.entries(wrong)) {
      for (const value of values) {
        for (const ask of [preview, declare]) {
          const answer = await ask({ [field]: value })
          assert.deepEqual([answer.status, answer.value.error], [400, { code: 'bad_field', message: `${field} 的写法不对` }], `${field}: ${JSON.stringify(value)}`)
        }
      }
    }
    assert.equal(declarations(), 0)
    assert.equal((await preview({ item: 1e15 })).value.refusal, 'item_unknown')
    assert.equal((await preview({ minutes: 90.0 })).value.minutes, 90)
  })

  test('words that nobody can see are none', async () => {
    for (const words of ['', ' ', '\u200b', '\u200b\u3000\ufeff\n', 7]) {
      const { status, value } = await declare({ words })
      assert.deepEqual([status, value.refusal], [200, 'words_missing'], JSON.stringify(words))
      assert.match(value.message, TOO_FEW_WORDS)
    }
    assert.equal(declarations(), 0)
    assert.ok((await declare({ words: '巡\u200b逻' })).value.no)
  })

  test('a text is not cut at a NUL: the body that holds one is refused', async () => {
    const before = declarations()
    for (const ask of [preview, declare]) {
      const { status, value } = await ask({ words: '巡逻\0三小时' })
      assert.deepEqual([status, value.error], [400, { code: 'bad_text', message: '请求里有读不出的文字' }])
    }
    assert.equal(declarations(), before)
    const { value } = await declare({ words: String.raw`巡逻\u0000` })
    assert.equal(sql(`select words from gulou.declaration where no = ${value.no}`)[0][0], String.raw`巡逻\u0000`)
  })

  test('a reviewer decides on numbers that are written as such', async () => {
    const reviewer = new Client().person()
    await reviewer.say(`绑定 ${invite('reviewer')}`)
    const desk = new Visitor(reviewer)
    await desk.open('review')
    const [[no]] = sql(`select no from gulou.declaration join gulou.binding using (account_id, member_id) where openid = '${member.openid}'`)
    for (const nos of [[Number(no) + 0.5], [no], [null]]) {
      const { status, value } = await desk.post('review/decide', { key: randomUUID(), decision: 'approve', nos, words: '' })
      assert.deepEqual([status, value.error?.message], [400, 'nos 的写法不对'], JSON.stringify(nos))
    }
    const unseen = await desk.post('review/decide', { key: randomUUID(), decision: 'return', nos: [Number(no)], words: '\u200b' })
    assert.deepEqual([unseen.status, unseen.value.refusal], [200, 'words_missing'])
    assert.deepEqual(sql(`select status from gulou.declaration where account_id = 'demo' and no = ${no}`), [['submitted']])
  })
})
