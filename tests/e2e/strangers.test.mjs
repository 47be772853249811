// What somebody who is nobody here can cause: little, and it is told kindly.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { secondServer } from './system.mjs'

const { GULOU_E2E_SIMULATOR, GULOU_E2E_SERVER } = process.env
const PORT = Number(new URL(GULOU_E2E_SERVER ?? 'http://localhost:1').port) + 40 // nothing of the system's
const CODES_PER_ADDRESS = 30, CODES_PER_MINUTE = 60

describe('strangers', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  let server

  before(async () => { server = await secondServer(PORT, undefined, { GULOU_SERVER_TRUSTED_PROXY: '127.0.0.1', GULOU_SERVER_PUBLIC_URL: 'https://gulou.example' }) })
  after(() => server?.stop())

  const page = (address, path = 'demo/declare') => fetch(`${server.address}/${path}`, { headers: { 'X-Forwarded-For': `198.51.100.1, ${address}` } })

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

  test('many addresses together do not use up the quota either', async () => {
    const answers = await ask(2 * CODES_PER_MINUTE + 1, (i) => `203.0.113.${2 + i}`)
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

  test('browsers are told not to guess types, and to show our pages in nobody\'s frame', async () => {
    for (const path of ['demo/', 'demo/notices', 'demo/signin', 'nobody/', 'static/member.css', 'api/v1/demo/notices'])
      assert.equal((await page('203.0.113.200', path)).headers.get('x-content-type-options'), 'nosniff', path)
    for (const path of ['demo/', 'demo/signin', 'nobody/'])
      assert.match((await page('203.0.113.200', path)).headers.get('content-security-policy'), /frame-ancestors 'none'/, path)
  })
})
