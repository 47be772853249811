// A process under a supervisor, as systemd would be one: what ends without being asked is started again.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

const RESTART_MS = 300

export class Process {
  // folder: for its log; alone: its children do not belong to it (PostgreSQL's do).
  constructor({ name, command, log, environment = {} }) {
    Object.assign(this, { name, command, log, environment, child: null, wanted: false, unasked: [], stopped: [] })
  }

  get running() { return this.child !== null }

  start() {
    this.wanted = true
    if (this.running) return
    const file = openSync(this.log, 'a')
    const [program, ...args] = this.command
    const child = spawn(program, args, { env: { ...process.env, ...this.environment }, stdio: ['ignore', file, file], detached: true })
    closeSync(file)
    this.child = child
    this.ended = new Promise((resolve) => child.on('exit', (code, signal) => {
      this.child = null
      if (this.wanted) {
        this.unasked.push({ name: this.name, code, signal, at: new Date().toISOString() })
        this.endLeftovers()
        setTimeout(() => this.wanted && this.start(), RESTART_MS)
      }
      resolve({ code, signal })
    }))
  }

  // Asked to end, or not asked at all; how it ended.
  async end(signal) {
    this.wanted = false
    if (!this.running) return { code: null, signal: null }
    const ended = this.ended
    this.child.kill(signal)
    return ended
  }

  // With its children, which for PostgreSQL are processes of their own.
  pids() {
    if (!this.running) return []
    const { pid } = this.child
    try {
      return [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)]
    } catch {
      return [pid]
    }
  }

  // What a supervisor ends before it starts the process again.
  endLeftovers() {}

  pause() {
    this.stopped = this.pids()
    signalAll(this.stopped, 'SIGSTOP')
  }

  resume() { signalAll(this.stopped.splice(0), 'SIGCONT') }
}

export function signalAll(pids, signal) {
  for (const pid of pids) {
    try { process.kill(pid, signal) } catch { /* it has ended */ }
  }
}
