// A member's own data: a copy of all of it, and its removal, by the operator's commands.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { gulou, program, sql, state } from './system.mjs'

const run = (...args) => spawnSync(program, [...args, '--config', `${state}/config.toml`], { encoding: 'utf8' })

describe('personal data', { skip: !state && 'GULOU_E2E_STATE is not set' }, () => {
  let folder, person, member, name

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gulou-'))
    const client = new Client()
    person = client.person()
    await person.follow()
    const [, bound] = /绑定成功[，,!！]?\s*(\S+)/.exec(await person.say(`绑定 ${invite()}`)) ?? []
    assert.ok(bound)
    assert.match(await person.say('申报 40 1 在小区巡逻'), /编号：/)
    const rows = sql(`select member_id, name from gulou.binding join gulou.member using (account_id, member_id) where openid = '${person.openid}' and ended_at is null`)
    member = rows[0][0]
    name = rows[0][1]
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('a copy is a file for its owner\'s eyes, with everything and without the openid', () => {
    const path = join(folder, 'copy.json')
    const done = run('export', '--member', member, '--output', path)
    assert.equal(done.status, 0, done.stderr)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const text = readFileSync(path, 'utf8')
    const copy = JSON.parse(text)
    assert.equal(copy.name, name)
    assert.equal(copy.declarations[0].words, '在小区巡逻')
    assert.equal(copy.consents[0].purpose, 'service')
    assert.ok(!text.includes(person.openid))
    assert.equal(run('export', '--member', member, '--output', path).status, 1, 'no file is written over')
    assert.equal(run('export').status, 2)
    assert.match(run('export', '--member', '12x').stderr, /--member 12x: a member's number is needed/)
    assert.equal(run('export', '--member', '999999999').status, 1)
  })

  test('a full disk leaves no copy that ends in the middle', (t) => {
    const small = join(folder, 'small')
    mkdirSync(small)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', small]).status !== 0) return t.skip('this machine lets nobody mount')
    try {
      writeFileSync(join(small, 'before'), 'x'.repeat(4096))
      const { status, stderr } = run('export', '--member', member, '--output', join(small, 'copy.json'))
      assert.equal(status, 1)
      assert.match(stderr, /copy\.json: No space left on device\n$/)
      assert.ok(!existsSync(join(small, 'copy.json')))
    } finally {
      spawnSync('umount', [small])
    }
  })

  test('who has nothing open is not erased by a mistyped number either', () => {
    const [[other, called]] = sql(`select member_id, name from gulou.member m where account_id = 'demo' and status = 'invited'
      and gulou.open_matters(account_id, member_id) = '{}' order by member_id desc limit 1`)
    const warned = run('erase', '--member', other)
    assert.equal(warned.status, 1)
    assert.match(warned.stderr, new RegExp(`member ${other}: ${called}, [^\n]+\nNothing was erased; nothing is open[^\n]*--confirmed`))
    const both = run('erase', '--member', other, '--member', member, '--confirmed')
    assert.equal(both.status, 2)
    assert.equal(both.stderr, `gulou: --member ${other} --member ${member}: it can be given once only\n`)
    assert.deepEqual(sql(`select name, status from gulou.member where account_id = 'demo' and member_id = ${other}`), [[called, 'invited']])
  })

  test('erasing tells whom it means and what is open, then removes the person and keeps the books', async () => {
    const warned = run('erase', '--member', member)
    assert.equal(warned.status, 1)
    const [[unit]] = sql(`select o.name from gulou.member_org m join gulou.org o using (account_id, org_id) where m.account_id = 'demo' and m.member_id = ${member}`)
    assert.match(warned.stderr, new RegExp(`member ${member}: ${name}, ${unit}\n[^]*1 declarations not yet decided[^]*Nothing was erased[^]*--confirmed`))
    assert.match(await person.say('我的申报'), /在小区巡逻|义务巡逻/, 'nothing was erased yet')
    const done = run('erase', '--member', member, '--confirmed')
    assert.equal(done.status, 0, done.stderr)
    assert.match(await person.say('积分'), /绑定/, 'a guest again')
    assert.deepEqual(sql(`select name is null, status from gulou.member where account_id = 'demo' and member_id = ${member}`), [['t', 'erased']])
    assert.equal(run('erase', '--member', member, '--confirmed').status, 1, 'once')
    assert.match(gulou('audit'), /everything verifies/)
  })
})
