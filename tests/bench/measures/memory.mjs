// I: what the server's process takes of the memory, idle and with 10,000 kept connections that say nothing more. J: from
// the start of the program to the first answer.
import net from 'node:net'
import { readFileSync } from 'node:fs'
import { atMost } from '../goals.mjs'
import { config, databaseUrl, firstPort, build, sleep, start } from '../machine.mjs'
import { helps } from './help.mjs'

const CONNECTIONS = 10000
const WORKERS = 2

// Its proportional share, so that pages of shared libraries count once for all processes.
const kibibytes = (pid) => Number(/^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1])

// Each has been answered once.
const connect = (port) => new Promise((resolve, reject) => {
  const socket = net.connect(port, '127.0.0.1', () => socket.write('GET /wechat/bench HTTP/1.1\r\nHost: a\r\n\r\n'))
  socket.once('data', () => resolve(socket))
  socket.once('error', reject)
  socket.once('close', () => reject(new Error('the server hung up')))
  socket.setTimeout(20000, () => socket.destroy(new Error('the server takes no more connections')))
})

async function connections(port) {
  const sockets = []
  while (sockets.length < CONNECTIONS) sockets.push(...await Promise.all(Array.from({ length: 500 }, () => connect(port))))
  return sockets
}

async function firstAnswer() {
  const pushes = helps('first').compose(1)
  pushes.platform.server = `http://127.0.0.1:${firstPort}`
  const env = { ...process.env, GULOU_SERVER_LISTEN: `127.0.0.1:${firstPort}`, GULOU_SERVER_OPS_LISTEN: `127.0.0.1:${firstPort + 1}`, GULOU_POSTGRES_URL: databaseUrl('base') }
  const started = performance.now()
  const server = await start('server', `${build}/gulou`, ['serve', '--config', config], { env })
  for (;;) {
    const { error } = await pushes.platform.attempt(pushes.fields[0], {})
    if (!error) break
    await sleep(1)
  }
  const took = performance.now() - started
  await server.stop()
  return took
}

export default {
  letter: 'I',
  rows: {
    I: { what: 'memory of the idle server, 2 workers (PSS)', unit: ' MiB', goal: atMost(16, ' MiB') },
    Iconn: { what: 'memory of each of 10,000 idle connections', unit: ' KiB', goal: atMost(20, ' KiB') },
    J: { what: 'start to first answer, migrated database', unit: ' ms', goal: atMost(100, ' ms'),
    reason: 'fifty libraries to load, two connections to PostgreSQL one after the other, and a fresh connection compiles every function' }
  },
  async round(bench) {
    const idle = await bench.served(async ({ pid }) => { await sleep(1000); return kibibytes(pid) }, { workers: WORKERS })
    const each = await bench.served(async ({ pid, port }) => {
      const before = kibibytes(pid)
      const sockets = await connections(port)
      const after = kibibytes(pid)
      for (const socket of sockets) socket.removeAllListeners('close').destroy()
      return (after - before) / CONNECTIONS
    }, { workers: WORKERS })
    return { I: { figure: idle / 1024 }, Iconn: { figure: each }, J: { figure: await firstAnswer() } }
  }
}
