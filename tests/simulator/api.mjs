// The part of the platform's own API that the server calls, with the error numbers of the real one.
import { randomBytes } from 'node:crypto'

const TOKEN_SECONDS = 7200

export class PlatformApi {
  constructor(accounts, media, following, onEvent) {
    Object.assign(this, { accounts, media, following, onEvent })
    this.tokens = new Map()
    this.menus = new Map()
    this.faults = [] // error numbers for the next calls
  }

  keep(bytes, type) {
    const id = randomBytes(24).toString('base64url')
    this.media.set(id, { bytes, type })
    return id
  }

  serve(method, url, body, response) {
    const path = url.pathname.slice('/cgi-bin/'.length)
    const fault = this.faults.shift()
    if (fault) return send(response, { errcode: fault, errmsg: 'simulated' })
    let value = {}
    if (method === 'POST') {
      if (/\\u[0-9a-fA-F]{4}/.test(body.toString())) return send(response, failure(40033, 'escaped characters'))
      try {
        value = JSON.parse(body.toString())
      } catch {
        return send(response, failure(47001, 'data format error'))
      }
    }
    if (path === 'token' && method === 'GET') return send(response, this.token(Object.fromEntries(url.searchParams), true))
    if (path === 'stable_token' && method === 'POST') return send(response, this.token(value, value.force_refresh === true))
    const granted = this.tokens.get(url.searchParams.get('access_token'))
    if (!granted) return send(response, failure(40001, 'invalid credential, access_token is invalid or not latest'))
    if (granted.until < Date.now()) return send(response, failure(42001, 'access_token expired'))
    const call = this[`${method} ${path}`]
    if (!call) return send(response, failure(40066, 'invalid url'))
    const result = call.call(this, granted.account, value, url.searchParams)
    if (result.bytes) {
      response.writeHead(200, { 'Content-Type': result.type, 'Content-Length': result.bytes.length,
        'Content-Disposition': 'attachment; filename="photo.jpg"' })
      return response.end(result.bytes)
    }
    send(response, result)
  }

  token({ grant_type: grant, appid, secret }, fresh) {
    if (grant !== 'client_credential') return failure(40002, 'invalid grant_type')
    const account = this.accounts.find((one) => one.app_id === appid)
    if (!account) return failure(40013, 'invalid appid')
    if (account.app_secret && account.app_secret !== secret) return failure(40125, 'invalid appsecret')
    for (const [token, kept] of this.tokens) {
      if (kept.account !== account) continue
      const left = Math.floor((kept.until - Date.now()) / 1000)
      if (!fresh && left > 300) return { access_token: token, expires_in: left }
      kept.until = Math.min(kept.until, Date.now() + 300_000)
    }
    const token = randomBytes(80).toString('base64url')
    this.tokens.set(token, { account, until: Date.now() + TOKEN_SECONDS * 1000 })
    return { access_token: token, expires_in: TOKEN_SECONDS }
  }

  'GET getcallbackip'() { return { ip_list: ['127.0.0.1'] } }
  'GET get_api_domain_ip'() { return { ip_list: ['127.0.0.1'] } }

  'GET media/get'(_account, _value, query) {
    return this.media.get(query.get('media_id')) ?? failure(40007, 'invalid media_id')
  }

  'POST menu/create'(account, { button }) {
    if (!Array.isArray(button) || button.length < 1 || button.length > 3) return failure(40016, 'invalid button size')
    for (const one of button) {
      if (Buffer.byteLength(one.name ?? '') > 16) return failure(40018, 'invalid button name size')
      if ((one.sub_button ?? []).length > 5) return failure(40023, 'invalid sub button size')
    }
    this.menus.set(account.id, button)
    this.onEvent({ kind: 'menu', account: account.id, button })
    return OK
  }

  'GET menu/get'(account) {
    const button = this.menus.get(account.id)
    return button ? { menu: { button } } : failure(46003, 'menu no exist')
  }

  'GET menu/delete'(account) {
    this.menus.delete(account.id)
    return OK
  }

  'GET user/info'(account, _value, query) {
    const openid = query.get('openid')
    return { subscribe: this.following.has(`${account.id}|${openid}`) ? 1 : 0, openid }
  }

  'POST message/custom/send'(account, { touser, msgtype, text }) {
    if (!this.following.has(`${account.id}|${touser}`)) return failure(45015, 'response out of time limit')
    if (msgtype !== 'text' || !text?.content) return failure(40008, 'invalid message type')
    if (Buffer.byteLength(text.content) > 2048) return failure(45002, 'content size out of limit')
    this.onEvent({ kind: 'message', account: account.id, person: touser, text: text.content })
    return OK
  }
}

const OK = { errcode: 0, errmsg: 'ok' }

function failure(errcode, message) {
  const rid = [4, 4, 4].map((n) => randomBytes(n).toString('hex')).join('-')
  return { errcode, errmsg: `${message} rid: ${rid}` }
}

function send(response, value) {
  const body = JSON.stringify(value)
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}
