// The browser inside the chat, for one person: it keeps their cookies apart from everybody else's, and carries out the
// platform's sign-in. Each person has a host of their own on loopback, behind which a site lies as it is, scripts and
// all; so several people can be signed in side by side in one real browser, and in frames.
import http from 'node:http'
import { authorizePage } from './api/oauth.mjs'

const AGENT = 'Mozilla/5.0 (Linux; Android 14; Simulated) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36 MicroMessenger/8.0.50 Language/zh_CN'
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']
const TIMEOUT_MS = 15_000
const HOP_HEADERS = ['connection', 'keep-alive', 'transfer-encoding', 'set-cookie', 'content-length', 'content-encoding', 'x-frame-options']
const FIRST_HOST = 2 // 127.0.0.2 …

const unescapeHtml = (text) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
const escapeHtml = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

// Cookies by host, as far as a sign-in needs them: path, and an end by Max-Age or Expires.
class Jar {
  constructor() { this.hosts = new Map() }

  store(url, lines) {
    const kept = this.hosts.get(url.host) ?? new Map()
    this.hosts.set(url.host, kept)
    for (const line of lines) {
      const [pair, ...attributes] = line.split(';').map((one) => one.trim())
      const at = pair.indexOf('=')
      const found = (name) => attributes.find((one) => one.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1)
      // Of both, Max-Age counts; what is absent is NaN and never ends.
      const ended = found('max-age') === undefined ? Date.parse(found('expires')) <= Date.now() : Number(found('max-age')) <= 0
      if (ended) kept.delete(pair.slice(0, at))
      else kept.set(pair.slice(0, at), { value: pair.slice(at + 1), path: found('path') ?? '/' })
    }
  }

  header(url) {
    return [...this.hosts.get(url.host) ?? []].filter(([, { path }]) => url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(([name, { value }]) => `${name}=${value}`).join('; ')
  }
}

export class Browser {
  constructor({ oauth, address }) {
    Object.assign(this, { oauth, address, jars: new Map(), hosts: new Map(), fronts: new Map() })
  }

  close() {
    for (const front of this.fronts.values()) front.then((one) => one.server.close())
  }

  // Where a page's address leads from here.
  through(person, url) {
    return `${this.address()}/sim/browse?${new URLSearchParams({ account: person.account.id, person: person.openid, url })}`
  }

  isAuthorize(url) {
    return url.pathname === '/connect/oauth2/authorize' && (url.hostname === 'open.weixin.qq.com' || url.origin === this.address())
  }

  async serve(person, asked, response) {
    let url
    try {
      url = new URL(asked.searchParams.get('url'))
    } catch {
      return this.page(response, 400, '网址不对')
    }
    if (this.isAuthorize(url)) return this.authorize(person, url, asked.searchParams.get('allowed') === '1', response)
    if (url.hostname === 'mp.weixin.qq.com' && url.pathname === '/cgi-bin/showqrcode') url = new URL(url.pathname + url.search, this.address())
    if (url.protocol !== 'http:' || !LOOPBACK.includes(url.hostname)) return this.page(response, 200, `模拟器不打开外部网页：${url.host}`)
    const front = await this.front(person, url.origin)
    this.redirect(response, front.address + url.pathname + url.search + url.hash)
  }

  authorize(person, url, allowed, response) {
    if (url.hash !== '#wechat_redirect') return this.page(response, 200, '网址的结尾缺少 #wechat_redirect')
    const result = this.oauth.authorize(person.openid, new URL(url), allowed)
    if (result.redirect) return this.redirect(response, this.through(person, result.redirect))
    this.send(response, 200, Buffer.from(authorizePage(result, `${this.through(person, url.href)}&allowed=1`)), { 'content-type': 'text/html; charset=utf-8' })
  }

  // A site as this person's browser sees it, at an address of its own.
  front(person, origin) {
    const key = `${person.account.id}|${person.openid}|${origin}`
    if (!this.fronts.has(key)) this.fronts.set(key, this.openFront(person, origin))
    return this.fronts.get(key)
  }

  openFront(person, origin) {
    if (!this.hosts.has(person)) this.hosts.set(person, `127.0.${Math.floor((this.hosts.size + FIRST_HOST) / 250)}.${(this.hosts.size + FIRST_HOST) % 250}`)
    const host = this.hosts.get(person)
    const server = http.createServer((request, response) => this.pass(person, origin, request, response))
    server.unref()
    return new Promise((resolve, reject) => {
      server.on('error', reject)
      server.listen(0, host, () => resolve({ server, address: `http://${host}:${server.address().port}` }))
    })
  }

  // One request of the page: to the site and back, with this person's cookies.
  async pass(person, origin, request, response) {
    const jar = this.jars.get(person) ?? new Jar()
    this.jars.set(person, jar)
    const url = new URL(request.url, origin)
    const { host: _host, connection: _connection, ...headers } = request.headers
    Object.assign(headers, { 'user-agent': AGENT, 'accept-language': 'zh-CN', ...request.headers.origin ? { origin } : {} })
    delete headers.referer
    const cookies = jar.header(url)
    if (cookies) headers.cookie = cookies
    else delete headers.cookie
    try {
      const parts = []
      for await (const part of request) parts.push(part)
      const answer = await fetch(url, { method: request.method, headers: dropLength(headers), body: parts.length ? Buffer.concat(parts) : undefined,
        redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
      jar.store(url, answer.headers.getSetCookie())
      response.writeHead(answer.status, this.headersOf(person, origin, url, answer))
      const bytes = Buffer.from(await answer.arrayBuffer())
      const isHtml = answer.headers.get('content-type')?.startsWith('text/html')
      response.end(isHtml ? this.led(person, bytes.toString()) : bytes)
    } catch {
      if (!response.headersSent) this.page(response, 502, '网页打不开')
    }
  }

  // Links that name a host leave this address; they are led back, so that other sites stay closed.
  led(person, html) {
    return html.replace(/(<a\b[^>]*\bhref=")(https?:[^"]*)/gi, (_whole, before, url) =>
      before + escapeHtml(this.through(person, unescapeHtml(url))))
  }

  headersOf(person, origin, url, answer) {
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => !HOP_HEADERS.includes(name)))
    // The page may forbid frames; a phone's browser is none.
    if (headers['content-security-policy']) headers['content-security-policy'] = headers['content-security-policy'].replace(/frame-ancestors[^;]*;?/, '')
    if (headers.location) {
      const next = new URL(headers.location, url)
      headers.location = next.origin === origin ? next.pathname + next.search + next.hash : this.through(person, next.href)
    }
    return headers
  }

  redirect(response, location, status = 302) {
    response.writeHead(status, { Location: location, 'Content-Length': 0 })
    response.end()
  }

  page(response, status, words) {
    this.send(response, status, Buffer.from(authorizePage({ page: words })), { 'content-type': 'text/html; charset=utf-8' })
  }

  send(response, status, bytes, headers) {
    response.writeHead(status, { 'cache-control': 'no-store', ...headers, 'content-length': bytes.length })
    response.end(bytes)
  }
}

function dropLength({ 'content-length': _length, 'transfer-encoding': _encoding, ...headers }) {
  return headers
}
