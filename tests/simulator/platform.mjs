// The platform between persons and one official account: builds pushes, signs and encrypts them, tries three
// times, judges the answers. As strict as the real one where that is known.
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { encrypt, sign } from './crypto.mjs'
import { readReply } from './reply.mjs'

export const FAILURE_NOTICE = '该公众号提供的服务出现故障，请稍后再试'
// Nobody looks at a chat when these happen: no reply can be shown, and no failure notice either.
const TAKES_NO_REPLY = ['unsubscribe', 'VIEW', 'view_miniprogram', 'TEMPLATESENDJOBFINISH', 'MASSSENDJOBFINISH', 'PUBLISHJOBFINISH',
  'subscribe_msg_sent_event', 'subscribe_msg_change_event', 'user_authorization_revoke']

const escapeCdata = (text) => String(text).replaceAll(']]>', ']]]]><![CDATA[>')

// {a: 'x', b: {c: 1}} as elements; numbers bare, texts in CDATA, as the platform writes them.
export function toXml(fields) {
  return Object.entries(fields).map(([name, value]) => {
    if (value === undefined) return ''
    if (Array.isArray(value)) return value.map((one) => toXml({ [name]: one })).join('')
    if (value !== null && typeof value === 'object') return `<${name}>${toXml(value)}</${name}>`
    return typeof value === 'number' || typeof value === 'bigint' ? `<${name}>${value}</${name}>` : `<${name}><![CDATA[${escapeCdata(value)}]]></${name}>`
  }).join('')
}

export class Platform {
  // account: {id, app_id, original_id, token, aes_key, mode}
  // ca: of the server's certificate, when no public authority has signed it.
  // medium(id): finds a medium of the account, for replies that hold one.
  constructor({ account, server, attemptMs = 5000, onEvent = () => {}, medium, ca }) {
    Object.assign(this, { account, server, attemptMs, onEvent, medium, ca })
    this.sent = new Map()
    this.nextMsgId = BigInt(Date.now()) << 20n
    this.lastId = 0
    this.events = []
    this.faults = []
  }

  // The fields of a push from a person's act; the caller may fix CreateTime and MsgId to send the same again.
  compose(person, act) {
    const common = { ToUserName: this.account.original_id, FromUserName: person, CreateTime: act.createTime ?? Math.floor(Date.now() / 1000) }
    const msgId = () => act.msgId ?? String(this.nextMsgId++)
    switch (act.type) {
      case 'text':
        return { ...common, MsgType: 'text', Content: act.content, MsgId: BigInt(msgId()), bizmsgmenuid: act.menuId }
      case 'image':
        return { ...common, MsgType: 'image', PicUrl: act.picUrl ?? 'http://mmbiz.qpic.cn/simulated', MediaId: act.mediaId ?? randomBytes(16).toString('hex'), MsgId: BigInt(msgId()) }
      case 'event':
        return { ...common, MsgType: 'event', Event: act.event, EventKey: act.eventKey ?? '', ...act.fields }
      default:
        return { ...common, MsgType: act.type, ...act.fields, MsgId: BigInt(msgId()) }
    }
  }

  // One HTTP request for one attempt; signature and cipher are fresh each time, the content is the same.
  request(fields, act = {}) {
    const mode = act.mode ?? this.account.mode
    const xml = act.rawXml ?? `<xml>${toXml(fields)}</xml>`
    const timestamp = String(Math.floor(Date.now() / 1000))
    const nonce = String(Math.floor(Math.random() * 1e10))
    const query = { signature: sign(this.account.token, timestamp, nonce), timestamp, nonce, openid: fields.FromUserName }
    let body = xml
    if (mode !== 'plain') {
      const cipher = encrypt(this.account.aes_key, this.account.app_id, xml)
      Object.assign(query, { encrypt_type: 'aes', msg_signature: sign(this.account.token, timestamp, nonce, cipher) })
      const envelope = toXml({ ToUserName: fields.ToUserName, Encrypt: cipher })
      body = mode === 'compatible' ? xml.replace('</xml>', `${toXml({ Encrypt: cipher })}</xml>`) : `<xml>${envelope}</xml>`
    }
    return { path: `/wechat/${this.account.id}?${new URLSearchParams(query)}`, body, encrypted: mode !== 'plain' }
  }

  post({ path, body }, timeoutMs) {
    return new Promise((resolve) => {
      const started = Date.now()
      const done = (result) => resolve({ ms: Date.now() - started, ...result })
      const url = new URL(path, this.server)
      const request = (url.protocol === 'https:' ? https : http).request(url, {
        method: 'POST', agent: false, ca: this.ca,
        headers: { 'User-Agent': 'Mozilla/4.0', 'Content-Type': 'text/xml', Pragma: 'no-cache', 'Content-Length': Buffer.byteLength(body) }
      }, (response) => {
        const parts = []
        response.on('data', (part) => parts.push(part))
        response.on('end', () => done({ status: response.statusCode, contentType: response.headers['content-type'], contentLength: response.headers['content-length'], body: Buffer.concat(parts) }))
        response.on('error', (error) => done({ error: error.message }))
      })
      const timer = setTimeout(() => { request.destroy(); done({ error: 'timeout' }) }, timeoutMs)
      request.on('close', () => clearTimeout(timer))
      request.on('error', (error) => done({ error: error.message }))
      request.end(body)
    })
  }

  // One attempt, with the fault that was ordered for it: lose the answer, or never reach the server. What the
  // platform sends by itself takes none: it would come at a moment that no test can know.
  async attempt(fields, act) {
    const fault = act.unasked ? undefined : this.faults.shift()
    if (fault === 'unreachable') return { ms: 0, error: 'unreachable' }
    const request = this.request(fields, act)
    const response = await this.post(request, this.attemptMs)
    const kept = { status: response.status, ms: response.ms, error: response.error }
    kept.raw = { path: request.path, body: request.body, answer: response.body?.toString() ?? '' }
    if (fault === 'lose_answer') return { ...kept, error: 'answer lost' }
    if (response.error) return kept
    try {
      const noReply = fields.MsgType === 'event' && TAKES_NO_REPLY.includes(fields.Event) ? fields.Event : undefined
      const { message, plain } = readReply(this.account, { from: fields.FromUserName, to: fields.ToUserName, encrypted: request.encrypted,
        event: fields.MsgType === 'event', noReply, medium: this.medium }, response)
      kept.message = message
      kept.raw.answerPlain = plain
    } catch (error) {
      kept.error = error.message
      kept.refused = true
    }
    return kept
  }

  // The same key sends the same push again, byte for byte inside: what a tester needs to try repetitions.
  fieldsFor(person, act) {
    if (act.key === undefined) return this.compose(person, act)
    const kept = `${person}|${act.key}`
    if (!this.sent.has(kept)) this.sent.set(kept, this.compose(person, act))
    return this.sent.get(kept)
  }

  // A person's act from the tap to what the phone shows: {attempts, reply, message, notice, raw}; `reply` is the words
  // of a text, `message` a reply of any type.
  async send(person, act) {
    const fields = this.fieldsFor(person, act)
    const attempts = []
    const raw = { plain: `<xml>${toXml(fields)}</xml>` }
    const result = { id: ++this.lastId, attempts, reply: null, message: null, notice: null, raw, msgId: fields.MsgId?.toString(), createTime: fields.CreateTime }
    const tries = act.attempts ?? 3
    for (let i = 0; i < tries; i++) {
      const attempt = await this.attempt(fields, act)
      attempts.push({ status: attempt.status, ms: attempt.ms, error: attempt.error })
      Object.assign(raw, attempt.raw)
      this.onEvent({ kind: 'attempt', account: this.account.id, person, clientId: act.clientId, attempt: attempts.at(-1), number: i + 1 })
      if (!attempt.error) {
        result.reply = attempt.message?.text ?? null
        result.message = attempt.message
        this.log(person, act, result)
        return result
      }
      // A wrong answer is shown at once as a failure; silence and lost connections are tried again. The next
      // attempt leaves when this one's five seconds are over.
      if (attempt.refused) break
      if (i < tries - 1 && attempt.ms < this.attemptMs) await new Promise((resolve) => setTimeout(resolve, this.attemptMs - attempt.ms))
    }
    if (!TAKES_NO_REPLY.includes(fields.Event)) result.notice = FAILURE_NOTICE
    this.log(person, act, result)
    return result
  }

  // The console's URL check: true only when the server echoes exactly what was sent.
  async verify() {
    const echo = String(Math.floor(Math.random() * 1e16))
    const timestamp = String(Math.floor(Date.now() / 1000))
    const nonce = String(Math.floor(Math.random() * 1e10))
    const query = new URLSearchParams({ signature: sign(this.account.token, timestamp, nonce), timestamp, nonce, echostr: echo })
    const response = await fetch(new URL(`/wechat/${this.account.id}?${query}`, this.server), { signal: AbortSignal.timeout(this.attemptMs) })
    return response.status === 200 && await response.text() === echo
  }

  log(person, act, result) {
    const event = { at: new Date().toISOString(), account: this.account.id, person, act, ...result }
    this.events.push(event)
    if (this.events.length > 1000) this.events.shift()
    this.onEvent({ kind: 'done', ...event })
  }
}
