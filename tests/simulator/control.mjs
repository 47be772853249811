// What tests and the page ask of the simulator below /sim/: acts of persons, faults, switches, the clock, and what
// happened. docs/simulator.md lists them for who writes a test.
import { FAULTS as API_FAULTS } from './faults.mjs'
import { takePhoto } from './photo.mjs'
import { buttonsOf, pressed } from './press.mjs'

const MODES = ['plain', 'compatible', 'secure']
const FAULTS = ['unreachable', 'lose_answer']
const OPENID = /^[A-Za-z0-9_-]+$/
const PERSON_SETTINGS = { template_result: 'templateResult', blacklisted: 'blacklisted', refuses_messages: 'refusesMessages', client: 'client' }

export class Refused extends Error {}

export class Control {
  constructor(simulator) { this.simulator = simulator }

  get api() { return this.simulator.api }

  platform(id) {
    const found = this.simulator.platforms.get(id ?? [...this.simulator.platforms.keys()][0])
    if (!found) throw new Refused(`no account ${id}`)
    return found
  }

  // A control request's words → what the platform sends. Photos become a media id and an address to load.
  act(account, body) {
    const act = { type: body.type ?? (body.event ? 'event' : 'text'), content: body.content, menuId: body.bizmsgmenuid ?? body.menuId,
      event: body.event, eventKey: body.event_key ?? body.eventKey, fields: body.fields, key: body.key, mode: body.mode, clientId: body.client_id,
      attempts: body.attempts, msgId: body.msg_id ?? body.msgId,
      createTime: body.create_time ?? body.createTime, mediaId: body.media_id ?? body.mediaId, picUrl: body.pic_url ?? body.picUrl }
    if (act.type === 'text' && typeof act.content !== 'string') throw new Refused('a text needs content')
    if (act.type === 'event' && !act.event) throw new Refused('an event needs event')
    if (act.type === 'image' && !act.mediaId) {
      const bytes = body.data === undefined ? takePhoto() : Buffer.from(body.data, 'base64')
      act.mediaId = this.api.media.keep(account, bytes, body.content_type ?? 'image/jpeg')
      act.picUrl ??= this.api.media.pictureUrl(act.mediaId)
    }
    return act
  }

  async send(body) {
    if (!OPENID.test(body.person ?? '')) throw new Refused('person must be an openid')
    const platform = this.platform(body.account)
    const act = this.act(platform.account, body)
    this.simulator.persons.acted(platform.account, body.person, act)
    return platform.send(body.person, act)
  }

  personOf(body) {
    const person = this.simulator.persons.named(this.platform(body.account).account, body.person ?? '')
    if (!OPENID.test(person.openid)) throw new Refused('person must be an openid or a name on the page')
    return person
  }

  // A scan: who does not follow yet follows by it.
  scan(body) {
    const person = this.personOf(body)
    const code = this.api.codes.find(person.account, body)
    if (!code) throw new Refused('no such QR code, or it has ended')
    return this.send({ account: person.account.id, person: person.openid, event: person.following ? 'SCAN' : 'subscribe',
      event_key: person.following ? code.scene : `qrscene_${code.scene}`, fields: { Ticket: code.ticket }, client_id: body.client_id })
  }

  // A button of the menu that this person sees, by its name.
  async press(body) {
    const person = this.personOf(body)
    const button = buttonsOf(this.api.menus.shown(person)).find((one) => one.name === body.button)
    if (!button) throw new Refused('no such button in this person\'s menu')
    const photo = body.data === undefined ? takePhoto() : Buffer.from(body.data, 'base64')
    const { acts, url } = pressed(button, { scan_result: body.scan_result, photo, content_type: body.content_type })
    const results = []
    for (const act of acts) results.push(await this.send({ account: person.account.id, person: person.openid, client_id: body.client_id, ...act }))
    return { results, url: url ?? null }
  }

  // What a test asks about one person, by openid or by the name on the page.
  person(query) {
    const person = this.personOf({ account: query.get('account') ?? undefined, person: query.get('name') })
    return { account: person.account.id, openid: person.openid, label: person.label, following: person.following,
      tags: this.api.tags.named(person), consents: Object.fromEntries(person.consents), received: person.received,
      menu: this.api.menus.shown(person), windows: this.simulator.persons.windowsOf(person) }
  }

  seams = {
    'POST /sim/send': (body) => this.send(body),
    'POST /sim/verify': async (body) => ({ ok: await this.platform(body.account).verify() }),
    'POST /sim/mode': (body) => {
      if (!MODES.includes(body.mode)) throw new Refused(`mode is one of ${MODES.join(', ')}`)
      this.platform(body.account).account.mode = body.mode
      return { mode: body.mode }
    },
    // {faults: ['lose_answer', 'unreachable', null]}: one for each of the next attempts; [] forgets them.
    'POST /sim/fault': (body) => {
      const faults = body.faults ?? []
      if (!Array.isArray(faults) || faults.some((one) => one !== null && !FAULTS.includes(one))) {
        throw new Refused(`faults is a list of ${FAULTS.join(', ')} or null`)
      }
      this.platform(body.account).faults = [...faults]
      return { faults }
    },
    // {path, fault, times}: for the platform's API, path '*' means any; see faults.mjs.
    'POST /sim/api-fault': (body) => {
      if (!this.api.faults.add(body)) throw new Refused(`fault is one of ${API_FAULTS.join(', ')} or an error number`)
      // Kept connections end, so that the next call's fault is seen by the program and not mended by its library.
      this.simulator.http.closeIdleConnections()
      return { ordered: this.api.faults.ordered }
    },
    'GET /sim/api-fault': () => ({ ordered: this.api.faults.ordered }),
    'DELETE /sim/api-fault': () => {
      this.api.faults.clear()
      return { ordered: [] }
    },
    'GET /sim/api-log': () => ({ calls: this.api.log.calls }),
    'DELETE /sim/api-log': () => {
      this.api.log.clear()
      return { calls: [] }
    },
    'POST /sim/clock': (body) => {
      if (!Number.isFinite(body.advance_seconds)) throw new Refused('advance_seconds is a number')
      this.simulator.clock.advance(body.advance_seconds)
      return { now: new Date(this.simulator.clock.now()).toISOString() }
    },
    // {switches: {verified: false, …}}: see api/switches.mjs; {reset: true} before that.
    'POST /sim/switch': (body) => {
      const { account } = this.platform(body.account)
      if (body.reset) this.api.switches.reset(account)
      if (!this.api.switches.turn(account, body.switches ?? {})) throw new Refused('no such switch, or not of its kind')
      return { switches: this.api.switches.of(account) }
    },
    // The account's tokens end at once, as when another program fetched new ones.
    'POST /sim/revoke-tokens': (body) => {
      this.api.tokens.revoke(this.platform(body.account).account)
      return {}
    },
    // How the platform will treat a person: template_result, blacklisted, refuses_messages, client.
    'POST /sim/person': (body) => {
      const person = this.personOf(body)
      for (const [name, field] of Object.entries(PERSON_SETTINGS)) if (body[name] !== undefined) person[field] = body[name]
      return {}
    },
    // {person, template_id, answer: accept | reject | off}: a subscription form, or the switch in the settings.
    'POST /sim/consent': (body) => {
      if (!['accept', 'reject', 'off'].includes(body.answer)) throw new Refused('answer is accept, reject or off')
      const person = this.personOf(body)
      const act = this.api.notifications.consent(person, body.template_id, body.answer)
      return this.platform(body.account).send(person.openid, { type: 'event', clientId: body.client_id, ...act })
    },
    // {person, ticket} or {person, scene}.
    'POST /sim/scan': (body) => this.scan(body),
    // {person, button, data, scan_result}: a button of the person's menu, by its name.
    'POST /sim/press': (body) => this.press(body),
    'GET /sim/codes': (_body, query) => ({ codes: this.api.codes.of(this.platform(query.get('account') ?? undefined).account) }),
    'GET /sim/events': () => ({ events: [...this.simulator.platforms.values()].flatMap((one) => one.events) }),
    'GET /sim/config': () => ({
      server: this.simulator.server, people: this.simulator.people, following: this.simulator.persons.following(),
      accounts: [...this.simulator.platforms.values()].map(({ account }) => ({ id: account.id, name: account.name, mode: account.mode,
        switches: this.api.switches.of(account), templates: [...this.api.notifications.templates.get(account).values()] }))
    })
  }
}
