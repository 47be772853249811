// One person's browser inside WeChat, without a screen: keeps cookies, follows redirects, signs in as the platform
// lets it.
import assert from 'node:assert/strict'

const AGENT = 'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 MicroMessenger/8.0.50'
const REDIRECTS_MAX = 6

export class Visitor {
  constructor(person, server = process.env.GULOU_E2E_SERVER) {
    Object.assign(this, { server, account: person.client.account, openid: person.openid, cookies: new Map(), csrf: '' })
  }

  async load(url, options = {}) {
    const ours = url.startsWith(this.server)
    const cookie = ours ? [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') : `simulator_person=${this.openid}`
    const response = await fetch(url, { ...options, redirect: 'manual', headers: { 'User-Agent': AGENT, Cookie: cookie, ...options.headers } })
    if (ours) {
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
        if (value) this.cookies.set(name, value)
        else this.cookies.delete(name)
      }
    }
    return response
  }

  // {status, html} of a page, at the end of all redirects.
  async open(path) {
    let url = `${this.server}/${this.account}/${path}`
    for (let i = 0; i < REDIRECTS_MAX; i++) {
      const response = await this.load(url)
      if (response.status !== 302 && response.status !== 303) {
        const html = await response.text()
        this.csrf = /<meta name="csrf" content="([^"]*)"/.exec(html)?.[1] ?? this.csrf
        return { status: response.status, html }
      }
      await response.arrayBuffer()
      url = new URL(response.headers.get('location'), url).href
    }
    assert.fail(`${path}: redirected for ever`)
  }

  async post(path, body = {}, csrf = this.csrf) {
    const response = await this.load(`${this.server}/${this.account}/${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'X-CSRF-Token': csrf } })
    return { status: response.status, value: await response.json() }
  }
}
