// A member's and a reviewer's day through the simulated platform: retries, races, and lists anyone can check.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { Client } from './client.mjs'

const { GULOU_E2E_SIMULATOR, GULOU_E2E_SERVER, GULOU_E2E_OPS, GULOU_E2E_BIN, GULOU_E2E_STATE } = process.env
const run = promisify(execFile)
const number = (words) => Number(/编号：(\d+)/.exec(words)?.[1])
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const waiting = async (person) => Number(/待公示：(\d+)/.exec(await person.say('积分'))[1])
const json = async (path) => {
  const response = await fetch(GULOU_E2E_SERVER + path)
  assert.equal(response.status, 200, path)
  return response.json()
}

// RFC 6962: the tree is cut at the largest power of two below the number of leaves.
function merkleRoot(leaves) {
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0])
  let cut = 1
  while (cut * 2 < leaves.length) cut *= 2
  return sha256(Buffer.of(1), merkleRoot(leaves.slice(0, cut)), merkleRoot(leaves.slice(cut)))
}

describe('the whole system', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  let client, member, reviewer

  before(async () => {
    client = new Client()
    member = client.person()
    reviewer = client.person()
    assert.match(await member.say('绑定 DEMO0201'), /绑定成功/)
    assert.match(await reviewer.say('绑定 REVIEW04'), /绑定成功/)
  })

  test('an invite code alone is one tap from being bound', async () => {
    const newcomer = client.person()
    assert.match(await newcomer.say('DEMO0233'), /这是邀请码吗/)
    assert.match(await newcomer.tap('绑定'), /绑定成功/)
  })

  test('a declaration is approved and its points wait for the notice', async () => {
    const earlier = await waiting(member)
    const answer = await member.say('申报 7 2 读书会')
    assert.match(answer, /待审核/)
    const no = number(answer)
    assert.ok(no > 0, answer)
    assert.match(await reviewer.say(`通过 ${no}`), /已通过/)
    assert.equal(await waiting(member), earlier + 20)
  })

  test('a retry after a lost answer gets the same words and declares once', async () => {
    await client.faults('lose_answer')
    const answer = await member.say('申报 8 1 读书分享')
    const attempts = member.last.attempts.length
    const mine = await member.say('我的申报')
    assert.ok(number(answer) > 0, answer)
    assert.ok(attempts > 1, 'the platform tried again')
    const numbers = [...mine.matchAll(/编号：(\d+)/g)].map((one) => Number(one[1]))
    assert.equal(Math.max(...numbers), number(answer), mine)
    assert.equal((mine.match(/读书分享/g) ?? []).length, 1, mine)
  })

  test('two reviewers at once: one approval counts', async () => {
    const other = client.person()
    await other.say('绑定 REVIEW03')
    const earlier = await waiting(member)
    const no = number(await member.say('申报 9 1 书法班'))
    const answers = await Promise.all([reviewer.say(`通过 ${no}`), other.say(`通过 ${no}`)])
    assert.ok(answers.some((one) => /已通过/.test(one)), answers.join('\n'))
    assert.equal(await waiting(member), earlier + 10)
  })

  test('an invite code binds one person, however many try at once', async () => {
    const people = [client.person(), client.person(), client.person()]
    const answers = await Promise.all(people.map((one) => one.say('绑定 DEMO0202')))
    assert.equal(answers.filter((one) => /绑定成功/.test(one)).length, 1, answers.join('\n'))
  })

  test('a member may not review', async () => {
    const no = number(await member.say('申报 10 1 合唱'))
    assert.doesNotMatch(await member.say(`通过 ${no}`), /已通过/)
  })

  test('every published notice is what its root says', async () => {
    const { notices } = await json('/api/v1/demo/notices')
    assert.ok(notices.length > 0)
    for (const { id, root } of notices) {
      const entries = []
      for (let after = ''; ;) {
        const page = await json(`/api/v1/demo/notices/${id}?limit=50&after=${after}`)
        entries.push(...page.entries)
        if (!page.next) break
        after = page.next
      }
      const leaves = entries.map((one) => [one.no, one.unit, one.item, one.points, one.reviewed_on,
        sha256(one.name_salt, one.member).toString('hex')].join('|'))
      leaves.forEach((leaf, i) => assert.equal(entries[i].leaf, leaf))
      assert.equal(merkleRoot(leaves).toString('hex'), root)
      assert.equal((await json(`/api/v1/demo/notices/${id}/proof/${entries[0].no}`)).root, root)
    }
  })

  test('operations answer, and the audit finds every book in order', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) assert.equal((await fetch(GULOU_E2E_OPS + path)).status, 200)
    await run(GULOU_E2E_BIN, ['audit', '--config', `${GULOU_E2E_STATE}/config.toml`])
  })

  test('an unsigned push is forbidden', async () => {
    const response = await fetch(`${GULOU_E2E_SERVER}/wechat/demo`, { method: 'POST', body: '<xml></xml>' })
    assert.equal(response.status, 403)
  })
})
