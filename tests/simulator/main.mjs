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
import { Control, Refused } from './control.mjs'
import { People } from './people.mjs'
import { Platform } from './platform.mjs'

const API_PATHS = /^\/(cgi-bin|sns)\//
const BODY_MAX = 16 << 20
const HERE = new URL('.', import.meta.url)
const FILES = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/phone.js': ['phone.js', 'text/javascript; charset=utf-8'],
  '/panel.js': ['panel.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8']
}

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
    this.control = new Control(this)
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
    this.browser.close()
    this.http.closeAllConnections()
    return new Promise((resolve) => this.http.close(resolve))
  }

  get address() { return `http://127.0.0.1:${this.http.address().port}` }

  tell(event) {
    for (const listener of this.listeners) listener.write(`data: ${text(event)}\n\n`)
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
      const handler = this.control.seams[`${request.method} ${url.pathname}`]
      if (handler) return json(response, 200, await handler(request.method === 'POST' ? parse(body) : undefined, url.searchParams))
      if (url.pathname === '/sim/browse') {
        const asked = { account: url.searchParams.get('account') ?? undefined, person: url.searchParams.get('person') }
        return await this.browser.serve(this.control.personOf(asked), url, response)
      }
      if (url.pathname === '/connect/oauth2/authorize') return this.authorize(url, request, response)
      if (url.pathname === '/sim/article') return this.article(url, response)
      if (request.method === 'GET' && url.pathname.startsWith('/sim/person/')) {
        url.searchParams.set('name', decodeURIComponent(url.pathname.slice('/sim/person/'.length)))
        return json(response, 200, this.control.person(url.searchParams))
      }
      if (API_PATHS.test(url.pathname)) return await this.api.serve(request, url, body, response)
      json(response, 404, { error: 'no such address' })
    } catch (error) {
      if (response.headersSent) return response.destroy()
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
