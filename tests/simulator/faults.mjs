// Faults ordered for the platform's own API, and the log of what was called. A fault is taken by the next call of
// its path ('*': of any).
export const FAULTS = ['drop-before', 'drop-after', 'hang', 'hang-after', 'half-body', 'http-502']
const LOG_MAX = 2000

export class ApiFaults {
  constructor() { this.ordered = [] }

  // False: not a fault.
  add({ path = '*', fault, times = 1 }) {
    const known = FAULTS.includes(fault) || (Number.isInteger(fault) && fault !== 0)
    if (!known || typeof path !== 'string' || !Number.isInteger(times) || times < 1) return false
    this.ordered.push({ path, fault, times })
    return true
  }

  clear() { this.ordered = [] }

  // Whether the next answers must not keep their connection: a client repeats by itself, unseen by the program
  // around it, what fails on a kept connection without one byte of answer. A test wants the fault to be seen.
  get pending() { return this.ordered.length > 0 }

  take(path) {
    const at = this.ordered.findIndex((one) => one.path === '*' || one.path === path)
    if (at < 0) return null
    const { fault } = this.ordered[at]
    if (--this.ordered[at].times === 0) this.ordered.splice(at, 1)
    return fault
  }
}

const SECRET_KEYS = ['secret', 'appsecret']
const TOKEN_KEYS = ['access_token', 'refresh_token']

export class ApiLog {
  constructor() {
    this.calls = []
    this.ordinals = new Map() // token → its number, in the order of making
  }

  named(token) {
    this.ordinals.set(token, this.ordinals.get(token) ?? this.ordinals.size + 1)
    return token
  }

  // A copy without tokens and secrets; ids beyond 2^53 as text.
  conceal(value) {
    if (typeof value === 'bigint') return String(value)
    if (Array.isArray(value)) return value.map((one) => this.conceal(one))
    if (!value || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => {
      if (SECRET_KEYS.includes(key)) return [key, '***']
      if (TOKEN_KEYS.includes(key)) return [key, `token#${this.ordinals.get(one) ?? '?'}`]
      return [key, this.conceal(one)]
    }))
  }

  add({ path, query, body, answer, fault }) {
    this.calls.push({ at: new Date().toISOString(), path, query: this.conceal(query), body: this.conceal(body),
      answer: this.conceal(answer), fault })
    if (this.calls.length > LOG_MAX) this.calls.shift()
  }

  clear() { this.calls = [] }
}
