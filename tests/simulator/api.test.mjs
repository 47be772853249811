// The platform's API with its limits, as examples of what a backend may rely on.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ACCOUNT, Bench, OTHER } from './bench.mjs'
import { FAILURE_NOTICE } from './platform.mjs'
import { takePhoto } from './photo.mjs'

let bench
before(async () => { bench = await Bench.start() })
after(() => bench.close())

const text = (touser, content = '您好') => ({ touser, msgtype: 'text', text: { content } })
const multipart = (bytes, { name = 'media', filename = 'photo.jpg', type = 'image/jpeg' } = {}) => {
  const body = Buffer.concat([Buffer.from(`--edge\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n`),
    bytes, Buffer.from('\r\n--edge--\r\n')])
  return { body, headers: { 'Content-Type': 'multipart/form-data; boundary=edge', 'Content-Length': String(body.length) } }
}
const upload = async (path, bytes, { query, ...more } = {}) =>
  bench.raw(await bench.withToken(path, query), { method: 'POST', ...multipart(bytes, more) })
const thumb = async () => (await upload('/cgi-bin/material/add_material', takePhoto(), { query: { type: 'thumb' } })).media_id

describe('tokens', () => {
  const stable = (more = {}) => bench.raw('/cgi-bin/stable_token', { method: 'POST',
    body: JSON.stringify({ grant_type: 'client_credential', appid: ACCOUNT.app_id, secret: ACCOUNT.app_secret, ...more }) })
  const plain = (more = {}) => bench.raw(`/cgi-bin/token?${new URLSearchParams({ grant_type: 'client_credential', appid: ACCOUNT.app_id, secret: ACCOUNT.app_secret, ...more })}`)
  const serves = async (token) => (await bench.get('/cgi-bin/getcallbackip', {}, token)).errcode ?? 0

  test('stable_token is the same until its last five minutes, then both serve for five', async () => {
    const first = await stable()
    assert.equal(first.expires_in, 7200)
    assert.equal((await stable()).access_token, first.access_token)
    await bench.advance(6890)
    assert.equal((await stable()).access_token, first.access_token)
    await bench.advance(20)
    const second = await stable()
    assert.notEqual(second.access_token, first.access_token)
    assert.deepEqual([await serves(first.access_token), await serves(second.access_token)], [0, 0])
    await bench.advance(301)
    assert.deepEqual([await serves(first.access_token), await serves(second.access_token)], [42001, 0])
  })

  test('a forced refresh ends the old one at once, every 30 seconds, 20 times a day', async () => {
    await bench.noon()
    const { access_token: old } = await stable()
    const { access_token: fresh } = await stable({ force_refresh: true })
    assert.deepEqual([await serves(old), await serves(fresh)], [40001, 0])
    assert.equal((await stable({ force_refresh: true })).errcode, 45011)
    for (let i = 1; i < 20; i++) {
      await bench.advance(30)
      assert.ok((await stable({ force_refresh: true })).access_token)
    }
    await bench.advance(30)
    assert.equal((await stable({ force_refresh: true })).errcode, 45009)
    assert.ok((await stable()).access_token)
    await bench.advance(24 * 3600)
    assert.ok((await stable({ force_refresh: true })).access_token)
  })

  test('token is new with each call and apart from stable_token', async () => {
    const { access_token: kept } = await stable()
    const first = await plain()
    const second = await plain()
    assert.notEqual(first.access_token, second.access_token)
    assert.deepEqual([await serves(first.access_token), await serves(kept)], [0, 0])
    await bench.advance(301)
    assert.deepEqual([await serves(first.access_token), await serves(second.access_token)], [42001, 0])
  })

  test('wrong credentials have their numbers, and every refusal an id for the support', async () => {
    const codes = [{ grant_type: 'x' }, { appid: 'wx0' }, { secret: 'x' }, { appid: '' }, { secret: '' }]
    const found = []
    for (const more of codes) found.push([(await stable(more)).errcode, (await plain(more)).errcode])
    assert.deepEqual(found, [[40002, 40002], [40013, 40013], [40125, 40125], [41002, 41002], [41004, 41004]])
    assert.match((await stable({ secret: 'x' })).errmsg, / rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/)
    assert.equal((await bench.raw('/cgi-bin/menu/get')).errcode, 41001)
    assert.equal(await serves('x'), 40001)
  })

  test('the whitelist and a frozen secret stop the token only', async () => {
    const { access_token: token } = await stable()
    await bench.switch({ ip_allowed: false })
    assert.equal((await stable()).errcode, 40164)
    assert.equal(await serves(token), 0)
    await bench.switch({ ip_allowed: true, secret_frozen: true })
    assert.equal((await stable()).errcode, 40243)
    await bench.switch({ secret_frozen: false })
  })

  test('a token is worth nothing in another account\'s name', async () => {
    await bench.follows('oMine')
    const other = await bench.newToken(OTHER)
    assert.equal((await bench.get('/cgi-bin/user/info', { openid: 'oMine' }, other)).errcode, 40003)
  })
})

describe('transport, permissions and quotas', () => {
  test('body, method and address are checked; answers are text/plain', async () => {
    const send = '/cgi-bin/message/custom/send'
    assert.deepEqual(await bench.codes(send, ['', '{', '[1', '"x"', `{"touser":"o","msgtype":"text","text":{"content":"\\u4f60"}}`, '\ufeff{}']),
      [44002, 47001, 47001, 47001, 40033, 47001])
    assert.equal((await bench.get(send)).errcode, 43002)
    assert.equal((await bench.post('/cgi-bin/menu/get', {})).errcode, 43001)
    assert.equal((await bench.get('/cgi-bin/no/such')).errcode, 40066)
    const response = await fetch(bench.base + await bench.withToken('/cgi-bin/tags/get'))
    assert.equal(response.headers.get('content-type'), 'text/plain')
  })

  test('an unverified account and a subscription account lack what the table says', async () => {
    const tried = async () => [(await bench.get('/cgi-bin/menu/get')).errcode, (await bench.get('/cgi-bin/tags/get')).errcode ?? 0,
      (await bench.post('/cgi-bin/message/template/send', {})).errcode, (await bench.post('/cgi-bin/qrcode/create', {})).errcode]
    await bench.switch({ verified: false })
    assert.deepEqual(await tried(), [46003, 48001, 48001, 48001])
    await bench.switch({ verified: true, type: 'subscription' })
    assert.deepEqual(await tried(), [46003, 0, 48001, 48001])
    await bench.switch({ verified: false })
    assert.deepEqual(await tried(), [48001, 48001, 48001, 48001])
    await bench.switch({ test_account: true })
    assert.deepEqual(await tried(), [46003, 0, 40003, 40035])
    assert.equal((await bench.post('/cgi-bin/message/subscribe/bizsend', {})).errcode, 48001)
    await bench.control('POST', '/sim/switch', { reset: true })
    assert.equal((await bench.switch({ nonsense: 1 })).status, 400)
  })

  test('a daily quota ends with 45009, returns at midnight in Beijing, and may be cleared ten times a month', async () => {
    await bench.noon()
    const path = '/cgi-bin/tags/get'
    await bench.switch({ quotas: { [path]: 2 } })
    await bench.post('/cgi-bin/clear_quota', { appid: ACCOUNT.app_id })
    const codes = async (n) => (await Promise.all(Array.from({ length: n }, () => bench.get(path)))).map((one) => one.errcode ?? 0)
    assert.deepEqual(await codes(3), [0, 0, 45009])
    assert.deepEqual((await bench.post('/cgi-bin/openapi/quota/get', { cgi_path: path })).quota, { daily_limit: 2, used: 2, remain: 0 })
    const cleared = []
    for (let i = 0; i < 10; i++) cleared.push((await bench.post('/cgi-bin/clear_quota', { appid: ACCOUNT.app_id })).errcode)
    assert.deepEqual(cleared, [...Array(9).fill(0), 48006])
    assert.deepEqual(await codes(3), [0, 0, 45009])
    await bench.advance(24 * 3600)
    await bench.newToken()
    assert.deepEqual(await codes(1), [0])
    await bench.control('POST', '/sim/switch', { reset: true })
  })
})

describe('menus', () => {
  const click = (name = '积分', key = '积分') => ({ type: 'click', name, key })
  const view = (host) => ({ type: 'view', name: '页面', url: `https://${host}/` })
  const parent = (sub, name = '更多') => ({ name, sub_button: sub })

  test('every limit of a button has its number', async () => {
    const wrong = [[], Array(4).fill(click()), [click('字'.repeat(5) + 'ab')], [click('x', 'k'.repeat(129))], [{ type: 'view', name: 'x', url: `https://x/${'u'.repeat(1024)}` }],
      [{ ...click(), type: 'unheard' }], [{ ...click(), type: 'CLICK' }], [parent(Array(6).fill(click()))], [parent([click('字'.repeat(21))])],
      [parent([click('x', '')])], [parent([parent([click()])])], [{ type: 'view', name: 'x', url: 'ftp://x' }]]
    assert.deepEqual(await bench.codes('/cgi-bin/menu/create', wrong.map((button) => ({ button }))),
      [40016, 40016, 40018, 40019, 40020, 40017, 65318, 40023, 40025, 40026, 40023, 65317])
    const good = [click('字'.repeat(5)), parent([click('字'.repeat(20)), { type: 'scancode_waitmsg', name: '扫码', key: 's' }]),
      { type: 'view', name: '网页', url: 'https://example.org/?a=1&b=2' }]
    assert.equal((await bench.post('/cgi-bin/menu/create', { button: good })).errcode, 0)
    const { menu } = await bench.get('/cgi-bin/menu/get')
    assert.deepEqual(menu.button, good)
    assert.ok(BigInt(menu.menuid) > 2n ** 53n)
  })

  test('a conditional menu needs a default one and a rule without private facts', async () => {
    await bench.get('/cgi-bin/menu/delete')
    assert.equal((await bench.get('/cgi-bin/menu/get')).errcode, 46003)
    const add = (matchrule, button = [click()]) => bench.post('/cgi-bin/menu/addconditional', { button, matchrule })
    assert.equal((await add({ tag_id: '2' })).errcode, 65303)
    await bench.post('/cgi-bin/menu/create', { button: [click()] })
    assert.deepEqual([(await add({})).errcode, (await add({ sex: '1' })).errcode, (await add({ tag_id: '2', city: '' })).menuid > 0], [65304, 65320, true])
    assert.equal((await add({ tag_id: '2' }, ['a', 'b', 'c'].map((one) => view(`${one}.cn`)))).errcode ?? 0, 0)
    assert.equal((await add({ tag_id: '2' }, [view('d.cn')])).errcode, 65316)
    assert.equal((await bench.post('/cgi-bin/menu/delconditional', { menuid: '1' })).errcode, 65301)
  })

  test('the last tag and the newest menu decide what a person sees', async () => {
    await bench.get('/cgi-bin/menu/delete')
    await bench.post('/cgi-bin/menu/create', { button: [click('默认')] })
    await bench.follows('oMenu')
    const { tag: one } = await bench.post('/cgi-bin/tags/create', { tag: { name: '会员' } })
    const { tag: two } = await bench.post('/cgi-bin/tags/create', { tag: { name: '审核员' } })
    const menus = {}
    for (const [tag, name] of [[one, '旧'], [one, '会员'], [two, '审核']]) {
      menus[name] = (await bench.post('/cgi-bin/menu/addconditional', { button: [click(name)], matchrule: { tag_id: String(tag.id) } })).menuid
    }
    const wear = (tag) => bench.post('/cgi-bin/tags/members/batchtagging', { openid_list: ['oMenu'], tagid: tag.id })
    const seen = async () => (await bench.person('oMenu')).menu[0].name
    assert.equal(await seen(), '默认')
    await wear(one)
    assert.equal(await seen(), '会员')
    await wear(two)
    assert.equal(await seen(), '审核')
    await wear(one)
    assert.equal(await seen(), '会员')
    await bench.post('/cgi-bin/menu/delconditional', { menuid: menus.会员 })
    assert.equal(await seen(), '旧')
    assert.equal((await bench.post('/cgi-bin/menu/trymatch', { user_id: 'oMenu' })).button[0].name, '旧')
    assert.equal((await bench.post('/cgi-bin/menu/trymatch', { user_id: 'oNobody' })).errcode, 46004)
    await bench.get('/cgi-bin/menu/delete')
    assert.equal((await bench.person('oMenu')).menu, null)
  })
})

describe('tags and people', () => {
  const create = (name) => bench.post('/cgi-bin/tags/create', { tag: { name } })

  test('names, system tags and counts have limits', async () => {
    const { tag } = await create('限')
    assert.deepEqual(await bench.codes('/cgi-bin/tags/create', ['', '限', 'x'.repeat(31), '字'.repeat(10)].map((name) => ({ tag: { name } }))), [45157, 45157, 45158, 0])
    assert.deepEqual(await bench.codes('/cgi-bin/tags/update', [{ tag: { id: 2, name: 'x' } }, { tag: { id: 9999, name: 'x' } }, { tag: { id: tag.id, name: '限二' } }]), [45058, 45159, 0])
    assert.equal((await bench.post('/cgi-bin/tags/delete', { tag: { id: 1 } })).errcode, 45058)
    const made = []
    for (let i = 0; ; i++) {
      const answer = await create(`标签${i}`)
      if (answer.errcode) {
        assert.equal(answer.errcode, 45056)
        break
      }
      made.push(answer.tag.id)
    }
    const { tags } = await bench.get('/cgi-bin/tags/get')
    assert.equal(tags.filter((one) => one.id >= 100).length, 100)
    await bench.follows('oMany')
    const codes = []
    for (const id of made.slice(0, 21)) codes.push((await bench.post('/cgi-bin/tags/members/batchtagging', { openid_list: ['oMany'], tagid: id })).errcode)
    assert.deepEqual(codes, [...Array(20).fill(0), 45059])
    for (const id of made) await bench.post('/cgi-bin/tags/delete', { tag: { id } })
    assert.deepEqual((await bench.post('/cgi-bin/tags/getidlist', { openid: 'oMany' })).tagid_list, [])
  })

  test('tagging takes up to 50 followers; overlapping calls meet an invalid tag id', async () => {
    const { tag } = await create('五十')
    await bench.follows('oTagged')
    const wear = (list, tagid = tag.id) => bench.post('/cgi-bin/tags/members/batchtagging', { openid_list: list, tagid })
    assert.deepEqual([(await wear([])).errcode, (await wear(Array(51).fill('oTagged'))).errcode, (await wear(['oStranger'])).errcode, (await wear(['oTagged'], 4711)).errcode],
      [40032, 40032, 40003, 45159])
    const both = (await Promise.all([wear(['oTagged']), wear(['oTagged'])])).map((one) => one.errcode)
    assert.deepEqual(both.sort(), [0, 45159])
    assert.deepEqual((await bench.person('oTagged')).tags, [{ id: tag.id, name: '五十' }])
    assert.deepEqual((await bench.post('/cgi-bin/user/tag/get', { tagid: tag.id })).data.openid, ['oTagged'])
    assert.equal((await bench.post('/cgi-bin/tags/members/batchuntagging', { openid_list: ['oTagged'], tagid: tag.id })).errcode, 0)
    assert.deepEqual((await bench.person('oTagged')).tags, [])
  })

  test('what is told about a follower, and about one who left', async () => {
    await bench.follows('oFact')
    const facts = await bench.get('/cgi-bin/user/info', { openid: 'oFact' })
    assert.deepEqual([facts.subscribe, facts.nickname, facts.tagid_list], [1, '', []])
    assert.equal((await bench.post('/cgi-bin/user/info/updateremark', { openid: 'oFact', remark: '三号楼' })).errcode, 0)
    assert.equal((await bench.get('/cgi-bin/user/info', { openid: 'oFact' })).remark, '三号楼')
    assert.ok((await bench.get('/cgi-bin/user/get')).data.openid.includes('oFact'))
    await bench.control('POST', '/sim/send', { person: 'oFact', event: 'unsubscribe' })
    assert.deepEqual(await bench.get('/cgi-bin/user/info', { openid: 'oFact' }), { subscribe: 0, openid: 'oFact' })
    assert.equal((await bench.get('/cgi-bin/user/info', { openid: 'oStranger' })).errcode, 40003)
    const all = await bench.get('/cgi-bin/user/get')
    assert.ok(!all.data.openid.includes('oFact'))
    assert.deepEqual(await bench.get('/cgi-bin/user/get', { next_openid: all.next_openid }), { total: all.total, count: 0, next_openid: '' })
  })
})

describe('customer messages', () => {
  const send = (body) => bench.post('/cgi-bin/message/custom/send', body).then((one) => one.errcode)
  const many = async (person, n) => {
    const codes = []
    for (let i = 0; i < n; i++) codes.push(await send(text(person)))
    return codes
  }

  test('a message opens 48 hours for five, a tap or a follow one minute for three', async () => {
    assert.equal(await send(text('oUnheard')), 40003)
    await bench.follows('oWindow')
    assert.deepEqual(await many('oWindow', 4), [0, 0, 0, 45047])
    await bench.says('oWindow')
    assert.deepEqual(await many('oWindow', 6), [0, 0, 0, 0, 0, 45047])
    await bench.control('POST', '/sim/send', { person: 'oWindow', event: 'CLICK', event_key: 'x' })
    assert.deepEqual(await many('oWindow', 4), [0, 0, 0, 45047])
    await bench.says('oWindow')
    await bench.advance(48 * 3600 - 60)
    assert.deepEqual(await many('oWindow', 1), [0])
    await bench.advance(61)
    assert.deepEqual(await many('oWindow', 1), [45015])
    await bench.control('POST', '/sim/send', { person: 'oWindow', event: 'VIEW', event_key: 'https://x' })
    assert.deepEqual(await many('oWindow', 1), [45015])
  })

  test('who left gets nothing; a tapped link counts as a menu', async () => {
    await bench.control('POST', '/sim/send', { person: 'oTap', type: 'text', content: '通过', bizmsgmenuid: '1' })
    assert.deepEqual((await bench.person('oTap')).windows.map((one) => one.kind), ['menu'])
    await bench.control('POST', '/sim/send', { person: 'oTap', event: 'unsubscribe' })
    assert.equal(await send(text('oTap')), 45015)
  })

  test('bodies have limits', async () => {
    await bench.says('oBody')
    const wrong = [text('oBody', ''), text('oBody', '字'.repeat(683)), { ...text('oBody'), msgtype: 'smoke' }, { touser: 'oBody', msgtype: 'image', image: { media_id: 'x' } },
      { touser: 'oBody', msgtype: 'news', news: { articles: [{ title: 'a' }, { title: 'b' }] } },
      { touser: 'oBody', msgtype: 'msgmenu', msgmenu: { list: Array(11).fill({ id: '1', content: 'x' }) } },
      { touser: 'oBody', msgtype: 'msgmenu', msgmenu: { list: [{ id: '1', content: '字'.repeat(30) }] } }]
    assert.deepEqual(await bench.codes('/cgi-bin/message/custom/send', wrong), [44004, 45002, 40008, 40007, 45008, 45098, 45099])
    assert.equal(await send({ touser: 'oBody', msgtype: 'msgmenu', msgmenu: { head_content: '满意吗', list: [{ id: '101', content: '满意' }], tail_content: '谢谢' } }), 0)
    assert.match((await bench.person('oBody')).received.at(-1).text, /^满意吗\n<a href="weixin:\/\/bizmsgmenu\?msgmenucontent=%E6%BB%A1%E6%84%8F&msgmenuid=101">满意<\/a>\n谢谢$/)
    await bench.control('POST', '/sim/person', { person: 'oBody', refuses_messages: true })
    assert.equal(await send(text('oBody')), 48002)
  })

  test('typing is shown once, soon after a message', async () => {
    await bench.says('oTyping')
    const typing = (command = 'Typing') => bench.post('/cgi-bin/message/custom/typing', { touser: 'oTyping', command }).then((one) => one.errcode)
    assert.deepEqual([await typing('x'), await typing(), await typing(), await typing('CancelTyping'), await typing()], [45072, 0, 45081, 0, 0])
    await bench.advance(31)
    assert.equal(await typing(), 45080)
  })
})

describe('templates and subscriptions', () => {
  const body = (more = {}) => ({ touser: 'oTold', template_id: 'template-1', data: { thing1: { value: '社区巡逻' }, time2: { value: '2026-11-24 10:00' } }, ...more })
  const send = (more) => bench.post('/cgi-bin/message/template/send', body(more))
  const field = (name, value) => ({ data: { [name]: { value } } })

  test('fields are judged by their kind, and the refusal names the field', async () => {
    await bench.follows('oTold')
    const wrong = [field('thing1', ''), field('thing1', '字'.repeat(21)), field('number1', '五'), field('phrase3', '六个字的短语'), field('character_string4', '汉字'),
      field('time2', '明天'), field('amount5', '很多'), field('nonsense1', 'x'), { data: {} }]
    for (const one of wrong) assert.equal((await send(one)).errcode, 47003, JSON.stringify(one))
    assert.match((await send(field('thing1', '字'.repeat(21)))).errmsg, /data\.thing1\.value/)
    const good = [field('thing1', '字'.repeat(20)), field('number1', '20'), field('phrase3', '已通过'), field('character_string4', 'A-1'), field('time2', '2026年11月24日 10:00'),
      field('amount5', '¥12.50'), field('keyword1', '随意'), { data: { ...body().data, first: { value: '旧' } } }]
    for (const one of good) assert.equal((await send(one)).errcode, 0, JSON.stringify(one))
    assert.deepEqual([(await send({ template_id: '' })).errcode, (await send({ touser: 'oNever' })).errcode, (await send({ url: 'x' })).errcode], [40037, 40003, 40035])
  })

  test('an account with a list of templates has no others, and each wants exactly its fields', async () => {
    const account = { ...ACCOUNT, templates: [{ id: 'chosen-1', title: '审核结果通知', fields: ['thing1', 'phrase2'] }] }
    const own = await Bench.start([account])
    try {
      await own.follows('oTold')
      const tried = async (id, data) => (await own.post('/cgi-bin/message/template/send', { touser: 'oTold', template_id: id, data })).errcode
      const data = { thing1: { value: '巡逻' }, phrase2: { value: '已通过' } }
      assert.deepEqual([await tried('other-1', data), await tried('chosen-1', { thing1: data.thing1 }), await tried('chosen-1', { ...data, thing3: data.thing1 }), await tried('chosen-1', data)],
        [40037, 47003, 47003, 0])
      assert.equal((await own.get('/cgi-bin/template/get_all_private_template')).template_list[0].content, '{{thing1.DATA}}\n{{phrase2.DATA}}')
    } finally {
      await own.close()
    }
  })

  test('one client_msg_id is one message for ten minutes', async () => {
    await bench.follows('oTold')
    const shown = async () => (await bench.person('oTold')).received.filter((one) => one.kind === 'template').length
    const before = await shown()
    const first = await send({ client_msg_id: 'gulou-1' })
    assert.ok(BigInt(first.msgid) > 2n ** 53n)
    assert.equal((await send({ client_msg_id: 'gulou-1' })).msgid, first.msgid)
    assert.equal(await shown(), before + 1)
    await bench.advance(601)
    assert.notEqual((await send({ client_msg_id: 'gulou-1' })).msgid, first.msgid)
    assert.equal((await send({ client_msg_id: 'x'.repeat(33) })).errcode, 40035)
  })

  test('an event tells what became of it', async () => {
    await bench.switch({ job_ms: 5 })
    for (const [result, status] of [['success', 'success'], ['user block', 'failed:user block'], ['system failed', 'failed: system failed']]) {
      await bench.control('POST', '/sim/person', { person: 'oTold', template_result: result })
      const event = bench.event('TEMPLATESENDJOBFINISH')
      const { msgid } = await send()
      const xml = await event
      assert.ok(xml.includes(`<MsgID>${msgid}</MsgID>`) && xml.includes(`<Status><![CDATA[${status}]]></Status>`), xml)
    }
    await bench.control('POST', '/sim/person', { person: 'oTold', template_result: 'success', blacklisted: true })
    assert.equal((await send()).errcode, 43019)
    await bench.control('POST', '/sim/send', { person: 'oTold', event: 'unsubscribe' })
    assert.equal((await send()).errcode, 43004)
    await bench.control('POST', '/sim/switch', { reset: true })
  })

  test('one consent is one subscription notification', async () => {
    await bench.switch({ job_ms: 5 })
    const notify = () => bench.post('/cgi-bin/message/subscribe/bizsend', { touser: 'oAgreed', template_id: 'sub-1', page: 'https://x', data: { thing1: { value: '通过' } } }).then((one) => one.errcode)
    const answer = (one) => bench.control('POST', '/sim/consent', { person: 'oAgreed', template_id: 'sub-1', answer: one })
    await bench.says('oAgreed')
    assert.equal(await notify(), 43101)
    await answer('reject')
    assert.equal(await notify(), 43101)
    assert.match((await answer('accept')).raw.plain, /subscribe_msg_popup_event.*<List><TemplateId>.*accept/)
    const event = bench.event('subscribe_msg_sent_event')
    assert.equal(await notify(), 0)
    assert.match(await event, /<ErrorStatus><!\[CDATA\[success\]\]>/)
    assert.equal((await bench.person('oAgreed')).received.at(-1).kind, 'subscription')
    assert.equal(await notify(), 43101)
    await answer('accept')
    assert.match((await answer('off')).raw.plain, /subscribe_msg_change_event/)
    assert.equal(await notify(), 43101)
    await bench.control('POST', '/sim/switch', { reset: true })
  })
})

describe('media', () => {
  test('a photo from the chat is a JPEG with place and time, for three days', async () => {
    const { raw } = await bench.control('POST', '/sim/send', { person: 'oPhoto', type: 'image' })
    const id = /<MediaId><!\[CDATA\[([^\]]+)/.exec(raw.plain)[1]
    const load = async () => fetch(bench.base + await bench.withToken('/cgi-bin/media/get', { media_id: id }))
    const response = await load()
    assert.equal(response.headers.get('content-type'), 'image/jpeg')
    assert.match(response.headers.get('content-disposition'), /^attachment; filename="[\w-]+\.jpg"$/)
    const bytes = Buffer.from(await response.arrayBuffer())
    assert.ok(bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])) && bytes.subarray(-2).equals(Buffer.from([0xff, 0xd9])))
    assert.ok(bytes.includes('Exif') && bytes.includes('Gulou Simulator'))
    assert.equal((await bench.get('/cgi-bin/media/get', { media_id: id }, await bench.newToken(OTHER))).errcode, 40007)
    await bench.advance(3 * 24 * 3600 + 1)
    const late = await load()
    assert.equal(late.headers.get('content-type'), 'text/plain')
    assert.equal((await late.json()).errcode, 40007)
  })

  test('an upload is one named file of the right kind and size', async () => {
    const kind = { query: { type: 'image' } }
    const path = '/cgi-bin/media/upload'
    const good = await upload(path, takePhoto(), kind)
    assert.deepEqual(Object.keys(good), ['type', 'media_id', 'created_at'])
    assert.ok((await upload(path, takePhoto(), { query: { type: 'thumb' } })).thumb_media_id)
    const codes = [await upload(path, takePhoto(), { query: { type: 'smell' } }), await upload(path, takePhoto(), { ...kind, name: 'file' }),
      await upload(path, Buffer.alloc(0), kind), await upload(path, takePhoto(), { ...kind, filename: 'photo.exe' }), await upload(path, Buffer.from('GIF?'), kind),
      await upload(path, Buffer.alloc(65537), { query: { type: 'thumb' } }), await upload('/cgi-bin/media/uploadimg', Buffer.concat([takePhoto(), Buffer.alloc(1 << 20)]))]
    assert.deepEqual(codes.map((one) => one.errcode), [40004, 41005, 44001, 40005, 40137, 40012, 40009])
  })

  test('permanent material stays, and its picture can be loaded', async () => {
    const { media_id: id, url } = await upload('/cgi-bin/material/add_material', takePhoto(), { query: { type: 'image' } })
    await bench.advance(100 * 24 * 3600)
    assert.equal((await fetch(url)).headers.get('content-type'), 'image/jpeg')
    assert.equal((await bench.get('/cgi-bin/material/get_materialcount')).image_count >= 1, true)
    assert.equal((await bench.post('/cgi-bin/material/del_material', { media_id: id })).errcode, 0)
    assert.equal((await bench.post('/cgi-bin/material/del_material', { media_id: id })).errcode, 40007)
  })
})

describe('drafts and publishing', () => {
  const article = async (more = {}) => ({ title: '三季度公示', content: '<p>名单</p>', thumb_media_id: await thumb(), ...more })

  test('limits of an article; scripts and foreign pictures go', async () => {
    const good = await article()
    const wrong = [{ title: '' }, { title: '字'.repeat(33) }, { author: '字'.repeat(17) }, { digest: '字'.repeat(129) }, { content: '' }, { content: '字'.repeat(20000) },
      { content_source_url: `https://x/${'u'.repeat(1024)}` }, { thumb_media_id: 'x' }]
    assert.deepEqual(await bench.codes('/cgi-bin/draft/add', [...wrong.map((more) => ({ articles: [{ ...good, ...more }] })), { articles: [] }, { articles: Array(9).fill(good) }]),
      [45003, 45003, 45110, 45004, 44004, 45002, 45005, 40007, 44003, 45008])
    const { url } = await upload('/cgi-bin/media/uploadimg', takePhoto())
    const { media_id: id } = await bench.post('/cgi-bin/draft/add', { articles: [{ ...good, content: `<p>一二三</p><script>x()</script><img src="https://else/x.jpg"><img src="${url}">` }] })
    const { news_item: [kept] } = await bench.post('/cgi-bin/draft/get', { media_id: id })
    assert.equal(kept.content, `<p>一二三</p><img src="${url}">`)
    assert.equal(kept.digest, '一二三')
    assert.equal((await bench.post('/cgi-bin/draft/update', { media_id: id, index: 1, articles: good })).errcode, 40035)
    assert.equal((await bench.post('/cgi-bin/draft/update', { media_id: id, index: 0, articles: { ...good, title: '改' } })).errcode, 0)
    const list = await bench.post('/cgi-bin/draft/batchget', { offset: 0, count: 1, no_content: 1 })
    assert.deepEqual([list.item[0].media_id, list.item[0].content.news_item[0].title, list.item[0].content.news_item[0].content], [id, '改', undefined])
    const { total_count: before } = await bench.get('/cgi-bin/draft/count')
    await bench.post('/cgi-bin/draft/delete', { media_id: id })
    assert.equal((await bench.get('/cgi-bin/draft/count')).total_count, before - 1)
    assert.equal((await bench.post('/cgi-bin/draft/get', { media_id: id })).errcode, 40007)
  })

  test('publishing is a job: queued, then an event, an article and no draft', async () => {
    await bench.switch({ job_ms: 3600_000 })
    const { media_id: id } = await bench.post('/cgi-bin/draft/add', { articles: [await article({ content: '<p>全文</p>' })] })
    const event = bench.event('PUBLISHJOBFINISH')
    const { publish_id: job } = await bench.post('/cgi-bin/freepublish/submit', { media_id: id })
    assert.equal((await bench.post('/cgi-bin/freepublish/get', { publish_id: job })).publish_status, 1)
    await bench.advance(3600)
    const xml = await event
    assert.ok(xml.includes(`<publish_id><![CDATA[${job}]]></publish_id><publish_status>0</publish_status>`), xml)
    const done = await bench.post('/cgi-bin/freepublish/get', { publish_id: job })
    assert.equal(done.publish_status, 0)
    assert.match(await (await fetch(done.article_detail.item[0].article_url)).text(), /<p>全文<\/p>/)
    assert.equal((await bench.post('/cgi-bin/draft/get', { media_id: id })).errcode, 40007)
    assert.equal((await bench.post('/cgi-bin/freepublish/get', { publish_id: '1' })).errcode, 53502)
    const { item: [newest] } = await bench.post('/cgi-bin/freepublish/batchget', { offset: 0, count: 20, no_content: 1 })
    assert.deepEqual([newest.article_id, newest.content.news_item[0].url, newest.content.news_item[0].content], [done.article_id, done.article_detail.item[0].article_url, undefined])
  })

  test('publishing may be refused, fail, or not be the account\'s', async () => {
    const { media_id: id } = await bench.post('/cgi-bin/draft/add', { articles: [await article()] })
    await bench.switch({ publishing: 53503, job_ms: 5 })
    assert.equal((await bench.post('/cgi-bin/freepublish/submit', { media_id: id })).errcode, 53503)
    await bench.switch({ publishing: 'withdrawn' })
    assert.equal((await bench.post('/cgi-bin/freepublish/submit', { media_id: id })).errcode, 48001)
    await bench.switch({ publishing: 'allowed', publish_status: 4 })
    const event = bench.event('PUBLISHJOBFINISH')
    await bench.post('/cgi-bin/freepublish/submit', { media_id: id })
    assert.match(await event, /<publish_status>4<\/publish_status><fail_idx>1<\/fail_idx>/)
    assert.ok((await bench.post('/cgi-bin/draft/get', { media_id: id })).news_item)
    await bench.control('POST', '/sim/switch', { reset: true })
  })
})

describe('QR codes, short keys and tickets', () => {
  const make = (scene, more = {}) => bench.post('/cgi-bin/qrcode/create', { expire_seconds: 60, action_name: 'QR_STR_SCENE', action_info: { scene: { scene_str: scene } }, ...more })

  test('a scan by a stranger follows, by a follower tells the scene', async () => {
    const { ticket } = await make('bind_DEMO0001')
    const picture = await fetch(`${bench.base}/cgi-bin/showqrcode?ticket=${encodeURIComponent(ticket)}`)
    assert.equal(picture.headers.get('content-type'), 'image/jpg')
    const scan = (more) => bench.control('POST', '/sim/scan', { person: 'oScan', ...more })
    assert.match((await scan({ ticket })).raw.plain, /<Event><!\[CDATA\[subscribe\]\]><\/Event><EventKey><!\[CDATA\[qrscene_bind_DEMO0001\]\]><\/EventKey><Ticket>/)
    assert.match((await scan({ scene: 'bind_DEMO0001' })).raw.plain, /<Event><!\[CDATA\[SCAN\]\]><\/Event><EventKey><!\[CDATA\[bind_DEMO0001\]\]>/)
    assert.equal((await bench.get('/cgi-bin/user/info', { openid: 'oScan' })).qr_scene_str, 'bind_DEMO0001')
    await bench.advance(61)
    assert.equal((await scan({ ticket })).status, 400)
    assert.equal((await fetch(`${bench.base}/cgi-bin/showqrcode?ticket=${encodeURIComponent(ticket)}`)).status, 404)
  })

  test('scenes have limits; permanent ones stay', async () => {
    const bodies = [['', {}], ['字'.repeat(65), {}], ['x', { expire_seconds: 2592001 }], ['x', { action_name: 'QR' }],
      [null, { action_name: 'QR_SCENE', action_info: { scene: { scene_id: 0 } } }], [null, { action_name: 'QR_LIMIT_SCENE', action_info: { scene: { scene_id: 100001 } } }]]
    const codes = []
    for (const [scene, more] of bodies) codes.push((await make(scene, more)).errcode)
    assert.deepEqual(codes, [40053, 40053, 40035, 40035, 40053, 40053])
    const { ticket } = await make('楼门三', { action_name: 'QR_LIMIT_STR_SCENE' })
    await bench.advance(365 * 24 * 3600)
    assert.ok((await bench.control('GET', '/sim/codes')).codes.some((one) => one.ticket === ticket && one.scene === '楼门三'))
  })

  test('a short key brings its data back; the ticket for scripts is kept', async () => {
    const { short_key: key } = await bench.post('/cgi-bin/shorten/gen', { long_data: '长', expire_seconds: 60 })
    assert.equal((await bench.post('/cgi-bin/shorten/fetch', { short_key: key })).long_data, '长')
    assert.equal((await bench.post('/cgi-bin/shorten/fetch', { short_key: 'x' })).errcode, 9410012)
    const { ticket } = await bench.get('/cgi-bin/ticket/getticket', { type: 'jsapi' })
    assert.equal((await bench.get('/cgi-bin/ticket/getticket', { type: 'jsapi' })).ticket, ticket)
    assert.equal((await bench.get('/cgi-bin/ticket/getticket', { type: 'x' })).errcode, 40097)
  })
})

describe('sign-in to pages', () => {
  const ask = (change = {}, order = ['appid', 'redirect_uri', 'response_type', 'scope', 'state']) => {
    const values = { appid: ACCOUNT.app_id, redirect_uri: `${bench.server}/back?x=1`, response_type: 'code', scope: 'snsapi_base', state: 'abc1', ...change }
    return `${bench.base}/connect/oauth2/authorize?${order.map((name) => `${name}=${encodeURIComponent(values[name])}`).join('&')}`
  }
  const open = (url, person = 'oReader') => fetch(url, { redirect: 'manual', headers: { Cookie: `simulator_person=${person}` } })
  const codeOf = async (...args) => new URL((await open(ask(...args))).headers.get('location')).searchParams.get('code')
  const worth = (code, more = {}) => bench.raw(`/sns/oauth2/access_token?${new URLSearchParams({ appid: ACCOUNT.app_id, secret: ACCOUNT.app_secret, code, grant_type: 'authorization_code', ...more })}`)

  test('the page sends code and state to the registered host, in the strict order only', async () => {
    const response = await open(ask())
    assert.equal(response.status, 302)
    const back = new URL(response.headers.get('location'))
    assert.deepEqual([back.origin, back.pathname, back.searchParams.get('x'), back.searchParams.get('state')], [bench.server, '/back', '1', 'abc1'])
    const refused = [ask({}, ['redirect_uri', 'appid', 'response_type', 'scope', 'state']), ask({ scope: 'all' }), ask({ state: 'a b' }), ask({ redirect_uri: 'http://else.cn/' }), ask({ appid: 'wx0' })]
    for (const url of refused) assert.equal((await open(url)).status, 200, url)
    assert.match(await (await open(ask({ redirect_uri: 'http://else.cn/' }))).text(), /10003/)
    await bench.switch({ verified: false })
    assert.match(await (await open(ask())).text(), /10005/)
    await bench.control('POST', '/sim/switch', { reset: true })
  })

  test('a code is worth one person once, for five minutes', async () => {
    const code = await codeOf()
    assert.equal((await worth(code, { secret: 'x' })).errcode, 40125)
    assert.equal((await worth(code, { appid: OTHER.app_id, secret: OTHER.app_secret })).errcode, 40029)
    const answer = await worth(code)
    assert.deepEqual([answer.openid, answer.scope, answer.is_snapshotuser], ['oReader', 'snsapi_base', undefined])
    assert.equal((await worth(code)).errcode, 40163)
    assert.equal((await worth('x')).errcode, 40029)
    const late = await codeOf()
    await bench.advance(301)
    assert.equal((await worth(late)).errcode, 42003)
    await bench.switch({ snapshot_user: true })
    const snapshot = await worth(await codeOf())
    assert.equal(snapshot.is_snapshotuser, 1)
    assert.notEqual(snapshot.openid, 'oReader')
    await bench.control('POST', '/sim/switch', { reset: true })
  })

  test('snsapi_userinfo asks first; its token is worth a name and can be renewed', async () => {
    const page = await open(ask({ scope: 'snsapi_userinfo' }))
    assert.equal(page.status, 200)
    const again = /href="([^"]+)"/.exec(await page.text())[1].replaceAll('&amp;', '&')
    const back = new URL((await open(bench.base + again)).headers.get('location'))
    const { access_token: token, refresh_token: renewal, openid } = await worth(back.searchParams.get('code'))
    const facts = await bench.raw(`/sns/userinfo?access_token=${token}&openid=${openid}&lang=zh_CN`)
    assert.equal(facts.openid, 'oReader')
    const renewed = await bench.raw(`/sns/oauth2/refresh_token?appid=${ACCOUNT.app_id}&grant_type=refresh_token&refresh_token=${renewal}`)
    assert.equal((await bench.raw(`/sns/auth?access_token=${renewed.access_token}&openid=${openid}`)).errcode, 0)
    const { access_token: silent } = await worth(await codeOf())
    assert.equal((await bench.raw(`/sns/userinfo?access_token=${silent}&openid=oReader`)).errcode, 48001)
    assert.equal((await bench.get('/cgi-bin/getcallbackip', {}, token)).errcode, 40001)
  })
})

test('a failing server is shown only where a chat is open', async () => {
  bench.fake.close()
  bench.fake.closeAllConnections()
  const once = { attempts: 1 }
  assert.equal((await bench.control('POST', '/sim/send', { person: 'oChat', type: 'text', content: 'x', ...once })).notice, FAILURE_NOTICE)
  for (const event of ['unsubscribe', 'VIEW', 'TEMPLATESENDJOBFINISH']) {
    assert.equal((await bench.control('POST', '/sim/send', { person: 'oChat', event, ...once })).notice, null, event)
  }
})
