// access_token of both kinds. `token` makes a new one with each call; `stable_token` gives the same one until its
// last five minutes. The two are isolated from each other.
import { randomBytes } from 'node:crypto'
import { need } from './errors.mjs'

const LIFE_MS = 7200_000
const OVERLAP_MS = 300_000
const FORCED_A_DAY = 20
const FORCED_APART_MS = 30_000

export class Tokens {
  constructor({ accounts, clock, log, switches }) {
    Object.assign(this, { accounts, clock, log, switches })
    this.granted = new Map() // token → {account, kind, until}
    this.forced = new Map() // account → {day, count, at}
  }

  open = {
    'GET /cgi-bin/token': ({ query }) => {
      const account = this.accountFor(query)
      this.switches.count(account, '/cgi-bin/token')
      const left = this.current(account, 'token')
      if (left) left.until = Math.min(left.until, this.clock.now() + OVERLAP_MS)
      return this.grant(account, 'token')
    },

    'POST /cgi-bin/stable_token': ({ value }) => {
      const account = this.accountFor(value)
      this.switches.count(account, '/cgi-bin/stable_token')
      const now = this.clock.now()
      const kept = this.current(account, 'stable')
      if (value.force_refresh === true) {
        this.countForced(account, now)
        for (const one of this.granted.values()) if (one.account === account && one.kind === 'stable') one.until = 0
        return this.grant(account, 'stable')
      }
      if (kept && kept.until - now > OVERLAP_MS) return { access_token: kept.token, expires_in: Math.floor((kept.until - now) / 1000) }
      if (kept) kept.until = now + OVERLAP_MS
      return this.grant(account, 'stable')
    }
  }

  // Whose call it is; the secret is checked in every form of credential.
  accountFor({ grant_type: grant, appid, secret }) {
    need(grant === 'client_credential', 40002)
    need(appid, 41002)
    need(secret, 41004)
    return this.signedIn(appid, secret)
  }

  signedIn(appid, secret) {
    const account = this.accounts.find((one) => one.app_id === appid)
    need(account, 40013)
    need(!account.app_secret || account.app_secret === secret, 40125)
    const switches = this.switches.of(account)
    need(!switches.secret_frozen, 40243)
    need(switches.ip_allowed, 40164)
    return account
  }

  // The newest of a kind that still serves.
  current(account, kind) {
    return [...this.granted.values()].findLast((one) => one.account === account && one.kind === kind && one.until > this.clock.now())
  }

  grant(account, kind) {
    const token = this.log.named(`${this.granted.size + 1}_${randomBytes(90).toString('base64url')}`)
    this.granted.set(token, { token, account, kind, until: this.clock.now() + LIFE_MS })
    return { access_token: token, expires_in: LIFE_MS / 1000 }
  }

  countForced(account, now) {
    const day = this.clock.day()
    const before = this.forced.get(account)
    const count = before?.day === day ? before.count : 0
    need(count < FORCED_A_DAY, 45009)
    need(!before || now - before.at >= FORCED_APART_MS, 45011)
    this.forced.set(account, { day, count: count + 1, at: now })
  }

  // The account that a call's token stands for.
  accountOf(token) {
    need(token, 41001)
    const granted = this.granted.get(token)
    need(granted && granted.until > 0, 40001)
    need(granted.until > this.clock.now(), 42001)
    return granted.account
  }

  // For tests: everything granted stops at once, as after a leak that somebody else mended.
  revoke(account) {
    for (const one of this.granted.values()) if (one.account === account) one.until = 0
  }
}
