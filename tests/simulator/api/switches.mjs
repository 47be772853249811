// What an account may do and how often: its kind, switches that tests and the page turn, permissions and quotas.
import { ApiError, need, OK } from './errors.mjs'

const DEFAULTS = {
  type: 'service', // or 'subscription'
  verified: true,
  test_account: false, // the sandbox account: nearly all rights, lower quotas
  ip_allowed: true,
  secret_frozen: false,
  publishing: 'allowed', // 'withdrawn' (48001), or an error number for freepublish/submit
  publish_status: 0, // what becomes of a submitted draft
  publish_event: true, // whether that is told by an event; some accounts never get it
  snapshot_user: false, // OAuth answers for the virtual user of a snapshot page
  job_ms: 300, // how long the platform works on a template message or a publication
  quotas: {} // path → calls a day, instead of the table's
}

// Calls a day: [new account, test account].
const QUOTAS = {
  '/cgi-bin/token': [2000, 200], '/cgi-bin/stable_token': [500000, 500000],
  '/cgi-bin/menu/create': [1000, 100], '/cgi-bin/menu/get': [10000, 1000], '/cgi-bin/menu/delete': [1000, 100],
  '/cgi-bin/menu/addconditional': [2000, 2000], '/cgi-bin/menu/delconditional': [2000, 2000], '/cgi-bin/menu/trymatch': [20000, 20000],
  '/cgi-bin/media/upload': [100000, 500], '/cgi-bin/media/get': [200000, 1000], '/cgi-bin/message/custom/send': [500000, 50000],
  '/cgi-bin/qrcode/create': [100000, 10000], '/cgi-bin/user/get': [500, 100], '/cgi-bin/user/info': [5000000, 500000],
  '/cgi-bin/user/info/updateremark': [10000, 10000], '/cgi-bin/draft/add': [1000, 1000], '/cgi-bin/draft/update': [1000, 1000],
  '/cgi-bin/draft/delete': [1000, 1000], '/cgi-bin/draft/count': [1000, 1000], '/cgi-bin/draft/batchget': [1000, 1000],
  '/cgi-bin/draft/get': [500, 500], '/cgi-bin/freepublish/submit': [100, 100], '/cgi-bin/freepublish/get': [100, 100],
  '/cgi-bin/message/template/send': [100000, 100000]
}
const UNCOUNTED = ['/cgi-bin/clear_quota', '/cgi-bin/openapi/quota/get']
const CLEARS_A_MONTH = 10

// The kinds of account that may call: V verified, U unverified; sub and svc.
const VERIFIED = ['V-sub', 'V-svc']
const PERMISSIONS = [
  [/^\/cgi-bin\/menu\/(addconditional|delconditional|trymatch)$/, VERIFIED],
  [/^\/cgi-bin\/menu\//, ['V-sub', 'U-svc', 'V-svc']],
  [/^\/cgi-bin\/(message\/custom|tags|user|media|material)\//, VERIFIED],
  [/^\/cgi-bin\/(message\/template|message\/subscribe|template|qrcode)\//, ['V-svc']],
  [/^\/sns\//, ['V-svc']],
  [/^\/cgi-bin\/freepublish\//, VERIFIED]
]

export class Switches {
  constructor({ accounts, clock }) {
    Object.assign(this, { accounts, clock })
    this.values = new Map(accounts.map((account) => [account, { ...DEFAULTS, verified: String(account.verified ?? true) === 'true',
      type: account.type ?? DEFAULTS.type, quotas: {} }]))
    this.used = new Map() // account|path → {day, count}
    this.clears = new Map() // account → {month, count}
  }

  of(account) { return this.values.get(account) }

  // False: there is no such switch, or it takes another kind of value.
  turn(account, wishes) {
    const values = this.of(account)
    const fits = ([name, value]) => Object.hasOwn(DEFAULTS, name) && (name === 'publishing' || typeof value === typeof DEFAULTS[name])
    if (!Object.entries(wishes).every(fits)) return false
    Object.assign(values, wishes)
    return true
  }

  reset(account) { Object.assign(this.of(account), { ...DEFAULTS, verified: String(account.verified ?? true) === 'true', quotas: {} }) }

  permit(account, path) {
    const { verified, type, test_account: sandbox } = this.of(account)
    const kind = `${verified ? 'V' : 'U'}-${type === 'service' ? 'svc' : 'sub'}`
    const rule = PERMISSIONS.find(([pattern]) => pattern.test(path))
    if (sandbox) need(!path.startsWith('/cgi-bin/message/subscribe/'), 48001)
    else need(!rule || rule[1].includes(kind), 48001)
  }

  limit(account, path) {
    const { quotas, test_account: sandbox } = this.of(account)
    return quotas[path] ?? QUOTAS[path]?.[sandbox ? 1 : 0]
  }

  usedToday(account, path) {
    const kept = this.used.get(`${account.id}|${path}`)
    return kept?.day === this.clock.day() ? kept.count : 0
  }

  count(account, path) {
    if (UNCOUNTED.includes(path)) return
    const limit = this.limit(account, path)
    const used = this.usedToday(account, path)
    if (limit !== undefined && used >= limit) throw new ApiError(45009)
    this.used.set(`${account.id}|${path}`, { day: this.clock.day(), count: used + 1 })
  }

  clearQuota(account) {
    const month = this.clock.month()
    const kept = this.clears.get(account)
    const count = kept?.month === month ? kept.count : 0
    need(count < CLEARS_A_MONTH, 48006)
    this.clears.set(account, { month, count: count + 1 })
    for (const key of this.used.keys()) if (key.startsWith(`${account.id}|`)) this.used.delete(key)
    return OK
  }

  calls = {
    'POST /cgi-bin/clear_quota': ({ account, value }) => {
      need(value.appid === account.app_id, 40013)
      return this.clearQuota(account)
    },

    'POST /cgi-bin/openapi/quota/get': ({ account, value }) => {
      need(typeof value.cgi_path === 'string' && value.cgi_path.startsWith('/'), 40035)
      const limit = this.limit(account, value.cgi_path) ?? 1000000
      const used = this.usedToday(account, value.cgi_path)
      return { ...OK, quota: { daily_limit: limit, used, remain: Math.max(0, limit - used) } }
    },

    'GET /cgi-bin/getcallbackip': () => ({ ip_list: ['127.0.0.1', '127.0.0.0/8'] }),
    'GET /cgi-bin/get_api_domain_ip': () => ({ ip_list: ['127.0.0.1'] })
  }
}
