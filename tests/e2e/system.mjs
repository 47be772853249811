// The parts of a running system, for tests that break them: stopped by the ids that scripts/run wrote down, started
// again by it; and its database, spoken to directly. Such tests run alone, because everything else would notice.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { accountsFromToml } from '../simulator/accounts.mjs'
import { Platform } from '../simulator/platform.mjs'

export const { GULOU_E2E_SERVER: server, GULOU_E2E_OPS: ops, GULOU_E2E_STATE: state, GULOU_E2E_BIN: program } = process.env
const script = fileURLToPath(new URL('../../scripts/run', import.meta.url))
export const config = `${state}/config.toml`
const psql = '/usr/lib/postgresql/15/bin/psql'
const LOCK_SECONDS = 40 // then the database ends a lock that a broken test has left

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
export const pidOf = (name) => Number(readFileSync(`${state}/run/${name}.pid`, 'utf8').split(' ')[0])
export const startAgain = () => execFileSync(script, ['--detach', '--state', state], { env: { ...process.env, GULOU_BUILD: program.replace(/\/gulou$/, '') }, stdio: 'pipe' })
export const readyz = async (address = ops) => (await fetch(`${address}/readyz`)).text()
export const gulou = (...args) => execFileSync(program, [...args, '--config', config], { encoding: 'utf8', stdio: 'pipe' })

export async function until(condition, seconds, what) {
  for (let i = 0; i < seconds * 10; i++) {
    if (await condition().catch(() => false)) return
    await sleep(100)
  }
  assert.fail(`${what} within ${seconds} s`)
}

export const ready = (address = ops) => until(async () => /^ready/.test(await readyz(address)), 15, 'ready again')

async function ended(pid, what) {
  await until(async () => { try { process.kill(pid, 0); return false } catch { return true } }, 15, `${what} ends`)
}

export async function stop(name, signal) {
  const pid = pidOf(name)
  process.kill(pid, signal)
  await ended(pid, name)
}

// ---- the database

export const databaseUrl = () => /^\[postgres\][^[]*?^url\s*=\s*"([^"]+)"/ms.exec(readFileSync(config, 'utf8'))[1]

// Rows as lists of texts.
export function sql(query, url = databaseUrl()) {
  const rows = execFileSync(psql, [url, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', query], { encoding: 'utf8', maxBuffer: 64 << 20 })
  return rows.split('\n').filter((row) => row !== '').map((row) => row.split('|'))
}

const locks = new Set()

// Holds what the statement locks until release(); lives no longer than LOCK_SECONDS in any case.
export async function lock(statement, url = databaseUrl()) {
  const child = spawn(psql, [url, '-XAtq', '-v', 'ON_ERROR_STOP=1'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = new Promise((resolve) => child.on('close', resolve))
  const locked = new Promise((resolve, reject) => {
    child.stdout.on('data', (text) => /locked/.test(text) && resolve())
    child.on('close', () => reject(new Error(`no lock: ${statement}`)))
  })
  child.stdin.write(`set idle_in_transaction_session_timeout = '${LOCK_SECONDS}s'; begin; ${statement};\n\\echo locked\n`)
  await locked
  const held = { release() { locks.delete(held); child.stdin.end('commit;\n'); return closed } }
  locks.add(held)
  return held
}

export const releaseAll = () => Promise.all([...locks].map((held) => held.release()))

export const lockMember = (member) => lock(`select from gulou.balance where account_id = 'demo' and member_id = ${member} for update`)

// Demo members bound to persons of ours without their invite codes, as often as a test is run: [{member, openid}].
export function bindMembers(first, count, prefix) {
  const members = `member_id between ${first} and ${first + count - 1}`
  const person = `'${prefix}' || lpad(member_id::text, 20, '0')`
  sql(`update gulou.binding set ended_at = now() where account_id = 'demo' and ended_at is null and ${members};
    insert into gulou.balance (account_id, member_id) select 'demo', member_id from gulou.member where account_id = 'demo' and ${members} on conflict do nothing;
    insert into gulou.binding select 'demo', ${person}, member_id, now() from gulou.member where account_id = 'demo' and ${members};
    update gulou.member set status = 'active' where account_id = 'demo' and ${members}`)
  return sql(`select member_id, ${person} from gulou.member where account_id = 'demo' and ${members} order by 1`)
    .map(([member, openid]) => ({ member: Number(member), openid }))
}

export const makeReviewers = (people) => sql(`insert into gulou.member_role select 'demo', member_id, 'reviewer'
  from unnest(array[${people.map((one) => one.member)}]) as member_id on conflict do nothing`)

// ---- the platform, in this process: for hundreds of pushes, and for a server of one's own

export const platformTo = (address, options = {}) => new Platform({ account: accountsFromToml(config)[0], server: address, ...options })

// One more server on the same stores, with another configuration or environment if need be; stop() ends it.
export async function secondServer(port, file = config, environment = {}, binary = program) {
  const address = `http://127.0.0.1:${port}`
  const child = spawn(binary, ['serve', '--config', file], {
    env: { ...process.env, GULOU_SERVER_LISTEN: `127.0.0.1:${port}`, GULOU_SERVER_OPS_LISTEN: `127.0.0.1:${port + 1}`, ...environment }, stdio: environment.GULOU_TEST_LOG ? ['ignore', 'ignore', openSync(environment.GULOU_TEST_LOG, 'a')] : 'ignore'
  })
  await ready(`http://127.0.0.1:${port + 1}`).catch((error) => { child.kill('SIGKILL'); throw error })
  return { address, child, stop(signal = 'SIGTERM') { child.kill(signal); return ended(child.pid, 'the second server') } }
}

// For configWith(): news of an approval goes out as a template message.
export const APPROVED_TEMPLATE = `
[[template]]
account = "demo"
notification = "approved"
id = "TEMPLATE_APPROVED"
fields = "character_string1=no, thing2=item, phrase3=result"
`

// The configuration with something added, and what `without` matches left out, in a file of its own.
export function configWith(text, without = '') {
  const file = `${state}/with-${randomBytes(4).toString('hex')}.toml`
  writeFileSync(file, readFileSync(config, 'utf8').replace(without, '') + text)
  return file
}
