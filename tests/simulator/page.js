// The chat page: every open person is a phone; what they do goes to /sim/send as a person's act would.
const $ = (id) => document.getElementById(id)
const ROLES = { member: '会员', reviewer: '审核', administrator: '管理' }
const HINTS = {
  member: ['申报', '申报 40 2 社区巡逻', '我的申报', '积分', '明细', '排行', '公示', '帮助'],
  reviewer: ['待审', '排行', '帮助'],
  administrator: ['公示', '异议列表', '帮助']
}
const config = await (await fetch('/sim/config')).json()
const following = new Set(config.following)
const phones = new Map()

const post = async (path, body) => {
  const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) })
  const value = await response.json()
  if (!response.ok) throw new Error(value.error)
  return value
}

const make = (tag, className, text) => {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

// Only the two links a phone knows become links; everything else stays text.
function renderText(bubble, text, tap) {
  const link = /<a\s[^<>]*?href=(["'])([^"']*)\1[^<>]*>([^<]*)<\/a>|(https?:\/\/[^\s<>"'，。；）」]+)/g
  let at = 0
  for (const match of text.matchAll(link)) {
    bubble.append(text.slice(at, match.index))
    at = match.index + match[0].length
    const href = match[4] ?? match[2]
    const anchor = make('a', '', match[4] ?? match[3])
    if (href.startsWith('weixin://bizmsgmenu?')) {
      const query = new URL(href.replace('weixin://bizmsgmenu', 'http://x/').replaceAll('+', '%2B')).searchParams
      anchor.href = '#'
      anchor.addEventListener('click', (event) => {
        event.preventDefault()
        tap(query.get('msgmenucontent') ?? '', query.get('msgmenuid') ?? '')
      })
    } else if (/^https?:/.test(href)) {
      Object.assign(anchor, { href, target: '_blank', rel: 'noopener' })
    }
    bubble.append(anchor)
  }
  bubble.append(text.slice(at))
}

class Phone {
  constructor(person) {
    this.person = person
    this.node = $('phone').content.firstElementChild.cloneNode(true)
    this.node.dataset.openid = person.openid
    this.part = (name) => this.node.querySelector(name)
    this.part('.who').textContent = `${person.label} · ${ROLES[person.role] ?? '访客'}`
    this.part('.follow').addEventListener('click', () => this.toggleFollow())
    this.part('form').addEventListener('submit', (event) => {
      event.preventDefault()
      const field = this.part('form input')
      if (!field.value.trim()) return
      this.say(field.value)
      field.value = ''
    })
    const words = HINTS[person.role] ?? HINTS.member
    for (const hint of person.invite_code ? [`绑定 ${person.invite_code}`, ...words] : words) {
      const button = make('button', '', hint)
      button.type = 'button'
      button.addEventListener('click', () => this.say(hint))
      this.part('.hints').append(button)
    }
    this.part('.photo input').addEventListener('change', (event) => this.sendPhoto(event.target))
    for (const button of this.node.querySelectorAll('[data-act]')) {
      button.addEventListener('click', () => this[button.dataset.act]())
    }
    this.showFollow()
  }

  get followKey() { return `${$('account').value}|${this.person.openid}` }
  showFollow() { this.part('.follow').textContent = following.has(this.followKey) ? '取消关注' : '关注' }

  toggleFollow() {
    const event = following.has(this.followKey) ? 'unsubscribe' : 'subscribe'
    if (event === 'subscribe') following.add(this.followKey)
    else following.delete(this.followKey)
    this.showFollow()
    return this.send(event === 'subscribe' ? '（关注）' : '（取消关注）', { type: 'event', event })
  }

  say(content, menuId) { return this.send(content, { type: 'text', content, bizmsgmenuid: menuId }) }

  location() {
    return this.send('（位置：钟楼湾胡同）', { type: 'location',
      fields: { Location_X: 39.941, Location_Y: 116.396, Scale: 16, Label: '钟楼湾胡同' } })
  }

  scan() {
    const scene = prompt('二维码场景值', '')
    if (scene) return this.send(`（扫码 ${scene}）`, { type: 'event', event: 'SCAN', event_key: scene, fields: { Ticket: 'simulated' } })
  }

  menu() {
    const key = prompt('菜单 key', '积分')
    if (key) return this.send(`（菜单 ${key}）`, { type: 'event', event: 'CLICK', event_key: key })
  }

  async sendPhoto(input) {
    const file = input.files[0]
    if (!file) return
    const url = await new Promise((resolve) => {
      const reader = new FileReader()
      reader.onload = () => resolve(reader.result)
      reader.readAsDataURL(file)
    })
    input.value = ''
    await this.send('', { type: 'image', data: url.slice(url.indexOf(',') + 1), content_type: file.type }, url)
  }

  line(className) {
    const line = make('div', `line ${className}`)
    this.part('.chat').append(line)
    return line
  }

  scroll() { this.part('.chat').scrollTop = this.part('.chat').scrollHeight }

  async send(shown, act, picture) {
    const mine = this.line('mine')
    const bubble = make('div', 'bubble', shown)
    if (picture) bubble.append(Object.assign(make('img'), { src: picture, alt: '照片' }))
    const attempts = make('div', 'attempts', '发送中…')
    mine.append(bubble, attempts)
    this.scroll()
    const id = crypto.randomUUID()
    pending.set(id, attempts)
    try {
      const result = await post('/sim/send', { account: $('account').value, person: this.person.openid, client_id: id, ...act })
      attempts.replaceChildren(...result.attempts.map(attemptLine))
      mine.append(make('pre', '', `→ ${result.raw.plain}\n\n→ ${result.raw.body ?? ''}`))
      if (result.notice) this.line('system').append(make('div', 'notice', result.notice))
      if (result.reply) this.receive(result.reply, result.raw)
    } catch (error) {
      attempts.textContent = `模拟器：${error.message}`
    }
    pending.delete(id)
    this.scroll()
  }

  receive(text, raw) {
    const line = this.line('theirs')
    const bubble = make('div', 'bubble')
    renderText(bubble, text, (content, menuId) => this.say(content, menuId))
    line.append(bubble)
    if (raw) line.append(make('pre', '', `← ${raw.answer}\n\n← ${raw.answerPlain ?? ''}`))
    this.scroll()
  }
}

const pending = new Map()

function attemptLine(attempt, index) {
  const seconds = (attempt.ms / 1000).toFixed(attempt.ms < 100 ? 3 : 2)
  return make('div', attempt.error ? 'bad' : '', `第 ${index + 1} 次 ${seconds} 秒 ${attempt.error ?? `✓ ${attempt.status}`}`)
}

function toggle(person, tab) {
  if (phones.has(person.openid) && phones.get(person.openid).node.isConnected) {
    phones.get(person.openid).node.remove()
  } else {
    if (!phones.has(person.openid)) phones.set(person.openid, new Phone(person))
    $('phones').append(phones.get(person.openid).node)
  }
  tab.setAttribute('aria-selected', phones.get(person.openid).node.isConnected)
}

function addTab(person, open) {
  const tab = make('button', '', person.label)
  Object.assign(tab, { type: 'button', title: person.invite_code ?? '' })
  tab.setAttribute('role', 'tab')
  tab.setAttribute('aria-selected', 'false')
  tab.addEventListener('click', () => toggle(person, tab))
  $('people').append(tab)
  if (open) toggle(person, tab)
}

function showAccount() {
  const account = config.accounts.find((one) => one.id === $('account').value)
  $('mode').value = account.mode
  $('public').href = new URL(`/${account.id}/`, config.server)
  for (const phone of phones.values()) phone.showFollow()
}

for (const account of config.accounts) $('account').append(new Option(account.name, account.id))
$('account').addEventListener('change', showAccount)
$('mode').addEventListener('change', async () => {
  await post('/sim/mode', { account: $('account').value, mode: $('mode').value })
  config.accounts.find((one) => one.id === $('account').value).mode = $('mode').value
})
$('raw').addEventListener('change', () => document.body.classList.toggle('show-raw', $('raw').checked))
const first = (role) => config.people.find((person) => person.role === role)
for (const person of config.people) addTab(person, person === first('member') || person === first('reviewer'))
const visitor = make('button', '', '＋ 新访客')
visitor.type = 'button'
visitor.addEventListener('click', () => {
  const openid = `oVisitor_${crypto.randomUUID().replaceAll('-', '').slice(0, 19)}`
  addTab({ openid, label: `访客 ${openid.slice(9, 13)}` }, true)
  $('people').append(visitor)
})
$('people').append(visitor)
showAccount()

new EventSource('/sim/stream').addEventListener('message', ({ data }) => {
  const event = JSON.parse(data)
  if (event.kind === 'attempt' && pending.has(event.clientId)) {
    const shown = pending.get(event.clientId)
    if (event.number === 1) shown.replaceChildren()
    shown.append(attemptLine(event.attempt, event.number - 1))
  }
  if (event.kind === 'message' && phones.has(event.person)) phones.get(event.person).receive(event.message.text)
})
document.body.dataset.ready = 'true'
