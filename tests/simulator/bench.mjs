// For the tests of the API: a simulator whose server says `success` to everything, and what the platform pushes by itself.
import http from 'node:http'
import { decrypt } from './crypto.mjs'
import { Simulator } from './main.mjs'
import { readXml } from './xml.mjs'

export const ACCOUNT = { id: 'demo', name: '演示', app_id: 'wxba5fad812f8e6fb9', original_id: 'gh_demo', token: 'AAAAA',
  aes_key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', app_secret: 'very-secret', mode: 'secure' }
export const OTHER = { ...ACCOUNT, id: 'other', app_id: 'wx0000000000000002', original_id: 'gh_other', app_secret: 'other-secret' }

export class Bench {
  static async start(accounts = [ACCOUNT, OTHER]) {
    const bench = new Bench()
    bench.waiting = []
    bench.fake = http.createServer(async (request, response) => {
      const parts = []
      for await (const part of request) parts.push(part)
      bench.onPush(Buffer.concat(parts).toString(), accounts)
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 7 }).end('success')
    })
    await new Promise((resolve) => bench.fake.listen(0, '127.0.0.1', resolve))
    bench.server = `http://127.0.0.1:${bench.fake.address().port}`
    bench.simulator = new Simulator({ accounts: accounts.map((one) => ({ ...one })), server: bench.server, attemptMs: 500 })
    bench.base = `http://127.0.0.1:${await bench.simulator.listen(0)}`
    return bench
  }

  async close() {
    await this.simulator.close()
    this.fake.closeAllConnections()
    this.fake.close()
  }

  onPush(body, accounts) {
    const { Encrypt: cipher, ToUserName: to } = readXml(body)
    const account = accounts.find((one) => one.original_id === to)
    const xml = decrypt(account.aes_key, account.app_id, cipher)
    this.waiting = this.waiting.filter(({ event, resolve }) => !xml.includes(`<Event><![CDATA[${event}]]>`) || resolve(xml))
  }

  // The next push of an event, as inner XML.
  event(event) { return new Promise((resolve) => this.waiting.push({ event, resolve })) }

  async control(method, path, body) {
    const response = await fetch(this.base + path, { method, body: body && JSON.stringify({ account: 'demo', ...body }) })
    return { status: response.status, ...await response.json() }
  }

  async newToken(account = ACCOUNT) {
    const answer = await this.raw('/cgi-bin/stable_token', { method: 'POST',
      body: JSON.stringify({ grant_type: 'client_credential', appid: account.app_id, secret: account.app_secret }) })
    if (!answer.access_token) throw new Error(JSON.stringify(answer))
    this.token = account === ACCOUNT ? answer.access_token : this.token
    return answer.access_token
  }

  async raw(path, options) {
    const response = await fetch(this.base + path, options)
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    return JSON.parse((await response.text()).replace(/:(\d{16,})/g, ':"$1"'))
  }

  async withToken(path, query = {}, token) {
    return `${path}?${new URLSearchParams({ access_token: token ?? this.token ?? await this.newToken(), ...query })}`
  }

  async get(path, query, token) { return this.raw(await this.withToken(path, query, token)) }
  async post(path, body, { token, query, ...options } = {}) {
    return this.raw(await this.withToken(path, query, token), { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...options })
  }

  // The numbers that a list of bodies is refused with; 0 for those that are fine.
  async codes(path, bodies) {
    const codes = []
    for (const body of bodies) codes.push((await this.post(path, body)).errcode ?? 0)
    return codes
  }

  says(person, content = '你好') { return this.control('POST', '/sim/send', { person, type: 'text', content }) }
  follows(person) { return this.control('POST', '/sim/send', { person, event: 'subscribe' }) }
  person(name) { return this.control('GET', `/sim/person/${encodeURIComponent(name)}`) }
  async log() { return (await this.control('GET', '/sim/api-log')).calls }
  async advance(seconds) {
    this.token = undefined // most of them have ended by then
    return this.control('POST', '/sim/clock', { advance_seconds: seconds })
  }

  // Noon in Beijing: no day and no month ends within what a test does.
  async noon() {
    const { now } = await this.advance(0)
    const DAY = 24 * 3600
    return this.advance((4 * 3600 + DAY - Math.floor(Date.parse(now) / 1000) % DAY) % DAY)
  }

  switch(switches) { return this.control('POST', '/sim/switch', { switches }) }
}
