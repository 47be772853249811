// Template messages and subscription notifications: judged field by field, told later by an event what became of
// them.
import { ApiError, characters, isText, need, OK } from './errors.mjs'

const CLIENT_ID_MAX = 32
const REPEAT_MS = 600_000
const OLD_FIELDS = ['first', 'remark'] // dropped by the platform since 2023, but not refused
const DATE = /^\d{4}([年/.-])\d{1,2}[月/.-]\d{1,2}日?/

// What each kind of field takes; the name in a template is the kind and a number.
const FIELD_KINDS = {
  thing: (text) => characters(text) <= 20,
  short_thing: (text) => characters(text) <= 5,
  number: (text) => /^[\d.+-]{1,32}$/.test(text),
  letter: (text) => /^[A-Za-z]{1,32}$/.test(text),
  symbol: (text) => characters(text) <= 5,
  character_string: (text) => /^[\x21-\x7e]{1,32}$/.test(text),
  time: (text) => /^(\d{4}年\d{1,2}月\d{1,2}日|\d{4}[-/.]\d{1,2}[-/.]\d{1,2})?\s?(\d{1,2}:\d{2}(:\d{2})?)?(~.*)?$/.test(text) && text !== '',
  date: (text) => DATE.test(text),
  amount: (text) => /^[^\d\s]?\d{1,10}(\.\d{1,2})?元?$/.test(text),
  phone_number: (text) => /^[\d+\-() ]{1,17}$/.test(text),
  car_number: (text) => characters(text) <= 8,
  name: (text) => characters(text) <= 10,
  phrase: (text) => characters(text) <= 5,
  const: (text) => characters(text) <= 20,
  enum: (text) => characters(text) <= 20,
  keyword: (text) => characters(text) <= 200
}

function checkField(name, field) {
  const refused = (cause) => new ApiError(47003, `argument invalid! data.${name}.value ${cause}`)
  const kind = FIELD_KINDS[name.replace(/\d+$/, '')]
  if (!kind || !/\d+$/.test(name)) throw new ApiError(47003, `argument invalid! data.${name} is no field`)
  if (!isText(field?.value)) throw refused('is empty')
  if (/[\n\t]/.test(field.value) && !name.startsWith('keyword')) throw refused('holds a line break')
  if (!kind(field.value)) throw refused('invalid')
}

function checkData(data, fields) {
  need(data && typeof data === 'object', 47003, 'argument invalid! data is empty')
  const given = Object.keys(data).filter((name) => !OLD_FIELDS.includes(name))
  for (const name of fields ?? []) need(given.includes(name), 47003, `argument invalid! data.${name}.value is empty`)
  for (const name of given) need(!fields || fields.includes(name), 47003, `argument invalid! data.${name} is no field`)
  for (const name of given) checkField(name, data[name])
  need(given.length, 47003, 'argument invalid! data is empty')
}

export class Notifications {
  constructor({ accounts, clock, people, deliver, push, switches }) {
    Object.assign(this, { clock, people, deliver, push, switches })
    this.sent = new Map() // account|client_msg_id → {until, msgid}
    this.nextId = 2n ** 53n + 200228332n
    // Account → id → {title, fields}; an account without a list takes every well-formed id and field.
    this.templates = new Map(accounts.map((account) => [account, new Map((account.templates ?? []).map((one) => [one.id, one]))]))
  }

  template(account, id) {
    const all = this.templates.get(account)
    need(isText(id) && /^[A-Za-z0-9_-]{5,64}$/.test(id) && (all.size === 0 || all.has(id)), 40037)
    return all.get(id)
  }

  // The event leaves when the job is over, without anybody waiting for it.
  later(account, openid, act) {
    this.clock.after(this.switches.of(account).job_ms, () => this.push(account, openid, act))
  }

  calls = {
    'POST /cgi-bin/message/template/send': ({ account, value }) => {
      need(isText(value.touser), 40003)
      const template = this.template(account, value.template_id)
      checkData(value.data, template?.fields)
      const { client_msg_id: clientId, url } = value
      need(clientId === undefined || isText(clientId) && characters(clientId) <= CLIENT_ID_MAX, 40035)
      need(url === undefined || url === '' || /^https?:\/\/\S+$/.test(url), 40035)
      const person = this.people.find(account, value.touser)
      need(person, 40003)
      need(person.following, 43004)
      need(!person.blacklisted, 43019)
      const key = `${account.id}|${clientId}`
      const before = clientId && this.sent.get(key)
      if (before && before.until > this.clock.now()) return { ...OK, msgid: before.msgid }
      const msgid = this.nextId++
      if (clientId) this.sent.set(key, { until: this.clock.now() + REPEAT_MS, msgid })
      const status = person.templateResult
      if (status === 'success') this.deliver(person, { kind: 'template', template_id: value.template_id, title: template?.title, labels: template?.labels, msgid: String(msgid),
        url: value.url, miniprogram: value.miniprogram, data: value.data })
      this.later(account, person.openid, { event: 'TEMPLATESENDJOBFINISH', fields: { EventKey: undefined, MsgID: msgid,
        Status: status === 'success' ? status : status === 'user block' ? 'failed:user block' : 'failed: system failed' } })
      return { ...OK, msgid }
    },

    'POST /cgi-bin/message/subscribe/bizsend': ({ account, value }) => {
      need(isText(value.touser), 40003)
      const template = this.template(account, value.template_id)
      checkData(value.data, template?.fields)
      const person = this.people.find(account, value.touser)
      need(person, 40003)
      const left = person.consents.get(value.template_id) ?? 0
      need(left > 0, 43101)
      person.consents.set(value.template_id, left - 1)
      const msgid = this.nextId++
      this.deliver(person, { kind: 'subscription', template_id: value.template_id, title: template?.title, labels: template?.labels, msgid: String(msgid), page: value.page,
        miniprogram: value.miniprogram, data: value.data })
      this.later(account, person.openid, { event: 'subscribe_msg_sent_event', fields: { EventKey: undefined,
        SubscribeMsgSentEvent: { List: [{ TemplateId: value.template_id, MsgID: String(msgid), ErrorCode: '0', ErrorStatus: 'success' }] } } })
      return { ...OK, msgid }
    },

    'GET /cgi-bin/template/get_all_private_template': ({ account }) => ({ template_list: [...this.templates.get(account).values()].map(({ id, title, fields }) =>
      ({ template_id: id, title, primary_industry: '', deputy_industry: '', content: fields.map((one) => `{{${one}.DATA}}`).join('\n'), example: '' })) })
  }

  // A person answers a subscription form, or switches a template off in the settings: [event, its fields].
  consent(person, id, answer) {
    if (answer === 'off') {
      person.consents.delete(id)
      return { event: 'subscribe_msg_change_event', fields: { SubscribeMsgChangeEvent: { List: [{ TemplateId: id, SubscribeStatusString: 'reject' }] } } }
    }
    if (answer === 'accept') person.consents.set(id, (person.consents.get(id) ?? 0) + 1)
    return { event: 'subscribe_msg_popup_event',
      fields: { SubscribeMsgPopupEvent: { List: [{ TemplateId: id, SubscribeStatusString: answer, PopupScene: '0' }] } } }
  }
}
