#!/usr/bin/env node
// The fake WeChat platform as a program: the chat page, the control interface for tests, and the part of
// the platform's API that the server calls. Nothing here is the product; it exists to try the product.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { parseArgs } from 'node:util'
import { accountsFromJson, accountsFromToml, DEMO_PEOPLE } from './accounts.mjs'
import { PlatformApi } from './api.mjs'
import { authorizePage } from './api/oauth.mjs'
import { articlePage } from './api/publishing.mjs'
import { Browser } from './browser.mjs'
import { Clock } from './clock.mjs'
import { FAULTS as API_FAULTS } from './faults.mjs'
import { People } from './people.mjs'
import { takePhoto } from './photo.mjs'
import { Platform } from './platform.mjs'
import { buttonsOf, pressed } from './press.mjs'

const MODES = ['plain', 'compatible', 'secure']
const FAULTS = ['unreachable', 'lose_answer']
const API_PATHS = /^\/(cgi-bin|sns)\//
const OPENID = /^[A-Za-z0-9_-]+$/
const PERSON_SETTINGS = { template_result: 'templateResult', blacklisted: 'blacklisted', refuses_messages: 'refusesMessages', client: 'client' }
const BODY_MAX = 16 << 20
const HERE = new URL('.', import.meta.url)
const FILES = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/phone.js': ['phone.js', 'text/javascript; charset=utf-8'],
  '/panel.js': ['panel.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8']
}

class Refused extends Error {}

export class Simulator {
  constructor({ accounts, people = DEMO_PEOPLE, server, attemptMs = 5000 }) {
    Object.assign(this, { people, server, listeners: new Set() })
    const tell = (event) => this.tell(event)
    this.clock = new Clock()
    this.persons = new People(this.clock, people)
    this.platforms = new Map(accounts.map((account) =>
      [account.id, new Platform({ account, server, attemptMs, onEvent: tell, medium: (id) => this.api.media.get(account, id) })]))
    this.api = new PlatformApi({ accounts, clock: this.clock, people: this.persons, address: () => this.address, server: () => this.server, tell,
      push: (account, openid, act) => this.platforms.get(account.id).send(openid, { type: 'event', unasked: true, ...act }) })
    this.browser = new Browser({ oauth: this.api.oauth, address: () => this.address })
    this.http = http.createServer((request, response) => this.serve(request, response))
  }

  listen(port) {
    return new Promise((resolve, reject) => {
      this.http.once('error', reject)
      this.http.listen(port, '127.0.0.1', () => resolve(this.http.address().port))
    })
  }

  close() {
    for (const listener of this.listeners) listener.end()
    this.http.closeAllConnections()
    return new Promise((resolve) => this.http.close(resolve))
  }

  get address() { return `http://127.0.0.1:${this.http.address().port}` }

  tell(event) {
    for (const listener of this.listeners) listener.write(`data: ${text(event)}\n\n`)
  }

  platform(id) {
    const found = this.platforms.get(id ?? [...this.platforms.keys()][0])
    if (!found) throw new Refused(`no account ${id}`)
    return found
  }

  // A control request's words → what the platform sends. Photos become a media id and an address to load.
  act(account, body) {
    const act = { type: body.type ?? (body.event ? 'event' : 'text'), content: body.content, menuId: body.bizmsgmenuid ?? body.menuId,
      event: body.event, eventKey: body.event_key ?? body.eventKey, fields: body.fields, key: body.key, mode: body.mode, clientId: body.client_id,
      attempts: body.attempts, msgId: body.msg_id ?? body.msgId,
      createTime: body.create_time ?? body.createTime, mediaId: body.media_id ?? body.mediaId, picUrl: body.pic_url ?? body.picUrl }
    if (act.type === 'text' && typeof act.content !== 'string') throw new Refused('a text needs content')
    if (act.type === 'event' && !act.event) throw new Refused('an event needs event')
    if (act.type === 'image' && !act.mediaId) {
      const bytes = body.data === undefined ? takePhoto() : Buffer.from(body.data, 'base64')
      act.mediaId = this.api.media.keep(account, bytes, body.content_type ?? 'image/jpeg')
      act.picUrl ??= this.api.media.pictureUrl(act.mediaId)
    }
    return act
  }

  async send(body) {
    if (!OPENID.test(body.person ?? '')) throw new Refused('person must be an openid')
    const platform = this.platform(body.account)
    const act = this.act(platform.account, body)
    this.persons.acted(platform.account, body.person, act)
    return platform.send(body.person, act)
  }

  personOf(body) {
    const person = this.persons.named(this.platform(body.account).account, body.person ?? '')
    if (!OPENID.test(person.openid)) throw new Refused('person must be an openid or a name on the page')
    return person
  }

  // A scan: who does not follow yet follows by it.
  scan(body) {
    const person = this.personOf(body)
    const code = this.api.codes.find(person.account, body)
    if (!code) throw new Refused('no such QR code, or it has ended')
    return this.send({ account: person.account.id, person: person.openid, event: person.following ? 'SCAN' : 'subscribe',
      event_key: person.following ? code.scene : `qrscene_${code.scene}`, fields: { Ticket: code.ticket }, client_id: body.client_id })
  }

  // A button of the menu that this person sees, by its name.
  async press(body) {
    const person = this.personOf(body)
    const button = buttonsOf(this.api.menus.shown(person)).find((one) => one.name === body.button)
    if (!button) throw new Refused('no such button in this person\'s menu')
    const photo = body.data === undefined ? takePhoto() : Buffer.from(body.data, 'base64')
    const { acts, url } = pressed(button, { scan_result: body.scan_result, photo, content_type: body.content_type })
    const results = []
    for (const act of acts) results.push(await this.send({ account: person.account.id, person: person.openid, client_id: body.client_id, ...act }))
    return { results, url: url ?? null }
  }

  // What a test asks about one person, by openid or by the name on the page.
  person(query) {
    const person = this.personOf({ account: query.get('account') ?? undefined, person: query.get('name') })
    return { account: person.account.id, openid: person.openid, label: person.label, following: person.following,
      tags: this.api.tags.named(person), consents: Object.fromEntries(person.consents), received: person.received, menu: this.api.menus.shown(person), windows: this.persons.windowsOf(person) }
  }

  control = {
    'POST /sim/send': (body) => this.send(body),
    'POST /sim/verify': async (body) => ({ ok: await this.platform(body.account).verify() }),
    'POST /sim/mode': (body) => {
      if (!MODES.includes(body.mode)) throw new Refused(`mode is one of ${MODES.join(', ')}`)
      this.platform(body.account).account.mode = body.mode
      return { mode: body.mode }
    },
    // {faults: ['lose_answer', 'unreachable', null]}: one for each of the next attempts; [] forgets them.
    'POST /sim/fault': (body) => {
      const faults = body.faults ?? []
      if (!Array.isArray(faults) || faults.some((one) => one !== null && !FAULTS.includes(one))) {
        throw new Refused(`faults is a list of ${FAULTS.join(', ')} or null`)
      }
      this.platform(body.account).faults = [...faults]
      return { faults }
    },
    // {path, fault, times}: for the platform's API, path '*' means any; see faults.mjs.
    'POST /sim/api-fault': (body) => {
      if (!this.api.faults.add(body)) throw new Refused(`fault is one of ${API_FAULTS.join(', ')} or an error number`)
      // Kept connections end, so that the next call's fault is seen by the program and not mended by its library.
      this.http.closeIdleConnections()
      return { ordered: this.api.faults.ordered }
    },
    'GET /sim/api-fault': () => ({ ordered: this.api.faults.ordered }),
    'DELETE /sim/api-fault': () => {
      this.api.faults.clear()
      return { ordered: [] }
    },
    'GET /sim/api-log': () => ({ calls: this.api.log.calls }),
    'DELETE /sim/api-log': () => {
      this.api.log.clear()
      return { calls: [] }
    },
    'POST /sim/clock': (body) => {
      if (!Number.isFinite(body.advance_seconds)) throw new Refused('advance_seconds is a number')
      this.clock.advance(body.advance_seconds)
      return { now: new Date(this.clock.now()).toISOString() }
    },
    // {switches: {verified: false, …}}: see api/switches.mjs; {reset: true} before that.
    'POST /sim/switch': (body) => {
      const { account } = this.platform(body.account)
      if (body.reset) this.api.switches.reset(account)
      if (!this.api.switches.turn(account, body.switches ?? {})) throw new Refused('no such switch, or not of its kind')
      return { switches: this.api.switches.of(account) }
    },
    // The account's tokens end at once, as when another program fetched new ones.
    'POST /sim/revoke-tokens': (body) => {
      this.api.tokens.revoke(this.platform(body.account).account)
      return {}
    },
    // How the platform will treat a person: template_result, blacklisted, refuses_messages, client.
    'POST /sim/person': (body) => {
      const person = this.personOf(body)
      for (const [name, field] of Object.entries(PERSON_SETTINGS)) if (body[name] !== undefined) person[field] = body[name]
      return {}
    },
    // {person, template_id, answer: accept | reject | off}: a subscription form, or the switch in the settings.
    'POST /sim/consent': (body) => {
      if (!['accept', 'reject', 'off'].includes(body.answer)) throw new Refused('answer is accept, reject or off')
      const person = this.personOf(body)
      const act = this.api.notifications.consent(person, body.template_id, body.answer)
      return this.platform(body.account).send(person.openid, { type: 'event', ...act })
    },
    // {person, ticket} or {person, scene}.
    'POST /sim/scan': (body) => this.scan(body),
    // {person, button, data, scan_result}: a button of the person's menu, by its name.
    'POST /sim/press': (body) => this.press(body),
    'GET /sim/codes': (_body, query) => ({ codes: this.api.codes.of(this.platform(query.get('account') ?? undefined).account) }),
    'GET /sim/events': () => ({ events: [...this.platforms.values()].flatMap((one) => one.events) }),
    'GET /sim/config': () => ({
      server: this.server, people: this.people, following: this.persons.following(),
      accounts: [...this.platforms.values()].map(({ account }) => ({ id: account.id, name: account.name, mode: account.mode,
        switches: this.api.switches.of(account), templates: [...this.api.notifications.templates.get(account).values()] }))
    })
  }

  async serve(request, response) {
    const url = new URL(request.url, 'http://simulator')
    try {
      if (url.pathname === '/sim/stream') return this.stream(response)
      const body = await readBody(request)
      if (FILES[url.pathname]) {
        const [name, type] = FILES[url.pathname]
        return answer(response, 200, readFileSync(new URL(name, HERE)), type)
      }
      if (url.pathname.startsWith('/media/')) {
        const kept = this.api.media.all.get(url.pathname.slice(7))
        return kept ? answer(response, 200, kept.bytes, kept.type) : answer(response, 404, 'no such picture', 'text/plain')
      }
      const handler = this.control[`${request.method} ${url.pathname}`]
      if (handler) return json(response, 200, await handler(request.method === 'POST' ? parse(body) : undefined, url.searchParams))
      if (url.pathname === '/sim/browse') {
        const asked = { account: url.searchParams.get('account') ?? undefined, person: url.searchParams.get('person') }
        return await this.browser.serve(this.personOf(asked), url, request, body, response)
      }
      if (url.pathname === '/connect/oauth2/authorize') return this.authorize(url, request, response)
      if (url.pathname === '/sim/article') return this.article(url, response)
      if (request.method === 'GET' && url.pathname.startsWith('/sim/person/')) {
        url.searchParams.set('name', decodeURIComponent(url.pathname.slice('/sim/person/'.length)))
        return json(response, 200, this.person(url.searchParams))
      }
      if (API_PATHS.test(url.pathname)) return await this.api.serve(request, url, body, response)
      json(response, 404, { error: 'no such address' })
    } catch (error) {
      json(response, error instanceof Refused ? 400 : 500, { error: error.message })
    }
  }

  // The same page outside the chat's browser: a test says by a cookie whose phone it is.
  authorize(url, request, response) {
    const openid = /(?:^|;\s*)simulator_person=([A-Za-z0-9_-]+)/.exec(request.headers.cookie ?? '')?.[1]
    const allowed = url.searchParams.get('allowed') === '1'
    url.searchParams.delete('allowed')
    const result = this.api.oauth.authorize(openid, url, allowed)
    if (!result.redirect) return answer(response, 200, authorizePage(result, `${url.pathname}${url.search}&allowed=1`), 'text/html; charset=utf-8')
    response.writeHead(302, { Location: result.redirect, 'Content-Length': 0 })
    response.end()
  }

  article(url, response) {
    const article = this.api.publishing.published(url.searchParams.get('id'), Number(url.searchParams.get('idx')))
    if (!article) return answer(response, 404, '文章不存在', 'text/plain; charset=utf-8')
    // Somebody else's HTML: no script of it runs here.
    response.setHeader('Content-Security-Policy', "default-src 'none'; img-src *; style-src 'unsafe-inline'")
    answer(response, 200, articlePage(article), 'text/html; charset=utf-8')
  }

  stream(response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(': open\n\n')
    this.listeners.add(response)
    response.on('close', () => this.listeners.delete(response))
  }
}

function parse(body) {
  try {
    const value = JSON.parse(body.toString())
    if (value && typeof value === 'object') return value
  } catch {}
  throw new Refused('the body is not a JSON object')
}

async function readBody(request) {
  const parts = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size > BODY_MAX) throw new Refused('the body is too large')
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function answer(response, status, body, type) {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store' })
  response.end(body)
}

// Ids are longer than a double keeps: as text.
const text = (value) => JSON.stringify(value, (_key, one) => typeof one === 'bigint' ? String(one) : one)

const json = (response, status, value) =>
  answer(response, status, text(value), 'application/json; charset=utf-8')

const USAGE = 'usage: main.mjs --port P --server URL (--config TOML | --accounts JSON) [--people JSON] [--attempt-ms N]'

async function main() {
  const { values } = parseArgs({ options: { port: { type: 'string' }, server: { type: 'string' }, config: { type: 'string' },
    accounts: { type: 'string' }, people: { type: 'string' }, 'attempt-ms': { type: 'string' } } })
  if (!values.port || !values.server || !(values.config || values.accounts)) throw new Error(USAGE)
  const accounts = values.accounts ? accountsFromJson(values.accounts) : accountsFromToml(values.config)
  if (!accounts.length) throw new Error('no account is configured')
  const people = values.people ? JSON.parse(readFileSync(values.people, 'utf8')) : undefined
  const simulator = new Simulator({ accounts, people, server: values.server, attemptMs: Number(values['attempt-ms'] ?? 5000) })
  const port = await simulator.listen(Number(values.port))
  console.log(`simulator on http://127.0.0.1:${port}/ for ${values.server}`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => simulator.close().then(() => process.exit(0)))
}

if (process.argv[1] && import.meta.url === new URL(`file://${process.argv[1]}`).href) {
  main().catch((error) => {
    console.error(error.message)
    process.exitCode = 2
  })
}
