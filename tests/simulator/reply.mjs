// What the platform accepts as an answer. Everything else is a failure notice on the person's phone.
import { imageKind } from './api/media.mjs'
import { decrypt, sign } from './crypto.mjs'
import { fieldsOf, readTree, readXml } from './xml.mjs'

export const TEXT_MAX_BYTES = 2048
const ARTICLES_MAX = { message: 1, event: 8 }

function openEnvelope(account, text) {
  const envelope = readXml(text)
  for (const name of ['Encrypt', 'MsgSignature', 'TimeStamp', 'Nonce']) {
    if (!envelope[name]) throw new Error(`the encrypted reply has no ${name}`)
  }
  if (!/^\d{10}$/.test(envelope.TimeStamp)) throw new Error('TimeStamp is not in seconds')
  if (sign(account.token, envelope.TimeStamp, envelope.Nonce, envelope.Encrypt) !== envelope.MsgSignature) {
    throw new Error('wrong MsgSignature')
  }
  return decrypt(account.aes_key, account.app_id, envelope.Encrypt)
}

function checkLinks(content) {
  const opened = content.match(/<a\s/g)?.length ?? 0
  const whole = content.match(/<a\s[^<>]*href=(["'])[^"'<>]*\1[^<>]*>[^<]+<\/a>/g)?.length ?? 0
  if (opened !== whole) throw new Error('a link is cut or malformed')
}

function checkWords(name, text) {
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd]/.test(text)) throw new Error(`control characters in ${name}`)
}

// The fields of the one element that a type needs besides the common ones.
function inner(tree, name) {
  const found = tree.children.filter((one) => one.name === name)
  if (found.length !== 1) throw new Error(`no ${name} in the reply`)
  const fields = fieldsOf(found[0])
  for (const [field, text] of Object.entries(fields)) checkWords(field, text)
  return fields
}

function owned(push, id, name = 'MediaId') {
  const medium = id && push.medium?.(id)
  if (!medium) throw new Error(`${name} is none of the account's media`)
  return medium
}

function readNews(tree, push) {
  const articles = tree.children.find((one) => one.name === 'Articles')?.children ?? []
  const count = Number(fieldsOf(tree).ArticleCount)
  if (!articles.length || articles.some((one) => one.name !== 'item')) throw new Error('no item in Articles')
  if (count !== articles.length) throw new Error(`ArticleCount ${count} of ${articles.length}`)
  const items = articles.map((one) => fieldsOf(one))
  for (const { Title: title, Url: url } of items) {
    if (!title?.trim()) throw new Error('an article without Title')
    if (url && !/^https?:\/\/\S+$/.test(url)) throw new Error('Url of an article is none')
  }
  // Too many: nothing at all happens on the phone.
  if (count > ARTICLES_MAX[push.event ? 'event' : 'message']) return null
  return { type: 'news', articles: items.map((one) => ({ title: one.Title, description: one.Description, picture: one.PicUrl, url: one.Url })) }
}

const TYPES = {
  text(tree) {
    const content = fieldsOf(tree).Content
    if (!content?.trim()) throw new Error('empty Content')
    const bytes = Buffer.byteLength(content)
    if (bytes > TEXT_MAX_BYTES) throw new Error(`Content of ${bytes} bytes`)
    checkWords('Content', content)
    checkLinks(content)
    return { type: 'text', text: content }
  },
  image(tree, push) {
    const id = inner(tree, 'Image').MediaId
    if (imageKind(owned(push, id).bytes) === 'gif') throw new Error('an animated picture')
    return { type: 'image', mediaId: id }
  },
  voice(tree, push) {
    const id = inner(tree, 'Voice').MediaId
    owned(push, id)
    return { type: 'voice', mediaId: id }
  },
  video(tree, push) {
    const { MediaId: id, Title: title = '', Description: description = '' } = inner(tree, 'Video')
    owned(push, id)
    return { type: 'video', mediaId: id, title, description }
  },
  music(tree, push) {
    const { ThumbMediaId: thumb, Title: title = '', Description: description = '', MusicUrl: url = '' } = inner(tree, 'Music')
    owned(push, thumb, 'ThumbMediaId')
    return { type: 'music', title, description, url }
  },
  news: readNews,
  // The conversation goes to people at a desk; the phone shows nothing.
  transfer_customer_service(tree) {
    if (tree.children.some((one) => one.name === 'TransInfo') && !/^[^@\s]+@[^@\s]+$/.test(inner(tree, 'TransInfo').KfAccount ?? '')) {
      throw new Error('KfAccount is not name@account')
    }
    return { type: 'transfer_customer_service' }
  }
}

// Returns {message, plain}: what the person sees, null for "accepted, nothing to say". `push` is what was sent,
// push.medium(id) finds a medium of the account.
export function readReply(account, push, response) {
  const { status, body, contentType, contentLength } = response
  if (status !== 200) throw new Error(`HTTP status ${status}`)
  if (body.length === 0 || body.toString() === 'success') return { message: null, plain: body.toString() }
  if (!/^(application|text)\/xml/.test(contentType ?? '')) throw new Error(`content type ${contentType}`)
  if (contentLength === undefined) throw new Error('no Content-Length')
  let text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  const sealed = 'Encrypt' in readXml(text)
  if (sealed && !push.encrypted) throw new Error('an encrypted reply to a plain push')
  // Compatible mode takes either form; a secure account only the sealed one.
  if (push.encrypted && (sealed || account.mode !== 'compatible')) {
    text = openEnvelope(account, text)
  }
  const tree = readTree(text)
  const reply = fieldsOf(tree)
  if (reply.ToUserName !== push.from) throw new Error('ToUserName is not the sender')
  if (reply.FromUserName !== push.to) throw new Error('FromUserName is not the account')
  if (!/^\d{10}$/.test(reply.CreateTime ?? '')) throw new Error('CreateTime is not in seconds')
  if (!Object.hasOwn(TYPES, reply.MsgType)) throw new Error(`MsgType ${reply.MsgType} is none`)
  const message = TYPES[reply.MsgType](tree, push)
  if (push.noReply) throw new Error(`a reply to ${push.noReply}, which takes none`)
  return { message, plain: text }
}
