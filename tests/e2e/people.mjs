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
