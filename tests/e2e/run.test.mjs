// scripts/run refuses what cannot work before it begins, and stops what it started when something fails.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { program, ready, server, state } from './system.mjs'

const script = fileURLToPath(new URL('../../scripts/run', import.meta.url))
const PORT = Number(new URL(server ?? 'http://localhost:1').port) + 140 // nothing of the system's

// {status, out, error}
const run = (args, environment = {}) => new Promise((resolve) => {
  const child = spawn(script, args, { env: { ...process.env, GULOU_BUILD: dirname(program), ...environment } })
  let out = '', error = ''
  child.stdout.on('data', (text) => { out += text })
  child.stderr.on('data', (text) => { error += text })
  child.on('close', (status) => resolve({ status, out, error }))
})

// The processes that somebody started with words of theirs holding this text.
const processesOf = (text) => readdirSync('/proc').filter((name) => {
  try { return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text) } catch { return false }
})

let folder
before(() => { folder = mkdtempSync(`${tmpdir()}/gulou-run-`) })
after(() => rmSync(folder, { recursive: true, force: true }))

test('a port of another system: it is named, and nothing is begun', async () => {
  // One that says ready, as another Gulou would.
  const other = http.createServer((request, response) => response.end('ready\n'))
  await new Promise((resolve) => other.listen(PORT + 1, '127.0.0.1', resolve))
  try {
    const asServer = await run(['--detach', '--state', `${folder}/a`, '--port', PORT, '--simulator-port', PORT + 3])
    assert.deepEqual([asServer.status, asServer.out], [1, ''])
    assert.equal(asServer.error, `run: port ${PORT + 1} is taken by another program; choose others with --port and --simulator-port (the server has --port and the one after it)\n`)
    const asSimulator = await run(['--detach', '--state', `${folder}/a`, '--port', PORT + 3, '--simulator-port', PORT + 1])
    assert.equal(asSimulator.status, 1)
    assert.match(asSimulator.error, new RegExp(`^run: port ${PORT + 1} is taken`))
    assert.equal(existsSync(`${folder}/a`), false)
  } finally {
    other.close()
  }
})

test('a name of the environment that means nothing is named with those that do', async () => {
  for (const name of ['GULOU_FUZZ_SECOND', 'GULOU_SERVER_WORKRES', 'GULOU_']) {
    const { error } = await run(['--stop', '--state', `${folder}/none`], { [name]: '' }) // it goes on: a secret may be called so
    assert.match(error, new RegExp(`^run: the environment's ${name} means nothing here; known are .*GULOU_FUZZ_SECONDS .*GULOU_SERVER_WORKERS .*GULOU_ACCOUNT_\\*\nrun: nothing was started`))
  }
  // Whatever is read is known.
  const read = execFileSync('git', ['grep', '-hoE', String.raw`(process\.env\.|getenv\("|\$\{?|export )GULOU_[A-Z0-9_]+`], { cwd: dirname(dirname(script)), encoding: 'utf8' })
  const names = Object.fromEntries(read.match(/GULOU_\w+/g).map((name) => [name, '']))
  assert.ok(names.GULOU_FAULTS_SEED === '' && names.GULOU_STARVED_TRIES === '')
  assert.deepEqual(await run(['--stop', '--state', `${folder}/none`], { ...names, GULOU_ACCOUNT_DEMO_TOKEN: 'x' }),
    { status: 1, out: '', error: `run: nothing was started with ${folder}/none: there is no such folder\n` })
})

test('the simulator cannot have a port of the server', async () => {
  const { status, error } = await run(['--detach', '--state', `${folder}/a`, '--port', PORT, '--simulator-port', PORT + 1])
  assert.equal(status, 1)
  assert.match(error, new RegExp(`another --simulator-port than ${PORT + 1}`))
})

test('a start that fails stops what it had started', async () => {
  const { status, error } = await run(['--detach', '--state', `${folder}/b`, '--port', PORT, '--simulator-port', PORT + 3], { GULOU_SERVER_WORKERS: 'many' })
  assert.equal(status, 1)
  assert.match(error, /GULOU_SERVER_WORKERS: must be an integer\n.*the migration failed/)
  assert.deepEqual(processesOf(`${folder}/b`), [])
  assert.deepEqual(readdirSync(`${folder}/b/run`), [])
})

test('whoever stops what never was started is told, and no folder is made', async () => {
  for (const action of ['--stop', '--reset']) {
    const { status, error } = await run([action, '--state', `${folder}/nonexistent`])
    assert.deepEqual([status, error], [1, `run: nothing was started with ${folder}/nonexistent: there is no such folder\n`])
    assert.equal(existsSync(`${folder}/nonexistent`), false)
  }
})

test('a running system is not moved to another port: it is said where it runs, and remembered', async () => {
  const kept = readFileSync(`${state}/ports`, 'utf8')
  const { status, out, error } = await run(['--detach', '--state', state, '--port', PORT])
  assert.deepEqual([status, out], [1, ''])
  assert.match(error, new RegExp(`^run: already running with this state folder, the server on port ${new URL(server).port} .*--stop first`))
  assert.equal(readFileSync(`${state}/ports`, 'utf8'), kept)
  await ready()
  const again = await run(['--detach', '--state', state])
  assert.equal(again.status, 0, again.error)
  assert.match(again.out, new RegExp(`${server}/demo/`))
})
