// What anybody can read and check without the chat: pages, files, proofs; who may read a list when; how fast.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { configWith, program, secondServer, server, sql } from './system.mjs'

const page = (path, headers) => fetch(`${server}/demo/${path}`, { headers })
const text = async (path) => (await page(path)).text()
const api = async (path) => (await fetch(`${server}/api/v1/demo/${path}`)).json()

// What `gulou notice verify` says: {code, out}.
function verify(...args) {
  try {
    return { code: 0, out: execFileSync(program, ['notice', 'verify', ...args], { encoding: 'utf8', stdio: 'pipe' }) }
  } catch (error) {
    return { code: error.status, out: error.stdout + error.stderr }
  }
}

describe('the public pages', { skip: !server && 'GULOU_E2E_SERVER is not set' }, () => {
  let folder, notice

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gulou-'))
    notice = (await api('notices?limit=100')).notices.at(-1) // the demonstration's; other tests make more
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const file = (name, bytes) => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const download = async (path, name) => file(name, Buffer.from(await (await fetch(server + path)).arrayBuffer()))

  test('no page may be indexed, and no page runs what is not ours', async () => {
    assert.match(await (await fetch(`${server}/robots.txt`)).text(), /User-agent: \*\nDisallow: \/\n/)
    for (const path of ['', 'notices', `notices/${notice.id}`, `notices/${notice.id}/check`, 'ranking', 'ranking/units', 'units/1', 'about', 'nothing']) {
      const { headers, status } = await page(path)
      assert.equal(status, path === 'nothing' ? 404 : 200, path)
      assert.match(headers.get('x-robots-tag'), /noindex/, path)
      const policy = headers.get('content-security-policy') ?? ''
      assert.doesNotMatch(policy, /unsafe/, path)
      assert.equal(/script-src/.test(policy), path.endsWith('/check'), path)
    }
    for (const path of [`/api/v1/demo/notices/${notice.id}`, `/demo/notices/${notice.id}.csv`])
      assert.match((await fetch(server + path)).headers.get('x-robots-tag'), /noindex/)
  })

  test('a notice is searched by unit, item and masked name, and sorted', async () => {
    const { entries } = await api(`notices/${notice.id}?limit=1000`)
    const rows = async (query) => [...(await text(`notices/${notice.id}?${query}`)).matchAll(/check\?no=(\d+)"/g)].map((one) => Number(one[1]))
    const one = entries[3]
    for (const key of ['unit', 'item', 'member']) {
      const wanted = entries.filter((entry) => entry[key] === one[key]).map((entry) => entry.no)
      const found = await rows(new URLSearchParams({ q: one[key] }))
      assert.ok(found.includes(one.no) || wanted.length > 50, key)
      assert.ok(found.every((no) => entries.find((entry) => entry.no === no && [entry.unit, entry.item, entry.member].some((word) => word.includes(one[key])))), key)
    }
    assert.deepEqual(await rows(`q=${one.no}&sort=no`), [one.no])
    const points = (await rows('sort=points')).map((no) => Number(entries.find((entry) => entry.no === no).points))
    assert.deepEqual(points, [...points].sort((a, b) => b - a))
    assert.deepEqual([...await rows('sort=no&page=1'), ...await rows('sort=no&page=2')], entries.slice(0, 100).map((entry) => entry.no))
    assert.match(await text(`notices/${notice.id}?q=%E6%B2%A1%E6%9C%89%E8%BF%99%E4%B8%AA`), /没有找到/)
    assert.equal((await page(`notices/${notice.id}?q=%ff`)).status, 400)
    assert.equal((await page(`notices/${notice.id}?page=0`)).status, 400)
    assert.doesNotMatch(await text(`notices/${notice.id}?q=%3Cscript%3E`), /<script>/)
  })

  test('the plots add up to the notice', async () => {
    const html = await text(`notices/${notice.id}`)
    const categories = /按服务类别[\s\S]*?<\/table>/.exec(html)[0]
    const sum = [...categories.matchAll(/"value">(\d+) 分/g)].reduce((total, one) => total + Number(one[1]), 0)
    assert.equal(String(sum), notice.points)
  })

  test('a unit\'s page leads to its lines', async () => {
    const [[id, name]] = sql(`select o.org_id, o.name from gulou.announcement_line l join gulou.declaration d using (account_id, no)
      join gulou.org o using (account_id, org_id) where l.account_id = 'demo' and l.announcement_id = ${notice.id} limit 1`)
    const html = await text(`units/${id}`)
    assert.ok(html.includes(`<h1>${name}</h1>`))
    assert.ok(html.includes(`/demo/notices/${notice.id}?q=${encodeURIComponent(name)}`))
  })

  test('INV-24: nothing public holds a full name, an openid or a photo', async () => {
    const pages = [await text(''), await text(`notices/${notice.id}`), await text('ranking'), await text('units/1'),
      JSON.stringify(await api(`notices/${notice.id}?limit=1000`)), await text(`notices/${notice.id}.csv`)].join('\n')
    const names = sql(`select m.name from gulou.member m where m.account_id = 'demo' and char_length(m.name) > 2 and not gulou.has_consent('demo', m.member_id, 'public_notice_name')`).flat()
    assert.ok(names.length > 100)
    for (const name of names) assert.ok(!pages.includes(name), name)
    for (const [openid] of sql(`select openid from gulou.follower where account_id = 'demo'`)) assert.ok(!pages.includes(openid))
    assert.doesNotMatch(pages, /\/photo\//)
  })

  test('downloads verify offline; a change is named', async () => {
    const json = await download(`/api/v1/demo/notices/${notice.id}?limit=1000`, 'whole.json')
    const csv = await download(`/demo/notices/${notice.id}.csv`, 'notice.csv')
    for (const path of [json, csv]) {
      const { code, out } = verify(path, '--root', notice.root)
      assert.equal(code, 0, out)
      assert.match(out, new RegExp(`root ${notice.root}`))
    }
    let pages = ''
    for (let next = ''; next !== null;) {
      const one = await (await fetch(`${server}/api/v1/demo/notices/${notice.id}?limit=100&after=${next}`)).text()
      pages += one
      next = JSON.parse(one).next
    }
    assert.equal(verify(file('pages.json', pages)).code, 0)
    const proof = await download(`/api/v1/demo/notices/${notice.id}/proof/${JSON.parse(readFileSync(json)).entries[0].no}`, 'proof.json')
    assert.equal(verify(proof).code, 0)
    const whole = readFileSync(json, 'utf8')
    const { no, points } = JSON.parse(whole).entries[9]
    const changed = whole.replace(new RegExp(`("no": ${no}, .*?"points": )"${points}"`), '$1"99"')
    const told = verify(file('changed.json', changed))
    assert.equal(told.code, 1)
    assert.match(told.out, new RegExp(`line 10 \\(no ${no}\\): points: the column says 99, the leaf ${points}`))
    assert.equal(verify(json, '--root', '0'.repeat(64)).code, 1)
    assert.equal(verify(join(folder, 'absent')).code, 2)
    assert.equal(verify(json, '--root', 'short').code, 2)
    assert.equal(verify().code, 2)
  })

  test('the CSV opens in Excel as Chinese, the XLSX has real numbers and dates', async () => {
    const { entries } = await api(`notices/${notice.id}?limit=1000`)
    const csv = readFileSync(await download(`/demo/notices/${notice.id}.csv`, 'a.csv'))
    assert.deepEqual([...csv.subarray(0, 3)], [0xef, 0xbb, 0xbf])
    assert.equal(csv.toString().trim().split('\r\n').length, entries.length + 2)
    const response = await page(`notices/${notice.id}.xlsx`)
    assert.equal(response.headers.get('content-type'), 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet')
    assert.match(response.headers.get('content-disposition'), /attachment; .*\.xlsx/)
    const xlsx = file('a.xlsx', Buffer.from(await response.arrayBuffer()))
    const part = (name) => execFileSync('unzip', ['-p', xlsx, name], { encoding: 'utf8', maxBuffer: 1 << 26 })
    const sheet = part('xl/worksheets/sheet1.xml')
    const cell = (at) => execFileSync('xmllint', ['--xpath', `string(//*[local-name()="c"][@r="${at}"]/*[local-name()="v"])`, '-'], { input: sheet, encoding: 'utf8', maxBuffer: 1 << 26 }).trim()
    assert.equal(Number(cell('A2')), entries[0].no)
    assert.equal(cell('E2'), entries[0].points)
    assert.equal(Number(cell('F2')), Date.parse(`${entries[0].reviewed_on}T00:00:00Z`) / 86400000 + 25569, 'days since 1899-12-30')
    assert.match(sheet, /<pane ySplit="1"[^>]*state="frozen"/)
    assert.match(part('xl/styles.xml'), /formatCode="yyyy-mm-dd"/)
    assert.match(sheet, new RegExp(notice.root))
    assert.equal((await page(`notices/${notice.id}.pdf`)).status, 404)
    assert.equal((await page('notices/2147483647.csv')).status, 404)
  })

  test('the seal of the day is printed with the notice', async () => {
    const [[day, root]] = sql(`select day, encode(root, 'hex') from gulou.daily_seal where account_id = 'demo' order by day desc limit 1`)
    const { seal } = await api(`notices/${notice.id}?limit=1`)
    assert.ok(sql(`select 1 from gulou.daily_seal where account_id = 'demo' and day = '${seal.day}' and root = decode('${seal.root}', 'hex')`).length, `${day} ${root}`)
    assert.ok((await text(`notices/${notice.id}`)).includes(seal.root))
  })

  test('who asks too fast is asked to wait; behind a trusted proxy each visitor alone', async () => {
    const second = await secondServer(Number(new URL(server).port) + 7, undefined, { GULOU_SERVER_TRUSTED_PROXY: '127.0.0.1', GULOU_SERVER_WORKERS: '1' })
    try {
      const ask = (address, path = '/demo/about') => fetch(second.address + path, { headers: { 'X-Forwarded-For': address } })
      let refused
      for (let i = 0; i < 2000 && !refused; i++) {
        const answer = await ask('203.0.113.7')
        if (answer.status !== 200) refused = answer
        else await answer.arrayBuffer()
      }
      assert.equal(refused?.status, 429)
      assert.ok(Number(refused.headers.get('retry-after')) > 0)
      assert.match(await refused.text(), /太快/)
      assert.equal((await ask('203.0.113.8')).status, 200)
      assert.equal((await ask('203.0.113.7, 203.0.113.9')).status, 200, 'the last address is the one that the proxy saw')
    } finally {
      await second.stop()
    }
  })

  // An account of its own, whose only list was closed long ago.
  test('after 30 days the lines are for signed-in members; root and totals stay', async () => {
    const config = configWith('\n[[account]]\nid = "closed"\nname = "旧区"\napp_id = "wx1111111111111111"\napp_secret = "unused"\ntoken = "unused"\nmode = "plain"\n')
    const second = await secondServer(Number(new URL(server).port) + 20, config)
    const [token, openid] = [randomBytes(16).toString('hex'), `oClosed${randomBytes(8).toString('hex')}`]
    sql(`insert into gulou.org values ('closed', 1, '旧单位', 'reporting_unit') on conflict do nothing;
      insert into gulou.member values ('closed', 1, '王小明', 'active') on conflict do nothing;
      update gulou.binding set ended_at = now() where account_id = 'closed' and ended_at is null;
      insert into gulou.binding values ('closed', '${openid}', 1, now());
      insert into gulou.session (account_id, session_hash, openid) values ('closed', sha256(convert_to('${token.length}:${token}', 'UTF8')), '${openid}');
      insert into gulou.announcement values ('closed', 1, 'member_points', '2025-Q3', '2025 年第 3 季度积分公示', 'settled', 5,
        '2025-10-16 09:00+08', '2025-10-16 10:00+08', '2025-10-24 00:00+08', 0, 0, 0, sha256('')) on conflict do nothing;
      select gulou.note_announcement('closed', 1, null, 'settled', null, null, 'test') where not exists (select from gulou.announcement_event where account_id = 'closed')`)
    const ask = (path, cookie) => fetch(second.address + path, { headers: cookie && { Cookie: `gulou_session=${cookie}` }, redirect: 'manual' })
    try {
      const page = await ask('/closed/notices/1')
      assert.equal(page.status, 403)
      const words = await page.text()
      assert.match(words, /名单只给绑定了身份的成员看/)
      assert.match(words, /2025-10-23 24:00/)
      assert.match(words, /e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/)
      const json = await ask('/api/v1/closed/notices/1')
      assert.equal(json.status, 403)
      assert.equal((await json.json()).error.code, 'members_only')
      for (const ending of ['csv', 'xlsx']) assert.equal((await ask(`/closed/notices/1.${ending}`)).status, 403)
      for (const path of ['/closed/notices', '/closed/notices/1/check', '/api/v1/closed/notices']) assert.equal((await ask(path)).status, 200, path)
      assert.equal((await ask('/closed/notices/1', '0'.repeat(64))).status, 403, 'any cookie is no session')
      for (const path of ['/closed/notices/1', '/closed/notices/1/check', '/api/v1/closed/notices/1', '/closed/notices/1.csv']) {
        const shown = await ask(path, token)
        assert.deepEqual([shown.status, shown.headers.get('cache-control')], [200, 'private, no-store'], path) // the next visitor gets no copy of it
      }
    } finally {
      await second.stop()
    }
  })
})
