// A TCP line to a service that can be slowed, silenced, cut and taken away: what stands between a server and the
// stores on a bad day.
import net from 'node:net'

export class Line {
  constructor(port, to) {
    Object.assign(this, { port, to, delayMs: 0, silent: false, pairs: new Set(), waiting: [] })
    this.listener = net.createServer((near) => this.join(near))
  }

  open() {
    return new Promise((resolve, reject) => {
      this.listener.once('error', reject)
      this.listener.listen(this.port, '127.0.0.1', () => { this.listener.off('error', reject); resolve() })
    })
  }

  // Nobody listens any more; what is under way ends.
  close() {
    this.cut()
    return new Promise((resolve) => this.listener.close(resolve))
  }

  cut() {
    for (const pair of this.pairs) for (const end of pair) end.resetAndDestroy()
  }

  speak() {
    this.silent = false
    for (const go of this.waiting.splice(0)) go()
  }

  join(near) {
    const far = net.connect(this.to, '127.0.0.1')
    const pair = [near, far]
    this.pairs.add(pair)
    this.carry(near, far)
    this.carry(far, near)
    for (const end of pair) {
      end.on('error', () => {})
      end.on('close', () => { this.pairs.delete(pair); for (const one of pair) one.destroy() })
    }
  }

  // In order, whatever the delay of the moment. A silent line loses nothing: it speaks again, or is cut.
  carry(from, to) {
    let before = Promise.resolve()
    const after = (act) => {
      const due = Date.now() + this.delayMs
      before = before.then(() => this.pause(due)).then(act)
    }
    from.on('data', (bytes) => after(() => to.writable && to.write(bytes)))
    from.on('end', () => after(() => to.end()))
  }

  async pause(due) {
    const ms = due - Date.now()
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
    while (this.silent) await new Promise((resolve) => this.waiting.push(resolve))
  }
}
