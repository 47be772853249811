// What other tests use to look at and to disturb the simulated platform.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { ACCOUNT, Bench } from './bench.mjs'

describe('the seams', () => {
  let bench
  before(async () => { bench = await Bench.start() })
  after(() => bench.close())
  beforeEach(async () => {
    await bench.control('DELETE', '/sim/api-fault')
    await bench.control('DELETE', '/sim/api-log')
  })

  const SEND = '/cgi-bin/message/custom/send'
  const order = (fault, more = {}) => bench.control('POST', '/sim/api-fault', { path: SEND, fault, ...more })
  const message = (content = '通知') => bench.post(SEND, { touser: 'oPerson', msgtype: 'text', text: { content } })
  const received = async () => (await bench.person('oPerson')).received.map((one) => one.text)

  test('drop-before: no effect and no answer; the next call works', async () => {
    await bench.says('oPerson')
    await order('drop-before')
    await assert.rejects(message('一'))
    assert.deepEqual(await received(), [])
    assert.equal((await message('二')).errcode, 0)
    assert.deepEqual(await received(), ['二'])
  })

  test('drop-after: the effect happened, the answer is lost', async () => {
    await bench.says('oPerson')
    await order('drop-after')
    await assert.rejects(message('三'))
    assert.equal((await received()).at(-1), '三')
  })

  test('half-body: the effect happened, the answer ends in its middle', async () => {
    await bench.says('oPerson')
    await order('half-body')
    await assert.rejects(message('四'))
    assert.equal((await received()).at(-1), '四')
  })

  test('hang: no effect, and no answer until the caller gives up', async () => {
    await bench.says('oPerson')
    const before = await received()
    await order('hang')
    const calling = new AbortController()
    const call = bench.post(SEND, { touser: 'oPerson', msgtype: 'text', text: { content: '五' } }, { signal: calling.signal })
    while ((await bench.log()).length === 0) await new Promise((resolve) => setImmediate(resolve))
    calling.abort()
    await assert.rejects(call)
    assert.deepEqual(await received(), before)
  })

  test('http-502 and error numbers, for any path, so many times', async () => {
    await bench.says('oPerson')
    await order('http-502', { path: '*' })
    await assert.rejects(message(), /502/)
    await order(45009, { times: 2 })
    assert.deepEqual([(await message()).errcode, (await message()).errcode, (await message()).errcode], [45009, 45009, 0])
    await order(-1)
    await bench.control('DELETE', '/sim/api-fault')
    assert.equal((await message()).errcode, 0)
    assert.equal((await order('no such')).status, 400)
    assert.equal((await order('hang', { times: 0 })).status, 400)
  })

  test('the log shows calls, answers and faults, but no token and no secret', async () => {
    const token = await bench.newToken()
    await bench.says('oPerson')
    await order(45011)
    await message('看得见')
    const calls = await bench.log()
    assert.deepEqual(calls.map((one) => one.path), ['/cgi-bin/stable_token', SEND])
    assert.equal(calls[0].body.secret, '***')
    assert.match(calls[0].answer.access_token, /^token#\d+$/)
    assert.equal(calls[1].query.access_token, calls[0].answer.access_token)
    assert.equal(calls[1].body.text.content, '看得见')
    assert.deepEqual([calls[1].fault, calls[1].answer.errcode], [45011, 45011])
    assert.ok(!JSON.stringify(calls).includes(token) && !JSON.stringify(calls).includes(ACCOUNT.app_secret))
  })

  test('the clock moves windows and tokens', async () => {
    await bench.says('oClock')
    const [{ kind, left, seconds }] = (await bench.person('oClock')).windows
    assert.deepEqual([kind, left, seconds > 47 * 3600], ['message', 5, true])
    const old = await bench.newToken()
    assert.ok(Date.parse((await bench.advance(48 * 3600 + 1)).now) > Date.now() + 47 * 3600_000)
    assert.deepEqual((await bench.person('oClock')).windows, [])
    assert.equal((await bench.get('/cgi-bin/getcallbackip', {}, old)).errcode, 42001)
    assert.equal((await bench.control('POST', '/sim/clock', {})).status, 400)
  })

  test('a button is pressed as on the phone; a photo button sends the photo after its event', async () => {
    await bench.follows('oPress')
    await bench.post('/cgi-bin/menu/create', { button: [{ type: 'view', name: '公示', url: 'https://example.org/' },
      { name: '更多', sub_button: [{ type: 'pic_sysphoto', name: '照片', key: 'p' }, { type: 'location_select', name: '位置', key: 'l' }, { type: 'scancode_push', name: '扫码', key: 's' }] }] })
    const press = async (button, more) => {
      const { results, url, status } = await bench.control('POST', '/sim/press', { person: 'oPress', button, ...more })
      return { status, url, pushed: results?.map((one) => one.raw.plain) }
    }
    const view = await press('公示')
    assert.equal(view.url, 'https://example.org/')
    assert.match(view.pushed[0], /<Event><!\[CDATA\[VIEW\]\]><\/Event><EventKey><!\[CDATA\[https:\/\/example\.org\/\]\]><\/EventKey><MenuId>/)
    const photo = await press('照片', { data: Buffer.from('jpeg').toString('base64') })
    assert.match(photo.pushed[0], /pic_sysphoto.*<Count>1<\/Count>.*<PicMd5Sum><!\[CDATA\[ab4f3ccba74857c5f2ba0d5b7dbf65e1\]\]>/)
    assert.match(photo.pushed[1], /<MsgType><!\[CDATA\[image/)
    const place = await press('位置')
    assert.match(place.pushed[0], /location_select.*<SendLocationInfo>/)
    assert.match(place.pushed[1], /<MsgType><!\[CDATA\[location/)
    const scan = await press('扫码', { scan_result: 'https://example.org/door' })
    assert.equal(scan.url, 'https://example.org/door')
    assert.match(scan.pushed[0], /scancode_push.*<ScanResult><!\[CDATA\[https:\/\/example\.org\/door/)
    assert.equal((await press('没有')).status, 400)
    await bench.get('/cgi-bin/menu/delete')
  })

  test('revoked tokens end at once', async () => {
    const token = await bench.newToken()
    await bench.control('POST', '/sim/revoke-tokens', {})
    assert.equal((await bench.get('/cgi-bin/getcallbackip', {}, token)).errcode, 40001)
    assert.notEqual(await bench.newToken(), token)
  })

  test('a person is found by openid or by name', async () => {
    await bench.says(bench.simulator.people[0].openid)
    const person = await bench.person('会员一')
    assert.equal(person.openid, bench.simulator.people[0].openid)
    assert.equal(person.following, true)
    assert.equal(person.menu, null)
  })
})
