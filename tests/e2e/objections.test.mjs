// A quarter's notice from the last approval to the last held line, by what people say: objections of every outcome and
// of the last second, settlement that is killed on its way, and a complaint that comes too late. It moves everybody's
// clock and kills the server, so it runs alone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client } from './client.mjs'
import { crowd, invite } from './people.mjs'
import { gulou, sql, startAgain, stop, until } from './system.mjs'

const PERIOD = '2027-Q1' // after every quarter that another test may have frozen
const LINES = 1500 // beside those of the story
const KILL_AT = [150, 600, 1100] // settled lines
const client = new Client()
const clock = (time) => gulou('clock', '--set', `${time}+08:00`)
const count = (what) => Number(sql(`select count(*) from ${what}`)[0][0])
const value = (query) => sql(query)[0]?.[0]
const number = (reply, what = '') => Number(new RegExp(`${what}编号：(\\d+)`).exec(reply)?.[1])
const points = (reply) => Object.fromEntries([...reply.matchAll(/(可用|待公示|待抵扣)：(\d+)/g)].map(([, name, n]) => [name, Number(n)]))
const assertBooksInOrder = () => assert.match(gulou('audit'), /everything verifies/)

async function bound(role) {
  const person = client.person()
  assert.match(await person.say(`绑定 ${invite(role)}`), /绑定成功/)
  return person
}

let member, spender, reviewer, objector, other, first, second, notice, no

async function approved(person, words) {
  const declared = number(await person.say(`申报 40 1 昨天 ${words}`))
  assert.match(await reviewer.say(`通过 ${declared}`), /已通过，/)
  return declared
}

// By whatever way the platform let it be told.
const told = (person, pattern) => until(async () => pattern.test(JSON.stringify(await person.received())), 20, `told: ${pattern}`)

// One administrator asks, the other one agrees.
async function both(words) {
  const asked = await first.say(words)
  assert.match(asked, /申请编号：\d+/)
  return second.say(`同意 ${number(asked, '申请')}`)
}

async function objects(person, line, words) {
  const reply = await person.say(`异议 ${notice} ${line} ${words}`)
  assert.match(reply, /已收到您的异议/)
  return number(reply)
}

// So many more lines of a crowd, made in the database as the chat would make them. Nobody of it hears anything, so that
// the people of the story need not wait behind a thousand notifications.
const manyLines = () => {
  const people = crowd(LINES / 10)
  sql(`with asked as materialized (
      select (api.declare_points('demo', openid, gen_random_uuid(), 'test', '40', 30, null, null, day, null, null, null, '巡逻', null, null) ->> 'no')::bigint as no
      from unnest(array[${people.map((one) => `'${one.openid}'`)}]) as openid, generate_series(1, 10) as day)
    select count(api.approve('demo', '${reviewer.openid}', gen_random_uuid(), 'test', array[no])) from asked;
    delete from gulou.outbox where account_id = 'demo' and lane in (select 'member:' || n from unnest(array[${people.map((one) => one.member)}]) as n);
    update gulou.binding set ended_at = now() where account_id = 'demo' and member_id in (${people.map((one) => one.member)})`)
}

before(async () => {
  sql('insert into gulou.workday_year values (2027) on conflict do nothing')
  clock('2027-03-30T10:00');
  [member, spender, objector, other] = await Promise.all([bound(), bound(), bound(), bound()])
  reviewer = await bound('reviewer');
  [first, second] = await Promise.all([bound('administrator'), bound('administrator')])
  no = { upheld: await approved(member, '将撤销'), dismissed: await approved(member, '将维持'), held: await approved(member, '将等待'),
    last: await approved(member, '最后一秒'), late: await approved(spender, '事后投诉'), calm: await approved(spender, '无人异议') }
  manyLines()
})
after(() => {
  startAgain()
  gulou('clock', '--reset')
  sql('delete from gulou.workday_year where year = 2027')
})

test('two administrators freeze and publish, and make the window longer', async () => {
  clock('2027-04-16T09:00')
  assert.match(await both(`冻结公示 ${PERIOD}`), /已冻结/)
  const published = await both(`发布公示 ${PERIOD}`)
  assert.match(published, /公示至4月24日 00:00/)
  notice = number(published, '公示')
  assert.match(await first.say(`延长公示 ${PERIOD} 0`), /只能延长/)
  assert.match(await both(`延长公示 ${PERIOD} 2天`), /公示至4月28日 00:00/)
  assert.doesNotMatch(await objector.say('公示'), /\s$/)
  assert.match(await objector.tap('提异议'), new RegExp(`对公示${notice}的哪一条`))
  await objector.tap('取消')
})

test('an objection gets a number, takes a photo, and shows nobody who made it', async () => {
  assert.match(await member.say('异议'), /例如/)
  assert.match(await objector.say(`异议 ${notice} 999999 没有人`), /没有编号/)
  const objection = await objects(objector, no.upheld, '当天没有看到人')
  assert.match((await objector.photo()).reply, new RegExp(`异议编号：${objection}$`))
  assert.match(await objector.say(`异议 ${notice} ${no.upheld} 再说一遍`), /已提过异议/)
  assert.match(await member.say('我的申报'), /异议处理中/)
  assert.match(await first.say('异议列表'), new RegExp(`异议编号：${objection}（未受理）[^]*异议照片1张`))
  const photos = await fetch(/href="([^"]*\/objection\/[^"]*)"/.exec(first.last.reply)[1].replaceAll('&amp;', '&'))
  assert.equal(photos.status, 200)
  assert.match(await photos.text(), /当天没有看到人/)
  assert.match(await member.say('异议列表'), /不在您的职责之内/)
  assert.match(await first.say('帮助'), /异议列表/)
  assert.doesNotMatch(await member.say('帮助'), /异议列表/)
})

test('by tap: the line is asked for, then why; the platform\'s repetitions file it once', async () => {
  const guided = await bound(), line = no.calm
  await guided.say('公示')
  await guided.tap('提异议')
  assert.match(await guided.say('第一行'), /请只回复编号/)
  assert.match(await guided.say('999999'), /没有编号：999999/)
  assert.match(await guided.say(String(line)), /编号：\d+ 测\*+[^]*义务巡逻，10分[^]*您的姓名只有区域党委知道/)
  assert.match((await guided.photo()).reply, /写完理由/)
  assert.match(await guided.tap('上一步'), /请回复编号/)
  await guided.say(String(line))
  await client.faults('lose_answer', 'lose_answer')
  const filed = await guided.say('当天活动取消了')
  assert.match(filed, /已收到您的异议/)
  assert.equal(count(`gulou.objection where account_id = 'demo' and announcement_id = ${notice} and no = ${line}`), 1)
  assert.match((await guided.photo()).reply, new RegExp(`异议编号：${number(filed, '异议')}`))
  assert.match(await guided.say('我的异议'), new RegExp(`异议编号：${number(filed, '异议')}，已收到，待受理[^]*当天活动取消了[^]*最晚`))
  assert.match(await guided.say(`异议 ${notice} ${line}`), /已提过异议/)
  assert.match(await both(`异议不成立 ${number(filed, '异议')} 活动照常`), /异议不成立/)
  assert.match(await guided.say('我的异议'), /不成立[^]*答复：活动照常/)
})

test('who is not bound learns how in the first reply, and then goes on', async () => {
  const stranger = client.person(), line = no.calm
  await stranger.follow()
  for (const said of ['异议', `异议 ${notice}`, `异议 ${notice} ${line}`, `异议 ${notice} ${line} 当天下大雨`, '异议 公示'])
    assert.match(await stranger.say(said), /还没有绑定身份。\n请发送「绑定 邀请码」[^]*绑定之后，请把刚才的话再发一次。$/, said)
  const member = await bound()
  assert.match(await member.say('异议 公示'), /异议 公示编号 条目编号 理由/)
  assert.match(await member.say('异议 999999'), /没有这份公示/)
  assert.match(await member.say('取消'), /没有进行中/)
})

test('upheld by two: the points are cancelled, both sides are told', async () => {
  const before = points(await member.say('积分'))
  const objection = number(await first.say('异议列表'), '异议')
  await first.tap('受理')
  assert.match(first.last.reply, /已受理/)
  assert.match(await first.say(`异议成立 ${objection}`), /结论/)
  const asked = await first.say(`异议成立 ${objection} 监控里没有人`)
  assert.match(await second.say(`异议不成立 ${objection} 看错了`), /已有申请/)
  assert.match(await first.say(`同意 ${number(asked, '申请')}`), /另一位管理员/)
  assert.match(await second.say('异议列表'), /监控里没有人/)
  await second.tap('同意')
  assert.match(second.last.reply, /已办结：异议成立/)
  assert.equal(points(await member.say('积分')).待公示, before.待公示 - 10)
  await told(objector, /监控里没有人/)
  await told(member, /撤销：监控里没有人/)
  assertBooksInOrder()
})

test('dismissed, and not accepted: the line goes on', async () => {
  assert.match(await both(`异议不成立 ${await objects(objector, no.dismissed, '没看到签到')} 有签到记录`), /异议不成立/)
  assert.match(await both(`异议不受理 ${await objects(other, no.dismissed, '看不惯')} 没有事实`), /异议不受理/)
  await told(other, /没有事实/)
})

test('what concerns an administrator is another one\'s to decide', async () => {
  const objection = await objects(first, no.calm, '我自己看到的')
  assert.match(await first.say(`异议不成立 ${objection} 算了`), /应当回避/)
  const third = await bound('administrator')
  const asked = await third.say(`异议不成立 ${objection} 已核实`)
  assert.match(await first.say(`同意 ${number(asked, '申请')}`), /应当回避/)
  assert.match(await second.say(`同意 ${number(asked, '申请')}`), /已办结/)
})

test('the last second counts, midnight does not', async () => {
  clock('2027-04-27T23:59:50')
  await objects(other, no.held, '还在核实')
  await objects(other, no.last, '最后一秒')
  clock('2027-04-28T00:00:00')
  assert.match(await objector.say(`异议 ${notice} ${no.late} 晚了一步`), /异议期已在4月27日结束/)
})

test('settlement goes on wherever it was killed; what is held waits', async () => {
  const settled = () => count(`gulou.declaration where account_id = 'demo' and period = '${PERIOD}' and status = 'settled'`)
  await stop('server', 'SIGKILL')
  clock('2027-04-28T00:00:30')
  for (const lines of KILL_AT) {
    startAgain()
    await until(async () => settled() >= lines, 60, `${lines} lines`)
    await stop('server', 'SIGKILL')
    assertBooksInOrder()
  }
  startAgain()
  await until(async () => value(`select status from gulou.announcement where account_id = 'demo' and announcement_id = ${notice}`) === 'settled', 60, 'settled')
  assert.equal(settled(), LINES + 3)
  assert.equal(count(`gulou.ledger_tx join gulou.announcement_line l on l.account_id = 'demo' and announcement_id = ${notice} and l.no::text = source_id
    where ledger_tx.account_id = 'demo' and kind = 'RELEASE'`), LINES + 3)
  assert.deepEqual(points(await member.say('积分')), { 可用: 10, 待公示: 20 })
  assert.deepEqual(points(await spender.say('积分')), { 可用: 20, 待公示: 0 })
  const { notices } = await (await fetch(`${process.env.GULOU_E2E_SERVER}/api/v1/demo/notices`)).json()
  assert.equal(notices.find((one) => one.id === notice).status, 'final')
  assertBooksInOrder()
})

test('the held lines are decided afterwards, into the same quarter', async () => {
  const [held, last] = [no.held, no.last].map((line) => value(`select objection_no from gulou.objection where account_id = 'demo' and no = ${line}`))
  assert.match(await both(`异议不成立 ${held} 有照片`), /已办结/)
  assert.deepEqual(points(await member.say('积分')), { 可用: 20, 待公示: 10 })
  assert.match(await both(`异议成立 ${last} 当天休息`), /已办结/)
  assert.deepEqual(points(await member.say('积分')), { 可用: 20, 待公示: 0 })
  assert.equal(value(`select status from gulou.announcement where account_id = 'demo' and announcement_id = ${notice}`), 'archived')
  assertBooksInOrder()
})

test('a complaint that comes late is corrected: points back, then debt, shown to the member', async () => {
  assert.match(await both(`更正 ${no.late} 当天没有这项服务`), /收回10分/)
  assert.deepEqual(points(await spender.say('积分')), { 可用: 10, 待公示: 0 })
  assert.match(await both(`更正 ${no.calm} 虚报 冒用他人照片`), /收回10分，虚报另扣20分/)
  const now = await spender.say('积分')
  assert.deepEqual(points(now), { 可用: 0, 待公示: 0, 待抵扣: 20 })
  assert.match(await spender.say('明细'), /扣分[^]*追回/)
  assert.match(await first.say(`更正 ${no.calm} 再来一次`), /已经撤销/)
  assertBooksInOrder()
})
