// The server is killed in the middle of a thousand declarations; many decide one declaration at once. Whatever was
// answered is there, once, and the books say so.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { crowd as newcomers } from './people.mjs'
import { bindMembers, gulou, makeReviewers, platformTo, server, sql, startAgain, stop } from './system.mjs'

const DECLARATIONS = 1000
const LANES = 40 // pushes under way at once
const KILL_AT = [250, 600] // answers
const platform = platformTo(server)
const run = Date.now()
let last = BigInt(run) << 12n
const push = (words, attempts = 3) => ({ type: 'text', content: words, msgId: String(++last), createTime: Math.floor(Date.now() / 1000), attempts })
// A reply may tell of earlier approvals first.
const numberIn = (reply) => Number(reply.match(/收到您的申报[^]*编号：(\d+)/)?.[1])
const pending = (reply) => Number(reply.match(/待公示：(\d+)/)[1])
const say = async (person, words) => (await platform.send(person.openid, push(words))).reply ?? ''

let members, reviewers

before(() => {
  members = newcomers(60)
  reviewers = bindMembers(190, 8, 'oCrash')
  makeReviewers(reviewers)
})
after(startAgain)

// One worker of the crowd: takes the next act until none is left.
const crowd = (acts, act) => Promise.all(Array.from({ length: LANES }, async () => {
  for (let one; (one = acts.shift());) await act(one)
}))

test('killed twice among a thousand declarations: what was answered is there, everything once', async () => {
  const acts = Array.from({ length: DECLARATIONS }, (_, i) => ({ person: members[i % members.length], words: `崩溃${run}第${i}件` }))
  const kills = [...KILL_AT]
  const answers = new Map()
  let again = 0
  await crowd([...acts], async ({ person, words }) => {
    const { reply, attempts } = await platform.send(person.openid, push(`申报 40 1 ${words}`))
    assert.match(reply ?? JSON.stringify(attempts), /编号：\d+/)
    answers.set(words, numberIn(reply))
    again += attempts.length > 1 ? 1 : 0
    if (answers.size >= kills[0]) {
      kills.shift()
      await stop('server', 'SIGKILL')
      startAgain()
    }
  })
  assert.ok(again > 0, 'the crashes hit pushes under way')
  const rows = sql(`select words, no, member_id, (select count(*) from gulou.declaration_event e where e.account_id = d.account_id and e.no = d.no)
    from gulou.declaration d where account_id = 'demo' and words like '崩溃${run}第%'`)
  assert.equal(rows.length, DECLARATIONS)
  const owners = new Map(acts.map(({ person, words }) => [words, person.member]))
  for (const [words, no, member, events] of rows) {
    assert.deepEqual([Number(no), Number(member), Number(events)], [answers.get(words), owners.get(words), 1], words)
  }
})

test('64 approvals of one declaration at once: it is booked once, the others are told who decided', async () => {
  const applicant = members.at(-1)
  const before = pending(await say(applicant, '积分'))
  const no = numberIn(await say(applicant, `申报 40 1 众人审${run}`))
  const replies = await Promise.all(Array.from({ length: 64 }, (_, i) => say(reviewers[i % reviewers.length], `通过 ${no}`)))
  const [[decider]] = sql(`select name from gulou.declaration d join gulou.member m on (m.account_id, m.member_id) = (d.account_id, d.reviewer_id) where d.account_id = 'demo' and no = ${no}`)
  assert.equal(replies.filter((reply) => /已通过，\S+ 10分/.test(reply)).length, 1, replies.join('\n'))
  assert.equal(replies.filter((reply) => reply.includes(`${decider}已审过`) || reply.includes('您已审过')).length, 63, replies.join('\n'))
  assert.deepEqual(sql(`select count(*), sum(pending) from gulou.ledger_tx where account_id = 'demo' and source_type = 'declaration' and source_id = '${no}'`), [['1', '10']])
  assert.equal(pending(await say(applicant, '积分')), before + 10)
})

test('one approves, one rejects, twenty times over: one decides, the other is told who did', async () => {
  const names = Object.fromEntries(sql(`select member_id, name from gulou.member where account_id = 'demo'`))
  await crowd(Array.from({ length: 20 }, (_, i) => i), async (i) => {
    const [one, other] = [reviewers[i % reviewers.length], reviewers[(i + 1) % reviewers.length]]
    const no = numberIn(await say(members[1 + i % 20], `申报 40 1 争审${run}第${i}件`))
    const [approval, rejection] = await Promise.all([say(one, `通过 ${no}`), say(other, `驳回 ${no} 没有安排`)])
    const [[status, reviewer]] = sql(`select status, reviewer_id from gulou.declaration where account_id = 'demo' and no = ${no}`)
    const [winner, loser] = status === 'approved' ? [approval, rejection] : [rejection, approval]
    assert.match(winner, status === 'approved' ? /已通过，/ : /已驳回/)
    assert.ok(loser.includes(`${names[reviewer]}已审过`), loser)
  })
})

test('what 积分 says is what the ledger sums to, and the audit finds every book in order', async () => {
  for (const person of members.slice(0, 21)) {
    const [[booked]] = sql(`select coalesce(sum(pending), 0) from gulou.ledger_tx where account_id = 'demo' and member_id = ${person.member}`)
    assert.equal(pending(await say(person, '积分')), Number(booked))
  }
  assert.match(gulou('audit'), /everything verifies/)
})
