// One person's phone: the chat, the menu below it, the scanner, the browser inside, and this person's settings.
// What they do goes to /sim/send and its neighbours as a person's act would.
export const $ = (id) => document.getElementById(id)
export const config = await (await fetch('/sim/config')).json()
export const pending = new Map() // client id → where its attempts are shown

const ROLES = { member: '会员', reviewer: '审核', administrator: '管理' }
const HINTS = {
  member: ['申报', '申报 40 2 社区巡逻', '我的申报', '积分', '明细', '排行', '公示', '帮助'],
  reviewer: ['待审', '排行', '帮助'],
  administrator: ['公示', '异议列表', '帮助']
}
const PHOTO_BUTTONS = ['pic_sysphoto', 'pic_photo_or_album', 'pic_weixin']
const SCAN_BUTTONS = ['scancode_push', 'scancode_waitmsg']

export const post = async (path, body) => {
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

const button = (text, onClick, className) => {
  const node = Object.assign(make('button', className, text), { type: 'button' })
  node.addEventListener('click', onClick)
  return node
}

export function attemptLine(attempt, index) {
  const seconds = (attempt.ms / 1000).toFixed(attempt.ms < 100 ? 3 : 2)
  return make('div', attempt.error ? 'bad' : '', `第 ${index + 1} 次 ${seconds} 秒 ${attempt.error ?? `✓ ${attempt.status}`}`)
}

// Only the two links a phone knows become links; everything else stays text.
function renderText(bubble, text, tap, open) {
  const link = /<a\s[^<>]*?href=(["'])([^"']*)\1[^<>]*>([^<]*)<\/a>|(https?:\/\/[^\s<>"'，。；）」]+)/g
  let at = 0
  for (const match of text.matchAll(link)) {
    bubble.append(text.slice(at, match.index))
    at = match.index + match[0].length
    const href = match[4] ?? match[2]
    const anchor = make('a', '', match[4] ?? match[3])
    if (href.startsWith('weixin://bizmsgmenu?')) {
      const query = new URL(href.replace('weixin://bizmsgmenu', 'http://x/').replaceAll('+', '%2B')).searchParams
      onTap(anchor, '#', () => tap(query.get('msgmenucontent') ?? '', query.get('msgmenuid') ?? ''))
    } else if (/^https?:/.test(href)) onTap(anchor, href, () => open(href))
    bubble.append(anchor)
  }
  bubble.append(text.slice(at))
}

function onTap(anchor, href, act) {
  anchor.href = href
  anchor.addEventListener('click', (event) => {
    event.preventDefault()
    act()
  })
}

const readFile = (file) => new Promise((resolve) => {
  const reader = new FileReader()
  reader.onload = () => resolve(reader.result)
  reader.readAsDataURL(file)
})

export class Phone {
  constructor(person) {
    this.person = person
    this.node = $('phone').content.firstElementChild.cloneNode(true)
    this.node.dataset.openid = person.openid
    this.part = (name) => this.node.querySelector(name)
    this.part('.who').textContent = `${person.label} · ${ROLES[person.role] ?? '访客'}`
    this.part('.follow').addEventListener('click', () => this.toggleFollow())
    this.part('.settings').addEventListener('click', () => this.settings())
    this.part('.close').addEventListener('click', () => this.closeSheet())
    this.part('form.say').addEventListener('submit', (event) => {
      event.preventDefault()
      const field = this.part('form.say input')
      if (!field.value.trim()) return
      this.say(field.value)
      field.value = ''
    })
    const words = HINTS[person.role] ?? HINTS.member
    for (const hint of person.invite_code ? [`绑定 ${person.invite_code}`, ...words] : words) {
      this.part('.hints').append(button(hint, () => this.say(hint)))
    }
    this.part('.photo input').addEventListener('change', (event) => this.sendPhoto(event.target))
    for (const one of this.node.querySelectorAll('[data-act]')) one.addEventListener('click', () => this[one.dataset.act]())
  }

  get who() { return { account: $('account').value, person: this.person.openid } }
  get query() { return new URLSearchParams(this.who) }
  get following() { return this.state?.following ?? false }

  // What the platform knows of this person now.
  async load() {
    this.state = await (await fetch(`/sim/person/${this.person.openid}?account=${this.who.account}`)).json()
    return this.state
  }

  async refresh() {
    await this.showMenu()
    this.part('.follow').textContent = this.following ? '取消关注' : '关注'
  }

  // Messages that came before the phone was opened.
  async catchUp() {
    await this.refresh()
    if (this.caughtUp) return
    this.caughtUp = true
    for (const message of this.state.received) this.received(message)
  }

  async toggleFollow() {
    const event = this.following ? 'unsubscribe' : 'subscribe'
    this.part('.follow').textContent = event === 'subscribe' ? '取消关注' : '关注'
    await this.send(event === 'subscribe' ? '（关注）' : '（取消关注）', { type: 'event', event })
    await this.refresh()
  }

  say(content, menuId) { return this.send(content, { type: 'text', content, bizmsgmenuid: menuId }) }

  location() {
    return this.send('（位置：钟楼湾胡同）', { type: 'location',
      fields: { Location_X: 39.941, Location_Y: 116.396, Scale: 16, Label: '钟楼湾胡同' } })
  }

  takePhoto() { return this.send('', { type: 'image' }) }

  async sendPhoto(input) {
    const file = input.files[0]
    if (!file) return
    const url = await readFile(file)
    input.value = ''
    await this.send('', { type: 'image', data: url.slice(url.indexOf(',') + 1), content_type: file.type }, url)
  }

  // ---- the menu below the chat ----

  async showMenu() {
    const { menu } = await this.load()
    const shown = JSON.stringify(menu)
    if (shown === this.shownMenu) return
    this.shownMenu = shown
    this.part('.menu').hidden = !menu
    this.part('.menu').replaceChildren(...(menu ?? []).map((one) => this.menuButton(one)))
  }

  menuButton(one) {
    const place = make('div', 'place')
    if (!one.sub_button?.length) {
      place.append(button(one.name, () => this.press(one)))
      return place
    }
    const list = make('div', 'sub')
    list.hidden = true
    list.append(...one.sub_button.map((sub) => button(sub.name, () => {
      list.hidden = true
      this.press(sub)
    })))
    place.append(button(`≡ ${one.name}`, () => {
      for (const other of this.node.querySelectorAll('.sub')) if (other !== list) other.hidden = true
      list.hidden = !list.hidden
    }), list)
    return place
  }

  press(one) {
    if (SCAN_BUTTONS.includes(one.type)) return this.openScanner((result) => this.pressed(one, { scan_result: result.url ?? result.text }))
    if (PHOTO_BUTTONS.includes(one.type)) return this.choosePhoto((photo) => this.pressed(one, photo))
    return this.pressed(one)
  }

  async pressed(one, given = {}) {
    const result = await this.show(`（菜单 ${one.name}）`, '/sim/press', { button: one.name, ...given })
    if (result?.url) this.open(result.url)
  }

  choosePhoto(chosen) {
    const inside = this.openSheet('发照片')
    const input = Object.assign(make('input'), { type: 'file', accept: 'image/*' })
    input.addEventListener('change', async () => {
      const url = await readFile(input.files[0])
      this.closeSheet()
      chosen({ data: url.slice(url.indexOf(',') + 1), content_type: input.files[0].type })
    })
    const label = make('label', 'photo', '从相册选')
    label.append(input)
    inside.append(button('拍照', () => {
      this.closeSheet()
      chosen({})
    }), label)
  }

  // ---- what covers the chat ----

  openSheet(title) {
    this.part('.sheet').hidden = false
    this.part('.sheet .title').textContent = title
    this.part('.inside').replaceChildren()
    return this.part('.inside')
  }

  closeSheet() {
    this.part('.sheet').hidden = true
    this.part('.inside').replaceChildren()
  }

  // A page in the browser inside the chat, opened as this person.
  open(url) {
    const through = `/sim/browse?${new URLSearchParams({ ...this.who, url })}`
    const frame = Object.assign(make('iframe'), { src: through, title: '网页' })
    this.openSheet(new URL(url).host).append(frame)
  }

  scan() {
    return this.openScanner(async (code) => {
      const asked = code.ticket ? { ticket: code.ticket } : { scene: code.text }
      await this.show(`（扫码 ${code.scene ?? code.text}）`, '/sim/scan', asked)
      await this.refresh()
    })
  }

  // Codes that were made for the account, or words to type; chosen({ticket, scene, url} or {text}).
  async openScanner(chosen) {
    const inside = this.openSheet('扫一扫')
    const form = make('form')
    const field = Object.assign(make('input'), { placeholder: '场景值或内容', ariaLabel: '二维码内容' })
    form.append(field, make('button', '', '确定'))
    const choose = (code) => {
      this.closeSheet()
      chosen(code)
    }
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (field.value) choose({ text: field.value })
    })
    inside.append(form)
    const { codes } = await (await fetch(`/sim/codes?${this.query}`)).json()
    if (!codes.length) inside.append(make('p', 'empty', '公众号还没有生成二维码'))
    for (const code of codes) {
      const one = button(code.scene, () => choose(code), 'code')
      one.prepend(Object.assign(make('img'), { src: `/cgi-bin/showqrcode?ticket=${encodeURIComponent(code.ticket)}`, alt: '' }))
      inside.append(one)
    }
  }

  // How the platform treats this person, and what they agreed to receive.
  settings() {
    const inside = this.openSheet('这位的设置')
    const select = (words, name, options) => {
      const label = make('label', '', `${words} `)
      const node = make('select')
      for (const [value, shown] of options) node.append(new Option(shown, value))
      node.addEventListener('change', () => post('/sim/person', { ...this.who, [name]: node.value }))
      label.append(node)
      inside.append(label)
    }
    select('模板消息', 'template_result', [['success', '收到'], ['user block', '拒收'], ['system failed', '平台失败']])
    select('手机', 'client', [['2', '安卓'], ['1', '苹果'], ['3', '其他']])
    const form = make('form')
    const field = Object.assign(make('input'), { placeholder: '订阅通知的模板 ID', ariaLabel: '模板 ID' })
    const { templates } = config.accounts.find((one) => one.id === this.who.account)
    if (templates[0]) field.value = templates[0].id
    const answer = (words, value) => button(words, () => {
      if (!field.value) return
      this.closeSheet()
      this.show(`（订阅通知：${words}）`, '/sim/consent', { template_id: field.value, answer: value })
    })
    form.append(field)
    inside.append(form, answer('允许一次', 'accept'), answer('拒绝', 'reject'), answer('在设置里关闭', 'off'))
  }

  // ---- the chat ----

  line(className) {
    const line = make('div', `line ${className}`)
    this.part('.chat').append(line)
    return line
  }

  // It has no height until it is loaded.
  picture(src) {
    const image = Object.assign(make('img'), { src, alt: '照片' })
    image.addEventListener('load', () => this.scroll())
    return image
  }

  scroll() { this.part('.chat').scrollTop = this.part('.chat').scrollHeight }

  send(shown, act, picture) { return this.show(shown, '/sim/send', act, picture) }

  // An act and what comes back: {results} of several pushes, or one result.
  async show(shown, path, act, picture) {
    const mine = this.line('mine')
    const bubble = make('div', 'bubble', shown)
    if (picture) bubble.append(this.picture(picture))
    const attempts = make('div', 'attempts', '发送中…')
    mine.append(bubble, attempts)
    this.scroll()
    const id = crypto.randomUUID()
    pending.set(id, attempts)
    let answer
    try {
      answer = await post(path, { ...this.who, client_id: id, ...act })
      const results = answer.results ?? [answer]
      attempts.replaceChildren(...results.flatMap((one) => one.attempts.map(attemptLine)))
      for (const one of results) this.showResult(one, mine, picture ? null : bubble)
    } catch (error) {
      attempts.textContent = `模拟器：${error.message}`
    }
    pending.delete(id)
    this.scroll()
    return answer
  }

  showResult(result, mine, bubble) {
    const photo = /<PicUrl><!\[CDATA\[([^\]]+)/.exec(result.raw.plain)?.[1]
    if (photo && bubble) bubble.append(this.picture(new URL(photo).pathname))
    mine.append(make('pre', '', `→ ${result.raw.plain}\n\n→ ${result.raw.body ?? ''}`))
    if (result.notice) this.line('system').append(make('div', 'notice', result.notice))
    if (result.message) this.receive(result.message, result.raw)
  }

  // A reply (with what went over the wire) or a customer message: words, a picture, an article.
  receive(message, raw) {
    if (message.type === 'transfer_customer_service') {
      this.line('system').append(make('div', 'notice', '已转人工客服'))
      return
    }
    const line = this.line(raw ? 'theirs reply' : 'theirs')
    line.append(this.shownMessage(message))
    if (raw) line.append(make('pre', '', `← ${raw.answer}\n\n← ${raw.answerPlain ?? ''}`))
    this.scroll()
  }

  shownMessage(message) {
    if (message.type === 'news') return this.articleCard(message.articles[0])
    const bubble = make('div', 'bubble')
    if (message.type === 'image') bubble.append(this.picture(`/media/${message.mediaId}`))
    else renderText(bubble, message.text ?? `［${message.type}］${message.title ?? ''}`, (content, menuId) => this.say(content, menuId), (url) => this.open(url))
    return bubble
  }

  articleCard({ title, description, picture, url }) {
    const card = make('div', 'card')
    card.append(make('strong', '', title))
    if (picture) card.append(Object.assign(make('img'), { src: picture, alt: '' }))
    if (description) card.append(make('p', '', description))
    if (url) this.addDetail(card, '阅读全文', url)
    return card
  }

  addDetail(card, words, url) {
    const anchor = make('a', 'detail', words)
    onTap(anchor, url, () => this.open(url))
    card.append(anchor)
  }

  // What the platform brings by itself: a customer message like a reply, a notification as a card.
  received(message) {
    if (message.kind === 'custom') return this.receive({ type: 'text', text: message.text })
    const card = make('div', 'card')
    card.append(make('small', '', message.kind === 'template' ? '服务通知' : '订阅通知'), make('strong', '', message.title ?? message.template_id))
    const list = make('dl')
    for (const [name, { value }] of Object.entries(message.data)) list.append(make('dt', '', message.labels?.[name] ?? name), make('dd', '', value))
    card.append(list)
    const url = message.url || message.page
    if (url) this.addDetail(card, '查看详情', url)
    this.line('theirs').append(card)
    this.scroll()
  }
}
