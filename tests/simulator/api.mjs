// The platform's own API: transport, credentials, permissions, quotas and ordered faults. What the calls do is in
// api/, one file for each subject.
import { Codes } from './api/codes.mjs'
import { ApiError, need, toJson } from './api/errors.mjs'
import { Media } from './api/media.mjs'
import { Menus } from './api/menus.mjs'
import { Messages } from './api/messages.mjs'
import { Notifications } from './api/notifications.mjs'
import { OAuth } from './api/oauth.mjs'
import { Publishing } from './api/publishing.mjs'
import { Switches } from './api/switches.mjs'
import { Tags } from './api/tags.mjs'
import { Tokens } from './api/tokens.mjs'
import { Users } from './api/users.mjs'
import { ApiFaults, ApiLog } from './faults.mjs'
import { readMultipart } from './multipart.mjs'

const PARTS = { menus: Menus, messages: Messages, tags: Tags, users: Users, notifications: Notifications, publishing: Publishing, codes: Codes,
  oauth: OAuth }

export class PlatformApi {
  // push(account, openid, act): what the platform sends to the server by itself; tell(event): for the page.
  constructor({ accounts, clock, people, address, server, push, tell }) {
    Object.assign(this, { faults: new ApiFaults(), log: new ApiLog(), tell })
    const world = { accounts, clock, people, address, server, push, tell, log: this.log }
    world.deliver = (person, message) => this.deliver(person, message)
    this.clock = world.clock = clock
    this.switches = world.switches = new Switches(world)
    this.tokens = world.tokens = new Tokens(world)
    this.media = world.media = new Media(world)
    for (const [name, Part] of Object.entries(PARTS)) this[name] = world[name] = new Part(world)
    const parts = [this.switches, this.tokens, this.media, ...Object.keys(PARTS).map((name) => this[name])]
    this.calls = Object.assign({}, ...parts.map((part) => part.calls))
    this.open = Object.assign({}, ...parts.map((part) => part.open)) // those without a token
  }

  // A message of ours reaches a person's phone.
  deliver(person, message) {
    const kept = { at: new Date(this.clock.now()).toISOString(), ...message }
    person.receive(kept)
    this.tell({ kind: 'message', account: person.account.id, person: person.openid, message: kept })
  }

  async serve(request, url, body, response) {
    const path = url.pathname
    const query = Object.fromEntries(url.searchParams)
    const upload = readMultipart(request.headers['content-type'], body)
    const fault = this.faults.take(path)
    const entry = { path, query, body: upload ? { file: upload.file?.filename, bytes: upload.file?.bytes.length, ...upload.fields } : readJson(body), answer: null, fault }
    const reachesUs = fault === null || ['drop-after', 'hang-after', 'half-body'].includes(fault)
    const result = reachesUs ? await this.result({ request, path, query, body, upload }) : null
    entry.answer = typeof fault === 'number' ? new ApiError(fault).answer : result?.download ? { file: result.filename, bytes: result.download.bytes.length } : result
    this.log.add(entry)
    this.answer(response, fault, entry.answer, result)
  }

  async result(call) {
    try {
      return await this.carryOut(call)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return error.answer
    }
  }

  carryOut({ request, path, query, body, upload }) {
    const name = `${request.method} ${path}`
    const handler = this.open[name] ?? this.calls[name]
    if (!handler) {
      need(!this.calls[`POST ${path}`] && !this.open[`POST ${path}`], 43002)
      need(!this.calls[`GET ${path}`] && !this.open[`GET ${path}`], 43001)
    }
    const value = request.method === 'POST' && !upload ? checkedJson(body) : {}
    const call = { request, path, query, value, upload }
    if (handler && this.open[name]) return handler(call)
    call.account = this.tokens.accountOf(query.access_token)
    need(handler, 40066)
    this.switches.permit(call.account, path)
    this.switches.count(call.account, path)
    return handler(call)
  }

  answer(response, fault, shown, result) {
    if (fault === 'hang' || fault === 'hang-after') return
    if (fault === 'drop-before' || fault === 'drop-after') return response.socket.destroy()
    if (this.faults.pending || fault !== null) response.setHeader('Connection', 'close')
    if (fault === 'http-502') {
      response.writeHead(502, { 'Content-Type': 'text/html' })
      return response.end('<html><body><h1>502 Bad Gateway</h1></body></html>')
    }
    if (fault === null && result.missing) {
      response.writeHead(404, { 'Content-Type': 'text/plain' })
      return response.end('not found')
    }
    if (fault === null && result.download) {
      const { download, filename } = result
      response.writeHead(200, { 'Content-Type': download.type, 'Content-Length': download.bytes.length,
        'Content-Disposition': `attachment; filename="${filename}"` })
      return response.end(download.bytes)
    }
    const text = Buffer.from(toJson(shown))
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': text.length })
    if (fault !== 'half-body') return response.end(text)
    response.write(text.subarray(0, text.length >> 1), () => response.socket.destroy())
  }
}

// For the log: what it says, or that it cannot be read.
function readJson(body) {
  try {
    return body.length ? JSON.parse(body.toString()) : null
  } catch {
    return { unreadable: body.toString().slice(0, 200) }
  }
}

// An escaped character is shown as it is by the real platform, or refused; here always refused.
function checkedJson(body) {
  const text = body.toString()
  need(text.trim(), 44002)
  need(!text.startsWith('\ufeff'), 47001)
  need(!/(?:^|[^\\])(?:\\\\)*\\u[0-9a-fA-F]{4}/.test(text), 40033)
  try {
    const value = JSON.parse(text)
    if (value && typeof value === 'object') return value
  } catch {}
  throw new ApiError(47001)
}
