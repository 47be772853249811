// What a test needs of the database itself: people of its own, who get in no other test's way.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)

function address() {
  const config = readFileSync(`${process.env.GULOU_E2E_STATE}/config.toml`, 'utf8')
  return process.env.GULOU_E2E_DATABASE ?? /^url = "(postgresql:[^"]+)"/m.exec(config)[1]
}

// The rows' first column, one a line.
export async function sql(text) {
  const { stdout } = await run('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', address(), '-c', text])
  return stdout.trim()
}

// The invite code of a new member in a new unit; role: reviewer, administrator or none.
export async function invite(role) {
  const code = randomBytes(6).toString('hex').toUpperCase()
  await sql(`
    with org as (insert into gulou.org
           select 'demo', max(org_id) + 1, '测试单位${code}', 'reporting_unit' from gulou.org where account_id = 'demo' returning org_id),
         member as (insert into gulou.member
           select 'demo', max(member_id) + 1, '测试${code.slice(0, 2)}员', 'invited' from gulou.member where account_id = 'demo' returning member_id),
         unit as (insert into gulou.member_org (account_id, member_id, org_id) select 'demo', member_id, org_id from org, member),
         role as (insert into gulou.member_role select 'demo', member_id, '${role}' from member where '${role ?? ''}' <> '')
    insert into gulou.invite select 'demo', gulou.code_hash('demo', '${code}'), member_id from member`)
  return code
}
