// What the people were told against what the database holds. Each check returns what is wrong, as lines to read.
import { sql } from '../e2e/system.mjs'
import { DONE, NOTHING } from './model.mjs'

const count = (acts, outcome) => acts.filter((act) => (outcome === DONE) === (act.outcome === DONE) && act.outcome !== NOTHING).length
const grouped = (list, key) => list.reduce((groups, one) => groups.set(key(one), [...groups.get(key(one)) ?? [], one]), new Map())

// So many are there as were said to be done, or as many more as nobody has said anything of; none that nobody asked for.
function compare(what, acts, found) {
  const wrong = []
  for (const [key, of] of acts) {
    const there = found.get(key)?.length ?? 0
    const done = count(of, DONE)
    if (there < done || there > done + count(of)) wrong.push(`${what} ${key}: ${there} times, after ${of.map((act) => act.outcome).join(', ')}`)
  }
  for (const [key, rows] of found) if (!acts.has(key)) wrong.push(`${what} ${key}: ${rows.length} times, but nobody asked for it`)
  return wrong
}

// Declared once or not at all, under the number that was answered, for the member who asked.
export function declarations(model) {
  const rows = sql(`select no, member_id, substring(words from '^故障${model.seed}员\\d+第\\d+件') from gulou.declaration
    where account_id = 'demo' and words like '故障${model.seed}员%'`).map(([no, member, words]) => ({ no: Number(no), member: Number(member), words }))
  const declared = model.acts.filter(({ what }) => what === 'declare')
  const found = grouped(rows, (row) => row.words)
  const wrong = compare('declaration', grouped(declared, (act) => act.words), found)
  for (const act of declared.filter(({ outcome }) => outcome === DONE)) {
    const row = found.get(act.words)?.[0]
    if (row && (row.no !== act.told || row.member !== act.by)) wrong.push(`declaration ${act.words}: ${row.no} of ${row.member}, answered ${act.told} to ${act.by}`)
  }
  return wrong
}

const ending = (to) => to.replace('rejected_final', 'rejected')
const eventKey = ({ no, to, by }) => `${no} ${ending(to)} by ${by}`

// Every change of a declaration's state: once for each that was answered, by whoever asked, with their words.
export function states(model) {
  const rows = sql(`select e.no, e.to_status, e.actor_id, e.reason from gulou.declaration_event e join gulou.declaration d using (account_id, no)
    where account_id = 'demo' and d.words like '故障${model.seed}员%' and e.seq > 1 and e.to_status <> 'in_review'`)
    .map(([no, to, by, reason]) => ({ no: Number(no), to, by: Number(by), reason }))
  const acts = model.acts.filter(({ what }) => what === 'event')
  const wrong = compare('event', grouped(acts, eventKey), grouped(rows, eventKey))
  const reasons = grouped(rows, (row) => row.reason)
  for (const act of acts.filter(({ outcome, words, to }) => outcome === DONE && words && to !== 'submitted')) {
    if (reasons.get(act.words)?.length !== 1) wrong.push(`event ${eventKey(act)}: ${reasons.get(act.words)?.length ?? 0} times with its words`)
  }
  return wrong
}

// The points that a reviewer was told are those that were counted and booked, by this reviewer, once.
export function points(model) {
  const rows = new Map(sql(`select d.no, d.counted, d.reviewer_id, count(tx.seq), coalesce(sum(tx.pending), 0) from gulou.declaration d
    left join gulou.ledger_tx tx on tx.account_id = d.account_id and tx.kind = 'AWARD_PENDING' and tx.source_type = 'declaration' and tx.source_id = d.no::text
    where d.account_id = 'demo' and d.words like '故障${model.seed}员%' group by d.account_id, d.no`).map(([no, ...rest]) => [Number(no), rest.map(Number)]))
  return model.acts.filter(({ to, outcome }) => to === 'approved' && outcome === DONE).flatMap((act) => {
    const is = rows.get(act.no)
    const right = [act.told, act.by, act.told > 0 ? 1 : 0, act.told]
    return String(is) === String(right) ? [] : [`points of ${act.no}: counted, by, bookings, booked ${is}; answered ${right}`]
  })
}

// What two administrators did together.
export function requests(model) {
  const rows = sql(`select request_no, asker_id, status, coalesce(decider_id, 0), coalesce(words, ''), coalesce(details ->> 'words', '') from gulou.second_person_request
    where account_id = 'demo' and asker_id in (${model.administrators.map(({ member }) => member)})`)
    .map(([request, by, to, decider, words, asked]) => ({ request: Number(request), by: Number(by), to, decider: Number(decider), words, asked }))
  const askKey = ({ words, asked, by }) => `${asked ?? words ?? ''} by ${by}`
  const asked = model.acts.filter(({ what }) => what === 'ask')
  const wrong = compare('request', grouped(asked, askKey), grouped(rows, askKey))
  const decideKey = ({ request, to, decider, by }) => `${request} ${to} by ${decider ?? by}`
  wrong.push(...compare('decision', grouped(model.acts.filter(({ what }) => what === 'decide'), decideKey), grouped(rows.filter(({ to }) => to !== 'waiting'), decideKey)))
  return wrong
}

export const everything = (model) => [...declarations(model), ...states(model), ...points(model), ...requests(model), ...model.surprises]
