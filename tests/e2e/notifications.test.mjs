// What people hear without having asked: over the best channel of the moment, once, or with their next reply.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { lock, sql, until } from './system.mjs'

const { GULOU_E2E_SIMULATOR } = process.env
const number = (words) => Number(/编号：(\d+)/.exec(words)?.[1])

describe('notifications', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  let client, reviewer

  before(async () => {
    client = new Client()
    reviewer = await person('reviewer')
  })

  async function person(role) {
    const one = client.person()
    await one.follow()
    await one.say(`绑定 ${invite(role)}`)
    return one
  }

  const declare = async (one) => number(await one.say('申报 40 1 巡逻'))
  const told = async (one, words) => (await one.received()).filter((each) => each.text?.includes(words))
  const hears = (one, words) => until(async () => (await told(one, words)).length === 1, 10, `「${words}」 arrives`)
  const status = (no) => sql(`select status from gulou.outbox where kind = 'notification' and facts ->> 'no' = '${no}' order by outbox_id desc limit 1`)[0]?.[0]
  const waitsForReply = (no) => until(async () => status(no) === 'held', 10, 'it waits for the next reply')

  test('approved, returned, rejected: each tells its next step', async () => {
    const one = await person()
    const [a, b, c] = [await declare(one), await declare(one), await declare(one)]
    await reviewer.say(`通过 ${a}`)
    await reviewer.say(`退回 ${b} 请补照片`)
    await reviewer.say(`驳回 ${c} 没有这项活动`)
    await hears(one, `编号：${a} 义务巡逻）已通过，计10分`)
    await hears(one, `编号：${b} 义务巡逻）被退回：请补照片`)
    await hears(one, `编号：${c} 义务巡逻）未通过：没有这项活动`)
    const order = (await one.received()).map((each) => number(each.text))
    assert.deepEqual(order.filter((no) => [a, b, c].includes(no)), [a, b, c])
    assert.doesNotMatch(await one.say('积分'), /提醒/, 'nothing is said twice')
  })

  test('who has been silent for two days finds it on top of the next reply, once', async () => {
    const one = await person()
    const no = await declare(one)
    sql(`update gulou.follower set window_until = now() where openid = '${one.openid}'`)
    await reviewer.say(`通过 ${no}`)
    await waitsForReply(no)
    assert.deepEqual(await told(one, `编号：${no}`), [])
    assert.match(await one.say('积分'), new RegExp(`^【提醒】您的申报（编号：${no} [^]*————\\n可用：0`))
    assert.doesNotMatch(await one.say('积分'), /提醒/)
  })

  // As by an earlier message of theirs whose commit waits for a standby.
  test('what another message of theirs is about to tell keeps no answer back', async () => {
    const one = await person()
    const no = await declare(one)
    sql(`update gulou.follower set window_until = now() where openid = '${one.openid}'`)
    await reviewer.say(`通过 ${no}`)
    await waitsForReply(no)
    const other = await lock(`select from gulou.outbox where facts ->> 'no' = '${no}' for update; select from gulou.follower where openid = '${one.openid}' for update`)
    assert.match(await one.say('积分'), /^可用：0/)
    await other.release()
    assert.match(await one.say('积分'), new RegExp(`^【提醒】您的申报（编号：${no} `))
  })

  test('when the platform closes the window first, nothing is lost', async () => {
    const one = await person()
    const no = await declare(one)
    await one.unfollow()
    sql(`update gulou.follower set subscribed = true where openid = '${one.openid}'`) // as if the push had been lost
    await reviewer.say(`通过 ${no}`)
    await waitsForReply(no)
    assert.match((await one.follow()).reply, new RegExp(`【提醒】您的申报（编号：${no} `))
    assert.doesNotMatch(await one.say('积分'), /提醒/)
  })

  test('通知 关 is silence, 通知 开 ends it', async () => {
    const one = await person()
    assert.match(await one.say('通知 关'), /已关闭/)
    const [a, b] = [await declare(one), await declare(one)]
    await reviewer.say(`通过 ${a}`)
    await until(async () => status(a) === 'done', 10, 'it is over')
    assert.deepEqual(await told(one, `编号：${a}`), [])
    assert.doesNotMatch(await one.say('积分'), /提醒/)
    assert.match(await one.tap('明细') && await one.say('通知'), /已关闭/)
    assert.match(await one.tap('开启提醒'), /已开启/)
    await reviewer.say(`通过 ${b}`)
    await hears(one, `编号：${b}`)
  })

  test('the sixth message of one act waits for the next', async () => {
    const one = await person()
    const nos = []
    for (let i = 0; i < 6; i++) nos.push(await declare(one))
    await reviewer.say(`通过 ${nos.join(' ')}`)
    await until(async () => nos.every((no) => ['done', 'held'].includes(status(no))), 15, 'all are sent or wait')
    assert.equal((await told(one, '义务巡逻）')).length, 5)
    assert.match(await one.say('积分'), /【提醒】/)
  })

  test('a follower who left hears nothing, and of it when back', async () => {
    const one = await person()
    const no = await declare(one)
    await one.unfollow()
    await reviewer.say(`通过 ${no}`)
    await waitsForReply(no)
    const back = await one.follow()
    assert.match(back.reply, new RegExp(`【提醒】您的申报（编号：${no} `))
  })
})
