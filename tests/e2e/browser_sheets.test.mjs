// The administrators' sheets in a real browser: signed in on a desktop, printed on A4.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { launch, newPage } from './chromium.mjs'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { sql } from './system.mjs'

const { GULOU_E2E_SIMULATOR, GULOU_E2E_SERVER } = process.env

describe('sheets', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  const client = new Client()
  let browser, page, unit

  const codes = async () => (await client.codes()).map((one) => one.scene)

  before(async () => {
    const code = invite()
    unit = sql(`select o.name from gulou.invite i join gulou.member_org using (account_id, member_id) join gulou.org o using (account_id, org_id)
      where i.account_id = 'demo' and i.code_hash = gulou.code_hash('demo', '${code}')`)[0][0]
    browser = await launch()
    page = await newPage(browser)
  })
  after(() => browser?.close())

  test('a desktop signs in by a scan and comes to the list', async () => {
    const administrator = client.person()
    await administrator.follow()
    await administrator.say(`绑定 ${invite('administrator')}`)
    const known = new Set(await codes())
    await page.goto(`${GULOU_E2E_SERVER}/demo/sheets`)
    await page.locator('.qr svg').waitFor()
    const scene = (await codes()).find((one) => one.startsWith('signin_') && !known.has(one))
    administrator.last = await client.post('/sim/scan', { person: administrator.openid, scene })
    await administrator.tap('是，登录')
    await page.locator('h1', { hasText: '单位二维码' }).waitFor()
  })

  test('a unit\'s sheet shows its code and three lines; on paper nothing else', async () => {
    await page.getByText(unit, { exact: true }).click()
    await page.locator('h1', { hasText: unit }).waitFor()
    assert.equal(await page.locator('.paper li').count(), 3)
    assert.ok(await page.locator('.paper .qr svg').isVisible())
    await page.emulateMedia({ media: 'print' })
    assert.ok(!await page.locator('#print').isVisible())
    const { width } = await page.locator('.paper .qr svg').boundingBox()
    assert.ok(width > 300, `${width} pixels of code on paper`)
    await page.emulateMedia({ media: 'screen' })
  })

  test('a card for whoever is not bound: its code works', async () => {
    await page.locator('#invites').click()
    await page.locator('#cards article').first().waitFor()
    assert.equal(await page.locator('#cards article').count(), 1)
    assert.ok(await page.locator('#cards .qr svg').isVisible())
    const words = await page.locator('#cards b').innerText()
    assert.match(await client.person().say(words), /绑定成功/)
    await page.reload()
    await page.locator('h1', { hasText: unit }).waitFor()
    assert.equal(await page.locator('#invites').count(), 0)
    assert.equal(await page.locator('#cards article').count(), 0)
    assert.deepEqual(page.problems, [])
  })
})
