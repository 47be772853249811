// The chat page and the public page in a real browser. With GULOU_E2E_SIMULATOR it plays a whole member's
// and reviewer's day against the running system; the page by itself is tried against a server of its own.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { Simulator } from '../simulator/main.mjs'
import { FAILURE_NOTICE, toXml } from '../simulator/platform.mjs'
import { readXml } from '../simulator/xml.mjs'
import { launch, newPage } from './chromium.mjs'
import { invite } from './people.mjs'

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')

let browser
before(async () => { browser = await launch() })
after(() => browser?.close())

async function open(address, size) {
  const page = await newPage(browser, size)
  await page.goto(address)
  return page
}

// One phone on the chat page: say something, wait for what comes back to exactly that.
class PhoneView {
  constructor(page, openid) {
    this.page = page
    this.node = page.locator(`.phone[data-openid="${openid}"]`)
  }

  // Replies only: a notification may come in between.
  async answerTo(act) {
    const before = await this.node.locator('.reply, .system').count()
    await act()
    const next = this.node.locator('.reply, .system').nth(before)
    await next.waitFor({ timeout: 20000 })
    return next.locator('.bubble, .notice').innerText()
  }

  say(words) {
    return this.answerTo(async () => {
      await this.node.locator('form.say input').fill(words)
      await this.node.locator('form.say button').click()
    })
  }

  follow() { return this.answerTo(() => this.node.locator('.follow', { hasText: /^关注$/ }).click()) }
}

const openChat = async (address, size) => {
  const page = await open(address, size)
  await page.locator('body[data-ready="true"]').waitFor()
  return page
}

describe('the chat page by itself', () => {
  let fake, simulator, address, answer

  before(async () => {
    fake = http.createServer(async (request, response) => {
      const parts = []
      for await (const part of request) parts.push(part)
      const push = readXml(Buffer.concat(parts).toString())
      const words = answer(push)
      const body = words === null ? 'oops' : `<xml>${toXml({ ToUserName: push.FromUserName, FromUserName: push.ToUserName,
        CreateTime: Math.floor(Date.now() / 1000), MsgType: 'text', Content: words })}</xml>`
      response.writeHead(200, { 'Content-Type': 'text/xml', 'Content-Length': Buffer.byteLength(body) })
      response.end(body)
    })
    await new Promise((resolve) => fake.listen(0, '127.0.0.1', resolve))
    const account = { id: 'demo', name: '演示', app_id: 'wx1', original_id: 'gh_demo', token: 't', aes_key: 'A'.repeat(43), mode: 'plain' }
    simulator = new Simulator({ accounts: [account], server: `http://127.0.0.1:${fake.address().port}`, attemptMs: 500 })
    address = `http://127.0.0.1:${await simulator.listen(0)}/`
  })
  after(async () => {
    await simulator.close()
    fake.closeAllConnections()
    fake.close()
  })

  test('follow, words, a tapped link, a photo and the attempts are shown', async () => {
    answer = (push) => `收到${push.Event ?? push.Content ?? push.MsgType}`
    const page = await openChat(address)
    assert.equal(await page.locator('.phone').count(), 2)
    const phone = new PhoneView(page, simulator.people[0].openid)
    assert.equal(await phone.follow(), '收到subscribe')
    answer = (push) => push.bizmsgmenuid ? `点了${push.Content}` : '<b>x</b> <a href="weixin://bizmsgmenu?msgmenucontent=%E9%80%9A%E8%BF%87%207%2B1&msgmenuid=1">通过</a>'
    assert.equal(await phone.say('待审'), '<b>x</b> 通过')
    assert.equal(await phone.answerTo(() => phone.node.locator('.bubble a').click()), '点了通过 7+1')
    assert.match(await phone.node.locator('.attempts').last().innerText(), /第 1 次 .* 秒 ✓ 200/)
    answer = (push) => `收到${push.MsgType}`
    const got = await phone.answerTo(() => phone.node.locator('input[type=file]')
      .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: PNG }))
    assert.equal(got, '收到image')
    assert.equal(await phone.node.locator('pre').first().isVisible(), false)
    await page.locator('#raw').check()
    assert.match(await phone.node.locator('pre').first().innerText(), /<MsgType>/)
    assert.deepEqual(page.problems, [])
    await page.close()
  })

  test('a wrong answer shows the platform\'s notice; more people open side by side', async () => {
    answer = () => null
    const page = await openChat(address)
    const phone = new PhoneView(page, simulator.people[0].openid)
    assert.equal(await phone.say('x'), FAILURE_NOTICE)
    await page.getByRole('tab', { name: '管理员一' }).click()
    assert.equal(await page.locator('.phone').count(), 3)
    assert.equal(await page.locator('#public').getAttribute('href'), `${simulator.server}/demo/`)
    await page.close()
  })

  test('on a phone\'s width nothing is cut off', async () => {
    const page = await openChat(address, { width: 360, height: 740 })
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth))
    await page.close()
  })
})

describe('the whole system in the browser', { skip: !process.env.GULOU_E2E_SIMULATOR }, () => {
  test('a member declares, a reviewer approves, the ledger and the public pages show it', async () => {
    const page = await openChat(process.env.GULOU_E2E_SIMULATOR)
    // New visitors with codes of their own, because other tests of the same run use the demo people.
    const visitor = async () => {
      await page.getByRole('button', { name: '新访客' }).click()
      return new PhoneView(page, await page.locator('.phone').last().getAttribute('data-openid'))
    }
    const member = await visitor()
    const reviewer = await visitor()
    await member.follow()
    await reviewer.follow()
    assert.match(await member.say('绑定 DEMO0258'), /绑定成功/)
    assert.match(await reviewer.say('绑定 REVIEW05'), /绑定成功/)
    const declared = await member.say('申报 1 2 昨天社区巡逻')
    assert.match(declared, /待审核/)
    const no = /编号：(\d+)/.exec(declared)[1]
    assert.match(await reviewer.say('待审'), /编号：\d+/)
    assert.match(await reviewer.say(`通过 ${no}`), /已通过/)
    assert.match(await member.say('积分'), /待公示：[1-9]/)
    assert.match(await member.say('明细'), /\d/)
    assert.deepEqual(page.problems, [])
    const shown = await open(await page.locator('#public').getAttribute('href'))
    assert.match(await shown.locator('body').innerText(), /公示/)
    assert.deepEqual(shown.problems, [])
    await shown.close()
    await page.close()
  })

  test('the same day by buttons only: menus, the page to declare, the page to review, a notification', async () => {
    const page = await openChat(process.env.GULOU_E2E_SIMULATOR)
    const visitor = async (role) => {
      await page.getByRole('button', { name: '新访客' }).click()
      const phone = new PhoneView(page, await page.locator('.phone').last().getAttribute('data-openid'))
      await phone.follow()
      assert.match(await phone.say(`绑定 ${invite(role)}`), /绑定成功/)
      return phone
    }
    const member = await visitor(), reviewer = await visitor('reviewer')
    const press = async (phone, first, second) => {
      await phone.node.locator('.menu').getByRole('button', { name: first }).click()
      await phone.node.getByRole('button', { name: second, exact: true }).click()
    }
    const words = `按钮巡逻${Date.now()}`

    await press(member, '申报', '打开申报页')
    const form = member.node.frameLocator('iframe')
    await form.locator('#item').selectOption('40')
    await form.locator('[data-days-ago="1"]').click()
    await form.locator('[data-minutes="60"]').click()
    await form.locator('#words').fill(words)
    await form.locator('#send').click()
    await form.locator('#done-title', { hasText: '已收到，编号：' }).waitFor()
    const no = /编号：(\d+)/.exec(await form.locator('#done-title').innerText())[1]
    await member.node.locator('.sheet').getByRole('button', { name: /返回|关闭|✕|×/ }).click()

    // The reviewers' menu follows the role by itself; the phone fetches it when the chat is opened.
    for (let i = 0; i < 40 && !(await reviewer.node.locator('.menu').innerText()).includes('审核'); i++) {
      await page.waitForTimeout(250)
      await page.reload()
      await page.locator('body[data-ready="true"]').waitFor()
    }
    await press(reviewer, '审核', '待审页面')
    const queue = reviewer.node.frameLocator('iframe')
    const card = queue.locator('.card', { hasText: words })
    for (let shown = 0; ; shown += 20) {
      await queue.locator('.card').nth(shown).waitFor()
      if (await card.count()) break
      await queue.locator('#more').click()
    }
    await card.locator('.approve').click()
    await card.locator('.result', { hasText: '已通过，10分' }).waitFor()
    await member.node.getByText(`编号：${no} 义务巡逻）已通过`).waitFor()
    assert.match(await member.answerTo(() => press(member, '积分', '我的积分')), /待公示：10/)
    assert.deepEqual(page.problems, [])
    await page.close()
  })
})
