// The simulator's own tests: the official vectors, and a tiny fake server that answers wrongly on purpose.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { readAccountTables, readTemplateTables } from './accounts.mjs'
import { decrypt, encrypt, keyOf, sign } from './crypto.mjs'
import { Simulator } from './main.mjs'
import { FAILURE_NOTICE, toXml } from './platform.mjs'
import { readXml } from './xml.mjs'

const A43 = 'A'.repeat(43)
const ACCOUNT = { id: 'demo', name: '演示', app_id: 'wxba5fad812f8e6fb9', original_id: 'gh_demo', token: 'AAAAA',
  aes_key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', app_secret: 'secret', mode: 'secure' }

test('vector V1: the signature of the URL check', () => {
  assert.equal(sign('AAAAA', '1714036504', '1514711492'), 'f464b24fc39322e44b38aa78f5edd27bd1441696')
})

test('vector V2: cipher, signature and back', () => {
  const cipher = encrypt(A43, ACCOUNT.app_id, '{"demo_resp":"good luck"}', Buffer.from('707722b803182950'))
  assert.equal(cipher, 'ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==')
  assert.equal(sign('AAAAA', '1713424427', '415670741', cipher), '1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1')
  assert.equal(decrypt(A43, ACCOUNT.app_id, cipher), '{"demo_resp":"good luck"}')
})

test('a key with spare bits set is a key; padding goes from 1 to 32 bytes', () => {
  assert.equal(keyOf(ACCOUNT.aes_key).length, 32)
  for (let size = 0; size < 70; size++) {
    const text = 'x'.repeat(size)
    const cipher = encrypt(ACCOUNT.aes_key, ACCOUNT.app_id, text)
    assert.equal(Buffer.from(cipher, 'base64').length % 32, 0)
    assert.equal(decrypt(ACCOUNT.aes_key, ACCOUNT.app_id, cipher), text)
  }
})

test('a foreign AppID, a cut cipher and no base64 are refused', () => {
  const cipher = encrypt(A43, 'wxother', 'hello')
  assert.throws(() => decrypt(A43, ACCOUNT.app_id, cipher), /AppID/)
  assert.throws(() => decrypt(A43, 'wxother', Buffer.from(cipher, 'base64').subarray(0, 16).toString('base64')), /padded/)
  assert.throws(() => decrypt(A43, 'wxother', '***'), /base64/)
})

test('XML is read strictly', () => {
  assert.deepEqual(readXml('<xml><A><![CDATA[1<2]]></A><B>&lt;&#65;</B></xml>'), { A: '1<2', B: '<A' })
  assert.deepEqual(readXml('<xml><A><![CDATA[x]]]]><![CDATA[>y]]></A></xml>'), { A: 'x]]>y' })
  for (const bad of [' <xml></xml>', '<xml><A></xml>', '<xml><A>1</A><A>2</A></xml>', '<xml></xml><xml></xml>', '<xml><A>&x;</A></xml>',
    '<xml><A>a & b</A></xml>', '<!DOCTYPE x><xml></xml>', '<xml><A><![CDATA[x</A></xml>', '<xml>words</xml>', '<xml>']) {
    assert.throws(() => readXml(bad), undefined, bad)
  }
})

test('accounts are read from the server configuration', () => {
  const found = readAccountTables('[server]\nid = "no"\n[[account]]\nid = "a" # one\ntoken = \'t\'\nverified = true\n[redis]\nurl = "x"\n')
  assert.deepEqual(found, [{ id: 'a', token: 't', verified: 'true' }])
})

test('templates are read from the server configuration', () => {
  const found = readTemplateTables('[[account]]\nid = "a"\n[[template]]\naccount = "a"\nnotification = "approved"\nid = "t-1"\nfields = "thing1=item, phrase2=result"\n')
  assert.deepEqual(found, [{ account: 'a', id: 't-1', title: '审核结果通知', fields: ['thing1', 'phrase2'], labels: { thing1: '项目', phrase2: '结果' } }])
})

describe('against a fake server', () => {
  let fake, simulator, base, seen, answerWith

  const reply = (content, change = {}) => `<xml>${toXml({ ToUserName: 'oPerson', FromUserName: 'gh_demo',
    CreateTime: 1760000000, MsgType: 'text', Content: content, ...change })}</xml>`
  const seal = (xml, change = {}) => {
    const cipher = encrypt(ACCOUNT.aes_key, change.appId ?? ACCOUNT.app_id, xml)
    return `<xml>${toXml({ Encrypt: cipher, MsgSignature: change.signature ?? sign('AAAAA', '1760000000', '7', cipher),
      TimeStamp: change.time ?? 1760000000, Nonce: '7' })}</xml>`
  }
  const post = async (path, body) => {
    const response = await fetch(base + path, { method: 'POST', body: JSON.stringify(body) })
    return { status: response.status, ...await response.json() }
  }
  const say = (content = '你好', more = {}) => post('/sim/send', { account: 'demo', person: 'oPerson', type: 'text', content, ...more })
  const answers = (body, status = 200, type = 'text/xml') => {
    answerWith = (response) => {
      response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
      response.end(body)
    }
  }

  before(async () => {
    fake = http.createServer(async (request, response) => {
      const parts = []
      for await (const part of request) parts.push(part)
      seen.push({ url: new URL(request.url, 'http://x'), body: Buffer.concat(parts).toString(), headers: request.headers })
      answerWith(response, seen.length)
    })
    await new Promise((resolve) => fake.listen(0, '127.0.0.1', resolve))
    simulator = new Simulator({ accounts: [{ ...ACCOUNT }], server: `http://127.0.0.1:${fake.address().port}`, attemptMs: 150 })
    base = `http://127.0.0.1:${await simulator.listen(0)}`
  })
  after(async () => {
    await simulator.close()
    fake.closeAllConnections()
    fake.close()
  })
  beforeEach(async () => {
    seen = []
    answers('success')
    await post('/sim/mode', { mode: 'secure' })
    await post('/sim/fault', { faults: [] })
  })

  test('a secure push is sealed, signed and hides its words', async () => {
    answers(seal(reply('收到')))
    const result = await say('秘密的话')
    assert.equal(result.reply, '收到')
    assert.equal(result.notice, null)
    assert.equal(result.attempts.length, 1)
    const { url, body } = seen[0]
    assert.equal(url.pathname, '/wechat/demo')
    assert.ok(!body.includes('秘密'))
    const { Encrypt: cipher, ToUserName: to } = readXml(body)
    assert.equal(to, 'gh_demo')
    const query = url.searchParams
    assert.equal(query.get('msg_signature'), sign('AAAAA', query.get('timestamp'), query.get('nonce'), cipher))
    assert.equal(query.get('signature'), sign('AAAAA', query.get('timestamp'), query.get('nonce')))
    assert.equal(readXml(decrypt(ACCOUNT.aes_key, ACCOUNT.app_id, cipher)).Content, '秘密的话')
  })

  test('plain and compatible pushes have their own shapes', async () => {
    await post('/sim/mode', { mode: 'plain' })
    answers(reply('明文'))
    assert.equal((await say()).reply, '明文')
    assert.equal(seen[0].url.searchParams.get('encrypt_type'), null)
    answers(seal(reply('密文')))
    assert.match((await say()).attempts[0].error, /plain push/)
    await post('/sim/mode', { mode: 'compatible' })
    assert.equal((await say()).reply, '密文')
    answers(reply('明文'))
    assert.equal((await say()).reply, '明文')
    assert.ok(readXml(seen.at(-1).body).Encrypt && readXml(seen.at(-1).body).Content)
  })

  test('success and an empty body say nothing and show nothing', async () => {
    for (const body of ['success', '']) {
      answers(body, 200, 'text/plain')
      const result = await say()
      assert.deepEqual([result.reply, result.notice, result.attempts.length], [null, null, 1])
    }
  })

  const WRONG = {
    'HTTP 500': [() => 'success', /status 500/, 500],
    'JSON': [() => '{}', /begin with <xml>/],
    'a leading blank': [() => ` ${seal(reply('x'))}`, /begin with <xml>/],
    'a plain reply': [() => reply('x'), /has no Encrypt/],
    'a wrong signature': [() => seal(reply('x'), { signature: '0'.repeat(40) }), /MsgSignature/],
    'another AppID': [() => seal(reply('x'), { appId: 'wx1' }), /AppID/],
    'milliseconds': [() => seal(reply('x'), { time: 1760000000000 }), /TimeStamp/],
    'names not swapped': [() => seal(reply('x', { ToUserName: 'gh_demo', FromUserName: 'oPerson' })), /ToUserName/],
    'the AppID as sender': [() => seal(reply('x', { FromUserName: ACCOUNT.app_id })), /FromUserName/],
    'no CreateTime': [() => seal(reply('x', { CreateTime: undefined })), /CreateTime/],
    'empty words': [() => seal(reply('')), /empty Content/],
    'words of 2049 bytes': [() => seal(reply('x'.repeat(2049))), /2049 bytes/],
    'a cut link': [() => seal(reply('<a href="https://x">y')), /link/],
    'a control character': [() => seal(reply('x\u0001')), /control/],
    'HTML as type': [() => seal(reply('x')), /content type/, 200, 'text/html']
  }
  for (const [name, [body, cause, status, type]] of Object.entries(WRONG)) {
    test(`${name} shows the failure notice at once`, async () => {
      answers(body(), status, type)
      const result = await say()
      assert.match(result.attempts[0].error, cause)
      assert.equal(result.attempts.length, 1)
      assert.deepEqual([result.reply, result.notice], [null, FAILURE_NOTICE])
    })
  }

  test('2048 bytes of words are still good', async () => {
    answers(seal(reply('x'.repeat(2048))))
    assert.equal((await say()).reply.length, 2048)
  })

  describe('replies of other types', () => {
    const typed = (type, inner) => reply(undefined, { MsgType: type, ...inner })
    const article = { Title: '公示', Description: '三季度', PicUrl: 'https://x/a.jpg', Url: 'https://x/1' }
    const news = (n, count = n) => typed('news', { ArticleCount: count, Articles: { item: Array(n).fill(article) } })
    const sent = async (xml, act = {}) => {
      answers(seal(xml))
      return say('x', act)
    }
    let photo, gif
    before(() => {
      photo = simulator.api.media.keep(simulator.control.platform('demo').account, Buffer.from([0xff, 0xd8, 0xff]), 'image/jpeg')
      gif = simulator.api.media.keep(simulator.control.platform('demo').account, Buffer.from('GIF89a'), 'image/gif')
    })

    test('what is whole is shown', async () => {
      const good = { image: { Image: { MediaId: photo } }, voice: { Voice: { MediaId: photo } }, video: { Video: { MediaId: photo, Title: '巡逻' } },
        music: { Music: { Title: '歌', ThumbMediaId: photo } }, transfer_customer_service: { TransInfo: { KfAccount: 'desk@gulou' } } }
      for (const [type, inner] of Object.entries(good)) {
        const result = await sent(typed(type, inner))
        assert.deepEqual([result.message?.type, result.notice, result.reply], [type, null, null], JSON.stringify(result.attempts))
      }
      const result = await sent(news(1))
      assert.deepEqual(result.message.articles, [{ title: '公示', description: '三季度', picture: 'https://x/a.jpg', url: 'https://x/1' }])
    })

    test('what is not whole is a failure', async () => {
      const wrong = [typed('image', { Image: { MediaId: 'x' } }), typed('image', {}), typed('image', { Image: { MediaId: gif } }), typed('music', { Music: { Title: '歌' } }),
        typed('transfer_customer_service', { TransInfo: { KfAccount: 'desk' } }), news(1, 2), typed('news', { ArticleCount: 0 }), typed('dance', {})]
      for (const xml of wrong) assert.equal((await sent(xml)).notice, FAILURE_NOTICE, xml)
    })

    test('more than one article to a message shows nothing at all; an event may have eight', async () => {
      const result = await sent(news(2))
      assert.deepEqual([result.message, result.notice], [null, null])
      assert.equal((await sent(news(8), { type: 'event', event: 'CLICK' })).message.articles.length, 8)
    })
  })

  test('silence is tried three times with the same content, then shown as failure', async () => {
    answerWith = () => {}
    const result = await say()
    assert.deepEqual(result.attempts.map((one) => one.error), ['timeout', 'timeout', 'timeout'])
    assert.equal(result.notice, FAILURE_NOTICE)
    const inside = seen.map(({ body }) => decrypt(ACCOUNT.aes_key, ACCOUNT.app_id, readXml(body).Encrypt))
    assert.equal(new Set(inside).size, 1)
    assert.equal(new Set(seen.map(({ body }) => body)).size, 3)
  })

  test('the second attempt\'s answer is the answer', async () => {
    answerWith = (response, count) => {
      if (count < 2) return
      answers(seal(reply('来了')))
      answerWith(response)
    }
    const result = await say()
    assert.deepEqual([result.attempts.length, result.reply, result.notice], [2, '来了', null])
  })

  test('ordered faults lose an answer and miss the server', async () => {
    await post('/sim/fault', { faults: ['lose_answer', 'unreachable'] })
    const result = await say()
    assert.deepEqual(result.attempts.map((one) => one.error), ['answer lost', 'unreachable', undefined])
    assert.equal(seen.length, 2)
    assert.equal((await post('/sim/fault', { faults: ['no such'] })).status, 400)
  })

  test('one key is one push; without a key each is new', async () => {
    const ids = [await say('x', { key: 'k' }), await say('x', { key: 'k' }), await say('x'), await say('x')].map((one) => one.msgId)
    assert.equal(ids[0], ids[1])
    assert.equal(new Set(ids).size, 3)
    assert.ok(BigInt(ids[0]) > 2n ** 53n)
  })

  test('events, photos and unsubscribe', async () => {
    await post('/sim/mode', { mode: 'plain' })
    await post('/sim/send', { person: 'oPerson', type: 'event', event: 'CLICK', event_key: '积分' })
    assert.equal(readXml(seen.at(-1).body).EventKey, '积分')
    await post('/sim/send', { person: 'oPerson', type: 'image', data: Buffer.from('jpeg').toString('base64') })
    const photo = readXml(seen.at(-1).body)
    assert.equal(await (await fetch(photo.PicUrl)).text(), 'jpeg')
    answers(reply('再见'))
    const result = await post('/sim/send', { person: 'oPerson', event: 'unsubscribe' })
    assert.match(result.attempts[0].error, /takes none/)
    assert.equal(result.notice, null)
  })

  test('the URL check wants the very echo', async () => {
    answerWith = (response) => response.end(seen.at(-1).url.searchParams.get('echostr'))
    assert.equal((await post('/sim/verify', {})).ok, true)
    answerWith = (response) => response.end(`"${seen.at(-1).url.searchParams.get('echostr')}"`)
    assert.equal((await post('/sim/verify', {})).ok, false)
  })

  test('stable_token is stable, checks the secret, and guards the other calls', async () => {
    const ask = { grant_type: 'client_credential', appid: ACCOUNT.app_id, secret: 'secret' }
    const first = await post('/cgi-bin/stable_token', ask)
    const second = await post('/cgi-bin/stable_token', ask)
    assert.equal(first.access_token, second.access_token)
    assert.equal((await post('/cgi-bin/stable_token', { ...ask, secret: 'x' })).errcode, 40125)
    assert.equal((await post('/cgi-bin/menu/create?access_token=x', {})).errcode, 40001)
    const menu = { button: [{ type: 'click', name: '积分', key: '积分' }] }
    assert.equal((await post(`/cgi-bin/menu/create?access_token=${first.access_token}`, menu)).errcode, 0)
    await post('/sim/api-fault', { path: '/cgi-bin/stable_token', fault: 45009 })
    assert.equal((await post('/cgi-bin/stable_token', ask)).errcode, 45009)
  })

  test('the control interface refuses nonsense and lists what happened', async () => {
    assert.equal((await post('/sim/send', { person: 'no openid!', content: 'x' })).status, 400)
    assert.equal((await post('/sim/send', { person: 'o', account: 'none', content: 'x' })).status, 400)
    assert.equal((await post('/sim/mode', { mode: 'secret' })).status, 400)
    await say('记下')
    const { events } = await (await fetch(`${base}/sim/events`)).json()
    assert.equal(events.at(-1).act.content, '记下')
  })
})
