// What the platform accepts as an answer. Everything else is a failure notice on the person's phone.
import { decrypt, sign } from './crypto.mjs'
import { readXml } from './xml.mjs'

export const TEXT_MAX_BYTES = 2048

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

// Returns {text, plain} for the person, text null for "accepted, nothing to say". `push` is what was sent.
export function readReply(account, push, response) {
  const { status, body, contentType, contentLength } = response
  if (status !== 200) throw new Error(`HTTP status ${status}`)
  if (body.length === 0 || body.toString() === 'success') return { text: null, plain: body.toString() }
  if (!/^(application|text)\/xml/.test(contentType ?? '')) throw new Error(`content type ${contentType}`)
  if (contentLength === undefined) throw new Error('no Content-Length')
  let text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  const sealed = 'Encrypt' in readXml(text)
  if (sealed && !push.encrypted) throw new Error('an encrypted reply to a plain push')
  // Compatible mode takes either form; a secure account only the sealed one.
  if (push.encrypted && (sealed || account.mode !== 'compatible')) {
    text = openEnvelope(account, text)
  }
  const reply = readXml(text)
  if (reply.ToUserName !== push.from) throw new Error('ToUserName is not the sender')
  if (reply.FromUserName !== push.to) throw new Error('FromUserName is not the account')
  if (!/^\d{10}$/.test(reply.CreateTime ?? '')) throw new Error('CreateTime is not in seconds')
  if (reply.MsgType !== 'text') throw new Error(`MsgType ${reply.MsgType} is not simulated`)
  if (!reply.Content?.trim()) throw new Error('empty Content')
  const bytes = Buffer.byteLength(reply.Content)
  if (bytes > TEXT_MAX_BYTES) throw new Error(`Content of ${bytes} bytes`)
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd]/.test(reply.Content)) throw new Error('control characters in Content')
  checkLinks(reply.Content)
  if (push.noReply) throw new Error(`a reply to ${push.noReply}, which takes none`)
  return { text: reply.Content, plain: text }
}
