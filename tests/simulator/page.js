// The chat page: every open person is a phone; the rest of it turns the platform's switches.
import { setUpPanel, showPanel } from './panel.js'
import { $, attemptLine, config, pending, Phone, post } from './phone.js'

const phones = new Map()
const tabs = new Map()

function toggle(person) {
  if (phones.has(person.openid) && phones.get(person.openid).node.isConnected) {
    phones.get(person.openid).node.remove()
  } else {
    if (!phones.has(person.openid)) phones.set(person.openid, new Phone(person))
    $('phones').append(phones.get(person.openid).node)
    phones.get(person.openid).catchUp()
  }
  const tab = tabs.get(person.openid)
  tab.setAttribute('aria-selected', phones.get(person.openid).node.isConnected)
  tab.classList.remove('unread')
}

function addTab(person, open) {
  const tab = document.createElement('button')
  Object.assign(tab, { type: 'button', textContent: person.label, title: person.invite_code ?? '' })
  tab.setAttribute('role', 'tab')
  tab.setAttribute('aria-selected', 'false')
  tab.addEventListener('click', () => toggle(person))
  tabs.set(person.openid, tab)
  $('people').append(tab)
  if (open) toggle(person)
}

function showAccount() {
  const account = config.accounts.find((one) => one.id === $('account').value)
  $('mode').value = account.mode
  $('public').href = new URL(`/${account.id}/`, config.server)
  for (const phone of phones.values()) phone.refresh()
  showPanel(account)
}

for (const account of config.accounts) $('account').append(new Option(account.name, account.id))
$('account').addEventListener('change', showAccount)
$('mode').addEventListener('change', async () => {
  await post('/sim/mode', { account: $('account').value, mode: $('mode').value })
  config.accounts.find((one) => one.id === $('account').value).mode = $('mode').value
})
$('raw').addEventListener('change', () => document.body.classList.toggle('show-raw', $('raw').checked))
setUpPanel(() => { for (const phone of phones.values()) phone.refresh() })
const first = (role) => config.people.find((person) => person.role === role)
for (const person of config.people) addTab(person, person === first('member') || person === first('reviewer'))
const visitor = document.createElement('button')
Object.assign(visitor, { type: 'button', textContent: '＋ 新访客' })
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
  if (event.account !== $('account').value) return
  if (event.kind === 'message') {
    const phone = phones.get(event.person)
    if (phone) phone.received(event.message)
    if (!phone?.node.isConnected) tabs.get(event.person)?.classList.add('unread')
  }
  // Menus and tags change what the bar below the chat shows.
  if (['menu', 'tags'].includes(event.kind)) for (const phone of phones.values()) phone.showMenu()
})
document.body.dataset.ready = 'true'
