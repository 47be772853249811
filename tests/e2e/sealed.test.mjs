// Photos kept encrypted, and the key changed while the servers run (docs/security.md).
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { invite } from './people.mjs'
import { noise } from './pictures.mjs'
import { configWith, program, secondServer, server, sql, state } from './system.mjs'
import { Visitor } from './visitor.mjs'

const PORT = Number(new URL(server ?? 'http://localhost:1').port) + 60 // nothing of the system's
const key = (id, secret = randomBytes(32).toString('hex')) => `\n[[data_key]]\nid = "${id}"\nsecret = "${secret}"\n`
const [A, B, C] = ['a', 'b', 'c'].map((id) => key(`${id}${randomBytes(3).toString('hex')}`))
const own = state ? /\[\[data_key\]\][^[]*/.exec(readFileSync(`${state}/config.toml`, 'utf8'))?.[0] ?? '' : ''
const idOf = (text) => /id = "([^"]+)"/.exec(text)[1]
const withKeys = (keys) => configWith(keys, /\[\[data_key\]\][^[]*/g) // none of its own
const run = (command, keys, ...more) => spawnSync(program, [command, ...more, '--config', withKeys(keys)], { encoding: 'utf8' })

describe('sealed photos', { skip: !state && 'GULOU_E2E_STATE is not set' }, () => {
  let running, member, path, digest

  const start = async (keys) => {
    await running?.stop()
    running = await secondServer(PORT, withKeys(keys), { GULOU_SERVER_PUBLIC_URL: `http://127.0.0.1:${PORT}` })
  }
  const picture = async (address) => {
    const response = await fetch(address + path)
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
  }
  const keptWith = () => sql(`select substr(encode(jpeg, 'escape'), 1, 4), convert_from(substr(jpeg, 6, get_byte(jpeg, 4)), 'UTF8'),
    convert_from(substr(small, 6, get_byte(small, 4)), 'UTF8') from gulou.image where encode(digest, 'hex') = '${digest}'`)[0]

  before(async () => {
    const client = new Client()
    const [person, reviewer] = [client.person(), client.person()]
    const [, bound] = /绑定成功[，,!！]?\s*(\S+)/.exec(await person.say(`绑定 ${invite()}`)) ?? []
    assert.ok(bound)
    await reviewer.say(`绑定 ${invite('reviewer')}`)
    ;[[member]] = sql(`select member_id from gulou.binding where openid = '${person.openid}' and ended_at is null`)
    await start(A)
    const browser = new Visitor(person, running.address)
    await browser.open('declare')
    const upload = randomUUID()
    const sent = await browser.load(`${running.address}/demo/photos?key=${upload}`, { method: 'POST', body: noise(64, 64), headers: { 'X-CSRF-Token': browser.csrf } })
    assert.equal(sent.status, 200)
    const day = sql('select gulou.local_day(gulou.now_())')[0][0]
    const declared = await browser.post('declare', { key: randomUUID(), item: 40, minutes: 60, day, words: '夜间巡逻', photos: [upload] })
    assert.ok(declared.value.no, JSON.stringify(declared.value))
    ;[[digest]] = sql(`select encode(digest, 'hex') from gulou.photo where account_id = 'demo' and no = ${declared.value.no}`)
    const desk = new Visitor(reviewer, running.address)
    await desk.open('review')
    const queue = await (await desk.load(`${running.address}/demo/review/queue?after=${declared.value.no - 1}`)).json()
    path = queue.rows.find((one) => one.no === declared.value.no).evidence[0].path
  })
  after(async () => { // the other tests' photos open again
    await running?.stop()
    assert.equal(run('rekey', own + B + A).status, 0)
  })

  test('what the database and its backups hold is no picture', async () => {
    assert.deepEqual(keptWith(), ['GLV1', idOf(A), idOf(A)])
    const { status, bytes } = await picture(running.address)
    assert.equal(status, 200)
    assert.equal(bytes.readUInt16BE(0), 0xffd8)
  })

  test('who has the database but not the key is told so, and shown nothing', async () => {
    const { status, bytes } = await picture(server)
    assert.equal(status, 503)
    assert.match(bytes.toString(), /照片暂时打不开/)
  })

  test('without a key the check says that photos are plain', () => {
    assert.match(run('check', '').stdout, /no \[\[data_key\]\]: photos are kept unencrypted/)
    assert.doesNotMatch(run('check', A + own).stdout, /no \[\[data_key\]\]/)
  })

  test('the check opens a photo of each key, and names a key that is missing or wrong', () => {
    const id = idOf(A)
    const good = run('check', A + own)
    assert.equal(good.status, 0, good.stdout)
    assert.match(good.stdout, new RegExp(`^ok +photos: [1-9]\\d* open with \\[\\[data_key\\]\\] "${id}"$`, 'm'))
    for (const [keys, why] of [[B, `the configuration has no \\[\\[data_key\\]\\] "${id}"`],
      [key(id), `\\[\\[data_key\\]\\] "${id}" does not open it`]]) {
      const bad = run('check', keys + own)
      assert.equal(bad.status, 1)
      assert.match(bad.stdout, new RegExp(`^FAIL +photos: [1-9]\\d* stay closed: ${why}`, 'm'))
    }
  })

  test('a new key takes over; begun again it has nothing left to do; the old one can go', async () => {
    const plain = (await picture(running.address)).bytes
    const first = run('rekey', B + A + own)
    assert.equal(first.status, 0, first.stderr)
    assert.match(first.stdout, new RegExp(`[1-9]\\d* photos sealed with "${idOf(B)}"`))
    assert.doesNotMatch(first.stdout, new RegExp(`"${idOf(A)}"`), 'nothing needs the old one')
    assert.match(run('rekey', B + A + own).stdout, /^rekey: 0 photos/)
    assert.deepEqual(keptWith(), ['GLV1', idOf(B), idOf(B)])
    await start(B)
    assert.deepEqual((await picture(running.address)).bytes, plain)
  })

  test('the member\'s own copy holds the picture', () => {
    const copy = run('export', B, '--member', member)
    assert.equal(copy.status, 0, copy.stderr)
    assert.match(JSON.parse(copy.stdout).declarations.flatMap((one) => one.photos)[0].jpeg, /^\/9j\//)
  })

  test('a wrong secret under the newest key\'s id is named, too, and seals nothing', () => {
    const wrong = run('rekey', key(idOf(B)) + A + own)
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, new RegExp(`^gulou: photos: [1-9]\\d* stay closed: \\[\\[data_key\\]\\] "${idOf(B)}" does not open it[^\\n]*; nothing was changed`))
    assert.equal(wrong.stdout, '')
    assert.deepEqual(keptWith(), ['GLV1', idOf(B), idOf(B)])
  })

  test('a wrong key is named, and nothing is lost by trying', () => {
    const wrong = run('rekey', C + key(idOf(B)))
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, new RegExp(`\\[\\[data_key\\]\\] "${idOf(B)}" does not open it`))
    assert.deepEqual(keptWith(), ['GLV1', idOf(B), idOf(B)])
    const none = run('rekey', '')
    assert.equal(none.status, 2)
    assert.match(none.stderr, /no \[\[data_key\]\]/)
  })
})
