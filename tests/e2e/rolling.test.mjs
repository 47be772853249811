// A rolling upgrade behind the nginx of scripts/package: TLS, two instances, pushes at a steady rate while both are ended
// and replaced one after the other, the schema's functions renewed in between. Every message is answered, once.
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { crowd } from './people.mjs'
import { config, gulou, platformTo, program, secondServer, server, sleep, sql, until } from './system.mjs'

const ROUNDS = 3
const PUSHES_PER_SECOND = 50
const folder = mkdtempSync(`${tmpdir()}/gulou-rolling-`)
const base = Number(new URL(server).port) + 110
const [front, plain, one, two] = [base, base + 1, base + 2, base + 4] // an instance's operator port follows its own
const run = `滚动${Date.now()}`
const instances = []
let nginx, platform

// scripts/package/nginx-gulou.conf as it is, but for ports, certificate and what only root may.
function nginxConfiguration() {
  const site = readFileSync(new URL('../../scripts/package/nginx-gulou.conf', import.meta.url), 'utf8')
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${one}`).replaceAll('127.0.0.1:8181', `127.0.0.1:${two}`)
    .replaceAll('listen 443', `listen 127.0.0.1:${front}`).replaceAll('listen 80;', `listen 127.0.0.1:${plain};`)
    .replaceAll(/^ *listen \[::\].*$/gm, '').replaceAll('your.host;', 'localhost;')
    .replaceAll(/\/etc\/letsencrypt\/live\/your\.host\/(fullchain|privkey)\.pem/g, `${folder}/$1.pem`)
  return `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 512; }
http { access_log ${folder}/access.log; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
${site} }`
}

const get = (path, headers = {}, port = front) => new Promise((resolve, reject) => {
  https.get({ host: '127.0.0.1', port, path, headers, agent: false, rejectUnauthorized: false }, (response) => {
    let body = ''
    response.on('data', (part) => { body += part })
    response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
  }).on('error', reject)
})

const start = (port) => secondServer(port, config, { GULOU_SERVER_TRUSTED_PROXY: '127.0.0.1', GULOU_SERVER_PUBLIC_URL: `https://localhost:${front}` })

before(async () => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', `${folder}/privkey.pem`, '-out', `${folder}/fullchain.pem`], { stdio: 'pipe' })
  writeFileSync(`${folder}/nginx.conf`, nginxConfiguration())
  for (const port of [one, two]) instances.push(await start(port))
  nginx = spawn('nginx', ['-p', folder, '-c', `${folder}/nginx.conf`], { stdio: ['ignore', 'ignore', 'inherit'] })
  await until(async () => (await get('/demo/')).status === 200, 10, 'nginx answers')
  platform = platformTo(`https://localhost:${front}`, { ca: readFileSync(`${folder}/fullchain.pem`) })
})

after(async () => {
  nginx?.kill('SIGQUIT')
  for (const instance of instances) await instance.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function push(person, words) {
  const { reply, attempts } = await platform.send(person.openid, { type: 'text', content: `申报 40 1 ${words}`, msgId: String(BigInt(Date.now()) << 20n | BigInt(Math.floor(Math.random() * 1e6))), createTime: Math.floor(Date.now() / 1000), attempts: 3 })
  return { words, no: Number(reply?.match(/编号：(\d+)/)?.[1]), attempts }
}

// Attempts that were answered with an error, or not at all although there was time; a slow machine's are left alone.
const turnedAway = ({ attempts }) => attempts.map(({ status, error }) => status ?? error).filter((what) => what !== 200 && what !== 'timeout')

test('who asks for a reload keeps a server that serves, and reads in its log that it was not done', async () => {
  const log = `${folder}/reload.log`
  const third = await secondServer(two + 2, config, { GULOU_TEST_LOG: log })
  try {
    third.child.kill('SIGHUP')
    await until(async () => /event=not_reloaded .*restart it/.test(readFileSync(log, 'utf8')), 10, 'the log tells')
    assert.equal((await fetch(`${third.address}/demo/`)).status, 200)
  } finally {
    await third.stop()
  }
})

test('instances are replaced one after the other under load: no message is lost, none is doubled', async () => {
  const people = crowd(40)
  const pushes = []
  let going = true
  const load = (async () => {
    for (let i = 0; going; i++) {
      pushes.push(push(people[i % people.length], `${run}第${i}件`))
      await sleep(1000 / PUSHES_PER_SECOND)
    }
  })()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, port] of [one, two].entries()) {
      await instances[i].stop()
      // The new program's ExecStartPre: functions are replaced while the other instance serves.
      sql("delete from gulou.schema_migration where name = 'functions'")
      await promisify(execFile)(program, ['migrate', '--config', config])
      instances[i] = await start(port)
    }
  }
  going = false
  await load
  const answers = await Promise.all(pushes)
  const lost = answers.filter(({ no }) => !(no > 0))
  assert.deepEqual(lost, [])
  assert.deepEqual(answers.flatMap(turnedAway), [])
  const rows = sql(`select words, no from gulou.declaration where account_id = 'demo' and words like '${run}%'`)
  assert.equal(rows.length, answers.length)
  assert.deepEqual(new Map(rows), new Map(answers.map(({ words, no }) => [words, String(no)])))
  assert.match(gulou('audit'), /everything verifies/)
})

test('an instance that is killed with pushes in its hands: another one answers them', async () => {
  const people = crowd(40)
  const pushes = people.map((person, i) => push(person, `${run}杀${i}`))
  await instances[0].stop('SIGKILL')
  const answers = await Promise.all(pushes)
  instances[0] = await start(one)
  assert.deepEqual(answers.filter(({ no }) => !(no > 0)), [])
  assert.deepEqual(answers.flatMap(turnedAway), [])
  assert.deepEqual(sql(`select count(*) from gulou.declaration where account_id = 'demo' and words like '${run}杀%'`), [[String(people.length)]])
})

test('visitors are told apart by their own address, whatever they claim; nobody reaches the operators\' port', async () => {
  const burst = await Promise.all(Array.from({ length: 30 }, () => get('/demo/', { 'X-Forwarded-For': `198.51.100.${Math.floor(Math.random() * 250)}` })))
  assert.ok(burst.every(({ status }) => status === 200))
  for (const path of ['/metrics', '/healthz', '/readyz']) assert.equal((await get(path)).status, 404, path)
  const page = await get('/demo/')
  assert.match(page.headers['strict-transport-security'], /max-age/)
  assert.doesNotMatch(page.headers.server ?? '', /\d/)
  const moved = await fetch(`http://127.0.0.1:${plain}/demo/`, { redirect: 'manual', headers: { Host: 'localhost' } })
  assert.equal(moved.status, 301)
  // A visitor without measure is refused, also with a new claim each time.
  const flood = await Promise.all(Array.from({ length: 700 }, (_, i) => get('/demo/', { 'X-Forwarded-For': `203.0.113.${i % 250}` }).catch(() => ({ status: 0 }))))
  assert.ok(flood.some(({ status }) => status === 429 || status === 503), 'somebody is refused')
})
