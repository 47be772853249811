// The restore drill: a backup under load, restored into an empty database, is the same books and gives the same answers;
// a file that is not exactly what was written restores nothing.
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { crowd } from './people.mjs'
import { config, databaseUrl, lock, platformTo, program, secondServer, server, sql, until } from './system.mjs'

const [PEOPLE, ASKED] = [6, 3]
const folder = mkdtempSync(`${tmpdir()}/gulou-backup-`)
const file = `${folder}/gulou.age`
const databases = []
const platform = platformTo(server)
const members = crowd(PEOPLE)
let last = BigInt(Date.now()) << 12n
const say = async (person, words, to = platform) =>
  (await to.send(person.openid, { type: 'text', content: words, msgId: String(++last), createTime: Math.floor(Date.now() / 1000), attempts: 3 })).reply ?? ''

// {status, out, error}; `environment` may name another database.
function run(args, environment = {}) {
  const done = spawnSync(program, [...args, '--config', config], { encoding: 'utf8', env: { ...process.env, ...environment } })
  return { status: done.status, out: done.stdout, error: done.stderr }
}

function emptyDatabase(how = '') {
  const name = `restored_${databases.length}_${process.pid}`
  sql(`create database ${name} ${how}`)
  databases.push(name)
  return { name, environment: { GULOU_POSTGRES_URL: databaseUrl().replace('/gulou?', `/${name}?`) } }
}

const ask = (environment, query) => execFileSync('/usr/lib/postgresql/15/bin/psql', [environment.GULOU_POSTGRES_URL, '-XAtc', query], { encoding: 'utf8' }).trim()
const schemasOf = (environment) => ask(environment, "select count(*) from pg_namespace where nspname in ('gulou', 'api')")

before(async () => {
  await Promise.all(members.map((person, i) => say(person, `申报 40 1 备份之前${i}`)))
  // Declarations go on while the backup is made; by those who are not asked for theirs below, for it holds one moment of them.
  let going = true
  const load = Promise.all(members.map(async (person, at) => {
    for (let i = 0; going; i++) await say(person, at >= ASKED && i === 0 ? '申报 40 1 备份之中' : '积分')
  }))
  const made = await promisify(execFile)(program, ['backup', '--output', file, '--config', config])
  going = false
  await load
  assert.match(made.stdout, /account demo: \d+ chains, root [0-9a-f]{64}/)
})

after(() => {
  for (const name of databases) sql(`drop database if exists ${name} with (force)`)
  rmSync(folder, { recursive: true, force: true })
})

test('a restored backup passes the audit, a server starts on it and gives the same answers', async () => {
  const { environment } = emptyDatabase()
  const restored = run(['restore', file], environment)
  assert.equal(restored.status, 0, restored.error)
  assert.match(restored.out, /audit: everything verifies/)
  const settings = "select setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where setrole = 0 and datname = current_database()"
  assert.deepEqual(ask(environment, settings), ask({ GULOU_POSTGRES_URL: databaseUrl() }, settings))
  const port = Number(new URL(server).port) + 120
  const second = await secondServer(port, config, { ...environment, GULOU_REDIS_URL: '' })
  try {
    const other = platformTo(second.address)
    for (const person of members.slice(0, ASKED)) {
      for (const words of ['我的申报', '积分', '明细']) assert.equal(await say(person, words, other), await say(person, words), words)
    }
    assert.match(await say(members[0], '申报 40 1 恢复之后', other), /编号/)
  } finally {
    await second.stop()
  }
})

test('the file is readable by its maker only, says nothing in clear, and tells the database that it was made', () => {
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const bytes = readFileSync(file)
  for (const word of ['gulou.ledger_tx', '钟鼓楼', 'PGDMP']) assert.ok(!bytes.includes(word), word)
  assert.deepEqual(sql("select count(*) > 0 from gulou.backup where taken_at > now() - interval '5 minutes'"), [['t']])
  const again = run(['backup', '--output', file])
  assert.equal(again.status, 1)
  assert.match(again.error, /gulou\.age: exists already/)
})

test('what a killed backup left is begun anew; what another one is writing is left alone', async () => {
  const [path, partial] = [`${folder}/again.age`, `${folder}/again.age.partial`]
  writeFileSync(partial, 'half a backup, longer than nothing', { mode: 0o644 })
  const writing = spawn('flock', [partial, '-c', 'echo locked; read wait'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(writing.stdout, 'data')
  const refused = run(['backup', '--output', path])
  assert.equal(refused.status, 1)
  assert.match(refused.error, /again\.age\.partial: another backup is writing this file now/)
  assert.equal(readFileSync(partial, 'utf8'), 'half a backup, longer than nothing')
  writing.stdin.end('\n')
  await once(writing, 'close')
  const done = run(['backup', '--output', path])
  assert.equal(done.status, 0, done.error)
  assert.deepEqual([existsSync(partial), statSync(path).mode & 0o777], [false, 0o600])
  assert.equal(run(['restore', path], emptyDatabase().environment).status, 0)
})

test('what merely has the name of an interrupted backup is not written over', () => {
  const [path, theirs] = [`${folder}/linked.age`, `${folder}/theirs`]
  writeFileSync(theirs, 'something else')
  linkSync(theirs, `${path}.partial`)
  const { status, error } = run(['backup', '--output', path])
  assert.equal(status, 1)
  assert.match(error, /linked\.age\.partial: was left by an earlier backup that was interrupted; delete this file/)
  assert.equal(readFileSync(theirs, 'utf8'), 'something else')
})

for (const [what, spoil] of [
  ['a flipped bit', (path) => { const bytes = readFileSync(path); bytes[bytes.length - 5000] ^= 1; writeFileSync(path, bytes) }],
  ['a cut-off end', (path) => truncateSync(path, statSync(path).size - 1)],
  ['a lost last chunk', (path) => truncateSync(path, statSync(path).size - (statSync(path).size - 200) % 65552 - 100)],
  ['an empty file', (path) => truncateSync(path, 0)],
  ['a file of something else', (path) => writeFileSync(path, 'PGDMP not ours')]
]) {
  test(`${what} is refused by name before anything is restored`, () => {
    const { environment } = emptyDatabase()
    const spoilt = `${folder}/spoilt.age`
    writeFileSync(spoilt, readFileSync(file))
    spoil(spoilt)
    const { status, error } = run(['restore', spoilt], environment)
    assert.equal(status, 1)
    assert.match(error, /^gulou: \S*spoilt\.age: refused, nothing was restored: [^\n]*\n$/)
    assert.equal(schemasOf(environment), '0')
  })
}

test('what is no file on a disk is refused by name, and nobody waits at a pipe', () => {
  const pipe = `${folder}/pipe`
  execFileSync('mkfifo', [pipe])
  for (const path of [folder, pipe, '/dev/zero']) {
    const { status, error } = run(['restore', path], { GULOU_POSTGRES_OPERATOR_URL: 'postgresql:///gulou?host=/nowhere' })
    assert.equal(status, 1)
    assert.equal(error, `gulou: ${path}: is a folder, a pipe or a device, nothing was restored; right is a file that gulou backup wrote, on a disk, for it is read twice\n`)
  }
})

test('another key is refused before anything is restored', () => {
  const { environment } = emptyDatabase()
  execFileSync('age-keygen', ['-o', `${folder}/other.key`], { stdio: 'pipe' })
  const { status, error } = run(['restore', file, '--key', `${folder}/other.key`], environment)
  assert.equal(status, 1)
  assert.match(error, /refused, nothing was restored: \S*other\.key is another key than it was written for; right is the file of age-keygen/)
  assert.equal(schemasOf(environment), '0')
})

for (const [what, key] of [['no file', 'none.key'], ['no key', 'words.key'], ['a folder', '.']])
  test(`a key that is ${what} is named before the database is looked at`, () => {
    writeFileSync(`${folder}/words.key`, 'not a key')
    const nowhere = { GULOU_POSTGRES_OPERATOR_URL: 'postgresql:///gulou?host=/nowhere' }
    for (const given of [run(['restore', file, '--key', `${folder}/${key}`], nowhere), run(['restore', file], { ...nowhere, GULOU_BACKUP_KEY: `file:${folder}/${key}` })]) {
      assert.equal(given.status, 1)
      assert.ok(given.error.startsWith(`gulou: ${folder}/${key}: cannot be used as a key, nothing was restored; right is the file of age-keygen`), given.error)
    }
  })

test('a database that holds something is left alone', () => {
  const another = 'make an empty one and let GULOU_POSTGRES_URL (GULOU_POSTGRES_OPERATOR_URL where [postgres] operator_url is set) point to it\n'
  const { status, error } = run(['restore', file])
  assert.equal(status, 1)
  assert.equal(error, `gulou: database gulou is not empty (schema api); this file was made of it, and it may be in use: leave it; ${another}`)
  const { name, environment } = emptyDatabase()
  execFileSync('/usr/lib/postgresql/15/bin/psql', [environment.GULOU_POSTGRES_URL, '-qc', 'create table public.theirs (n int)'])
  const refused = run(['restore', file], environment)
  assert.equal(refused.error, `gulou: database ${name} is not empty (table theirs); ${another}`)
  const other = emptyDatabase()
  assert.equal(run(['migrate'], other.environment).status, 0)
  assert.equal(run(['restore', file], other.environment).error,
    `gulou: database ${other.name} is not empty (schema api); it holds a Gulou with other books than this file, and may be in use: leave it; ${another}`)
})

test('a restore that is killed fills nothing behind its operator\'s back, and can be begun again', async () => {
  const { name, environment } = emptyDatabase()
  const filling = () => sql(`select count(*) from pg_stat_activity where datname = '${name}' and application_name = 'pg_restore'`)[0][0]
  const held = await lock('lock table pg_namespace in share mode', environment.GULOU_POSTGRES_URL) // it gets no further than the first schema
  const restore = spawn(program, ['restore', file, '--config', config], { env: { ...process.env, ...environment }, stdio: 'ignore' })
  await until(async () => filling() === '1', 30, 'pg_restore has begun')
  restore.kill('SIGKILL')
  await once(restore, 'close')
  await held.release()
  await until(async () => filling() === '0', 30, 'pg_restore is gone')
  assert.equal(schemasOf(environment), '0')
  assert.equal(run(['restore', file], environment).status, 0)
})

test('after a restore that was killed before its audit, the next one says what is there and what to do', async () => {
  const { name, environment } = emptyDatabase()
  const held = await lock('lock table pg_db_role_setting in share mode', environment.GULOU_POSTGRES_URL) // everything is there by then
  const restore = spawn(program, ['restore', file, '--config', config], { env: { ...process.env, ...environment }, stdio: 'ignore' })
  await until(async () => sql(`select count(*) from pg_stat_activity where datname = '${name}' and wait_event_type = 'Lock'`)[0][0] === '1', 60, 'the settings wait')
  restore.kill('SIGKILL')
  await once(restore, 'close')
  await held.release()
  const { status, error } = run(['restore', file], environment)
  assert.equal(status, 1)
  assert.equal(error, `gulou: database ${name} is not empty (schema api); it holds the books of this file: an earlier restore filled it and may have been interrupted ` +
    'before its settings and its audit; if no server has used it since, drop it, make it anew and restore again; gulou audit says whether its books are whole\n')
  assert.equal(run(['audit'], environment).status, 0)
  sql(`drop database ${name} with (force)`)
  sql(`create database ${name}`)
  assert.equal(run(['restore', file], environment).status, 0)
})

test('a database that is not UTF-8 is refused by name, and stays empty', () => {
  const { name, environment } = emptyDatabase("encoding 'SQL_ASCII' locale 'C' template template0")
  for (const args of [['restore', file], ['migrate']]) {
    const { status, error } = run(args, environment)
    assert.equal(status, 1)
    assert.match(error, new RegExp(`database ${name} has the encoding SQL_ASCII, .*nothing was changed.*createdb --encoding UTF8`))
    assert.equal(schemasOf(environment), '0')
  }
})

test('on a database without a schema every command says to run gulou migrate', () => {
  const { environment } = emptyDatabase()
  const units = `${folder}/units.csv`
  writeFileSync(units, '单位\n甲\n')
  for (const args of [['audit'], ['backup', '--output', `${folder}/none.age`], ['import', 'units', units], ['export', 'ledger'], ['rekey'],
    ['migrate', '--to', '0050'], ['erase', '--member', '1']]) {
    const { status, error } = run(args, { ...environment, GULOU_POSTGRES_OPERATOR_URL: environment.GULOU_POSTGRES_URL })
    assert.equal(status, 1, args.join(' '))
    assert.match(error, /^gulou: [^\n]+SQLSTATE [^\n]+; run gulou migrate[^\n]*\n$/, args.join(' '))
  }
})

test('a full disk leaves no file that looks like a backup', (t) => {
  const small = `${folder}/small`
  mkdirSync(small)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]).status !== 0) return t.skip('this machine lets nobody mount')
  try {
    const { status, error } = run(['backup', '--output', `${small}/gulou.age`])
    assert.equal(status, 1)
    assert.match(error, /gulou\.age: .*no space left/i)
    assert.deepEqual([existsSync(`${small}/gulou.age`), existsSync(`${small}/gulou.age.partial`)], [false, false])
  } finally {
    spawnSync('umount', [small])
  }
})

test('without PostgreSQL, a key or a name there is one clear line', () => {
  const lost = run(['backup', '--output', `${folder}/lost.age`], { GULOU_POSTGRES_URL: 'postgresql:///gulou?host=/nowhere' })
  assert.deepEqual([lost.status, lost.error.trim().split('\n').length, existsSync(`${folder}/lost.age`)], [1, 1, false])
  for (const args of [['backup'], ['restore'], ['migrate', '--to', '0050', '--demo']]) assert.equal(run(args).status, 2)
  assert.equal(run(['backup', '--output', `${folder}/x.age`], { GULOU_BACKUP_KEY: '' }).status, 2)
})
