// What attackers try (docs/security.md), against the running system: it must come to nothing, and leave no trace in
// what others see.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { before, describe, test } from 'node:test'
import { toXml } from '../simulator/platform.mjs'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { noise } from './pictures.mjs'
import { platformTo, server, sql, state } from './system.mjs'
import { Visitor } from './visitor.mjs'

const SCRIPT = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>{{{content}}}'
const serverLog = () => readFileSync(`${state}/log/server.log`, 'utf8')
const declarationsOf = (openid) => Number(sql(`select count(*) from gulou.declaration join gulou.binding using (account_id, member_id) where openid = '${openid}'`)[0][0])

// Bytes as they are: fetch() would tidy the path up.
function raw(request) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(new URL(server).port), '127.0.0.1', () => socket.end(request))
    let answer = ''
    socket.setEncoding('utf8').on('data', (text) => { answer += text }).on('end', () => resolve(answer)).on('error', reject)
  })
}
const get = (path, ...headers) => raw([`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n'))

describe('attackers', { skip: !state && 'GULOU_E2E_STATE is not set' }, () => {
  let platform, member, reviewer, browser, desk

  before(async () => {
    const client = new Client()
    platform = platformTo(server)
    ;[member, reviewer] = [client.person(), client.person()]
    await member.say(`绑定 ${invite()}`)
    await reviewer.say(`绑定 ${invite('reviewer')}`)
    ;[browser, desk] = [new Visitor(member), new Visitor(reviewer)]
    await browser.open('declare')
    await desk.open('review')
  })

  // ---- pushes

  const text = (content) => platform.compose(member.openid, { type: 'text', content })
  const status = async (request) => (await platform.post(request, 5000)).status

  test('a push with another body, signature, time or key is none', async () => {
    const before = declarationsOf(member.openid)
    const good = platform.request(text('申报 40 1 伪造的巡逻')), other = platform.request(text('帮助'))
    const change = (name, value) => ({ ...good, path: good.path.replace(new RegExp(`([?&]${name}=)[^&]*`), `$1${value}`) })
    assert.equal(await status({ ...good, path: other.path }), 403, 'a signature of another body')
    assert.equal(await status(change('timestamp', '1700000000')), 403, 'another time')
    assert.equal(await status(change('nonce', '1')), 403, 'another nonce')
    assert.equal(await status(change('msg_signature', '')), 403, 'no signature')
    assert.equal(await status(change('msg_signature', '0'.repeat(40))), 403, 'a guessed signature')
    const foreign = platformTo(server)
    foreign.account = { ...foreign.account, token: 'another1' }
    assert.equal(await status(foreign.request(text('申报 40 1 伪造的巡逻'))), 403, 'another token')
    assert.equal(declarationsOf(member.openid), before)
  })

  test('nobody is talked down to plain text', async () => {
    const before = declarationsOf(member.openid)
    for (const mode of ['plain', 'compatible']) {
      const request = platform.request(text('申报 40 1 降级的巡逻'), { mode })
      if (mode === 'compatible') request.path = request.path.replace('encrypt_type=aes', 'encrypt_type=raw')
      assert.equal(await status(request), 403, mode)
    }
    const dropped = platform.request(text('申报 40 1 降级的巡逻'))
    assert.equal(await status({ ...dropped, path: dropped.path.replace('encrypt_type=aes&', ''), body: `<xml>${toXml(text('申报 40 1 降级的巡逻'))}</xml>` }), 403)
    assert.equal(declarationsOf(member.openid), before)
  })

  test('a recorded push has one effect, also after its answer is forgotten', async () => {
    const before = declarationsOf(member.openid)
    const recorded = platform.request(text('申报 40 1 录下的巡逻'))
    for (let i = 0; i < 3; i++) assert.equal(await status(recorded), 200)
    assert.equal(declarationsOf(member.openid), before + 1)
    const [[key]] = sql(`select message_key from gulou.inbox join gulou.binding using (account_id) join gulou.declaration using (account_id, member_id)
      where openid = '${member.openid}' and words = '录下的巡逻' and answer ->> 'no' = no::text`)
    sql(`update gulou.inbox set received_at = received_at - interval '3 days' where message_key = '${key}'; select api.purge_inbox()`)
    assert.deepEqual(sql(`select answer is null from gulou.inbox where message_key = '${key}'`), [['t']], 'people\'s words are gone, the key is not')
    await status(recorded)
    assert.equal(declarationsOf(member.openid), before + 1)
    assert.match(await member.say('我的申报'), /录下的巡逻|义务巡逻/, 'and life goes on')
  })

  // ---- browsers

  test('a form on another site changes nothing', async () => {
    for (const [path, method] of [['declare', 'POST'], ['declare/preview', 'POST'], ['photos?key=' + randomUUID(), 'POST'], ['review/decide', 'POST'], ['signout', 'POST']]) {
      for (const csrf of ['', 'x'.repeat(64), desk.csrf]) {
        const answer = await browser.load(`${server}/demo/${path}`, { method, body: '{}', headers: { 'X-CSRF-Token': csrf } })
        assert.equal(answer.status, 403, `${path} with ${csrf ? 'another\'s token' : 'none'}`)
      }
    }
    assert.equal((await browser.open('declare')).status, 200, 'still signed in')
  })

  test('a session that somebody else has chosen never becomes signed in', async () => {
    const victim = new Visitor(member)
    victim.cookies.set('gulou_session', 'c'.repeat(64))
    await victim.open('declare')
    assert.notEqual(victim.cookies.get('gulou_session'), 'c'.repeat(64))
    const attacker = await fetch(`${server}/demo/review/queue`, { headers: { Cookie: `gulou_session=${'c'.repeat(64)}` } })
    assert.equal((await attacker.json()).refusal, 'signed_out')
  })

  test('a stolen cookie ends with signing out, and is another account\'s nowhere', async () => {
    const own = new Visitor(member)
    await own.open('declare')
    const stolen = own.cookies.get('gulou_session')
    await own.load(`${server}/demo/signout`, { method: 'POST', headers: { 'X-CSRF-Token': own.csrf } })
    const answer = await fetch(`${server}/demo/declare`, { headers: { Cookie: `gulou_session=${stolen}` }, redirect: 'manual' })
    assert.doesNotMatch(await answer.text(), /name="csrf" content="[0-9a-f]{64}"[^]*夜间|确认申报/)
    assert.equal(sql(`select count(*) from gulou.session where session_hash = sha256('${stolen}')`)[0][0], '0')
  })

  test('signing in leads nowhere but to our own pages', async () => {
    const person = new Visitor(member)
    const begun = await person.load(`${server}/demo/declare?next=https://evil.example`)
    const asked = new URL(begun.headers.get('location'))
    assert.equal(new URL(asked.searchParams.get('redirect_uri')).origin, server)
    const [state_] = person.cookies.get('gulou_signin').split('.')
    person.cookies.set('gulou_signin', `${state_}.//evil.example.0`)
    const back = await person.load(asked.href)
    const ended = await person.load(new URL(back.headers.get('location'), server).href)
    assert.equal(ended.headers.get('location'), '/demo/declare')
    assert.equal((await person.load(`${server}/demo/signin?code=x&state=${'0'.repeat(32)}`)).status, 403, 'another\'s state')
  })

  test('what belongs to somebody else cannot be had by its number', async () => {
    const no = Number(/编号：(\d+)/.exec(await member.say('申报 40 1 只属于我'))[1])
    const stranger = new Client().person()
    await stranger.say(`绑定 ${invite()}`)
    assert.match(await stranger.say(`撤回 ${no}`), /没有找到/)
    assert.doesNotMatch(await stranger.say('我的申报'), /只属于我/)
    const answer = await browser.post('review/decide', { key: randomUUID(), decision: 'approve', nos: [no], words: '' })
    assert.equal(answer.value.refusal, 'not_yours')
    const queue = await browser.load(`${server}/demo/review/queue`)
    assert.equal((await queue.json()).refusal, 'not_yours')
    for (const path of [`demo/evidence/${no}`, 'demo/photo/1', 'demo/thumb/1', `demo/evidence/${no}?until=99999999999&mac=${'0'.repeat(32)}`])
      assert.equal((await browser.load(`${server}/${path}`)).status, 403, path)
  })

  // ---- texts

  test('words, names and units are text everywhere', async () => {
    const no = Number(/编号：(\d+)/.exec(await member.say(`申报 40 1 ${SCRIPT}`))[1])
    assert.match((await member.photo(readFileSync(new URL('photo.jpg', import.meta.url)))).reply, /照片已收到/)
    let row = await reviewer.say('待审')
    while (!row.includes(`编号：${no}\n`)) row = await reviewer.tap('更多')
    assert.doesNotMatch(row, /<script|<img/)
    const link = /href="(http[^"]+evidence\/(\d+)[^"]+)"/.exec(row.split('编号：').find((one) => one.startsWith(`${no}\n`)))[1].replaceAll('&amp;', '&')
    const pages = [await (await fetch(link)).text()]
    const [[org, name]] = sql(`select org_id, name from gulou.org join gulou.member_org using (account_id, org_id) join gulou.binding using (account_id, member_id) where openid = '${member.openid}'`)
    sql(`update gulou.org set name = name || $$${SCRIPT}$$ where account_id = 'demo' and org_id = ${org}`)
    try {
      for (const path of [`demo/units/${org}`, 'demo/ranking', 'demo/', 'demo/notices']) pages.push(await (await fetch(`${server}/${path}`)).text())
      for (const [who, page] of [[browser, 'declare'], [desk, 'review']]) pages.push((await who.open(page)).html)
      for (const html of pages) assert.doesNotMatch(html, /<script>|<img src=x|onerror=alert\(2\)>/, html)
      assert.ok(pages[0].includes('&lt;script&gt;'), 'shown as it was typed')
    } finally {
      sql(`update gulou.org set name = '${name}' where account_id = 'demo' and org_id = ${org}`)
      await member.say(`撤回 ${no}`)
    }
  })

  test('paths lead nowhere outside', async () => {
    for (const path of ['/static/../config.toml', '/static/..%2f..%2fetc%2fpasswd', '/static/%2e%2e/%2e%2e/etc/passwd', '/static//etc/passwd',
      '/demo/notices/..%2f1.csv', '/demo/notices/%2e%2e.xlsx', '/%2e%2e/%2e%2e/etc/passwd', '/static/member.css%00.js', '/demo/../nobody/']) {
      const answer = await get(path)
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, path)
      assert.doesNotMatch(answer, /root:|app_secret/, path)
    }
  })

  test('no line feed gets into a header or into the log', async () => {
    const forged = `forged${randomUUID()}`
    const feeds = [`%0d%0aSet-Cookie:%20${forged}=1`, `%0alevel=error%20event=${forged}`]
    for (const feed of feeds) {
      for (const path of [`/demo/signin?code=x&state=${feed}`, `/demo/declare?wx=${feed}`, `/wechat/demo${feed}`, `/wechat/demo?signature=${feed}&timestamp=1&nonce=1`, `/api/v1/demo/ranking/members?period=${feed}`, `/${feed}`]) {
        const [head] = (await get(path, `X-Forwarded-For: 1.2.3.4`)).split('\r\n\r\n')
        assert.doesNotMatch(head, new RegExp(`^${forged}|^set-cookie: *${forged}`, 'im'), path)
      }
    }
    await member.say(`申报 40 1 第一行\nlevel=error event=${forged}`)
    await browser.load(`${server}/demo/photos?key=${randomUUID()}`, { method: 'POST', body: `\nevent=${forged}`, headers: { 'X-CSRF-Token': browser.csrf } })
    assert.ok(!serverLog().includes(forged))
    assert.ok(serverLog().trimEnd().split('\n').every((line) => /^\d{4}-\d\d-\d\dT[\d:.]+\+08:00 level=\w+ event=\w+ /.test(line)), 'every line is one event')
  })

  test('a picture that claims to be huge, ends half-way, or is something else, is refused', async () => {
    const photo = readFileSync(new URL('photo.jpg', import.meta.url))
    const pictures = { claims: noise(4, 4, [60000, 60000]), half: photo.subarray(0, photo.length / 2), svg: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
      pdf: Buffer.from('%PDF-1.4'), tiff: Buffer.from('II*\0aaaaaaaaaaaaaaaa'), html: Buffer.from('\x89PNG\r\n\x1a\n<script>', 'latin1') }
    for (const [kind, body] of Object.entries(pictures)) {
      const answer = await browser.load(`${server}/demo/photos?key=${randomUUID()}`, { method: 'POST', body, headers: { 'X-CSRF-Token': browser.csrf } })
      assert.equal(answer.status, 400, kind)
      assert.match(await answer.text(), /这不是能用的照片，请换一张/, kind)
    }
    assert.equal((await browser.open('declare')).status, 200, 'and the server lives')
  })

  test('the log holds no secret, no openid and nobody\'s words', () => {
    const config = readFileSync(`${state}/config.toml`, 'utf8')
    const secrets = [...config.matchAll(/^(?:app_secret|token|encoding_aes_key|secret)\s*=\s*"([^"]+)"/gm)].map(([, secret]) => secret)
    assert.equal(secrets.length, 4)
    for (const secret of [...secrets, member.openid, reviewer.openid, '只属于我', '录下的巡逻', browser.csrf, browser.cookies.get('gulou_session')]) assert.ok(!serverLog().includes(secret))
  })
})
