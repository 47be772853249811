// The platform's side of signature and cipher, written from the protocol and not from the server's code.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

export const sign = (...parts) =>
  createHash('sha1').update(Buffer.concat(parts.map(Buffer.from).sort(Buffer.compare))).digest('hex')

export const keyOf = (encodingAesKey) => Buffer.from(encodingAesKey + '=', 'base64')

export function encrypt(encodingAesKey, appId, text, random = randomBytes(16)) {
  const key = keyOf(encodingAesKey)
  const message = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  const body = Buffer.concat([random, length, message, Buffer.from(appId)])
  const pad = 32 - (body.length % 32)
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(Buffer.concat([body, Buffer.alloc(pad, pad)])), cipher.final()]).toString('base64')
}

// Throws with the precise cause: the platform would only show its failure notice.
export function decrypt(encodingAesKey, appId, base64) {
  if (!/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) throw new Error('Encrypt is not base64')
  const key = keyOf(encodingAesKey)
  const cipher = Buffer.from(base64, 'base64')
  if (cipher.length % 32 !== 0) throw new Error('Encrypt is not padded to 32 bytes')
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const plain = Buffer.concat([decipher.update(cipher), decipher.final()])
  const pad = plain[plain.length - 1]
  if (pad < 1 || pad > 32 || !plain.subarray(plain.length - pad).every((byte) => byte === pad)) throw new Error('wrong padding')
  const body = plain.subarray(0, plain.length - pad)
  const length = body.readUInt32BE(16)
  if (20 + length > body.length) throw new Error('length beyond the end')
  if (body.subarray(20 + length).toString() !== appId) throw new Error('another AppID in the reply')
  return body.subarray(20, 20 + length).toString()
}
