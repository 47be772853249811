// The menus below the chat: pushed and shown by `gulou menu`, chosen by tags that follow the roles by themselves.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { program, sql, state, until } from './system.mjs'

const { GULOU_E2E_SIMULATOR } = process.env
const tops = (menu) => menu?.map((one) => one.name).join(' ')
const below = (menu) => menu.flatMap((one) => one.sub_button)
const run = (...args) => new Promise((resolve) => execFile(program, args, (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr })))
const conditional = (shown) => [...shown.matchAll(/^account demo, tag \d+ (\S+),/gm)].map((found) => found[1])

describe('menus', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  const client = new Client()
  const config = `${state}/config.toml`
  const menu = async (...args) => {
    const said = await run('menu', ...args, '--config', config)
    assert.equal(said.status, 0, said.stderr)
    return said.stdout
  }
  const tags = async (person) => (await person.seen()).tags.map((one) => one.name).join(' ')
  const wears = (person, names) => until(async () => await tags(person) === names, 20, `the tags 「${names}」`)
  const memberOf = (person) => sql(`select member_id from gulou.binding where account_id = 'demo' and openid = '${person.openid}' and ended_at is null`)[0][0]
  const setRole = (person, role, has) => sql(has
    ? `insert into gulou.member_role values ('demo', ${memberOf(person)}, '${role}') on conflict do nothing; select api.reconcile_tags()`
    : `delete from gulou.member_role where account_id = 'demo' and member_id = ${memberOf(person)} and role = '${role}'; select api.reconcile_tags()`)

  async function bound(role) {
    const person = client.person()
    await person.follow()
    await person.say(`绑定 ${invite(role)}`)
    return person
  }

  before(() => menu('push'))

  test('everybody has the members\' menu, and each of its buttons does something', async () => {
    const member = await bound()
    const { menu: shown } = await member.seen()
    assert.equal(tops(shown), '申报 积分 公示')
    for (const { type, key, url } of below(shown)) {
      if (type === 'view') assert.equal((await fetch(url)).status, 200, url)
      else {
        const { reply, notice } = await member.event('CLICK', key)
        assert.ok(!notice && reply && !reply.includes('没看懂'), `「${key}」: ${reply}`)
        if (key === '申报') await member.say('取消')
      }
    }
  })

  test('a reviewer sees the reviewers\' menu without anybody doing anything', async () => {
    const reviewer = await bound('reviewer')
    await wears(reviewer, '审核员')
    const { menu: shown } = await reviewer.seen()
    assert.equal(tops(shown), '审核 申报 公示')
    for (const { type, key } of shown[0].sub_button) {
      if (type === 'click') assert.match((await reviewer.event('CLICK', key)).reply, /待审|没有等待|加入申请/)
    }
  })

  test('a menu follows the role; with both roles it is the administrators\'', async () => {
    const person = await bound()
    setRole(person, 'administrator', true)
    await wears(person, '管理员')
    assert.equal(tops((await person.seen()).menu), '管理 申报 公示')
    setRole(person, 'reviewer', true)
    await wears(person, '审核员 管理员')
    assert.equal(tops((await person.seen()).menu), '管理 申报 公示')
    setRole(person, 'administrator', false)
    await wears(person, '审核员')
    assert.equal(tops((await person.seen()).menu), '审核 申报 公示')
    setRole(person, 'reviewer', false)
    await wears(person, '')
    assert.equal(tops((await person.seen()).menu), '申报 积分 公示')
  })

  test('who leaves and comes back has the role\'s menu again', async () => {
    const reviewer = await bound('reviewer')
    await wears(reviewer, '审核员')
    await reviewer.unfollow()
    assert.equal(await tags(reviewer), '')
    // Not within the second of the first time: the platform's own mark of an event is its second.
    await reviewer.send({ type: 'event', event: 'subscribe', create_time: Math.floor(Date.now() / 1000) + 5 })
    await wears(reviewer, '审核员')
  })

  test('many reviewers at once, and calls that overlap: all of them get their tag', async () => {
    await client.apiFault('/cgi-bin/tags/members/batchtagging', 45159, 2)
    const reviewers = await Promise.all(Array.from({ length: 8 }, () => bound('reviewer')))
    for (const reviewer of reviewers) await wears(reviewer, '审核员')
  })

  test('one whom the platform refuses keeps nobody else from theirs', async () => {
    sql(`with member as (insert into gulou.member select 'demo', max(member_id) + 1, '没关注', 'active' from gulou.member where account_id = 'demo' returning member_id),
           role as (insert into gulou.member_role select 'demo', member_id, 'reviewer' from member)
         insert into gulou.binding select 'demo', 'oNobody_' || member_id, member_id, now() from member`)
    const reviewer = await bound('reviewer')
    await wears(reviewer, '审核员')
  })

  test('a tag that somebody deleted on the platform is made anew', async () => {
    sql(`update gulou.platform_tag set tag_id = 77777 where account_id = 'demo' and role = 'administrator'`)
    const administrator = await bound('administrator')
    await wears(administrator, '管理员')
  })

  test('tags that somebody took off on the platform come back with the next push', async () => {
    const reviewer = await bound('reviewer')
    await wears(reviewer, '审核员')
    await client.fetch('/cgi-bin/tags/members/batchuntagging?access_token=' + sql(`select token from gulou.platform_token where account_id = 'demo' and kind = 'access_token'`)[0][0],
      { method: 'POST', body: JSON.stringify({ openid_list: [reviewer.openid], tagid: Number((await reviewer.seen()).tags[0].id) }) })
    assert.equal(await tags(reviewer), '')
    await menu('push')
    await wears(reviewer, '审核员')
  })

  test('pushing again replaces; what a broken run left is cleaned up by the next', async () => {
    await menu('push')
    assert.deepEqual(conditional(await menu('show')).sort(), ['审核员', '管理员'])
    await client.apiFault('/cgi-bin/menu/delconditional', 40033)
    const broken = await run('menu', 'push', '--config', config)
    assert.equal(broken.status, 1)
    assert.match(broken.stderr, /^gulou: account demo: deleting an old menu: 40033 .*rid \S+/m)
    assert.equal(conditional(await menu('show')).length, 3)
    const again = await menu('push', '--account', 'demo')
    assert.match(again, /account demo: pushed/)
    assert.deepEqual(conditional(await menu('show')).sort(), ['审核员', '管理员'])
  })

  test('a busy platform is asked again, a refusal is said with its number', async () => {
    await client.apiFault('/cgi-bin/menu/create', -1)
    await menu('push')
    await client.apiFault('/cgi-bin/menu/create', 40018)
    const refused = await run('menu', 'push', '--config', config)
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /the menu for everybody: 40018 .*rid \S+/)
  })

  test('an account that is not verified is told what it lacks, without a call', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gulou-menu-'))
    writeFileSync(`${folder}/config.toml`, readFileSync(config, 'utf8').replace(/^mode .*$/m, '$&\nverified = false').replace(/^api_base.*$/m, 'api_base = "http://127.0.0.1:1"'))
    for (const verb of ['push', 'show']) {
      const said = await run('menu', verb, '--config', `${folder}/config.toml`)
      assert.equal(said.status, 0, said.stderr)
      assert.match(said.stdout, /account demo: no menu: .*verified = false/)
    }
  })

  test('wrong usage is one clear line', async () => {
    for (const args of [['menu'], ['menu', 'pull'], ['menu', 'push', '--config', config, '--account', 'nobody'], ['menu', 'push']]) {
      const said = await run(...args)
      assert.equal(said.status, 2, args.join(' '))
      assert.match(said.stderr, /^gulou: [^\n]+\n$/)
    }
  })
})
