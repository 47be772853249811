// Customer-service messages: within the windows that a person's own actions open.
import { ApiError, bytes, isText, need, OK } from './errors.mjs'

const TEXT_MAX_BYTES = 2048
const MENU_ITEMS_MAX = 10 // not published; a phone's height
const MENU_ITEM_MAX_BYTES = 64
const TYPING_MS = 15_000

function checkArticle(news) {
  need(Array.isArray(news?.articles) && news.articles.length > 0, 44003)
  need(news.articles.length === 1, 45008)
  for (const { title, description = '', url = '' } of news.articles) {
    need(isText(title), 44003)
    need(bytes(title) <= 512, 45003)
    need(bytes(description) <= 1024, 45004)
    need(bytes(url) <= 2048, 45005)
  }
}

function checkMenu(menu) {
  need(Array.isArray(menu?.list) && menu.list.length > 0, 44004)
  need(menu.list.length <= MENU_ITEMS_MAX, 45098)
  for (const item of menu.list) {
    need(isText(item.id) && isText(item.content), 44004)
    need(bytes(item.content) <= MENU_ITEM_MAX_BYTES, 45099)
  }
}

// What a phone shows of a msgmenu is a text with links to tap.
const link = ({ id, content }) =>
  `<a href="weixin://bizmsgmenu?msgmenucontent=${encodeURIComponent(content)}&msgmenuid=${encodeURIComponent(id)}">${content}</a>`
const menuText = ({ head_content: head = '', list, tail_content: tail = '' }) =>
  [head, ...list.map(link), tail].filter(Boolean).join('\n')

export class Messages {
  constructor({ clock, people, media, deliver }) {
    Object.assign(this, { clock, people, media, deliver, typing: new Map() })
  }

  // The text to show, after the body's own limits.
  words(account, { msgtype, text, image, voice, video, music, news, msgmenu, mpnews, mpnewsarticle, miniprogrampage }) {
    const owned = (id) => need(isText(id) && this.media.has(account, id), 40007)
    switch (msgtype) {
      case 'text':
        need(isText(text?.content?.trim?.()), 44004)
        need(bytes(text.content) <= TEXT_MAX_BYTES, 45002)
        return text.content
      case 'image':
        owned(image?.media_id)
        return '［图片］'
      case 'voice':
        owned(voice?.media_id)
        return '［语音］'
      case 'video':
        owned(video?.media_id)
        return `［视频］${video.title ?? ''}`
      case 'music':
        owned(music?.thumb_media_id)
        return `［音乐］${music.title ?? ''}`
      case 'news':
        checkArticle(news)
        return `［图文］${news.articles[0].title}`
      case 'msgmenu':
        checkMenu(msgmenu)
        return menuText(msgmenu)
      case 'mpnews':
        need(isText(mpnews?.media_id), 40007)
        return '［图文］'
      case 'mpnewsarticle':
        need(isText(mpnewsarticle?.article_id), 53600)
        return '［图文］'
      case 'miniprogrampage':
        need(isText(miniprogrampage?.appid), 40013)
        return `［小程序］${miniprogrampage.title ?? ''}`
      default:
        throw new ApiError(40008)
    }
  }

  calls = {
    'POST /cgi-bin/message/custom/send': ({ account, value }) => {
      need(isText(value.touser), 40003)
      const words = this.words(account, value)
      const person = this.people.find(account, value.touser)
      need(person, 40003)
      need(person.following, 45015)
      need(!person.refusesMessages, 48002)
      const taken = person.takeMessage(this.clock.now())
      need(taken !== null, 45015)
      need(taken, 45047)
      this.typing.delete(person)
      this.deliver(person, { kind: 'custom', msgtype: value.msgtype, text: words, ...value.msgtype === 'text' ? {} : { body: value[value.msgtype] } })
      return OK
    },

    'POST /cgi-bin/message/custom/typing': ({ account, value }) => {
      need(['Typing', 'CancelTyping'].includes(value.command), 45072)
      const person = this.people.find(account, value.touser)
      need(person, 40003)
      const now = this.clock.now()
      const message = person.windows.message
      if (value.command === 'CancelTyping') {
        this.typing.delete(person)
        return OK
      }
      need(message && message.until - now > 48 * 3600_000 - 30_000, 45080)
      need(!(this.typing.get(person) > now), 45081)
      this.typing.set(person, now + TYPING_MS)
      return OK
    }
  }
}
