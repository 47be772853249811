// The persons as the platform knows them, for each account: who follows, their tags, what they received, and the
// windows in which customer messages may be sent to them.
import { randomBytes } from 'node:crypto'

const HOUR_MS = 3600_000
const RECEIVED_MAX = 200

// What a person's action opens: so many customer messages for so long (the platform's rule since 2023).
export const WINDOWS = {
  message: { count: 5, ms: 48 * HOUR_MS },
  menu: { count: 3, ms: 60_000 },
  follow: { count: 3, ms: 60_000 },
  scan: { count: 3, ms: 60_000 }
}

const MENU_EVENTS = ['click', 'scancode_push', 'scancode_waitmsg']

// A tapped link inside a text counts as a menu, not as a message.
function windowOf({ type, event, menuId }) {
  if (type !== 'event') return menuId ? 'menu' : 'message'
  const name = event.toLowerCase()
  if (name === 'subscribe') return 'follow'
  if (name === 'scan') return 'scan'
  return MENU_EVENTS.includes(name) ? 'menu' : null
}

class Person {
  constructor(account, openid, label) {
    Object.assign(this, { account, openid, label, following: false, followedAt: 0, scene: '', tags: [], windows: {}, received: [],
      consents: new Map(), remark: '', client: '2', templateResult: 'success', blacklisted: false, refusesMessages: false,
      unionid: `u${randomBytes(13).toString('hex')}` })
  }

  // What the platform forgets when somebody leaves.
  unfollow() {
    Object.assign(this, { following: false, tags: [], windows: {}, remark: '' })
  }

  follow(seconds, scene = '') {
    if (!this.following) Object.assign(this, { following: true, followedAt: seconds, scene })
  }

  // The messages still allowed, soonest-ending window first; null when no window is open at all.
  takeMessage(now) {
    const open = Object.values(this.windows).filter((one) => one.until > now).sort((a, b) => a.until - b.until)
    if (!open.length) return null
    const usable = open.find((one) => one.left > 0)
    if (usable) usable.left--
    return Boolean(usable)
  }

  receive(message) {
    this.received.push(message)
    if (this.received.length > RECEIVED_MAX) this.received.shift()
  }
}

export class People {
  constructor(clock, known = []) {
    Object.assign(this, { clock, known, all: new Map() })
  }

  // By openid; one who was never heard of comes into being.
  get(account, openid) {
    const key = `${account.id}|${openid}`
    if (!this.all.has(key)) {
      this.all.set(key, new Person(account, openid, this.known.find((one) => one.openid === openid)?.label ?? openid))
    }
    return this.all.get(key)
  }

  // By openid or by the name on the page.
  named(account, name) {
    return this.get(account, this.known.find((one) => one.label === name)?.openid ?? name)
  }

  find(account, openid) { return this.all.get(`${account.id}|${openid}`) }
  of(account) { return [...this.all.values()].filter((one) => one.account === account) }
  following() { return [...this.all.entries()].filter(([, one]) => one.following).map(([key]) => key) }

  // A person does something: following and the windows change before the push leaves.
  acted(account, openid, act) {
    const person = this.get(account, openid)
    if (act.event === 'unsubscribe') {
      person.unfollow()
      return person
    }
    person.follow(this.clock.seconds(), act.event === 'subscribe' ? String(act.eventKey ?? '').replace(/^qrscene_/, '') : '')
    const kind = windowOf(act)
    if (kind) person.windows[kind] = { left: WINDOWS[kind].count, until: this.clock.now() + WINDOWS[kind].ms }
    return person
  }

  // For tests: where the windows stand, in seconds to go.
  windowsOf(person) {
    const now = this.clock.now()
    return Object.entries(person.windows).filter(([, one]) => one.until > now)
      .map(([kind, { left, until }]) => ({ kind, left, seconds: Math.ceil((until - now) / 1000) }))
  }
}
