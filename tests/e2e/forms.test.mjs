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
})
