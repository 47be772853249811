// The browser inside the chat, for one person: it fetches pages on that person's behalf, keeps their cookies apart
// from everybody else's, and carries out the platform's sign-in. Pages come back with their addresses led through
// here, so that several people can be signed in side by side in one real browser.
import { authorizePage } from './api/oauth.mjs'

const AGENT = 'Mozilla/5.0 (Linux; Android 14; Simulated) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36 MicroMessenger/8.0.50 Language/zh_CN'
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']
const OWN_FIELDS = ['account', 'person', 'url', 'allowed']
const TIMEOUT_MS = 15_000
const KEPT_HEADERS = ['content-type', 'content-disposition', 'cache-control']

const unescapeHtml = (text) => text.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (_whole, name) =>
  ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" })[name])
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
    Object.assign(this, { oauth, address, jars: new Map() })
  }

  // Where a page's address leads from here.
  through(person, url) {
    return `/sim/browse?${new URLSearchParams({ account: person.account.id, person: person.openid, url })}`
  }

  isAuthorize(url) {
    return url.pathname === '/connect/oauth2/authorize' && (url.hostname === 'open.weixin.qq.com' || url.origin === this.address())
  }

  async serve(person, asked, request, body, response) {
    let url
    try {
      url = new URL(asked.searchParams.get('url'))
      // A form that asks by GET adds its fields to our address; they belong to the page's.
      for (const [name, value] of asked.searchParams) if (!OWN_FIELDS.includes(name)) url.searchParams.append(name, value)
    } catch {
      return this.page(response, 400, '网址不对')
    }
    if (this.isAuthorize(url)) return this.authorize(person, url, asked.searchParams.get('allowed') === '1', response)
    if (url.hostname === 'mp.weixin.qq.com' && url.pathname === '/cgi-bin/showqrcode') url = new URL(url.pathname + url.search, this.address())
    if (url.protocol !== 'http:' || !LOOPBACK.includes(url.hostname)) return this.page(response, 200, `模拟器不打开外部网页：${url.host}`)
    await this.load(person, url, request, body, response)
  }

  authorize(person, url, allowed, response) {
    if (url.hash !== '#wechat_redirect') return this.page(response, 200, '网址的结尾缺少 #wechat_redirect')
    const result = this.oauth.authorize(person.openid, new URL(url), allowed)
    if (result.redirect) return this.redirect(response, this.through(person, result.redirect))
    this.send(response, 200, Buffer.from(authorizePage(result, `${this.through(person, url.href)}&allowed=1`)), { 'content-type': 'text/html; charset=utf-8' })
  }

  async load(person, url, request, body, response) {
    const jar = this.jars.get(person) ?? new Jar()
    this.jars.set(person, jar)
    const headers = { 'User-Agent': AGENT, 'Accept-Language': 'zh-CN', Accept: request.headers.accept ?? '*/*' }
    const cookies = jar.header(url)
    if (cookies) headers.Cookie = cookies
    const posts = request.method === 'POST'
    if (posts) Object.assign(headers, { Origin: url.origin, Referer: url.href, 'Content-Type': request.headers['content-type'] ?? 'text/plain' })
    let answer
    try {
      answer = await fetch(url, { method: posts ? 'POST' : 'GET', headers, body: posts ? body : undefined, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
    } catch {
      return this.page(response, 502, '网页打不开')
    }
    jar.store(url, answer.headers.getSetCookie())
    const next = answer.headers.get('location')
    if (answer.status >= 300 && answer.status < 400 && next) return this.redirect(response, this.through(person, new URL(next, url).href), answer.status)
    await this.show(person, url, answer, response)
  }

  async show(person, url, answer, response) {
    const headers = Object.fromEntries(KEPT_HEADERS.map((name) => [name, answer.headers.get(name)]).filter(([, value]) => value))
    // The page may forbid frames; a phone's browser is none.
    const policy = answer.headers.get('content-security-policy')?.replace(/frame-ancestors[^;]*/, "frame-ancestors 'self'")
    if (policy) headers['content-security-policy'] = policy
    const bytes = Buffer.from(await answer.arrayBuffer())
    const isHtml = headers['content-type']?.startsWith('text/html')
    this.send(response, answer.status, isHtml ? Buffer.from(this.led(person, url, bytes.toString())) : bytes, headers)
  }

  // The page with every address of its own host led through here; others stay.
  led(person, url, html) {
    const lead = (address) => {
      try {
        const whole = new URL(unescapeHtml(address), url)
        const ours = /^https?:$/.test(whole.protocol) && !address.startsWith('#')
        return ours ? escapeHtml(this.through(person, whole.href)) : address
      } catch {
        return address
      }
    }
    return html.replace(/<(a|form|link|script|img|iframe|source)\b[^>]*>/gi, (tag, name) => {
      const changed = tag.replace(/\b(href|src|action)=("([^"]*)"|'([^']*)')/gi, (_whole, attribute, _quoted, one, other) =>
        `${attribute}="${lead(one ?? other)}"`)
      if (name.toLowerCase() !== 'form') return changed
      return this.ledForm(person, url, tag, changed)
    })
  }

  // The browser replaces the query of a GET form's action by its fields: ours goes along as hidden ones.
  ledForm(person, url, tag, changed) {
    const target = new URL(unescapeHtml(/\baction=["']([^"']*)["']/i.exec(tag)?.[1] ?? url.href), url).href
    if (/\bmethod=["']?post/i.test(tag)) return /\baction=/i.test(tag) ? changed : tag.replace(/^<form/i, `<form action="${escapeHtml(this.through(person, target))}"`)
    const hidden = Object.entries({ account: person.account.id, person: person.openid, url: target })
      .map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`).join('')
    return `${changed.replace(/\baction="[^"]*"/i, 'action="/sim/browse"')}${hidden}`
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
