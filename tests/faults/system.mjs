// A model and a world put together: who there is, where they knock, and when all is well again.
import assert from 'node:assert/strict'
import { bindMembers, makeReviewers, platformTo, readyz, sql } from '../e2e/system.mjs'
import { Platform } from '../simulator/platform.mjs'
import { accountsFromToml } from '../simulator/accounts.mjs'
import { chance } from './chance.mjs'
import { sleep } from './faults.mjs'
import { Model } from './model.mjs'

const { GULOU_E2E_STATE: state } = process.env
const MEMBERS = 24, REVIEWERS = 6
const POLL_MS = 100

// Each attempt comes to some server, as through nginx.
class Doors extends Platform {
  constructor(servers, luck) {
    super({ account: accountsFromToml(`${state}/config.toml`)[0] })
    Object.assign(this, { servers, luck })
  }

  post(request, timeoutMs) {
    this.server = this.luck.pick(this.servers).address
    return super.post(request, timeoutMs)
  }
}

const asList = (people) => people.map(({ member }) => member)

export function people(world, seed) {
  const members = bindMembers(160, MEMBERS, 'oFault')
  const reviewers = bindMembers(190, REVIEWERS, 'oFault')
  const administrators = bindMembers(198, 2, 'oFault')
  makeReviewers(reviewers)
  sql(`insert into gulou.member_role select 'demo', unnest(array[${asList(administrators)}]), 'administrator' on conflict do nothing`)
  // People here declare for hours, and their reviewers are often cut off.
  sql("create or replace function gulou.waiting_max() returns int language sql immutable as 'select 100000'")
  for (const one of members) one.before = Number(sql(`select pending + available from gulou.balance where account_id = 'demo' and member_id = ${one.member}`)[0][0])
  world.platform = new Doors(world.servers, chance(seed, 'doors'))
  const lines = sql("select no from gulou.announcement_line where account_id = 'demo' and member_id not between 160 and 199 order by no").map(([no]) => Number(no))
  const model = new Model({ platform: world.platform, seed, members, reviewers, administrators, lines })
  model.period = sql("select period from gulou.announcement where account_id = 'demo' order by 1 desc limit 1")[0][0]
  return model
}

// How long it takes until each server says that it is ready and answers a real message; fails after so many seconds.
export async function recovered(world, asker, seconds) {
  const started = Date.now()
  const left = () => seconds * 1000 - (Date.now() - started)
  await Promise.all(world.servers.map(async (one) => {
    const door = platformTo(one.address, { attemptMs: 3000 })
    let last
    do {
      last = await readyz(one.ops).catch((error) => error.message)
      if (last === 'ready\n') {
        last = (await door.send(asker.openid, { type: 'text', content: '积分', attempts: 1 })).reply
        if (/可用：/.test(last ?? '')) return
      }
      await sleep(POLL_MS)
    } while (left() > 0)
    assert.fail(`${one.name} is not well ${seconds} s after the last fault: ${last}`)
  }))
  return Date.now() - started
}
