// What a person does on the simulated phone besides talking: the menu, the scanner, notifications, pages inside the
// chat; and the switches beside the phones. In a real browser, against a server of the test's own.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { chromium } from 'playwright-core'
import { Simulator } from '../simulator/main.mjs'
import { readTree, fieldsOf } from '../simulator/xml.mjs'

const ACCOUNT = { id: 'demo', name: '演示', app_id: 'wx1', original_id: 'gh_demo', token: 't', aes_key: 'A'.repeat(43), app_secret: 's', mode: 'plain' }
const HTML = { 'Content-Type': 'text/html; charset=utf-8', 'X-Frame-Options': 'DENY', 'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'" }

let browser, fake, simulator, base, server, pushed, page

// A site that signs people in by the platform and remembers them by a cookie.
async function site(request, response, body) {
  const url = new URL(request.url, server)
  const name = /session=(\w+)/.exec(request.headers.cookie ?? '')?.[1]
  if (url.pathname === '/me' && !name) {
    const query = `appid=wx1&redirect_uri=${encodeURIComponent(`${server}/back`)}&response_type=code&scope=snsapi_base&state=s1`
    response.writeHead(302, { Location: `https://open.weixin.qq.com/connect/oauth2/authorize?${query}#wechat_redirect` })
    return response.end()
  }
  if (url.pathname === '/back') {
    const answer = await (await fetch(`${base}/sns/oauth2/access_token?appid=wx1&secret=s&code=${url.searchParams.get('code')}&grant_type=authorization_code`)).json()
    response.writeHead(302, { Location: '/me', 'Set-Cookie': `session=${answer.openid}; Path=/; HttpOnly` })
    return response.end()
  }
  response.writeHead(200, HTML)
  if (url.pathname === '/vote') return response.end(`<p id="who">${name} ${body}</p>`)
  if (url.pathname === '/find') return response.end(`<p id="who">found ${url.searchParams.get('q')}</p>`)
  response.end(`<p id="who">${name}</p><form method="post" action="/vote"><input type="hidden" name="v" value="1"><button>vote</button></form>
    <form action="/find"><input name="q" value="x&y"><button>find</button></form><a href="http://example.org/">out</a>`)
}

before(async () => {
  fake = http.createServer(async (request, response) => {
    const parts = []
    for await (const part of request) parts.push(part)
    const body = Buffer.concat(parts).toString()
    if (!request.url.startsWith('/wechat/')) return site(request, response, body)
    pushed.push(fieldsOf(readTree(body)))
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 7 }).end('success')
  })
  await new Promise((resolve) => fake.listen(0, '127.0.0.1', resolve))
  server = `http://127.0.0.1:${fake.address().port}`
  simulator = new Simulator({ accounts: [ACCOUNT], server, attemptMs: 500 })
  base = `http://127.0.0.1:${await simulator.listen(0)}`
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
})
after(async () => {
  await browser?.close()
  await simulator.close()
  fake.closeAllConnections()
  fake.close()
})

beforeEach(() => { pushed = [] })

async function open(size = { width: 1200, height: 900 }) {
  page = await browser.newPage({ viewport: size })
  page.problems = []
  page.on('pageerror', (error) => page.problems.push(error.message))
  await page.goto(base)
  await page.locator('body[data-ready="true"]').waitFor()
  return page
}

async function call(path, body) {
  const query = new URLSearchParams({ grant_type: 'client_credential', appid: 'wx1', secret: 's' })
  token ??= (await (await fetch(`${base}/cgi-bin/token?${query}`)).json()).access_token
  const answer = await (await fetch(`${base}/cgi-bin/${path}?access_token=${token}`, body && { method: 'POST', body: JSON.stringify(body) })).json()
  assert.equal(answer.errcode ?? 0, 0, `${path}: ${answer.errmsg}`)
  return answer
}
let token

const phone = (i = 0) => page.locator(`.phone[data-openid="${simulator.people[i].openid}"]`)
const event = async (name) => {
  for (let i = 0; i < 100 && !pushed.some((one) => one.Event === name); i++) await new Promise((resolve) => setTimeout(resolve, 20))
  return pushed.find((one) => one.Event === name)
}

describe('the phone', () => {
  test('the menu is the person\'s own and changes with the tag; its buttons do what a phone does', async () => {
    await open()
    await phone().locator('.follow').click()
    await event('subscribe')
    assert.equal(await phone().locator('.menu').isVisible(), false)
    await call('menu/create', { button: [{ type: 'click', name: '积分', key: 'points' }, { name: '更多', sub_button: [
      { type: 'pic_photo_or_album', name: '照片', key: 'p' }, { type: 'scancode_waitmsg', name: '扫楼牌', key: 's' }, { type: 'view', name: '公示', url: `${server}/me` }] }] })
    const menu = phone().locator('.menu')
    await menu.getByRole('button', { name: '积分' }).click()
    assert.equal((await event('CLICK')).EventKey, 'points')
    const sub = async (name) => {
      await menu.getByRole('button', { name: '更多' }).click()
      await menu.getByRole('button', { name, exact: true }).click()
    }
    await sub('照片')
    await phone().getByRole('button', { name: '拍照' }).last().click()
    await event('pic_photo_or_album')
    await phone().locator('.mine img').waitFor()
    assert.equal(pushed.at(-1).MsgType, 'image')
    await sub('扫楼牌')
    await phone().getByLabel('二维码内容').fill('3号楼')
    await phone().getByRole('button', { name: '确定' }).click()
    assert.equal((await event('scancode_waitmsg')).EventKey, 's')
    await sub('公示')
    assert.equal((await event('VIEW')).EventKey, `${server}/me`)
    await phone().locator('iframe').waitFor()
    await phone().getByLabel('关闭').click()
    const { tag } = await call('tags/create', { tag: { name: '审核员' } })
    await call('menu/addconditional', { button: [{ type: 'click', name: '待审', key: 'queue' }], matchrule: { tag_id: String(tag.id) } })
    await call('tags/members/batchtagging', { openid_list: [simulator.people[0].openid], tagid: tag.id })
    await menu.getByRole('button', { name: '待审' }).waitFor()
    assert.deepEqual(page.problems, [])
    await page.close()
  })

  test('a code made for the account is scanned by one who does not follow yet', async () => {
    await call('qrcode/create', { expire_seconds: 600, action_name: 'QR_STR_SCENE', action_info: { scene: { scene_str: 'unit_7' } } })
    await open()
    await phone(2).getByRole('button', { name: '扫码' }).click()
    const code = phone(2).locator('.code', { hasText: 'unit_7' })
    await code.waitFor()
    assert.ok(await code.locator('img').evaluate((image) => image.decode().then(() => image.naturalWidth > 0)))
    await code.click()
    assert.equal((await event('subscribe')).EventKey, 'qrscene_unit_7')
    await phone(2).locator('.follow', { hasText: '取消关注' }).waitFor()
    await page.close()
  })

  test('a template message is a card that opens its page; who looked away sees it later', async () => {
    await open()
    const send = (value) => call('message/template/send', { touser: simulator.people[0].openid, template_id: 'approved', url: `${server}/me`, data: { thing1: { value }, phrase2: { value: '已通过' } } })
    await send('社区巡逻')
    const card = phone().locator('.card', { hasText: '社区巡逻' })
    await card.waitFor()
    assert.match(await card.innerText(), /服务通知[^]*thing1[^]*社区巡逻[^]*已通过/)
    await page.reload()
    await card.waitFor()
    await card.getByText('查看详情').click()
    await phone().frameLocator('iframe').locator('#who').waitFor()
    await page.close()
  })

  test('two people are signed in side by side, each as themselves', async () => {
    await open()
    for (const i of [0, 2]) {
      const url = `${base}/sim/browse?${new URLSearchParams({ person: simulator.people[i].label, url: `${server}/me` })}`
      const tab = await browser.newPage()
      await tab.goto(url)
      assert.equal(await tab.locator('#who').innerText(), simulator.people[i].openid)
      assert.deepEqual(await tab.context().cookies(), [])
      await tab.getByRole('button', { name: 'vote' }).click()
      assert.equal(await tab.locator('#who').innerText(), `${simulator.people[i].openid} v=1`)
      await tab.goto(url)
      await tab.getByRole('button', { name: 'find' }).click()
      assert.equal(await tab.locator('#who').innerText(), 'found x&y')
      await tab.goto(url)
      await tab.getByText('out').click()
      assert.match(await tab.locator('body').innerText(), /不打开外部网页：example\.org/)
      await tab.close()
    }
    await page.close()
  })
})

describe('beside the phones', () => {
  test('a fault stays until it is switched off, and a reload shows it', async () => {
    await open()
    await page.locator('#panel summary').click()
    const box = page.getByLabel('45009 今日用完')
    await box.check()
    await page.locator('#panel .state', { hasText: '1' }).waitFor()
    const asked = async () => (await (await fetch(`${base}/cgi-bin/getcallbackip?access_token=x`)).json()).errcode
    assert.deepEqual([await asked(), await asked()], [45009, 45009])
    await page.reload()
    await page.locator('body[data-ready="true"]').waitFor()
    await page.locator('#panel .state', { hasText: '1' }).waitFor()
    await page.locator('#panel summary').click()
    await box.uncheck()
    await page.locator('#panel .state', { hasText: /^$/ }).waitFor({ state: 'attached' })
    assert.equal(await asked(), 40001)
    await page.getByLabel('已认证').uncheck()
    await page.waitForFunction(async () => !(await (await fetch('/sim/config')).json()).accounts[0].switches.verified)
    await page.getByLabel('已认证').check()
    assert.deepEqual(page.problems, [])
    await page.close()
  })

  test('on a narrow phone everything opens without scrolling sideways', async () => {
    await open({ width: 375, height: 812 })
    const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)
    await page.locator('#panel summary').click()
    assert.ok(await fits())
    await phone().locator('.settings').click()
    assert.ok(await phone().getByLabel('模板消息').isVisible())
    assert.ok(await fits())
    if (process.env.GULOU_SCREENSHOTS) await page.screenshot({ path: `${process.env.GULOU_SCREENSHOTS}/narrow.png`, fullPage: true })
    await page.close()
  })
})
