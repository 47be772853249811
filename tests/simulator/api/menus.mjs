// The menu below the chat: the default one and those for a tag or a kind of phone, newest first.
import { bytes, isText, need, OK } from './errors.mjs'

const NAME_MAX = [16, 60]
const KEY_MAX = 128
const URL_MAX = 1024
const TOP_MAX = 3
const SUB_MAX = 5
const CONDITIONAL_MAX = 100
const OUTSIDE_DOMAINS_MAX = 3
const FIRST_ID = 2n ** 53n + 208379533n // ids are longer than a double keeps

const KEYED = ['click', 'scancode_push', 'scancode_waitmsg', 'pic_sysphoto', 'pic_photo_or_album', 'pic_weixin', 'location_select']
const MATERIAL = ['media_id', 'view_limited']
const ARTICLE = ['article_id', 'article_view_limited']
const PRIVATE_RULES = ['sex', 'country', 'province', 'city', 'language']
const RULES = ['tag_id', 'client_platform_type']

function checkUrl(url, tooLong) {
  need(isText(url) && bytes(url) <= URL_MAX, tooLong)
  need(/^https?:\/\/[^\s]+$/.test(url), 65317)
}

// Numbers differ between the two levels; the limits but the name's are the same.
const CODES = [{ name: 40018, key: 40019, url: 40020, type: 40017 }, { name: 40025, key: 40026, url: 40027, type: 40024 }]

function checkButton(button, level) {
  const code = CODES[level]
  need(isText(button?.name) && bytes(button.name) <= NAME_MAX[level], code.name)
  if (button.sub_button?.length) {
    need(level === 0, 40023)
    need(Array.isArray(button.sub_button) && button.sub_button.length <= SUB_MAX, 40023)
    for (const one of button.sub_button) checkButton(one, 1)
    return
  }
  need(isText(button.type), code.type)
  need(button.type === button.type.toLowerCase(), 65318)
  if (KEYED.includes(button.type)) need(isText(button.key) && bytes(button.key) <= KEY_MAX, code.key)
  else if (button.type === 'view') checkUrl(button.url, code.url)
  else if (button.type === 'miniprogram') {
    checkUrl(button.url, code.url)
    need(isText(button.appid) && isText(button.pagepath), 40013)
  } else if (MATERIAL.includes(button.type)) need(isText(button.media_id), 40007)
  else if (ARTICLE.includes(button.type)) need(isText(button.article_id), 53600)
  else need(false, code.type)
}

function checkButtons(button) {
  need(Array.isArray(button) && button.length >= 1 && button.length <= TOP_MAX, 40016)
  for (const one of button) checkButton(one, 0)
}

const everyButton = (buttons) => buttons.flatMap((one) => [one, ...one.sub_button ?? []])
const domainsOf = (menus) => new Set(menus.flatMap(({ button }) => everyButton(button)).filter((one) => one.type === 'view')
  .map((one) => new URL(one.url).hostname))

export class Menus {
  constructor({ accounts, people, tell }) {
    Object.assign(this, { people, tell, nextId: FIRST_ID })
    this.of = new Map(accounts.map((account) => [account, { plain: null, conditional: [] }]))
  }

  // What a phone shows: the newest conditional menu that fits, else the default one. Of several tags the one set
  // last counts.
  shown(person) {
    const { plain, conditional } = this.of.get(person.account)
    const fits = ({ tag_id: tag, client_platform_type: client }) =>
      (!tag || Number(tag) === person.tags.at(-1)) && (!client || String(client) === person.client)
    return (conditional.find((one) => fits(one.matchrule)) ?? plain)?.button ?? null
  }

  changed(account) { this.tell({ kind: 'menu', account: account.id }) }

  calls = {
    'POST /cgi-bin/menu/create': ({ account, value: { button } }) => {
      checkButtons(button)
      this.of.get(account).plain = { button, menuid: this.nextId++ }
      this.changed(account)
      return OK
    },

    'GET /cgi-bin/menu/get': ({ account }) => {
      const { plain, conditional } = this.of.get(account)
      need(plain, 46003)
      return { menu: plain, ...conditional.length ? { conditionalmenu: conditional } : {} }
    },

    'GET /cgi-bin/get_current_selfmenu_info': ({ account }) => {
      const { plain } = this.of.get(account)
      const listed = ({ sub_button: sub, ...one }) => sub?.length ? { ...one, sub_button: { list: sub } } : one
      return plain ? { is_menu_open: 1, selfmenu_info: { button: plain.button.map(listed) } } : { is_menu_open: 0 }
    },

    'GET /cgi-bin/menu/delete': ({ account }) => {
      this.of.set(account, { plain: null, conditional: [] })
      this.changed(account)
      return OK
    },

    'POST /cgi-bin/menu/addconditional': ({ account, value: { button, matchrule } }) => {
      const kept = this.of.get(account)
      need(kept.plain, 65303)
      checkButtons(button)
      const given = Object.entries(matchrule ?? {}).filter(([, value]) => value !== '' && value !== null)
      need(!given.some(([name]) => PRIVATE_RULES.includes(name)), 65320)
      need(given.some(([name]) => RULES.includes(name)), 65304)
      need(kept.conditional.length < CONDITIONAL_MAX, 65305)
      need(domainsOf([...kept.conditional, { button }]).size <= OUTSIDE_DOMAINS_MAX, 65316)
      const menu = { button, matchrule: Object.fromEntries(given), menuid: this.nextId++ }
      kept.conditional.unshift(menu)
      this.changed(account)
      return { menuid: String(menu.menuid) }
    },

    'POST /cgi-bin/menu/delconditional': ({ account, value: { menuid } }) => {
      const kept = this.of.get(account)
      const at = kept.conditional.findIndex((one) => String(one.menuid) === String(menuid))
      need(at >= 0, 65301)
      kept.conditional.splice(at, 1)
      this.changed(account)
      return OK
    },

    'POST /cgi-bin/menu/trymatch': ({ account, value: { user_id: id } }) => {
      const person = this.people.find(account, id)
      need(person?.following, 46004)
      const button = this.shown(person)
      need(button, 46003)
      return { button }
    }
  }
}
