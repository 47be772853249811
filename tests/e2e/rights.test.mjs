// What the server's own login could do if somebody made it speak SQL of theirs: call functions, and nothing else.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { databaseUrl, sql, state } from './system.mjs'

const LOGIN = 'gulou_server' // scripts/run makes it

function asServer(query) {
  const url = databaseUrl().replace(/user=[^&]*/, `user=${LOGIN}`)
  const { status, stdout, stderr } = spawnSync('/usr/lib/postgresql/15/bin/psql', [url, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', query], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : `refused: ${stderr.trim()}`
}

describe('the server\'s login', { skip: !state && 'GULOU_E2E_STATE is not set' }, () => {
  test('is the one that the running server uses', () => {
    const [[count]] = sql(`select count(*) from pg_stat_activity where usename = '${LOGIN}' and application_name <> 'psql'`)
    assert.ok(Number(count) > 0)
  })

  test('calls the functions that messages need', () => {
    assert.match(asServer("select api.who('demo', 'oNobody')"), /guest/)
    assert.match(asServer('select api.login_rights()'), /"more_than_needed": false/)
  })

  for (const query of ['set role gulou_owner', 'set role gulou', 'set session authorization gulou', 'select * from gulou.member', 'select gulou.now_()',
    "select api.set_clock('2030-01-01')", "select api.member_export('demo', 1, 'because', 'me')", "select api.erase_member('demo', 1, true, 'me')",
    'create table public.mine (n int)', 'create temp table mine (n int)', 'create schema mine', "copy (select 1) to program 'true'",
    "select pg_read_file('/etc/passwd')", 'select lo_create(0)', 'alter role gulou_server superuser', 'drop table gulou.member',
    'set session_replication_role = replica', "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gulou'"]) {
    test(`is refused: ${query}`, () => assert.match(asServer(query), /^refused:.*(permission denied|must be|cannot)/s))
  }

  test('does not see what others are asking', () => {
    assert.equal(asServer("select count(*) from pg_stat_activity where usename <> session_user and query not in ('', '<insufficient privilege>')"), '0')
  })

  test('INV-06: the owner of the tables cannot rewrite history either', async () => {
    assert.match(await new Client().person().say(`绑定 ${invite('')}`), /绑定成功/)
    for (const act of ['update gulou.ledger_tx set reason = null', 'delete from gulou.ledger_tx', 'truncate gulou.ledger_tx cascade', 'update gulou.consent set given = null']) {
      assert.throws(() => sql(`begin; set local role gulou_owner; ${act}; rollback`), /insert-only/, act)
    }
  })
})
