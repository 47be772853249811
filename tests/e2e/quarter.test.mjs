// A quarter lived in fast motion, in a database of its own: 260 members, 2,000 declarations, freeze and publication by
// two, objections of every outcome, a settlement killed at random, a complaint after the points were spent. After each
// stage the audit is clean; root and proofs are computed again from the JSON alone; one flipped bit is found and named.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { databaseUrl, platformTo, program, secondServer, server, sleep, sql as ask, state, until } from './system.mjs'

const PERIOD = '2026-Q1'
const MEMBERS = 260
const MONTHS = [['2026-01-31', 800], ['2026-02-28', 600], ['2026-03-31', 600]] // declared on that evening, for that month
const KILLS = 4
const FLIPS = 12 // random bits of each kind of file
const REVIEWER = 301, ADMINISTRATORS = [302, 303], OBJECTORS = [10, 20, 30, 40]

describe('a quarter', { skip: !server && 'GULOU_E2E_SERVER is not set' }, () => {
  const name = `quarter_${process.pid}`
  const config = `${state}/config.toml`
  const url = server && databaseUrl().replace(/^postgresql:\/\/\/[^?]*/, `postgresql:///${name}`)
  const environment = { GULOU_POSTGRES_URL: url, GULOU_REDIS_URL: '', GULOU_SERVER_TRUSTED_PROXY: '127.0.0.1', GULOU_SERVER_WORKERS: '1' }
  const port = server && Number(new URL(server).port) + 30
  const folder = mkdtempSync(join(tmpdir(), 'gulou-'))
  const sql = (query) => ask(query, url)
  const value = (query) => sql(query)[0]?.[0]
  const run = (...args) => execFileSync(program, [...args, '--config', config], { encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...environment } })
  const clock = (time) => run('clock', '--set', `${time}+08:00`)
  const assertBooksInOrder = () => assert.match(run('audit'), /everything verifies/)
  const openid = (member) => `oQuarter${String(member).padStart(20, '0')}`
  const start = async () => { gulou = await secondServer(port, config, environment) }
  let gulou, platform, notice, lines

  async function says(member, words) {
    const { reply, attempts } = await platform.send(openid(member), { type: 'text', content: words, createTime: Math.floor(Date.now() / 1000) })
    assert.ok(reply, `${words}: ${JSON.stringify(attempts)}`)
    return reply
  }
  const numberIn = (reply, what) => Number(new RegExp(`${what}编号：(\\d+)`).exec(reply)?.[1])
  async function both(words) {
    const asked = await says(ADMINISTRATORS[0], words)
    return says(ADMINISTRATORS[1], `同意 ${numberIn(asked, '申请')}`)
  }
  const objects = async (member, line, words) => numberIn(await says(member, `异议 ${notice} ${line} ${words}`), '异议')

  // Every visitor has an address of its own, so that nobody asks too fast.
  let visitor = 0
  const get = (path) => fetch(gulou.address + path, { headers: { 'X-Forwarded-For': `198.51.${++visitor >> 8 & 255}.${visitor & 255}` } })

  const declares = (day, count) => sql(`
    with made as materialized (
      select (api.declare_points('demo', 'oQuarter' || lpad((1 + (n * 37 + n / ${MEMBERS}) % ${MEMBERS})::text, 20, '0'), gen_random_uuid(), 'test', (1 + n % 34)::text,
        60 + 30 * (n % 4), null, null, null, 2026, extract(month from date '${day}')::int, 1 + n % extract(day from date '${day}')::int,
        '第' || n || '次服务', null, null) ->> 'no')::bigint as no
      from generate_series(1, ${count}) as n)
    select count(api.approve('demo', '${openid(REVIEWER)}', gen_random_uuid(), 'test', nos))
    from (select array_agg(no) as nos from made group by no / 50) as batches`)

  before(async () => {
    ask(`create database ${name}`)
    run('migrate')
    sql(`select api.sync_account('demo', '钟鼓楼区域党委', true);
      insert into gulou.org select 'demo', n, '单位' || n, 'reporting_unit' from generate_series(1, 75) as n;
      insert into gulou.member select 'demo', n, '测' || chr(19968 + n * 7) || '员', 'active' from generate_series(1, ${MEMBERS}) as n
        union all select 'demo', n, '办公室' || n, 'active' from generate_series(301, 303) as n;
      insert into gulou.member_org (account_id, member_id, org_id) select 'demo', member_id, case when member_id > 300 then 72 + member_id - 300 else 1 + member_id % 72 end from gulou.member where account_id = 'demo';
      insert into gulou.member_role values ('demo', ${REVIEWER}, 'reviewer'), ('demo', 302, 'administrator'), ('demo', 303, 'administrator');
      insert into gulou.binding select 'demo', 'oQuarter' || lpad(member_id::text, 20, '0'), member_id, now() from gulou.member where account_id = 'demo'`)
    await start()
    platform = platformTo(gulou.address)
  })
  after(async () => {
    await gulou?.stop('SIGKILL').catch(() => {})
    sql(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`)
    ask(`drop database if exists ${name} with (force)`)
    rmSync(folder, { recursive: true, force: true })
  })

  test('2,000 declarations in three months, all approved', () => {
    for (const [day, count] of MONTHS) {
      clock(`${day}T21:00`)
      declares(day, count)
    }
    assert.equal(Number(value(`select count(*) from gulou.declaration where account_id = 'demo' and status = 'approved' and period = '${PERIOD}'`)), 2000)
    assertBooksInOrder()
  })

  test('two administrators freeze while members go on declaring, and publish', async () => {
    clock('2026-04-16T09:00')
    const going = Promise.all(Array.from({ length: 20 }, (_, i) => says(100 + i, '申报 40 1 昨天 冻结时的巡逻')))
    assert.match(await both(`冻结公示 ${PERIOD}`), /已冻结公示[^]*2000条/)
    for (const reply of await going) assert.match(reply, /编号：\d+/)
    assertBooksInOrder()
    clock('2026-04-20T10:00')
    const published = await both(`发布公示 ${PERIOD}`)
    assert.match(published, /公示至4月28日 00:00/)
    notice = numberIn(published, '公示')
    lines = sql(`select no, member_id from gulou.announcement_line where account_id = 'demo' and announcement_id = ${notice} and member_id not in (${OBJECTORS}) and points > 0 order by no`)
      .map(([no, member]) => ({ no: Number(no), member: Number(member) }))
    assertBooksInOrder()
  })

  const line = {}
  test('objections of every outcome, and one of the last second', async () => {
    [line.upheld, line.dismissed, line.turnedAway, line.held, line.lost, line.last, line.late, line.spent] = [3, 40, 77, 114, 151, 188, 225, 262].map((at) => lines[at])
    const [one, two, three, four] = OBJECTORS
    assert.match(await both(`异议成立 ${await objects(one, line.upheld.no, '当天没有人')} 监控里没有人`), /已办结/)
    assert.match(await both(`异议不成立 ${await objects(two, line.dismissed.no, '没看到签到')} 有签到`), /已办结/)
    assert.match(await both(`异议不受理 ${await objects(three, line.turnedAway.no, '看不惯')} 没有事实`), /已办结/)
    line.held.objection = await objects(four, line.held.no, '还要再查')
    line.lost.objection = await objects(one, line.lost.no, '查过了再说')
    clock('2026-04-27T23:59:55')
    line.last.objection = await objects(two, line.last.no, '最后一秒')
    clock('2026-04-28T00:00:00')
    assert.match(await says(three, `异议 ${notice} ${line.late.no} 晚了`), /异议期已在4月27日结束/)
    assertBooksInOrder()
  })

  test('the settlement is killed at random, and settles every line once', async () => {
    await gulou.stop('SIGKILL')
    clock('2026-04-28T00:00:30')
    for (let i = 0; i < KILLS; i++) {
      await start()
      await sleep(randomInt(20, 400))
      await gulou.stop('SIGKILL')
      assertBooksInOrder()
    }
    await start()
    await until(async () => value(`select status from gulou.announcement where account_id = 'demo' and announcement_id = ${notice}`) === 'settled', 60, 'settled')
    assert.deepEqual(sql(`select status, count(*) from gulou.declaration where account_id = 'demo' and period = '${PERIOD}' and status <> 'approved' group by 1 order by 1`),
      [['objected', '3'], ['revoked', '1'], ['settled', '1996']])
    assert.match(await both(`异议不成立 ${line.held.objection} 有照片`), /已办结/)
    assert.match(await both(`异议成立 ${line.lost.objection} 查无此事`), /已办结/)
    assert.match(await both(`异议成立 ${line.last.objection} 当天休息`), /已办结/)
    assert.equal(value(`select status from gulou.announcement where account_id = 'demo' and announcement_id = ${notice}`), 'archived')
    assertBooksInOrder()
  })

  test('a complaint after the points were spent: they are owed, and the score of the running quarter pays', async () => {
    const { no, member } = line.spent
    const counted = Number(value(`select counted from gulou.declaration where account_id = 'demo' and no = ${no}`))
    sql(`do $$
      declare v_points bigint := (select available from gulou.balance where account_id = 'demo' and member_id = ${member});
      begin
        perform gulou.lock_member('demo', ${member});
        perform gulou.post(jsonb_populate_record(null::gulou.ledger_tx, jsonb_build_object('account_id', 'demo', 'member_id', ${member}, 'kind', kind, 'reason', 'test',
          'source_type', 'order', 'source_id', '1', 'leg', 0, 'rule_version', 1, 'period', '2026-Q2', 'request_id', 'test', 'issue', 0, 'pending', 0, 'available', 0, 'reserved', 0,
          'debt', 0, 'redeemed', 0, 'expired', 0, 'revoked', 0) || case kind when 'RESERVE' then jsonb_build_object('available', -v_points, 'reserved', v_points)
            else jsonb_build_object('reserved', -v_points, 'redeemed', v_points) end)) from unnest(array['RESERVE', 'SPEND']) as kind;
      end $$`)
    assertBooksInOrder()
    const before = Number(value(`select points from gulou.period_score where account_id = 'demo' and period = '${PERIOD}' and member_id = ${member}`))
    assert.match(await both(`更正 ${no} 冒用他人照片`), new RegExp(`收回${counted}分`))
    assert.match(await says(member, '积分'), new RegExp(`待抵扣：${counted}`))
    assert.equal(Number(value(`select points from gulou.period_score where account_id = 'demo' and period = '${PERIOD}' and member_id = ${member}`)), before)
    assert.equal(Number(value(`select points from gulou.period_score where account_id = 'demo' and period = '2026-Q2' and member_id = ${member}`)), -counted)
    assertBooksInOrder()
  })

  // ---- from the JSON alone, by RFC 6962 as the documentation tells it

  const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
  const leafHash = (leaf) => sha256(Buffer.of(0), leaf)
  const nodeHash = (left, right) => sha256(Buffer.of(1), left, right)
  // The root, and for every leaf the siblings on its way up, the nearest first.
  function tree(hashes) {
    if (hashes.length === 1) return { root: hashes[0], paths: [[]] }
    const half = 2 ** (Math.ceil(Math.log2(hashes.length)) - 1)
    const [left, right] = [tree(hashes.slice(0, half)), tree(hashes.slice(half))]
    return { root: nodeHash(left.root, right.root), paths: [...left.paths.map((path) => [...path, right.root]), ...right.paths.map((path) => [...path, left.root])] }
  }

  let pages, entries, head
  test('root, digests and every proof are computed again from the JSON', async () => {
    pages = []
    for (let next = ''; next !== null; next = pages.at(-1).json.next) {
      const text = await (await get(`/api/v1/demo/notices/${notice}?limit=1000&after=${next}`)).text()
      pages.push({ text, json: JSON.parse(text) })
    }
    entries = pages.flatMap(({ json }) => json.entries)
    head = pages[0].json
    assert.equal(entries.length, 2000)
    for (const one of entries) {
      const digest = sha256(one.name_salt + one.member).toString('hex')
      assert.equal(one.leaf, [one.no, one.unit, one.item, one.points, one.reviewed_on, digest].join('|'))
    }
    assert.equal(entries.reduce((sum, one) => sum + Number(one.points), 0), Number(head.points))
    const { root, paths } = tree(entries.map((one) => leafHash(one.leaf)))
    assert.equal(root.toString('hex'), head.root)
    for (const { json } of pages) assert.equal(json.state_digest, sha256(json.entries.map((one) => `${one.no}|${one.state}\n`).join('')).toString('hex'))
    const count = (state) => entries.filter((one) => one.state === state).length
    assert.deepEqual(['settled', 'upheld', 'corrected', 'dismissed'].map(count), [1996, 3, 1, 0])
    assert.equal(head.corrected[0].no, line.spent.no)
    // Before the many, which on a busy machine take longer than the server keeps an idle connection.
    const shown = await (await get(`/api/v1/demo/notices/${notice}/proof/${entries[5].no}`)).json()
    const proofs = sql(`select api.proof('demo', ${notice}, no) from gulou.announcement_line where account_id = 'demo' and announcement_id = ${notice} order by no`)
    for (const [index, { leaf }] of entries.entries())
      assert.deepEqual(JSON.parse(proofs[index].join('|')), { leaf, index, size: 2000, root: head.root, path: paths[index].map((hash) => hash.toString('hex')) })
    assert.deepEqual(shown, JSON.parse(proofs[5].join('|')))
  })

  // ---- one bit

  function verify(bytes, name) {
    const file = join(folder, name)
    writeFileSync(file, bytes)
    try {
      return { code: 0, out: execFileSync(program, ['notice', 'verify', file], { encoding: 'utf8', stdio: 'pipe' }) }
    } catch (error) {
      return { code: error.status, out: error.stdout + error.stderr }
    }
  }

  test('one flipped bit in a downloaded file or a proof is found and named', async () => {
    const files = { 'notice.json': Buffer.from(pages.map(({ text }) => text).join('')), 'notice.csv': Buffer.from(await (await get(`/demo/notices/${notice}.csv`)).arrayBuffer()),
      'proof.json': Buffer.from(await (await get(`/api/v1/demo/notices/${notice}/proof/${entries[7].no}`)).arrayBuffer()) }
    for (const [name, whole] of Object.entries(files)) {
      const good = verify(whole, name)
      assert.equal(good.code, 0, `${name}: ${good.out}`)
      for (let i = 0; i < FLIPS; i++) {
        const [byte, bit] = [randomInt(whole.length), randomInt(8)]
        const flipped = Buffer.from(whole)
        flipped[byte] ^= 1 << bit
        const { code, out } = verify(flipped, name)
        assert.equal(code, 1, `${name}: byte ${byte} bit ${bit} …${whole.subarray(byte - 20, byte + 20)}…`)
        assert.match(out, /WRONG/, `${name}: byte ${byte} bit ${bit}`)
      }
    }
  })

  // Whoever has the database itself in hand can go past triggers; each change is looked at and taken back. Column by
  // column: tests/sql/tampered.sql.
  const tampered = [
    [`update gulou.ledger_tx set reason = overlay(reason placing '开' from 2 for 1) where kind = 'RELEASE'`, /ledger_tx demo member \d+ seq \d+/],
    [`update gulou.balance set available = available # 4 where available > 4`, /balance demo member \d+/],
    [`update gulou.announcement_line set points = points # 2`, /announcement demo \d+/],
    [`update gulou.announcement_line set leaf = overlay(leaf placing '#' from 1 for 1)`, /announcement demo \d+ line \d+/],
    [`update gulou.announcement_name set shown_name = shown_name || '。'`, /announcement demo \d+ line \d+: its shown name/],
    [`update gulou.announcement set closes_at = closes_at + interval '1 second'`, /announcement demo \d+: its title, days/],
    [`update gulou.declaration set minutes = minutes # 2 where status = 'settled'`, /announcement demo \d+ line \d+: its declaration/],
    [`update gulou.objection set words = words || '。'`, /objection \d+ of demo/],
    [`delete from gulou.announcement_line_event where seq = 2`, /announcement demo \d+ line \d+/]
  ]
  test('one changed row of the database is found and named', () => {
    for (const [change, named] of tampered) {
      const table = /gulou\.(\w+)/.exec(change)[0]
      const one = `${change} ${/where/.test(change) ? 'and' : 'where'} ctid = any (array(select ctid from ${table} ${/where.*/.exec(change)?.[0] ?? ''} order by random() limit 1))`
      const found = sql(`begin; alter table ${table} disable trigger all; ${one};
        select coalesce(string_agg(one ->> 'detail', '; '), 'nothing') from jsonb_array_elements(api.audit() -> 'checks') as one where not (one ->> 'ok')::boolean; rollback`)
      assert.match(found.flat().join(), named, change)
    }
    assertBooksInOrder()
  })
})
