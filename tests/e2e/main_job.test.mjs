// The whole job through the platform's door: bind, declare, review, ledger, ranks, notice; and what must survive
// lost answers, repeated pushes, races and restarts. The server is the sanitized one that scripts/test started.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { before, test } from 'node:test'
import { Client } from './client.mjs'
import { sql, until } from './system.mjs'

const client = new Client()
const { GULOU_E2E_SERVER: server, GULOU_E2E_OPS: ops, GULOU_E2E_STATE: state, GULOU_E2E_BIN: program } = process.env
const numberIn = (reply) => Number(reply.match(/编号：(\d+)/)?.[1])
const gulou = (...args) => execFileSync(program, [...args, '--config', `${state}/config.toml`], { encoding: 'utf8', stdio: 'pipe' })
// Demo members have a past: tests look at what is new.
const declared = async (person) => ((await person.say('我的申报')).match(/编号/g) ?? []).length
const pending = (reply) => Number(reply.match(/待公示：(\d+)/)[1])
const json = async (path) => (await fetch(server + path)).json()

async function bound(code) {
  const person = client.person()
  await person.follow()
  assert.match(await person.say(`绑定 ${code}`), /绑定成功/)
  return person
}

let member, reviewer, second, admin, admin2

before(async () => {
  member = await bound('DEMO0101')
  reviewer = await bound('REVIEW01')
  second = await bound('REVIEW02')
  admin = await bound('ADMIN001')
  admin2 = await bound('ADMIN002')
})

test('a stranger is told what to do, and a used code is refused', async () => {
  const stranger = client.person()
  assert.match((await stranger.follow()).reply, /绑定/)
  assert.match(await stranger.say('申报 40 2 巡逻'), /绑定/)
  assert.match(await stranger.say('绑定 DEMO0101'), /已被使用/)
  assert.match(await stranger.say('天气怎么样'), /帮助/)
})

test('one line declares, a reviewer approves, the book and the rank move', async () => {
  const before = await member.say('积分')
  assert.match(before, /可用：0/)
  const reply = await member.say('申报 40 两小时 昨天 在前进社区巡逻')
  assert.match(reply, /待审核/)
  assert.match(reply, /20/)
  const no = numberIn(reply)
  assert.match(await reviewer.say(`通过 ${no}`), /已通过/)
  const points = await member.say('积分')
  assert.equal(pending(points), pending(before) + 20)
  assert.match(points, /暂列/)
  assert.match(await member.say('明细'), new RegExp(`编号：${no}[^]*\\+20`))
  assert.match(await member.say('排行'), /我的名次：第\d+名，\d+分/)
})

test('traditional characters, full-width digits and all forms of hours are understood', async () => {
  const other = await bound('DEMO0102')
  for (const [text, points] of [['申報　４０　１．５　巡邏', 15], ['申报 40 90分钟 巡逻', 15], ['申报 巡逻 1小时 夜里', 10], ['申报 40 6:00-7:30 前天 晨练', 15]]) {
    assert.match(await other.say(text), new RegExp(`预计积分：${points}`), text)
  }
  assert.match(await other.say('申报 课 1 讲课'), /课/)
})

test('an end before the start is told as such, a night is not', async () => {
  const other = await bound('DEMO0144')
  const before = await declared(other)
  assert.match(await other.say('申报 40 11点到9点 昨天 巡逻'), /结束早于开始，请核对/)
  assert.match(await other.say('申报 40 10:00-9:00 前天 巡逻'), /结束早于开始，请核对/)
  assert.equal(await declared(other), before)
  assert.match(await other.say('申报 40 22:00-1:00 前天 夜巡'), /22:00-01:00，3小时/)
})

const timeOf = (reply) => reply.match(/时间：([^，]+)，/)?.[1]

test('a day is understood as people say it, and one that is not is asked about', async () => {
  const other = await bound('DEMO0107')
  const newest = async () => numberIn(await other.say('我的申报'))
  for (const [said, means] of [['3天前', '大前天'], ['两天前', '前天'], ['昨晚', '昨天']]) {
    const reply = await other.say(`申报 40 1，5小时 ${said} 巡逻`)
    assert.match(reply, /预计积分：15/)
    assert.equal(timeOf(reply), timeOf(await other.say(`申报 41 1小时 ${means} 劝导`)), said)
  }
  for (const [line, means] of [['申报 41 劝导居民 昨天 1小时', '昨天'], ['申报 41 1小时 劝导居民，前天', '前天'], ['申报 41 昨天劝导居民1小时', '昨天']])
    assert.equal(timeOf(await other.say(line)), timeOf(await other.say(`申报 40 1小时 ${means} 巡逻`)), line)
  assert.match(await other.say('申报 40 1小时 明天 巡逻'), /服务结束后才能申报/)
  const before = await newest()
  for (const line of ['申报 20号打扫 2小时', '申报 下周六打扫 2小时', '申报 9:00-11:00 打扫', '申报 11月20日 2小时 打扫'])
    assert.match(await other.say(line), /没有找到服务项目/, line)
  assert.match(await other.say('申报 11 20 打扫 2小时'), /没看懂「20」/)
  assert.match(await other.say('申报 40 2小时 下周六打扫'), /没看懂「下周六」/)
  for (const [said, named] of [['22/11', '22/11'], ['下周一', '下周一'], ['Nov 20', 'Nov 20'], ['261101', '261101'], ['2小时 昨天', '2小时'], ['昨天和今天', '今天']]) {
    const reply = await other.say(`申报 40 1小时 ${said} 巡逻`)
    assert.ok(reply.startsWith(`没看懂「${named}」，还没有申报`), reply)
    assert.match(reply, /11月20日/)
  }
  // What was asked about is shown as it would be right, to be copied.
  for (const [line, answer] of [
    ['申报 巡逻 上周 1小时 走了两圈', '「上周」是哪一天？还没有申报：请写一个日期和一个时长，例如：\n申报 巡逻 11月20日 1小时 走了两圈\n当天的把日期写成 今天。'],
    ['申报 40 本周巡逻1小时', '「本周」是哪一天？还没有申报：请写一个日期和一个时长，例如：\n申报 40 11月20日 巡逻1小时\n当天的把日期写成 今天。'],
    ['申报40，上個月巡逻', '「上个月」是哪一天？还没有申报：请写一个日期和一个时长，例如：\n申报 40，11月20日 2小时 巡逻\n当天的把日期写成 今天。'],
    ['申报 40 1小时 初三 巡逻', '「初三」是公历的哪一天？还没有申报：请写一个日期和一个时长，例如：\n申报 40 1小时 11月20日 巡逻\n当天的把日期写成 今天。'],
    ['申报 40 帮忙本周打扫1小时', '「本周」是哪一天？还没有申报：请写一个日期和一个时长，例如：\n申报 40 帮忙 11月20日 打扫1小时\n当天的把日期写成 今天。'],
    ['申报 40 1小时 每天打扫', '「每天」是哪一天？还没有申报：请写一个日期和一个时长，例如：\n申报 40 1小时 11月20日 打扫\n当天的把日期写成 今天。'],
    ['申报 40 这学期打扫', '「这学期」是哪一天？还没有申报：请写一个日期和一个时长，例如：\n申报 40 11月20日 2小时 打扫\n当天的把日期写成 今天。'],
    ['申报 40 半天 巡逻', '「半天」是几小时？还没有申报：请写几小时，或从几点到几点，例如：\n申报 40 4小时 巡逻\n或者把时长写成 9:00-11:30。']
  ])
    assert.equal(await other.say(line), answer)
  assert.equal(await newest(), before, 'nothing was declared')
  assert.match(await other.say('申报 40 1小时 24小时便民点值守，照顾80岁老人，第2次'), /待审核/, 'figures of a description are no day')

  await other.say('申报')
  await other.tap('平安文明')
  await other.tap('义务巡逻')
  assert.match(await other.say('上周 2小时'), /「上周」是哪一天？[^]*11月20日 2小时[^]*做了多久/)
  assert.match(await other.say('半天'), /「半天」是几小时？[^]*4小时[^]*做了多久/)
  assert.match(await other.say('1,5小时 3天前'), /一句话/)
  await other.say('取消')
})

test('the dialogue leads from the first tap to the declaration', async () => {
  const other = await bound('DEMO0103')
  const before = await declared(other)
  await other.say('申报')
  assert.match(await other.say('退出'), /取消/)
  await other.say('申报')
  await other.tap('平安文明')
  assert.match(await other.say('返回'), /哪一类/)
  await other.tap('平安文明')
  await other.tap('义务巡逻')
  await other.tap('2小时')
  await other.say('在小区里走了两圈')
  assert.match((await other.photo()).reply, /1张/)
  await other.tap('下一步')
  assert.match(other.last.reply, /请核对[^]*照片：1张/)
  assert.match(await other.tap('确认'), /编号：\d+[^]*待审核/)
  assert.match(await other.say('确认'), /编号/, 'a second 确认 shows the same one')
  assert.equal(await declared(other), before + 1)
})

test('an item that needs proof waits for the photo', async () => {
  const other = await bound('DEMO0104')
  assert.match(await other.say('申报 36 1 打扫楼道'), /请发送照片/)
  assert.match((await other.photo()).reply, /待审核/)
})

test('a lost answer is repeated on the retry, with one effect', async () => {
  const other = await bound('DEMO0105')
  const before = await declared(other)
  await client.faults('lose_answer')
  const result = await other.send({ type: 'text', content: '申报 40 1 巡逻' })
  assert.equal(result.attempts.length, 2)
  assert.match(result.reply, /编号/)
  assert.equal(await declared(other), before + 1)
})

test('the same push at once, three times over, has one effect and one answer', async () => {
  const other = await bound('DEMO0106')
  const before = await declared(other)
  const same = { msg_id: '7400000000000000001', create_time: 1790000000, attempts: 1 }
  const results = await Promise.all([1, 2, 3].map(() => other.client.post('/sim/send', { person: other.openid, type: 'text', content: '申报 40 1 巡逻', ...same })))
  assert.equal(new Set(results.map((one) => one.reply)).size, 1)
  assert.match(results[0].reply, /编号/)
  assert.equal(await declared(other), before + 1)
})

test('two reviewers race: one decides, the other is told who did', async () => {
  const no = numberIn(await member.say('申报 41 1 前天 文明劝导'))
  const replies = await Promise.all([reviewer.say(`通过 ${no}`), second.say(`通过 ${no}`)])
  assert.equal(replies.filter((reply) => /已通过，\S+ \d+分/.test(reply)).length, 1, replies.join('\n'))
  assert.equal(replies.filter((reply) => /(沈静|许文涛)已审过/.test(reply)).length, 1, replies.join('\n'))
})

test('return, resubmit, reject, appeal to another reviewer', async () => {
  const no = numberIn(await member.say('申报 42 1 排查'))
  assert.match(await reviewer.say(`退回 ${no} 请写明楼栋`), /已退回/)
  assert.match(await member.say('我的申报'), /请写明楼栋/)
  assert.match(await member.say(`重交 ${no} 一号楼排查隐患`), /待审核/)
  assert.match(await reviewer.say(`驳回 ${no}`), new RegExp(`例如：驳回 ${no} `))
  assert.match(await reviewer.say(`驳回 ${no} 没有安排`), /已驳回/)
  assert.match(await member.say(`申诉 ${no} 有照片为证`), /申诉/)
  assert.doesNotMatch(await reviewer.say(`通过 ${no}`), /已通过，/)
  assert.match(await second.say(`通过 ${no}`), /已通过/)
})

test('a member cannot review, and withdraws only what is pending', async () => {
  assert.match(await member.say('待审'), /审核员|权限|不是/)
  const no = numberIn(await member.say('申报 44 1 宣传'))
  assert.match(await member.say(`撤回 ${no}`), /已撤回/)
  assert.doesNotMatch(await member.say(`撤回 ${no}`), /已撤回\n/)
})

test('unfollow changes nothing but the flag', async () => {
  assert.equal((await member.unfollow()).reply, null)
  assert.match((await member.follow()).reply, /欢迎回来/)
})

function post(path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(server + path, { method: 'POST', headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    request.on('error', reject)
    request.end(body)
  })
}

test('what is not from the platform is refused without a trace', async () => {
  assert.equal(await client.verify(), true)
  assert.equal(await post('/wechat/demo?signature=x&timestamp=1&nonce=2', '<xml/>'), 403)
  assert.equal(await post('/wechat/nobody', '<xml/>'), 404)
  assert.equal(await post('/wechat/demo', 'x'.repeat(65537)), 413)
  assert.equal((await fetch(`${server}/wechat/demo?echostr=1`)).status, 403)
})

test('the public JSON: masked names, and a Merkle root that anyone can recompute', async () => {
  const { notices: [head] } = await json('/api/v1/demo/notices')
  const { entries, next } = await json(`/api/v1/demo/notices/${head.id}?limit=1000`)
  assert.equal(next, null)
  const sha = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest()
  const tree = (nodes) => {
    if (nodes.length === 1) return nodes[0]
    let half = 1
    while (half * 2 < nodes.length) half *= 2
    return sha(Buffer.from([1]), tree(nodes.slice(0, half)), tree(nodes.slice(half)))
  }
  const leaf = (entry) => {
    const digest = createHash('sha256').update(entry.name_salt + entry.member).digest('hex')
    const text = [entry.no, entry.unit, entry.item, entry.points, entry.reviewed_on, digest].join('|')
    assert.equal(text, entry.leaf)
    return sha(Buffer.from([0]), Buffer.from(text))
  }
  assert.equal(tree(entries.map(leaf)).toString('hex'), head.root)
  assert.ok(entries.every((entry) => entry.member.includes('*')))
  assert.equal((await fetch(`${server}/api/v1/demo/notices/99`)).status, 404)
  assert.equal((await fetch(`${server}/api/v1/demo/ranking/members?period=x`)).status, 400)
})

test('ranks: ties share a place, and the page and the JSON agree', async () => {
  const { rows } = await json('/api/v1/demo/ranking/members?period=2026-Q3&limit=1000')
  for (const row of rows) assert.equal(row.rank, 1 + rows.filter((other) => BigInt(other.points) > BigInt(row.points)).length)
  assert.ok((await (await fetch(`${server}/demo/ranking?period=2026-Q3`)).text()).includes(rows[0].name))
})

test('at the end of the quarter two administrators freeze the list', async () => {
  gulou('clock', '--set', '2027-01-16T09:00+08:00')
  try {
    const asked = await admin.say('冻结公示 2026-Q4')
    const request = Number(asked.match(/申请编号：(\d+)/)[1])
    assert.match(await admin.say(`同意 ${request}`), /另一位管理员/)
    await until(async () => (await admin2.received()).some(({ text }) => text?.includes(`提出冻结公示 2026-Q4，等您同意（申请编号：${request}）`)), 10, 'the second one is told')
    assert.match(await admin2.say(`同意 ${request}`), /已冻结/)
    assert.match(await admin.say('发布公示 2026-Q4'), /2027/, 'a year without a calendar is refused')
  } finally {
    gulou('clock', '--reset')
  }
})

test('the audit proves the books', () => {
  assert.match(gulou('audit'), /everything verifies/)
})

test('a command whose output cannot be written says so and fails', () => {
  for (const [line, out, configured = out === undefined] of [['audit'], ['export ledger'], ['export declarations'], [`export --member 1`], ['check'], ['help', ''], ['--version', ''], ['audit --help'], ['notice --help', ''], ['serve --usage'], ['help', '>&-'], ['audit --help', '>&-'], ['export ledger', '>&-', true], ['audit', '<&- >&-', true]]) {
    const config = configured ? `--config ${state}/config.toml` : ''
    const { status, stderr } = spawnSync('sh', ['-c', `${program} ${line} ${config} ${out || '> /dev/full'}`], { encoding: 'utf8' })
    assert.equal(status, 1, line)
    assert.match(stderr, /^(.* level=.*\n)*gulou: standard output: .+\n$/, line) // and nothing that PostgreSQL made of it
  }
})

test('a clock of no time, or of years that have no quarters here, is refused and stays', () => {
  for (const time of ['nonsense', '+999999999d', '99999-01-01', '999999-01-01', '2100-01-01', '1999-12-31', 'infinity', '0044-03-15 BC'])
    assert.throws(() => gulou('clock', '--set', time), (error) => error.status === 2 && error.stderr === `gulou: ${time}: not a time of the years 2000 to 2099, write it like 2026-10-01T09:00+08:00\n`, time)
  assert.deepEqual(sql("select away_by = interval '0' from gulou.clock"), [['t']])
})

test('health for the operator, and no openid or words in the log', async () => {
  assert.equal((await fetch(`${ops}/healthz`)).status, 200)
  assert.equal((await fetch(`${ops}/readyz`)).status, 200)
  assert.match(await (await fetch(`${ops}/metrics`)).text(), /gulou_callbacks_total \d+/)
  const log = readFileSync(`${state}/log/server.log`, 'utf8')
  assert.ok(!log.includes(member.openid) && !log.includes('在前进社区巡逻'))
})

test('an option without its value is named with what would be right, before anything is done', () => {
  const told = {
    '--config': 'FILE (the configuration file)', '--to': '0050 (take the schema back to this migration, where nothing is lost)',
    '--period': '2026-Q3 (only this quarter or month)', '--output': 'FILE (a new file instead of standard output)',
    '--root': 'HEX (the root as you know it from elsewhere, from the article for instance)', '--account': 'ID (only this account of the configuration)',
    '--invites': "FILE.csv (members: where the new ones' codes are written, once)", '--set': 'TIME (2026-10-01T09:00+08:00; used from then on)'
  }
  for (const line of [['audit', '--config', ''], ['audit', '--config'], ['audit', '--config='], ['migrate', '--to', ''], ['migrate', '--to', '--demo'], ['export', 'ledger', '--period', ' '],
    ['export', 'ledger', '--output', ''], ['notice', 'verify', '/nowhere', '--root', ''], ['menu', 'push', '--account', ''], ['import', 'members', '/nowhere', '--invites', '--apply'], ['clock', '--set', '']]) {
    const name = line.findLast((word) => told[word.replace('=', '')]).replace('=', '')
    const { status, stderr } = spawnSync(program, name === '--config' ? line : [line[0], ...line[0] === 'notice' ? [] : ['--config', `${state}/config.toml`], ...line.slice(1)], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [2, `gulou: ${name} needs a value: ${told[name]}\n`], line.join(' '))
  }
})

test('wrong use ends with 2 and one clear line', () => {
  const config = `${process.env.GULOU_E2E_STATE}/config.toml`
  for (const args of [['nonsense'], ['serve'], ['serve', '--config', '/nowhere.toml'], ['audit', '--what'], ['notice'], ['notice', 'check', 'x'], ['restore', '', '--config', config], ['menu', 'sow', '--config', config], ['clock', '--set', 'nonsense', '--config', config]]) {
    assert.throws(() => execFileSync(program, args, { stdio: 'pipe' }), (error) => error.status === 2 && /^gulou: .+\n$/.test(error.stderr.toString()), args.join(' '))
  }
})
