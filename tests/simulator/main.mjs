#!/usr/bin/env node
// The fake WeChat platform as a program: the chat page, the control interface for tests, and the part of
// the platform's API that the server calls. Nothing here is the product; it exists to try the product.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { parseArgs } from 'node:util'
import { accountsFromJson, accountsFromToml, DEMO_PEOPLE } from './accounts.mjs'
import { PlatformApi } from './api.mjs'
import { Platform } from './platform.mjs'

const MODES = ['plain', 'compatible', 'secure']
const FAULTS = ['unreachable', 'lose_answer']
const BODY_MAX = 8 << 20
const HERE = new URL('.', import.meta.url)
const FILES = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8']
}

class Refused extends Error {}

export class Simulator {
  constructor({ accounts, people = DEMO_PEOPLE, server, attemptMs = 5000 }) {
    Object.assign(this, { people, server, listeners: new Set(), media: new Map(), following: new Set() })
    const onEvent = (event) => this.tell(event)
    this.platforms = new Map(accounts.map((account) =>
      [account.id, new Platform({ account, server, attemptMs, onEvent })]))
    this.api = new PlatformApi(accounts, this.media, this.following, onEvent)
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

  tell(event) {
    for (const listener of this.listeners) listener.write(`data: ${JSON.stringify(event)}\n\n`)
  }

  platform(id) {
    const found = this.platforms.get(id ?? [...this.platforms.keys()][0])
    if (!found) throw new Refused(`no account ${id}`)
    return found
  }

  // A control request's words → what the platform sends. Photos become a media id and an address to load.
  act(body) {
    const act = { type: body.type ?? (body.event ? 'event' : 'text'), content: body.content, menuId: body.bizmsgmenuid ?? body.menuId,
      event: body.event, eventKey: body.event_key ?? body.eventKey, fields: body.fields, key: body.key, mode: body.mode, clientId: body.client_id,
      attempts: body.attempts, msgId: body.msg_id ?? body.msgId,
      createTime: body.create_time ?? body.createTime, mediaId: body.media_id ?? body.mediaId, picUrl: body.pic_url ?? body.picUrl }
    if (act.type === 'text' && typeof act.content !== 'string') throw new Refused('a text needs content')
    if (act.type === 'event' && !act.event) throw new Refused('an event needs event')
    if (act.type === 'image' && !act.mediaId) {
      const bytes = Buffer.from(body.data ?? '', 'base64')
      act.mediaId = this.api.keep(bytes, body.content_type ?? 'image/jpeg')
      act.picUrl ??= `http://127.0.0.1:${this.http.address().port}/media/${act.mediaId}`
    }
    return act
  }

  async send(body) {
    if (!/^[A-Za-z0-9_-]+$/.test(body.person ?? '')) throw new Refused('person must be an openid')
    const platform = this.platform(body.account)
    const act = this.act(body)
    const follower = `${platform.account.id}|${body.person}`
    if (act.event === 'unsubscribe') this.following.delete(follower)
    else this.following.add(follower)
    return platform.send(body.person, act)
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
      if (body.api !== undefined) this.api.faults = [...body.api]
      return { faults }
    },
    'GET /sim/events': () => ({ events: [...this.platforms.values()].flatMap((one) => one.events) }),
    'GET /sim/config': () => ({
      server: this.server, people: this.people, following: [...this.following],
      accounts: [...this.platforms.values()].map(({ account: { id, name, mode } }) => ({ id, name, mode }))
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
        const kept = this.media.get(url.pathname.slice(7))
        return kept ? answer(response, 200, kept.bytes, kept.type) : answer(response, 404, 'no such picture', 'text/plain')
      }
      const handler = this.control[`${request.method} ${url.pathname}`]
      if (handler) return json(response, 200, await handler(request.method === 'POST' ? parse(body) : undefined))
      if (url.pathname.startsWith('/cgi-bin/')) return this.api.serve(request.method, url, body, response)
      json(response, 404, { error: 'no such address' })
    } catch (error) {
      json(response, error instanceof Refused ? 400 : 500, { error: error.message })
    }
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

const json = (response, status, value) =>
  answer(response, status, JSON.stringify(value), 'application/json; charset=utf-8')

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
