// Sends signed pushes of a secure account as fast as the server answers, over kept connections.
//   node load.mjs --config STATE/config.toml --server http://127.0.0.1:8080 --kind read|write --count N --connections C
// Prints {"requests","seconds","per_second","p50_ms","p99_ms","wrong"} as JSON. All pushes are made before the clock starts.
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { parseArgs } from 'node:util'
import { accountsFromToml } from '../simulator/accounts.mjs'
import { Platform } from '../simulator/platform.mjs'

const { values } = parseArgs({
  options: { config: { type: 'string' }, server: { type: 'string' }, kind: { type: 'string' }, count: { type: 'string' }, connections: { type: 'string' }, people: { type: 'string' } }
})
const [account] = accountsFromToml(values.config)
const platform = new Platform({ account, server: values.server })
const count = Number(values.count)
const people = values.people.split(',')
const { hostname, port } = new URL(values.server)

const act = values.kind === 'read' ? { type: 'text', content: '积分' } : { type: 'event', event: 'SCAN', fields: { Ticket: 'bench' } }
const pushes = Array.from({ length: count }, (_, i) => {
  const fields = platform.compose(people[i % people.length], { ...act, eventKey: values.kind === 'read' ? undefined : randomBytes(8).toString('hex') })
  const { path, body } = platform.request(fields)
  return Buffer.from(`POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: text/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
})

const times = new Float64Array(count)
let next = 0
let done = 0
let wrong = 0

function run() {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname)
    let mine = -1
    let sent = 0
    let got = Buffer.alloc(0)
    const send = () => {
      if (next >= count) return socket.end(resolve)
      mine = next++
      sent = performance.now()
      socket.write(pushes[mine])
    }
    socket.setNoDelay(true)
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('data', (data) => {
      got = got.length ? Buffer.concat([got, data]) : data
      const head = got.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = Number(/content-length: (\d+)/i.exec(got.toString('latin1', 0, head))?.[1])
      if (got.length < head + 4 + length) return
      if (!got.toString('latin1', 0, 12).endsWith('200') || length < 100) wrong++
      times[mine] = performance.now() - sent
      got = Buffer.alloc(0)
      done++
      send()
    })
  })
}

const started = performance.now()
await Promise.all(Array.from({ length: Number(values.connections) }, run))
const seconds = (performance.now() - started) / 1000
times.sort()
const at = (part) => Number(times[Math.floor(count * part)].toFixed(2))
console.log(JSON.stringify({ requests: done, seconds: Number(seconds.toFixed(2)), per_second: Math.round(done / seconds), p50_ms: at(0.5), p99_ms: at(0.99), wrong }))
