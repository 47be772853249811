// People of a test's own, who get in no other test's way.
import { randomBytes } from 'node:crypto'
import { sql } from './system.mjs'

// The invite code of a new member in a new unit; role: reviewer, administrator or none.
export function invite(role) {
  const code = randomBytes(6).toString('hex').toUpperCase()
  sql(`
    with org as (insert into gulou.org
           select 'demo', max(org_id) + 1, '测试单位${code}', 'reporting_unit' from gulou.org where account_id = 'demo' returning org_id),
         member as (insert into gulou.member
           select 'demo', max(member_id) + 1, '测试${code.slice(0, 2)}员', 'invited' from gulou.member where account_id = 'demo' returning member_id),
         unit as (insert into gulou.member_org (account_id, member_id, org_id) select 'demo', member_id, org_id from org, member),
         role as (insert into gulou.member_role select 'demo', member_id, '${role}' from member where '${role ?? ''}' <> '')
    insert into gulou.invite select 'demo', gulou.code_hash('demo', '${code}'), member_id from member`)
  return code
}

// So many new members who are bound already: [{member, openid}]. They have said nothing yet.
export function crowd(count) {
  const prefix = `oCrowd${randomBytes(6).toString('hex')}`
  sql(`
    with latest as (select (select max(org_id) from gulou.org where account_id = 'demo') as org, (select max(member_id) from gulou.member where account_id = 'demo') as member),
         org as (insert into gulou.org select 'demo', org + 1, '测试单位${prefix}', 'reporting_unit' from latest returning org_id),
         member as (insert into gulou.member select 'demo', member + n, '测试' || n || '员', 'active' from latest, generate_series(1, ${count}) as n returning member_id),
         unit as (insert into gulou.member_org (account_id, member_id, org_id) select 'demo', member_id, org_id from org, member),
         balance as (insert into gulou.balance (account_id, member_id) select 'demo', member_id from member)
    insert into gulou.binding select 'demo', '${prefix}' || lpad(member_id::text, 8, '0'), member_id, now() from member`)
  return sql(`select member_id, openid from gulou.binding where account_id = 'demo' and openid like '${prefix}%' order by 1`)
    .map(([member, openid]) => ({ member: Number(member), openid }))
}
