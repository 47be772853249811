// What somebody who is nobody here can cause: little, and it is told kindly.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { secondServer } from './system.mjs'

const { GULOU_E2E_SIMULATOR, GULOU_E2E_SERVER } = process.env
const PORT = Number(new URL(GULOU_E2E_SERVER ?? 'http://localhost:1').port) + 40 // nothing of the system's
const CODES_PER_ADDRESS = 30, CODES_PER_MINUTE = 300

describe('strangers', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  let server

  before(async () => { server = await secondServer(PORT, undefined, { GULOU_SERVER_TRUSTED_PROXY: '127.0.0.1', GULOU_SERVER_PUBLIC_URL: 'https://gulou.example' }) })
  after(() => server?.stop())

  const page = (address, path = 'demo/declare') => fetch(`${server.address}/${path}`, { headers: { 'X-Forwarded-For': `198.51.100.1, ${address}` } })

  const twoLines = (claimed, real) => new Promise((resolve, reject) => http.get(`${server.address}/demo/declare`, { headers: { 'X-Forwarded-For': [claimed, real] } },
    (answer) => { answer.resume(); resolve(answer.statusCode) }).on('error', reject))

  // Two minutes at most can be touched by one round, so one more than twice the share is always too many.
  async function ask(count, addressOf) {
    const answers = []
    for (let i = 0; i < count; i++) {
      const answer = await page(addressOf(i))
      answers.push({ status: answer.status, wait: answer.headers.get('retry-after'), html: await answer.text() })
    }
    return answers
  }

  test('one address gets no more sign-in codes than an office needs', async () => {
    const answers = await ask(2 * CODES_PER_ADDRESS + 1, () => '203.0.113.1')
    const shown = answers.filter((one) => one.status === 200).length
    assert.ok(shown >= CODES_PER_ADDRESS && shown <= 2 * CODES_PER_ADDRESS, `${shown} codes`)
    const refused = answers.find((one) => one.status !== 200)
    assert.equal(refused.status, 429)
    assert.equal(refused.wait, '60')
    assert.match(refused.html, /请过一分钟再试/)
  })

  test('nor does an IPv6 network by its many addresses', async () => {
    const answers = await ask(2 * CODES_PER_ADDRESS + 1, (i) => `2001:db8:1:2::${i + 1}`)
    assert.ok(answers.some((one) => one.status === 429))
  })

  test('and some who ask without end keep nobody else from signing in', async () => {
    for (const greedy of ['203.0.113.3', '203.0.113.4', '203.0.113.5']) await ask(CODES_PER_ADDRESS + 1, () => greedy)
    assert.deepEqual((await ask(3, () => '203.0.113.6')).map((one) => one.status), [200, 200, 200])
  })

  test('nor by lines of their own, to which a proxy adds its own', async () => {
    const statuses = new Set()
    for (let i = 0; i < 2 * CODES_PER_ADDRESS + 1; i++) statuses.add(await twoLines(`192.0.2.${i}`, '203.0.113.250'))
    assert.ok(statuses.has(429))
  })

  test('many addresses together do not use up the quota either', async () => {
    const answers = await ask(2 * CODES_PER_MINUTE + 1, (i) => `198.18.${i >> 8}.${i & 255}`)
    assert.ok(answers.some((one) => one.status === 429))
  })

  test('behind https no cookie leaves it, and no script reads one', async () => {
    const headers = { 'User-Agent': 'MicroMessenger', 'X-Forwarded-For': '203.0.113.202' }
    const begun = await fetch(`${server.address}/demo/declare`, { headers, redirect: 'manual' })
    assert.equal(begun.status, 302)
    assert.match(begun.headers.getSetCookie()[0], /^gulou_signin=[0-9a-f]{32}\.declare\.0; Path=\/demo; Max-Age=300; HttpOnly; SameSite=Lax; Secure$/)
  })

  test('bytes that are no text are a wrong request, not a fault of ours', async () => {
    for (const path of ['api/v1/demo/ranking/members?period=%ff', 'demo/ranking?period=%c3%28'])
      assert.equal((await page('203.0.113.201', path)).status, 400, path)
  })

  // Every kind of answer there is: pages, data, files, refusals of every layer, redirects, the callback.
  const routes = ['demo/', 'demo/notices', 'demo/ranking', 'demo/units/1', 'demo/about', 'demo/check', 'demo/signin', 'demo/declare', 'demo/review', 'demo/sheets',
    'demo/evidence/1', 'demo/objection/1', 'demo/photo/1', 'demo/thumb/1', 'demo/notices/1.csv', 'demo/notices/1.xlsx', 'demo/nothing/of/this/kind', 'nobody/',
    'static/member.css', 'static/check.js', 'static/none', 'robots.txt', 'api/v1/demo/notices', 'api/v1/demo/ranking/members', 'api/v1/nobody/notices', 'wechat/demo', 'wechat/nobody']

  function assertFields(answer, path) {
    const field = (name) => answer.headers.get(name) ?? ''
    assert.equal(field('x-content-type-options'), 'nosniff', path)
    assert.equal(field('x-frame-options'), 'DENY', path)
    assert.match(field('referrer-policy'), /^(same-origin|no-referrer)$/, path)
    assert.match(field('permissions-policy'), /camera=\(\).*geolocation=\(\)/, path)
    assert.equal(field('cross-origin-resource-policy'), 'same-origin', path)
    assert.equal(field('strict-transport-security'), 'max-age=31536000', path)
    const policy = field('content-security-policy')
    assert.match(policy, /default-src 'none'/, path)
    assert.match(policy, /frame-ancestors 'none'/, path)
    assert.doesNotMatch(policy, /unsafe|\*|http:/, path)
    for (const source of policy.match(/https:[^ ;]*/g) ?? []) assert.equal(source, 'https://res.wx.qq.com', `${path}: of others only WeChat's own script`)
  }

  test('browsers are told with every answer not to guess types, run no script of others and show us in nobody\'s frame', async () => {
    for (const [i, path] of routes.entries()) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const answer = await fetch(`${server.address}/${path}`, { method, redirect: 'manual', headers: { 'X-Forwarded-For': `198.51.100.${i}` } })
        assertFields(answer, `${method} ${path}`)
        const html = await answer.text()
        if (/html/.test(answer.headers.get('content-type'))) assert.doesNotMatch(html, /<script>|<script [^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:/i, `${path}: nothing inline`)
      }
    }
  })

  test('what is too large or too odd to be handed out says so with the same fields', async () => {
    assertFields(await fetch(`${server.address}/demo/`, { method: 'POST', body: 'x'.repeat(70000) }), 'too large')
  })

  test('without https nobody is told to insist on it', async () => {
    assert.equal((await fetch(`${GULOU_E2E_SERVER}/demo/`)).headers.get('strict-transport-security'), null)
  })
})
