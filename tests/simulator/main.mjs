// The simulated platform as a program: a chat page for people, a control API for tests, and the part of
// api.weixin.qq.com that the server asks.
//
//   node main.mjs --port 8090 --server http://127.0.0.1:8080 --config STATE/config.toml
//
//   POST /sim/send   {person, type, content | mediaId | event, eventKey, msgId?, createTime?, mode?, attempts?}
//                    -> {attempts: [{status, ms, error}], reply, notice}
//   POST /sim/mode   {mode}                      plain, compatible or secure from now on
//   POST /sim/fault  {faults: ["lose_answer" | "unreachable" | null, …]}   for the coming attempts
//   GET  /sim/events                             everything that happened
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { parseArgs } from 'node:util'
import { parse } from 'smol-toml'
import { Platform } from './platform.mjs'

const { values: options } = parseArgs({
  options: { port: { type: 'string' }, server: { type: 'string' }, config: { type: 'string' } }
})
if (!options.port || !options.server || !options.config) {
  console.error('simulator: --port N --server URL --config FILE are needed')
  process.exit(2)
}
const configured = parse(readFileSync(options.config, 'utf8')).account[0]
const account = {
  id: configured.id, name: configured.name, app_id: configured.app_id, app_secret: configured.app_secret, original_id: 'gh_simulated0001',
  token: configured.token, aes_key: configured.encoding_aes_key, mode: configured.mode ?? 'secure'
}
const platform = new Platform({ account, server: options.server })
const page = readFileSync(new URL('chat.html', import.meta.url), 'utf8')
const token = { value: null, endsAt: 0 }

function stableToken({ appid, secret }) {
  if (appid !== account.app_id) return { errcode: 40013, errmsg: 'invalid appid' }
  if (secret !== account.app_secret) return { errcode: 40125, errmsg: 'invalid appsecret' }
  // The same token while it is valid; a new one within its last five minutes.
  if (Date.now() > token.endsAt - 300_000) Object.assign(token, { value: randomBytes(64).toString('hex'), endsAt: Date.now() + 7200_000 })
  return { access_token: token.value, expires_in: Math.floor((token.endsAt - Date.now()) / 1000) }
}

const routes = {
  'GET /': () => page,
  'GET /sim/info': () => ({ account: account.id, name: account.name, page: `${options.server}/${account.id}/`, mode: account.mode }),
  'GET /sim/events': () => platform.events,
  'POST /sim/send': ({ person, ...act }) => {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(person ?? '')) throw new Error('person: letters, digits, - and _ are needed')
    return platform.send(person, act)
  },
  'POST /sim/mode': ({ mode }) => {
    if (!['plain', 'compatible', 'secure'].includes(mode)) throw new Error('mode: plain, compatible or secure')
    account.mode = mode
    return { mode }
  },
  'POST /sim/fault': ({ faults }) => {
    platform.faults.push(...faults)
    return { faults: platform.faults }
  },
  'POST /cgi-bin/stable_token': stableToken
}

async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return parts.length ? JSON.parse(Buffer.concat(parts)) : {}
}

const server = http.createServer(async (request, response) => {
  const route = routes[`${request.method} ${new URL(request.url, 'http://x').pathname}`]
  const answer = (status, type, text) => response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text)
  if (!route) return answer(404, 'text/plain', 'not here')
  try {
    const result = await route(await bodyOf(request))
    if (typeof result === 'string') answer(200, 'text/html; charset=utf-8', result)
    else answer(200, 'application/json', JSON.stringify(result))
  } catch (error) {
    answer(400, 'application/json', JSON.stringify({ error: error.message }))
  }
})
server.listen(Number(options.port), '127.0.0.1', () => console.log(`simulator: http://127.0.0.1:${options.port}/`))
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0))
