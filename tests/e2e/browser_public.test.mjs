// The public pages in a real browser: on a phone, on a desk, without JavaScript, on paper; and the page on which the
// visitor's own browser checks a notice.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { launch, newPage } from './chromium.mjs'

const { GULOU_E2E_SERVER } = process.env
const SIZES = { phone: { width: 375, height: 720 }, desk: { width: 1280, height: 900 } }

describe('the public pages in a browser', { skip: !GULOU_E2E_SERVER && 'GULOU_E2E_SERVER is not set' }, () => {
  let browser, notice, entry

  before(async () => {
    browser = await launch('--host-resolver-rules=MAP gulou.test 127.0.0.1')
    notice = (await (await fetch(`${GULOU_E2E_SERVER}/api/v1/demo/notices?limit=100`)).json()).notices.reduce((most, one) => one.entries > most.entries ? one : most)
    ;[entry] = (await (await fetch(`${GULOU_E2E_SERVER}/api/v1/demo/notices/${notice.id}?limit=1`)).json()).entries
  })
  after(() => browser?.close())

  async function open(path, { size = SIZES.phone, server = GULOU_E2E_SERVER, before = () => {}, ...more } = {}) {
    const page = await newPage(browser, size, more)
    await before(page)
    await page.goto(`${server}/demo/${path}`)
    return page
  }

  for (const [name, size] of Object.entries(SIZES)) {
    test(`nothing is cut off and everything has a heading (${name})`, async () => {
      for (const path of ['', `notices/${notice.id}`, `notices/${notice.id}?q=${encodeURIComponent(entry.unit)}`, `notices/${notice.id}/check?no=${entry.no}`, 'ranking', 'ranking/units', 'units/1', 'about', 'nothing']) {
        const page = await open(path, { size })
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than the window`)
        assert.equal(await page.locator('h1').count(), 1, path)
        assert.equal(await page.locator('th:not([scope])').count(), 0, `${path}: a heading cell without scope`)
        if (path !== 'nothing') assert.deepEqual(page.problems, [], path)
        await page.close()
      }
    })
  }

  test('each line says what became of it, and leads to the objection while the window is open', async () => {
    const page = await open(`notices/${notice.id}?q=${entry.no}`)
    assert.match(await page.locator('td.state').innerText(), /公示中|有异议待处理|异议不成立|已撤销|已结算|已更正/)
    if (notice.status === 'open') assert.match(await page.getByRole('link', { name: `对编号 ${entry.no} 提异议` }).getAttribute('href'), new RegExp(`/notices/${notice.id}/object\\?no=${entry.no}$`))
    assert.match(await page.locator('.states').innerText(), /公示中 \d+ 条|已结算 \d+ 条/)
    await page.close()
  })

  test('what is tapped on a phone is large enough', async () => {
    const page = await open(`notices/${notice.id}`)
    for (const one of await page.locator('button, .button, header nav a').all()) assert.ok((await one.boundingBox()).height >= 44, await one.innerText())
    await page.close()
  })

  test('without JavaScript a notice is searched, sorted and turned over', async () => {
    const page = await open(`notices/${notice.id}`, { javaScriptEnabled: false })
    await page.getByRole('link', { name: '下一页' }).click()
    assert.match(await page.locator('.pages').innerText(), /2 \//)
    await page.getByRole('link', { name: '积分', exact: true }).click()
    const points = (await page.locator('.lines td.number').allInnerTexts()).map((text) => parseInt(text))
    assert.deepEqual(points, [...points].sort((a, b) => b - a))
    await page.fill('#q', entry.item)
    await page.getByRole('button', { name: '查找' }).click()
    const rows = await page.locator('.lines tbody tr').allInnerTexts()
    assert.ok(rows.length > 0 && rows.every((row) => row.includes(entry.item)))
    await page.getByRole('link', { name: '显示全部' }).click()
    assert.ok(await page.locator('.lines tbody tr').count() >= rows.length)
    await page.close()
  })

  test('without JavaScript the check page gives the material and says how', async () => {
    const page = await open(`notices/${notice.id}/check`, { javaScriptEnabled: false })
    await page.fill('#no', String(entry.no))
    await page.getByRole('button', { name: '核对' }).click()
    const text = await page.locator('main').innerText()
    assert.ok(text.includes(entry.leaf))
    // By hand, from what the page says: every hash stands on its side.
    const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
    let hash = sha256(Buffer.of(0), entry.leaf)
    for (const [, side, other] of text.matchAll(/(左边|右边)：([0-9a-f]{64})/g)) {
      const sibling = Buffer.from(other, 'hex')
      hash = side === '左边' ? sha256(Buffer.of(1), sibling, hash) : sha256(Buffer.of(1), hash, sibling)
    }
    assert.equal(hash.toString('hex'), notice.root)
    assert.match(text, /没有开启脚本/)
    assert.match(text, /SHA-256/)
    await page.close()
  })

  // What the page says in the end.
  async function verdict(page) {
    await page.locator('#verdict', { hasNotText: '正在' }).waitFor()
    await page.locator('#result.good, #result.bad').waitFor()
    return page.locator('#result').innerText()
  }

  test('the browser itself checks a line, and all of them', async () => {
    const page = await open(`notices/${notice.id}/check`)
    await page.fill('#no', String(entry.no))
    await page.getByRole('button', { name: '核对', exact: true }).click()
    const text = await verdict(page)
    assert.match(text, new RegExp(`编号 ${entry.no} 没有被改动`))
    assert.ok(text.includes(notice.root))
    await page.fill('#known', notice.root)
    await page.getByRole('button', { name: '核对整张名单' }).click()
    await page.getByText('整张名单没有被改动').waitFor()
    assert.match(await verdict(page), new RegExp(`${notice.entries} 行都和定稿时一致[\\s\\S]*也和您填的根一样`))
    assert.deepEqual(page.problems, [])
    await page.close()
  })

  test('another root than in the article is said', async () => {
    const page = await open(`notices/${notice.id}/check`)
    await page.fill('#known', 'ab'.repeat(32))
    await page.fill('#no', String(entry.no))
    await page.getByRole('button', { name: '核对', exact: true }).click()
    assert.match(await verdict(page), /对不上[\s\S]*和您填的根不一样/)
    await page.close()
  })

  const lines = () => new RegExp(`/api/v1/demo/notices/${notice.id}\\?`)

  // A server that lies: what it answers is changed on the way.
  const lying = (pattern, change) => async (page) => page.route(pattern, async (route) => {
    const response = await route.fetch()
    const json = await response.json()
    change(json)
    await route.fulfill({ response, json })
  })

  test('a changed name, point, proof or line is found in the browser and named', async () => {
    const lies = [
      [lines(), (json) => { json.entries[0].member = '某*某' }, /姓名或盐值被改动过/],
      [lines(), (json) => { json.entries[0].points = '999' }, /编号、单位、项目、积分或日期和定稿时不一致/],
      ['**/proof/*', (json) => { json.path[0] = json.path[0].replace(/^./, (one) => one === 'a' ? 'b' : 'a') }, /算出的根和本页的根不一样/],
      ['**/proof/*', (json) => { json.path.pop() }, /合并路径不完整/],
      ['**/proof/*', (json) => { json.leaf = json.leaf.replace('|', '0|') }, /不一样|不一致/]
    ]
    for (const [pattern, change, words] of lies) {
      const page = await open(`notices/${notice.id}/check?no=${entry.no}`, { before: lying(pattern, change) })
      assert.match(await verdict(page), words)
      assert.match(await page.locator('#verdict').innerText(), /对不上/)
      await page.close()
    }
    const page = await open(`notices/${notice.id}/check`, { before: lying(lines(), (json) => {
      // A long list comes in pieces; one line of one piece is changed.
      for (const one of json.entries) if (String(one.no) === String(entry.no)) one.points = '1'
    }) })
    await page.getByRole('button', { name: '核对整张名单' }).click()
    assert.match(await verdict(page), new RegExp(`有 1 行对不上，编号：${entry.no}`))
    await page.close()
  })

  test('a number that is not listed, and an address that is not safe, are said', async () => {
    const page = await open(`notices/${notice.id}/check?no=999999999`)
    assert.match(await verdict(page), /名单里没有编号 999999999/)
    await page.close()
    const unsafe = await open(`notices/${notice.id}/check`, { server: `http://gulou.test:${new URL(GULOU_E2E_SERVER).port}` })
    await unsafe.locator('#insecure').waitFor()
    assert.match(await unsafe.locator('#insecure').innerText(), /https:\/\//)
    assert.equal(await unsafe.locator('#all').isVisible(), false)
    await unsafe.close()
  })

  test('on paper only what is worth paper', async () => {
    const page = await open(`notices/${notice.id}`, { size: SIZES.desk })
    await page.emulateMedia({ media: 'print' })
    for (const gone of ['header nav', '.search', '.pages', '.button']) assert.equal(await page.locator(gone).first().isVisible(), false, gone)
    assert.ok(await page.locator('.lines thead').isVisible())
    assert.ok(await page.getByText(notice.root).first().isVisible())
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)')
    await page.close()
  })
})
