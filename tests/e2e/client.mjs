// What the whole-system tests say and see, through a running simulator (GULOU_E2E_SIMULATOR).
import { randomBytes } from 'node:crypto'

export class Client {
  constructor(simulator = process.env.GULOU_E2E_SIMULATOR, account = 'demo') {
    if (!simulator) throw new Error('GULOU_E2E_SIMULATOR is not set')
    Object.assign(this, { simulator, account })
  }

  // No connection is kept: the simulator closes idle ones when any test orders a fault.
  fetch(path, options) { return fetch(this.simulator + path, { ...options, headers: { Connection: 'close' } }) }
  async get(path) { return (await this.fetch(path)).json() }

  async post(path, body) {
    const response = await this.fetch(path, { method: 'POST', body: JSON.stringify({ account: this.account, ...body }) })
    const value = await response.json()
    if (!response.ok) throw new Error(`${path}: ${value.error}`)
    return value
  }

  person(openid = `oTest_${randomBytes(11).toString('hex')}`) { return new Person(this, openid) }
  mode(mode) { return this.post('/sim/mode', { mode }) }
  faults(...faults) { return this.post('/sim/fault', { faults }) }
  async verify() { return (await this.post('/sim/verify', {})).ok }
  apiFault(path, fault, times = 1) { return this.post('/sim/api-fault', { path, fault, times }) }
  switch(switches) { return this.post('/sim/switch', { switches }) }
  clear(what) { return this.fetch(`/sim/${what}`, { method: 'DELETE' }) } // api-fault, api-log
  async apiCalls(path) { return (await this.get('/sim/api-log')).calls.filter((one) => one.path === path) }
  async events() { return (await this.get('/sim/events')).events }
  async codes() { return (await this.get(`/sim/codes?account=${this.account}`)).codes } // QR codes that work, newest first
}

// The links a person can tap in a reply: [{label, content, id}].
export function tapLinks(reply) {
  return [...(reply ?? '').matchAll(/<a\s[^<>]*href=(["'])weixin:\/\/bizmsgmenu\?([^"']*)\1[^<>]*>([^<]*)<\/a>/g)]
    .map(([, , query, label]) => {
      const parts = new Map(query.split('&').map((pair) => pair.split('=').map(decodeURIComponent)))
      return { label, content: parts.get('msgmenucontent'), id: parts.get('msgmenuid') }
    })
}

export class Person {
  constructor(client, openid) { Object.assign(this, { client, openid, last: null }) }

  async send(act) {
    this.last = await this.client.post('/sim/send', { person: this.openid, ...act })
    return this.last
  }

  // The reply's words; a failure notice is an error, because no test expects one unless it uses send().
  async say(content, more = {}) {
    const result = await this.send({ type: 'text', content, ...more })
    if (result.notice) throw new Error(`「${content}」: ${result.notice} ${JSON.stringify(result.attempts)}`)
    return result.reply
  }

  async tap(label) {
    const link = tapLinks(this.last?.reply).find((one) => one.label.includes(label))
    if (!link) throw new Error(`no link 「${label}」 in: ${this.last?.reply}`)
    return this.say(link.content, { bizmsgmenuid: link.id })
  }

  // What the platform has shown this person beside replies: customer messages, templates, …
  async received() { return (await this.seen()).received }
  seen() { return this.client.get(`/sim/person/${this.openid}?account=${this.client.account}`) }

  event(event, key, fields) { return this.send({ type: 'event', event, event_key: key, fields }) }
  follow(scene) { return this.event('subscribe', scene && `qrscene_${scene}`, scene && { Ticket: 'simulated' }) }
  unfollow() { return this.event('unsubscribe') }
  photo(bytes = randomBytes(32)) { return this.send({ type: 'image', data: Buffer.from(bytes).toString('base64') }) }
}
