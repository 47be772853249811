// A connection whose bytes are the test's own: what no decent client sends.
import net from 'node:net'

export class Raw {
  constructor(address, options = {}) {
    const { hostname, port } = new URL(address)
    this.bytes = Buffer.alloc(0)
    this.parts = []
    this.ended = false
    this.socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true, ...options })
    this.socket.setNoDelay(true)
    this.opened = new Promise((resolve, reject) => { this.socket.once('connect', resolve); this.socket.once('error', reject) })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => this.socket.once('close', resolve))
    this.socket.on('error', () => {})
    this.socket.on('data', (bytes) => this.parts.push(bytes))
    this.socket.on('end', () => { this.ended = true; this.socket.end() })
    this.socket.on('close', () => { this.ended = true })
  }

  say(bytes) { return new Promise((resolve) => this.socket.write(bytes, () => resolve())) }
  half() { this.socket.end() }
  leave() { this.socket.destroy() }

  // The answers so far: [{status, body}]; what is not yet whole does not count.
  answers() {
    const all = Buffer.concat(this.parts).toString('latin1')
    const found = []
    for (let at = 0; ;) {
      const end = all.indexOf('\r\n\r\n', at)
      if (end < 0) return found
      const head = all.slice(at, end)
      const status = Number(/^HTTP\/1\.\d (\d+)/.exec(head)?.[1])
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (/\r\ntransfer-encoding: chunked/i.test(head)) return [...found, { status, body: all.slice(end + 4) }]
      if (all.length < end + 4 + length) return found
      found.push({ status, body: all.slice(end + 4, end + 4 + length) })
      at = end + 4 + length
    }
  }

  // Waits until there are so many answers, or the other side has hung up; at most so long.
  async wait(count, seconds = 20) {
    for (let i = 0; i < seconds * 50 && this.answers().length < count && !this.ended; i++) await new Promise((done) => setTimeout(done, 20))
    return this.answers()
  }
}
