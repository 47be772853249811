// gulou check tells what is wrong and what to do; --offline looks at the configuration only.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { config, configWith, program, state } from './system.mjs'

// {status, out, error}
const check = (environment = {}, args = [], file = config) => new Promise((resolve) => {
  execFile(program, ['check', '--config', file, ...args], { env: { ...process.env, ...environment } }, (failed, out, error) =>
    resolve({ status: failed ? failed.code : 0, out, error }))
})
const nowhere = { GULOU_POSTGRES_URL: 'postgresql:///gulou?host=/nowhere', GULOU_REDIS_URL: 'unix:///nowhere', GULOU_WECHAT_API_BASE: 'http://127.0.0.1:1', GULOU_SERVER_PUBLIC_URL: 'http://127.0.0.1:1' }

// A platform that answers every call with `code`.
let code = 0
const platform = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json')
  const good = request.url.includes('stable_token') ? { access_token: 'T', expires_in: 7200 } : { errcode: 46003, errmsg: 'menu no exist' }
  response.end(JSON.stringify(code === 0 ? good : { errcode: code, errmsg: 'no rid: 1-2' }))
})
let base
before(async () => {
  await new Promise((resolve) => platform.listen(0, '127.0.0.1', resolve))
  base = { GULOU_WECHAT_API_BASE: `http://127.0.0.1:${platform.address().port}` }
})
after(() => platform.close())

test('a running system: every connection is ok, exit 0', async () => {
  const { status, out } = await check()
  assert.equal(status, 0, out)
  for (const line of [/^ok +postgres: reached/m, /^ok +redis: reached/m, /^ok +account demo: the platform gives its token/m,
    /^ok +account demo: http\S+\/wechat\/demo answers as the platform wants it/m]) assert.match(out, line)
})

test('nothing answers: each is named with what to do, exit 1; the configuration alone is still good', async () => {
  const { status, out, error } = await check(nowhere)
  assert.equal(status, 1)
  for (const line of [/^FAIL +postgres: .*start it, or mend \[postgres\] url/m, /^FAIL +redis: .*\(No such file or directory\); start it/m,
    /^FAIL +account demo: no token: -1 .*internet/m, /^FAIL +account demo: http:\/\/127\.0\.0\.1:1\/wechat\/demo: .*gulou serve/m]) assert.match(out, line)
  assert.equal(error, 'gulou: check: something does not work yet, see FAIL\n')
  const offline = await check(nowhere, ['--offline'])
  assert.deepEqual([offline.status, offline.error], [0, ''])
  assert.match(offline.out, /good; 1 account/)
})

test('a PostgreSQL that forgets what it has confirmed is a failure', async () => {
  const [, url] = /^\[postgres\]\s*url = "([^"]*)"/m.exec(readFileSync(config, 'utf8'))
  const { status, out } = await check({ GULOU_POSTGRES_URL: `${url}&options=-csynchronous_commit%3Doff` })
  assert.equal(status, 1, out)
  assert.match(out, /^FAIL +postgres: synchronous_commit = off: .*set it on/m)
})

test('a wrong configuration is one line with file, line and key, exit 2', async () => {
  const file = configWith('\n[nonsense]\nx = 1\n')
  const { status, out, error } = await check({}, [], file)
  assert.deepEqual([status, out], [2, ''])
  assert.match(error, /^gulou: \S+\.toml:\d+: nonsense[^\n]*\n$/)
})

test('what could only fail later is refused at once: the environment, too, by its name', async () => {
  const wrong = { GULOU_SERVER_TRUSTED_PROXY: '10.0.0.0/8', GULOU_POSTGRES_URL: 'mysql://u:hush@x', GULOU_REDIS_URL: 'http://:hush@x',
    GULOU_ACCOUNT_DEMO_APP_ID: 'gh_0' }
  for (const [name, value] of Object.entries(wrong)) {
    const { status, out, error } = await check({ [name]: value }, ['--offline'])
    assert.deepEqual([status, out], [2, ''], error)
    assert.match(error, new RegExp(`^gulou: ${name}: [^\\n]*must be [^\\n]*\\n$`))
    assert.doesNotMatch(error, /hush/)
  }
})

for (const [errcode, advice] of [[40164, /IP白名单/], [40125, /app_secret is not this account's/], [40013, /app_id/]]) {
  test(`the platform answers ${errcode}: what it means and where to mend it`, async () => {
    code = errcode
    const { status, out } = await check(base)
    code = 0
    assert.equal(status, 1)
    assert.match(out, new RegExp(`^FAIL +account demo: no token: ${errcode} `, 'm'))
    assert.match(out, advice)
  })
}

test('a disk that fills up is told of in time, a full one fails', async (t) => {
  const disk = mkdtempSync(`${state}/disk-`)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status !== 0) return t.skip('this machine lets nobody mount')
  try {
    const file = `${disk}/config.toml`
    const fill = async (kilobytes) => {
      writeFileSync(`${disk}/full`, Buffer.alloc(kilobytes * 1024))
      return check({}, [], file)
    }
    copyFileSync(config, file)
    const about = new RegExp(`^(note|FAIL) +disk: (\\d+) % is free at ${file}; make room`, 'm')
    assert.doesNotMatch((await fill(500)).out, about)
    const soon = await fill(960)
    assert.deepEqual([soon.status, about.exec(soon.out)?.[1]], [0, 'note'], soon.out)
    const full = await fill(1012)
    assert.deepEqual([full.status, about.exec(full.out)?.[1]], [1, 'FAIL'], full.out)
  } finally {
    spawnSync('umount', [disk])
  }
})

test('an id that was changed is named: its people would find nobody, and a new, empty account', async () => {
  const file = configWith('', 'id               = "demo"\n')
  writeFileSync(file, readFileSync(file, 'utf8').replace('[[account]]', '[[account]]\nid = "renamed"'))
  const { out } = await check(base, [], file)
  assert.match(out, /^note +account demo: is in the database, but no \[\[account\]\] here has this id; its people are not answered and \d+ things wait to be sent .*put it back/m)
  assert.doesNotMatch((await check(base)).out, /account demo: is in the database/)
})

test('no menu is worth a note, another token at the callback is a failure', async () => {
  const plain = await check(base)
  assert.equal(plain.status, 0, plain.out)
  assert.match(plain.out, /^note +account demo: no menu below the chat; gulou menu push$/m)
  const { status, out } = await check({ GULOU_ACCOUNT_DEMO_TOKEN: 'another2026' })
  assert.equal(status, 1)
  assert.match(out, /^FAIL +account demo: \S+: the server there has another token/m)
})

test('a second server of the same configuration does not start beside the first', () => {
  const { status, stderr } = spawnSync(program, ['serve', '--config', config], { encoding: 'utf8', timeout: 20000 })
  assert.equal(status, 1)
  assert.match(stderr, /cannot listen on \S+: another program has it; is a server running already\?/)
})
