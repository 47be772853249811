// Joining without a typed code: scan the unit's sheet, say one's name, be confirmed; or scan one's own invite.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { sql, until } from './system.mjs'
import { Visitor } from './visitor.mjs'

const { GULOU_E2E_SIMULATOR } = process.env
const number = (words) => Number(/编号：(\d+)/.exec(words)?.[1])

describe('joining', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  const client = new Client()
  let reviewer, second

  // A unit of the test's own, with invited members of these names.
  function unit(...names) {
    const name = `报到单位${randomBytes(4).toString('hex')}`
    const [[id]] = sql(`insert into gulou.org select 'demo', max(org_id) + 1, '${name}', 'reporting_unit' from gulou.org where account_id = 'demo' returning org_id`)
    const members = names.map((one) => sql(`with member as (insert into gulou.member select 'demo', max(member_id) + 1, '${one}', 'invited' from gulou.member where account_id = 'demo' returning member_id)
      insert into gulou.member_org (account_id, member_id, org_id) select 'demo', member_id, ${id} from member returning member_id`)[0][0])
    return { id, name, members }
  }

  async function scans(scene) {
    const guest = client.person()
    return { guest, ...await guest.follow(scene) }
  }

  async function bound(role) {
    const person = client.person()
    await person.follow()
    await person.say(`绑定 ${invite(role)}`)
    return person
  }

  // The reviewer's list, page after page, until the request is there.
  async function listed(person, no) {
    let words = await person.say('加入申请')
    while (!words.includes(`编号：${no}\n`)) words = await person.tap('更多')
    return words.split('编号：').find((one) => one.startsWith(`${no}\n`))
  }

  before(async () => { [reviewer, second] = await Promise.all([bound('reviewer'), bound('reviewer')]) })

  test('a guest scans, says the name, is confirmed with a tap and hears of it', async () => {
    const { id, name } = unit('王小明')
    const { guest, reply } = await scans(`unit_${id}`)
    assert.match(reply, new RegExp(`您正在加入：${name}`))
    assert.match(reply, /加入 王小明.*即表示同意/s)
    const no = number(await guest.say('加入 王小明 尾号1234'))
    const row = await listed(reviewer, no)
    assert.match(row, new RegExp(`王小明（${name}），尾号1234\n名册中有一位`))
    const link = new RegExp(`msgmenucontent=([^&"]*${no})&`).exec(row)
    assert.match(await reviewer.say(decodeURIComponent(link[1])), new RegExp(`已同意加入：王小明（${name}）`))
    await until(async () => (await guest.received()).some((one) => JSON.stringify(one).includes('加入申请已确认')), 20, 'a message about it')
    assert.match(await guest.say('积分'), /可用：0/)
  })

  test('whoever forgets the blank is understood, also after something else was said', async () => {
    const { id, name } = unit('李四')
    const { guest } = await scans(`unit_${id}`)
    await guest.say('帮助')
    assert.match(await guest.say('加入李四'), new RegExp(`已收到申请.*姓名：李四\n单位：${name}`, 's'))
  })

  test('a member in a dialogue may well begin with that word', async () => {
    const member = await bound()
    await member.say('申报')
    await member.say('40')
    await member.say('1小时')
    assert.doesNotMatch(await member.say('加入巡逻队巡逻了两圈'), /不用再加入|没看懂/)
    await member.say('取消')
  })

  test('two of one name: the reviewer picks; nobody of that name: the reviewer makes a member', async () => {
    const { id, name, members } = unit('赵云', '赵云')
    const { guest } = await scans(`unit_${id}`)
    const no = number(await guest.say('加入 赵云'))
    assert.match(await reviewer.say(`同意加入 ${no}`), /赵云可能是/)
    assert.match(await reviewer.tap(`是成员${members[1]}`), /已同意加入/)
    assert.equal(sql(`select member_id from gulou.binding where openid = '${guest.openid}'`)[0][0], members[1])

    const { guest: stranger } = await scans(`unit_${id}`)
    const other = number(await stranger.say('加入 钱七'))
    assert.match(await reviewer.say(`同意加入 ${other}`), /没有还没绑定的钱七/)
    assert.match(await reviewer.tap('新建并同意'), new RegExp(`已新建并同意加入：钱七（${name}）`))
    assert.match(await stranger.say('帮助'), new RegExp(`钱七（${name}），您好`))
  })

  test('a refusal comes with its reason', async () => {
    const { guest } = await scans(`unit_${unit().id}`)
    const no = number(await guest.say('加入 孙八'))
    assert.match(await reviewer.say(`拒绝加入 ${no}`), /请写一句原因/)
    assert.match(await reviewer.say(`拒绝加入 ${no} 不认识`), /已拒绝加入/)
    await until(async () => (await guest.received()).some((one) => JSON.stringify(one).includes('不认识')), 20, 'a message about it')
    assert.match(await second.say(`同意加入 ${no}`), /已拒绝/)
  })

  test('two reviewers at once, one code at once: one binding', async () => {
    const { id } = unit('周瑜')
    const { guest } = await scans(`unit_${id}`)
    const { guest: other } = await scans(`unit_${id}`)
    const numbers = [number(await guest.say('加入 周瑜')), number(await other.say('加入 周瑜'))]
    const said = await Promise.all([reviewer.say(`同意加入 ${numbers[0]}`), second.say(`同意加入 ${numbers[1]}`)])
    assert.equal(said.filter((one) => one.includes('已同意加入')).length, 1, said.join('\n'))
    assert.equal(said.filter((one) => one.includes('没有还没绑定的')).length, 1, said.join('\n'))

    const code = `J${randomBytes(4).toString('hex').toUpperCase()}`
    const [[org, member]] = sql(`with member as (select m.member_id, o.org_id, m.name from gulou.member m join gulou.member_org o using (account_id, member_id)
        where account_id = 'demo' and m.member_id = ${unit('吴用').members[0]}),
      made as (insert into gulou.invite select 'demo', gulou.code_hash('demo', '${code}'), member_id from member)
      select org_id, member_id from member`)
    const { guest: asking } = await scans(`unit_${org}`)
    const no = number(await asking.say('加入 吴用'))
    const holder = client.person()
    await Promise.all([reviewer.say(`同意加入 ${no}`), holder.say(`绑定 ${code}`), asking.say(`绑定 ${code}`)])
    assert.equal(sql(`select count(*) from gulou.binding where account_id = 'demo' and member_id = ${member} and ended_at is null`)[0][0], '1')
  })

  test('who may not, cannot; who need not, is told', async () => {
    const { id } = unit('郑九')
    const { guest } = await scans(`unit_${id}`)
    const no = number(await guest.say('加入 郑九'))
    const member = await bound()
    for (const words of ['加入申请', `同意加入 ${no}`, `拒绝加入 ${no} 不行`]) assert.doesNotMatch(await member.say(words), /已同意|已拒绝|郑九/)
    assert.match(await guest.say(`同意加入 ${no}`), /绑定/)
    assert.match(await client.person().say('加入 郑九'), /请先扫一扫/)
    assert.match(await member.say('加入 郑九'), /不用再加入/)
    for (let i = 0; i < 4; i++) await guest.say(`加入 试一${'二三四五'[i]}`)
    assert.match(await guest.say('加入 郑九'), /次数太多/)
  })

  const made = async (scene) => (await client.codes()).filter((one) => one.scene === scene).length
  async function scanned(scene) {
    const person = client.person()
    return { person, ...await client.post('/sim/scan', { person: person.openid, scene }) }
  }

  test('an administrator prints a unit\'s sheet; its code, made once, lets a guest ask', async () => {
    const { id, name } = unit('冯一')
    const visitor = new Visitor(await bound('administrator'))
    const list = await visitor.open('sheets')
    assert.match(list.html, new RegExp(`href="/demo/sheets/${id}">[^]*?${name}[^]*?已绑定 0/1`))
    const { status, html } = await visitor.open(`sheets/${id}`)
    assert.equal(status, 200)
    assert.match(html, new RegExp(`<h1>${name}</h1>[^]*<svg[^]*扫一扫[^]*加入 您的姓名`))
    assert.equal((await visitor.open(`sheets/${id}`)).html.match(/<svg[^]*<\/svg>/)[0], html.match(/<svg[^]*<\/svg>/)[0])
    assert.equal(await made(`unit_${id}`), 1)
    const { person, reply } = await scanned(`unit_${id}`)
    assert.match(reply, new RegExp(`您正在加入：${name}`))
    const no = number(await person.say('加入 冯一'))
    assert.match(await reviewer.say(`同意加入 ${no}`), /已同意加入/)
    assert.match((await visitor.open('sheets')).html, new RegExp(`${name}[^]*?已绑定 1/1`))
  })

  test('personal invites are shown once, bind by a scan, and replace those printed before', async () => {
    const { id } = unit('陈二', '褚三')
    const visitor = new Visitor(await bound('administrator'))
    await visitor.open(`sheets/${id}`)
    const first = await visitor.post(`sheets/${id}/invites`)
    assert.equal(first.status, 200)
    assert.deepEqual(first.value.rows.map((one) => one.name), ['陈二', '褚三'])
    assert.match(first.value.rows[0].qr, /^<svg/)
    const chen = await scanned(`invite_${first.value.rows[0].code}`)
    assert.match(chen.reply, /绑定成功\n姓名：陈二/)
    const second = await visitor.post(`sheets/${id}/invites`)
    assert.deepEqual(second.value.rows.map((one) => one.name), ['褚三'])
    assert.match((await scanned(`invite_${first.value.rows[1].code}`)).reply, /邀请码不对/)
    const typed = client.person()
    assert.match(await typed.say(`绑定 ${second.value.rows[0].code.toLowerCase()}`), /绑定成功\n姓名：褚三/)
    assert.equal(sql(`select count(*) from gulou.member_event where account_id = 'demo' and reason = '新邀请码' and member_id in
      (select member_id from gulou.member_org where account_id = 'demo' and org_id = ${id})`)[0][0], '3')
  })

  test('a large unit gets its invites in several answers', async () => {
    const { id } = unit()
    sql(`with last as (select max(member_id) as n from gulou.member where account_id = 'demo'),
        made as (insert into gulou.member select 'demo', n + i, '队员' || i, 'invited' from last, generate_series(1, 45) as i returning member_id)
      insert into gulou.member_org (account_id, member_id, org_id) select 'demo', member_id, ${id} from made`)
    const visitor = new Visitor(await bound('administrator'))
    await visitor.open(`sheets/${id}`)
    const first = (await visitor.post(`sheets/${id}/invites`)).value
    const rest = (await visitor.post(`sheets/${id}/invites?after=${first.next}`)).value
    assert.equal(new Set([...first.rows, ...rest.rows].map((one) => one.code)).size, 45)
    assert.equal(rest.next, undefined)
    assert.match((await scanned(`invite_${rest.rows.at(-1).code}`)).reply, /姓名：队员45/)
  })

  test('a platform that says nothing: every page says so in time, and invites that were made are shown without their codes', async () => {
    const { id } = unit('沈五')
    const visitor = new Visitor(await bound('administrator'))
    await visitor.open('sheets')
    const server = process.env.GULOU_E2E_SERVER
    try {
      await client.apiFault('/cgi-bin/qrcode/create', 'hang', 3)
      await client.apiFault('/sns/oauth2/access_token', 'hang')
      const stranger = new Visitor(client.person())
      const state = (await stranger.load(`${server}/demo/declare?wx=1`)).headers.get('location').match(/state=(\w+)/)[1]
      const [sheet, invites, desktop, signedIn] = await Promise.all([
        visitor.open(`sheets/${id}`), visitor.post(`sheets/${id}/invites`),
        fetch(`${server}/demo/declare`), stranger.load(`${server}/demo/signin?code=c&state=${state}`)])
      assert.equal(sheet.status, 503)
      assert.match(sheet.html, /微信暂时做不出二维码，请稍后再试/)
      assert.deepEqual(invites.value.rows.map(({ name, code, qr }) => [name, /^[A-Z0-9]{8,}$/.test(code), qr]), [['沈五', true, undefined]])
      assert.equal(desktop.status, 503)
      assert.match(await desktop.text(), /暂时不能扫码登录，请在微信里打开/)
      assert.equal(signedIn.status, 503)
      assert.match(await signedIn.text(), /微信暂时不能登录，请稍后再打开/)
    } finally {
      await client.clear('api-fault')
    }
  })

  test('nobody else gets a sheet, a code or an invite', async () => {
    const { id } = unit('卫四')
    const stranger = new Visitor(client.person())
    assert.match((await stranger.open(`sheets/${id}`)).html, /请先绑定身份/)
    const visitor = new Visitor(reviewer)
    assert.equal((await visitor.open('sheets')).status, 403)
    assert.equal((await visitor.open(`sheets/${id}`)).status, 403)
    await visitor.open('review')
    assert.equal((await visitor.post(`sheets/${id}/invites`)).status, 403)
    assert.equal(await made(`unit_${id}`), 0)
    const administrator = new Visitor(await bound('administrator'))
    await administrator.open('sheets')
    assert.equal((await administrator.post(`sheets/${id}/invites`, {}, 'f'.repeat(64))).status, 403)
    assert.equal((await administrator.open('sheets/2147483647')).status, 404)
    assert.equal((await administrator.open('sheets/x')).status, 404)
    assert.equal(sql(`select count(*) from gulou.invite i join gulou.member_org o using (account_id, member_id) where o.org_id = ${id}`)[0][0], '0')
  })

  test('without the platform there is no sheet, but codes can still be typed', async () => {
    const { id } = unit('蒋五')
    const visitor = new Visitor(await bound('administrator'))
    await visitor.open('sheets')
    const fault = (times) => client.apiFault('/cgi-bin/qrcode/create', 40035, times)
    await fault(1)
    assert.equal((await visitor.open(`sheets/${id}`)).status, 503)
    await fault(1)
    const { value } = await visitor.post(`sheets/${id}/invites`)
    assert.equal(value.rows[0].qr, undefined)
    assert.match(await client.person().say(`绑定 ${value.rows[0].code}`), /绑定成功/)
    assert.equal((await visitor.open(`sheets/${id}`)).status, 200)
  })

  test('an own invite binds by scanning, with the consent said; a second scan does not', async () => {
    const code = invite('reviewer')
    const { guest, reply } = await scans(`invite_${code}`)
    assert.match(reply, /绑定成功.*扫码即表示同意/s)
    assert.match(await guest.say('加入申请'), /加入申请|没有等待/)
    assert.match((await scans(`invite_${code}`)).reply, /邀请码已被使用/)
    assert.match((await scans('invite_NONSENSE')).reply, /邀请码不对/)
  })
})
