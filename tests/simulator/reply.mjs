// What the platform accepts as an answer. Everything else is a failure notice on the person's phone.
import { SaxesParser } from 'saxes'
import { decrypt, sign } from './crypto.mjs'

export const TEXT_MAX_BYTES = 2048

// A flat element list of well-formed XML: {name: text}; throws when it is not well-formed or repeats an element.
export function readXml(text) {
  const fields = {}
  const open = []
  let value = ''
  const parser = new SaxesParser()
  parser.on('error', (error) => { throw new Error(`not well-formed XML: ${error.message}`) })
  parser.on('doctype', () => { throw new Error('DOCTYPE') })
  parser.on('opentag', (tag) => { open.push(tag.name); value = '' })
  parser.on('text', (piece) => { value += piece })
  parser.on('cdata', (piece) => { value += piece })
  parser.on('closetag', () => {
    if (open.length === 2) {
      if (open[1] in fields) throw new Error(`<${open[1]}> comes twice`)
      fields[open[1]] = value
    }
    open.pop()
  })
  if (!text.startsWith('<xml>')) throw new Error('the reply does not begin with <xml>')
  parser.write(text).close()
  return fields
}

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

// Returns the text for the person, or null for "accepted, nothing to say". `push` is what was sent.
export function readReply(account, push, response) {
  const { status, body, contentType } = response
  if (status !== 200) throw new Error(`HTTP status ${status}`)
  if (body.length === 0 || body.toString() === 'success') return null
  if (!/^(application|text)\/xml/.test(contentType ?? '')) throw new Error(`content type ${contentType}`)
  let text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  if (push.encrypted) {
    text = openEnvelope(account, text)
  }
  const reply = readXml(text)
  if (reply.ToUserName !== push.from) throw new Error('ToUserName is not the sender')
  if (reply.FromUserName !== push.to) throw new Error('FromUserName is not the account')
  if (!/^\d+$/.test(reply.CreateTime ?? '')) throw new Error('no CreateTime')
  if (reply.MsgType !== 'text') throw new Error(`MsgType ${reply.MsgType} is not simulated`)
  if (!reply.Content?.trim()) throw new Error('empty Content')
  const bytes = Buffer.byteLength(reply.Content)
  if (bytes > TEXT_MAX_BYTES) throw new Error(`Content of ${bytes} bytes`)
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd]/.test(reply.Content)) throw new Error('control characters in Content')
  checkLinks(reply.Content)
  if (push.noReply) throw new Error(`a reply to ${push.noReply}, which takes none`)
  return reply.Content
}
