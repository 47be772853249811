// The pages of signed-in people, in a real browser at a phone's size.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { after, before, describe, test } from 'node:test'
import { launch, newPage } from './chromium.mjs'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { sql } from './system.mjs'

const { GULOU_E2E_SIMULATOR, GULOU_E2E_SERVER } = process.env
const PHONE = { width: 375, height: 720 }
const PHOTO = fileURLToPath(new URL('photo.jpg', import.meta.url))
const WECHAT = 'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 MicroMessenger/8.0.50'

describe('pages', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  let browser, client

  before(async () => {
    browser = await launch()
    client = new Client()
  })
  after(() => browser?.close())

  async function person(role) {
    const one = client.person()
    await one.follow()
    assert.match(await one.say(`绑定 ${invite(role)}`), /绑定成功/)
    return one
  }

  const scenes = async () => (await client.codes()).map((one) => one.scene)

  // A desktop shows a QR code; its scene is what the phone's camera would read from it.
  async function qrCode(path) {
    const page = await newPage(browser, PHONE)
    const known = new Set(await scenes())
    await page.goto(`${GULOU_E2E_SERVER}/demo/${path}`)
    await page.locator('.qr svg').waitFor()
    const scene = (await scenes()).find((one) => one.startsWith('signin_') && !known.has(one))
    return { page, scene, number: await page.locator('.number').innerText() }
  }

  async function scan(one, scene) {
    one.last = await client.post('/sim/scan', { person: one.openid, scene })
    return one.last.reply
  }

  async function signIn(one, path) {
    const { page, scene } = await qrCode(path)
    await scan(one, scene)
    await one.tap('是，登录')
    await page.locator('h1', { hasText: path === 'declare' ? '申报服务' : path === 'review' ? '待审申报' : '提出异议' }).waitFor()
    return page
  }

  async function declare(page, item, words, photos = []) {
    await page.selectOption('#item', String(item))
    await page.locator('[data-days-ago="1"]').click()
    await page.locator('[data-minutes="120"]').click()
    await page.fill('#words', words)
    await page.setInputFiles('#photo', photos)
    await page.locator('#send').click()
    await page.locator('#done-title').waitFor()
    return Number(/编号：(\d+)/.exec(await page.locator('#done-title').innerText())[1])
  }

  // The queue comes twenty at a time.
  async function cardOf(page, no) {
    const found = page.locator('.card', { hasText: `编号：${no} ` })
    for (let shown = 0; ; shown += 20) {
      await page.locator('.card').nth(shown).waitFor()
      if (await found.count()) return found
      await page.locator('#more').click()
    }
  }

  test('a desktop signs in when its number is confirmed in the chat', async () => {
    const one = await person()
    const { page, scene, number } = await qrCode('declare')
    assert.match(await scan(one, scene), new RegExp(`数字是 ${number} 吗`))
    assert.match(await one.tap('是，登录'), /已登录/)
    await page.locator('#form').waitFor()
    assert.deepEqual(page.problems, [])
    const [cookie] = (await page.context().cookies()).filter((kept) => kept.name === 'gulou_session')
    assert.ok(cookie.httpOnly && cookie.sameSite === 'Lax')
    await page.context().close()
  })

  test('who says that it was not them lets nobody in', async () => {
    const one = await person()
    const { page, scene } = await qrCode('declare')
    await scan(one, scene)
    assert.match(await one.tap('不是我'), /已拒绝/)
    await page.getByText('二维码已失效').waitFor()
    assert.match(await scan(one, scene), /失效/)
    await page.context().close()
  })

  test('a code that somebody else has scanned is theirs; a guest has to bind first', async () => {
    const one = await person(), other = await person(), guest = client.person()
    const { page, scene } = await qrCode('declare')
    await guest.follow()
    assert.match(await scan(guest, scene), /绑定/)
    await scan(one, scene)
    assert.match(await scan(other, scene), /失效/)
    await page.context().close()
  })

  test('inside WeChat the platform says who it is, and only this browser can come back', async () => {
    const page = await fetch(`${GULOU_E2E_SERVER}/demo/declare`, { redirect: 'manual', headers: { 'User-Agent': WECHAT } })
    const target = new URL(page.headers.get('location'))
    const cookie = page.headers.getSetCookie()[0]
    assert.equal(target.pathname, '/connect/oauth2/authorize')
    assert.deepEqual([...target.searchParams.keys()], ['appid', 'redirect_uri', 'response_type', 'scope', 'state'])
    assert.equal(target.searchParams.get('scope'), 'snsapi_base')
    assert.equal(target.hash, '#wechat_redirect')
    assert.match(cookie, /HttpOnly; SameSite=Lax/)
    const state = target.searchParams.get('state')
    const back = (headers, given = state) => fetch(`${GULOU_E2E_SERVER}/demo/signin?code=0123456789&state=${given}`, { redirect: 'manual', headers })
    assert.equal((await back({})).status, 403, 'a browser that did not begin it')
    assert.equal((await back({ Cookie: cookie.split(';')[0] }, 'other')).status, 403, 'another state')
  })

  test('a member signs in inside WeChat without a word', async () => {
    const one = await person()
    const through = (url) => fetch(`${GULOU_E2E_SIMULATOR}/sim/browse?${new URLSearchParams({ account: 'demo', person: one.openid, url })}`)
    const page = await (await through(`${GULOU_E2E_SERVER}/demo/declare`)).text()
    assert.match(page, /<h1>申报服务<\/h1>/)
  })

  test('declaring: the points while one fills it in, photos, and the queue', async () => {
    const one = await person(), reviewer = await person('reviewer')
    const page = await signIn(one, 'declare')
    await page.selectOption('#item', '40')
    await page.locator('[data-minutes="120"]').click()
    await page.getByText('预计 20 分').waitFor()
    await page.locator('[data-minutes="240"]').click()
    await page.getByText('预计 40 分').waitFor()
    await page.fill('#from', '08:00')
    await page.fill('#to', '08:10')
    await page.getByText('满半小时').waitFor()
    const no = await declare(page, 40, '在3号楼巡逻', [PHOTO])
    assert.match(await one.say('我的申报'), new RegExp(`编号：${no} 义务巡逻`))
    const queue = await signIn(reviewer, 'review')
    const card = await cardOf(queue, no)
    await card.locator('.shots img').waitFor()
    assert.match(await card.innerText(), /20分[\s\S]*在3号楼巡逻/)
    await card.locator('.shots button').click()
    await queue.locator('#picture img').waitFor()
    assert.deepEqual([...page.problems, ...queue.problems], [])
    for (const each of [page, queue]) await each.context().close()
  })

  test('a proof that is missing, a form that is not filled in: said, and nothing is sent', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    await page.locator('#send').click()
    await page.locator('#toast', { hasText: '请选择服务项目' }).waitFor()
    await page.selectOption('#item', '35')
    assert.match(await page.locator('#proof-note').innerText(), /必须有照片/)
    const no = await declare(page, 35, '修剪花草')
    assert.match(await page.locator('#done-words').innerText(), /把照片直接发来/)
    assert.match(await one.say('我的申报'), new RegExp(`编号：${no} [\\s\\S]*待补照片`))
    await page.context().close()
  })

  // The newest notice that is open, with a line that nobody has touched: the demonstration's.
  const openLine = () => sql(`select announcement_id, l.no from gulou.announcement a join gulou.announcement_line l using (account_id, announcement_id)
    join gulou.declaration d using (account_id, no) where account_id = 'demo' and a.status = 'published' and gulou.now_() < a.closes_at
      and d.status = 'announced' order by l.no desc limit 1`)[0].map(Number)

  test('objecting from a line: the photo, the number as the receipt, and what became of it', async () => {
    const [notice, line] = openLine()
    const one = await person()
    const page = await signIn(one, `notices/${notice}/object?no=${line}`)
    const text = await page.locator('main').innerText()
    assert.match(text, new RegExp(`编号 ${line}`))
    assert.match(text, /您的姓名不公开，也不告诉申报人[^]*异议期到 \d{4}-\d\d-\d\d 24:00/)
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    await page.locator('#send').click()
    await page.locator('#toast', { hasText: '请写出哪里不对' }).waitFor()
    await page.fill('#words', '那天下大雨，活动取消了')
    await page.setInputFiles('#photo', [PHOTO])
    await page.locator('#send').click()
    await page.locator('#done-title').waitFor()
    const objection = Number(/异议编号：(\d+)/.exec(await page.locator('#done-title').innerText())[1])
    assert.deepEqual(sql(`select o.no, o.words, count(p.photo_id) from gulou.objection o left join gulou.photo p using (account_id, objection_no)
      where o.account_id = 'demo' and o.objection_no = ${objection} group by 1, 2`), [[String(line), '那天下大雨，活动取消了', '1']])
    await page.reload()
    assert.match(await page.locator('main').innerText(), new RegExp(`已提过异议（异议编号：${objection}）[^]*我提过的异议[^]*已收到，待受理`))
    assert.deepEqual(page.problems, [])
    const open = await newPage(browser, PHONE)
    await open.goto(`${GULOU_E2E_SERVER}/demo/notices/${notice}?q=${line}`)
    assert.match(await open.locator('td.state').innerText(), /有异议待处理/)
    assert.ok(!(await open.content()).includes('那天下大雨'), 'the public sees that there is one, not whose nor why')
    for (const each of [page, open]) await each.context().close()
  })

  test('objecting from the notice: the number is asked for; what is not there is said; without a script the chat\'s words are given', async () => {
    const [notice, line] = openLine()
    const one = await person()
    const page = await signIn(one, `notices/${notice}/object`)
    await page.fill('#no', '999999999')
    await page.getByRole('button', { name: '下一步' }).click()
    await page.getByText(`公示${notice}里没有编号：999999999`).waitFor()
    await page.fill('#no', String(line))
    await page.getByRole('button', { name: '下一步' }).click()
    await page.locator('#words').waitFor()
    const cookies = await page.context().cookies()
    const bare = await newPage(browser, PHONE, { javaScriptEnabled: false })
    await bare.context().addCookies(cookies)
    await bare.goto(page.url())
    assert.match(await bare.locator('main').innerText(), new RegExp(`异议 ${notice} ${line} 理由`))
    assert.equal(await bare.locator('#send').isVisible(), false)
    assert.equal((await fetch(page.url().replace(/\?.*/, ''), { method: 'POST', body: '{}' })).status, 403, 'nothing is filed without the page\'s own token')
    for (const each of [page, bare]) await each.context().close()
  })

  test('what is no photo is refused before anything is declared', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    await page.setInputFiles('#photo', { name: 'x.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') })
    await page.locator('#toast', { hasText: '不是能用的照片' }).waitFor()
    await page.locator('.weui-uploader__file.failed').waitFor()
    await page.context().close()
  })

  test('pictures that are none do not keep the server busy for ever', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    const statuses = []
    for (let i = 0; i < 61; i++) { // one more than two minutes' share
      statuses.push(await page.evaluate(async () => (await fetch(`/demo/photos?key=${uuid()}`, { method: 'POST', body: 'no picture', headers: { 'X-CSRF-Token': csrf } })).status))
    }
    assert.equal(statuses[0], 400)
    assert.ok(statuses.includes(429))
    await page.context().close()
  })

  test('reviewing: several at once, one returned with a reason', async () => {
    const one = await person(), reviewer = await person('reviewer')
    const nos = []
    for (const words of ['早上巡逻', '中午巡逻', '晚上巡逻']) nos.push(Number(/编号：(\d+)/.exec(await one.say(`申报 40 1 ${words}`))[1]))
    const page = await signIn(reviewer, 'review')
    const card = (no) => cardOf(page, no)
    for (const no of nos.slice(0, 2)) await (await card(no)).locator('input').check()
    await page.locator('#approve').click()
    for (const no of nos.slice(0, 2)) await (await card(no)).locator('.result', { hasText: '已通过，10分' }).waitFor()
    await (await card(nos[2])).locator('.turn-down').click()
    await page.locator('[data-words="请写明服务的地点"]').click()
    await page.locator('dialog button[value=return]').click()
    await (await card(nos[2])).locator('.result', { hasText: '已退回' }).waitFor()
    assert.match(await one.say('积分'), /待公示：20/)
    assert.deepEqual(page.problems, [])
    await page.context().close()
  })

  test('on a slow line a second tap does nothing: neither declared nor decided twice, no row shown twice', async () => {
    const one = await person(), reviewer = await person('reviewer')
    const page = await signIn(one, 'declare')
    const slowly = async (route) => { await new Promise((done) => setTimeout(done, 500)); await route.continue() }
    const twice = (button) => button.evaluate((element) => { element.click(); element.click() })
    await page.route('**/demo/declare', slowly)
    await page.selectOption('#item', '40')
    await page.locator('[data-minutes="60"]').click()
    await page.fill('#words', '在胡同里巡逻')
    await twice(page.locator('#send'))
    await page.locator('#done-title').waitFor()
    assert.equal((await one.say('我的申报')).match(/编号：/g).length, 1)
    const nos = [Number(/编号：(\d+)/.exec(await page.locator('#done-title').innerText())[1])]
    for (let i = 0; i < 25; i++) nos.push(Number(/编号：(\d+)/.exec(await one.say(`申报 41 1 第${i}次劝导`))[1]))

    const queue = await signIn(reviewer, 'review')
    await queue.locator('.card').nth(19).waitFor()
    await queue.route('**/review/*', slowly)
    await twice(queue.locator('#more'))
    const card = await cardOf(queue, nos[0])
    const shown = await queue.locator('.card .what').allInnerTexts()
    assert.equal(new Set(shown).size, shown.length)
    await card.locator('input').check()
    await twice(queue.locator('#approve'))
    await card.locator('.result', { hasText: '已通过，10分' }).waitFor()
    await queue.locator('#toast', { hasText: '已通过 1 条' }).waitFor()
    await queue.waitForLoadState('networkidle')
    assert.match(await card.locator('.result').innerText(), /已通过，10分/)
    assert.deepEqual([...page.problems, ...queue.problems], [])
    for (const each of [page, queue]) await each.context().close()
  })

  test('a photo that the server has forgotten since is sent anew before the form is taken', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    const sent = page.waitForResponse(/photos\?key=/)
    await page.setInputFiles('#photo', PHOTO)
    await (await sent).finished()
    sql(`delete from gulou.upload where account_id = 'demo' and openid = '${one.openid}'`) // as after a day
    await page.selectOption('#item', '40')
    await page.locator('[data-minutes="60"]').click()
    await page.fill('#words', '第二天才提交')
    const again = page.waitForResponse(/photos\?key=/)
    await page.locator('#send').click()
    await page.locator('#toast', { hasText: '正在重新上传' }).waitFor()
    await again
    await page.locator('#send').click()
    await page.locator('#done-title').waitFor()
    const no = Number(/编号：(\d+)/.exec(await page.locator('#done-title').innerText())[1])
    assert.deepEqual(sql(`select count(*) from gulou.photo where account_id = 'demo' and no = ${no}`), [['1']])
    await page.context().close()
  })

  test('a photo that is too large is not even sent; one that was lost is not left out in silence', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    await page.setInputFiles('#photo', { name: 'x.jpg', mimeType: 'image/jpeg', buffer: Buffer.alloc((10 << 20) + 1) })
    await page.locator('#toast', { hasText: '不能超过10MB' }).waitFor()
    assert.equal(await page.locator('.weui-uploader__file').count(), 0)
    const lose = async (route) => { await new Promise((done) => setTimeout(done, 500)); await route.abort() }
    await page.route('**/photos?*', lose)
    await page.selectOption('#item', '40')
    await page.locator('[data-minutes="60"]').click()
    await page.fill('#words', '在胡同里巡逻')
    await page.setInputFiles('#photo', PHOTO)
    await page.locator('#send').click()
    await page.locator('#toast', { hasText: '有照片没传上' }).waitFor()
    await page.unroute('**/photos?*', lose)
    await page.locator('.weui-uploader__file.failed').click()
    await page.locator('#send').click()
    await page.locator('#done-title').waitFor()
    const no = Number(/编号：(\d+)/.exec(await page.locator('#done-title').innerText())[1])
    assert.deepEqual(sql(`select count(*) from gulou.photo where account_id = 'demo' and no = ${no}`), [['1']])
    await page.context().close()
  })

  test('a member sees no queue; a page left open too long says so', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    const response = await page.goto(`${GULOU_E2E_SERVER}/demo/review`)
    assert.equal(response.status(), 403)
    assert.match(await page.locator('h1').innerText(), /由审核员办理/)
    await page.goto(`${GULOU_E2E_SERVER}/demo/declare`)
    sql(`delete from gulou.session where openid = '${one.openid}'`)
    await page.selectOption('#item', '40')
    await page.locator('[data-minutes="60"]').click()
    await page.getByText('登录已过期').waitFor()
    await page.context().close()
  })

  test('a desktop can be left, and then it is nobody\'s', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    await page.getByRole('button', { name: '退出' }).click()
    await page.waitForURL('**/demo/')
    await page.goto(`${GULOU_E2E_SERVER}/demo/declare`)
    await page.locator('.qr svg').waitFor()
    assert.deepEqual(sql(`select 1 from gulou.session where openid = '${one.openid}'`), [])
    await page.context().close()
  })

  test('a session older than half a day is exchanged for a new one', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    const token = async () => (await page.context().cookies()).find((kept) => kept.name === 'gulou_session').value
    const first = await token()
    sql(`update gulou.session set rotated_at = now() - interval '13 hours' where openid = '${one.openid}'`)
    await page.reload()
    await page.locator('#form').waitFor()
    assert.notEqual(await token(), first)
    await page.selectOption('#item', '40')
    await page.locator('[data-minutes="60"]').click()
    await page.getByText('预计 10 分').waitFor()
    await page.context().close()
  })

  test('a page of ours is signed for WeChat\'s own functions, others are not', async () => {
    const ask = (url) => fetch(`${GULOU_E2E_SERVER}/demo/jssdk?url=${encodeURIComponent(url)}`)
    const signed = await (await ask(`${GULOU_E2E_SERVER}/demo/declare?wx=1`)).json()
    assert.match(signed.signature, /^[0-9a-f]{40}$/)
    assert.ok(signed.appId && signed.nonceStr && Math.abs(signed.timestamp - Date.now() / 1000) < 60)
    assert.equal((await ask('https://example.org/demo/declare')).status, 400)
  })

  test('nothing is changed without the page\'s own token', async () => {
    const one = await person()
    const page = await signIn(one, 'declare')
    const cookie = (await page.context().cookies()).map((kept) => `${kept.name}=${kept.value}`).join('; ')
    const post = (headers) => fetch(`${GULOU_E2E_SERVER}/demo/declare`, { method: 'POST', headers: { Cookie: cookie, ...headers },
      body: JSON.stringify({ key: crypto.randomUUID(), item: 40, minutes: 60, day: new Date().toISOString().slice(0, 10), words: '冒充' }) })
    assert.equal((await post({})).status, 403)
    assert.equal((await post({ 'X-CSRF-Token': '0'.repeat(64) })).status, 403)
    assert.doesNotMatch(await one.say('我的申报'), /义务巡逻/)
    await page.context().close()
  })
})
