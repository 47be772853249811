// The program as it is installed, without sanitizers, behind its filter of system calls: everything still works, and the
// filter is there. What it refuses is in tests/unit/server/test_sandbox.c.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { noise } from './pictures.mjs'
import { configWith, platformTo, ready, server, sql, state } from './system.mjs'
import { Visitor } from './visitor.mjs'

const installed = process.env.GULOU_E2E_INSTALLED
const PORT = Number(new URL(server ?? 'http://localhost:1').port) + 80 // nothing of the system's
const address = `http://127.0.0.1:${PORT}`

describe('the installed program', { skip: !(state && installed) && 'GULOU_E2E_INSTALLED is not set' }, () => {
  let child, log = '', ended
  const client = new Client()
  const person = client.person()

  before(async () => {
    await person.say(`绑定 ${invite()}`)
    child = spawn(installed, ['serve', '--config', configWith('')], { stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, GULOU_SERVER_LISTEN: `127.0.0.1:${PORT}`, GULOU_SERVER_OPS_LISTEN: `127.0.0.1:${PORT + 1}`, GULOU_SERVER_PUBLIC_URL: address } })
    child.stderr.setEncoding('utf8').on('data', (text) => { log += text })
    ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)))
    await ready(`http://127.0.0.1:${PORT + 1}`)
  })
  after(() => child?.kill('SIGKILL'))

  test('is filtered in every thread', () => {
    for (const thread of readdirSync(`/proc/${child.pid}/task`)) {
      const status = readFileSync(`/proc/${child.pid}/task/${thread}/status`, 'utf8')
      assert.match(status, /^Seccomp:\t2$/m)
      assert.match(status, /^NoNewPrivs:\t1$/m)
    }
    assert.doesNotMatch(log, /no_sandbox/)
  })

  test('answers messages, and tells who is signed in by the platform', async () => {
    const answer = await platformTo(address).send(person.openid, { type: 'text', content: '申报 40 1 在过滤器后面巡逻' })
    assert.match(answer.reply, /编号：/)
  })

  test('cleans pictures, shows pages and files', async () => {
    const browser = new Visitor(person, address)
    assert.equal((await browser.open('declare')).status, 200)
    const sent = await browser.load(`${address}/demo/photos?key=${randomUUID()}`, { method: 'POST', body: noise(300, 200), headers: { 'X-CSRF-Token': browser.csrf } })
    assert.equal(sent.status, 200)
    for (const path of ['demo/', 'demo/notices', 'demo/ranking', 'static/member.css', 'api/v1/demo/notices']) assert.equal((await fetch(`${address}/${path}`)).status, 200, path)
    for (const [notice] of sql("select announcement_id from gulou.announcement where account_id = 'demo' and status <> 'frozen' limit 1"))
      for (const kind of ['csv', 'xlsx']) assert.equal((await fetch(`${address}/demo/notices/${notice}.${kind}`)).status, 200, kind)
    assert.equal((await fetch(`http://127.0.0.1:${PORT + 1}/metrics`)).status, 200)
  })

  test('stops as it should', async () => {
    child.kill('SIGTERM')
    assert.equal(await ended, 0)
    assert.match(log, /event=stopped clean=true/)
  })
})
