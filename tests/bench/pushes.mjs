// Pushes made beforehand, signed and encrypted as the platform does, in a file that replay.lua, pace.c and rush.c read; and
// the look at what became of them.
import { closeSync, openSync, writeSync } from 'node:fs'
import { accountsFromToml } from '../simulator/accounts.mjs'
import { decrypt } from '../simulator/crypto.mjs'
import { Platform } from '../simulator/platform.mjs'
import { readXml } from '../simulator/xml.mjs'
import { config, state } from './machine.mjs'

export const account = accountsFromToml(config)[0]

// Members as seed.sql names them, in an order that soon meets all of them.
export const memberOf = (i, members) => `oBench${String(1 + i * 7919 % members).padStart(22, '0')}`

const AT_ONCE = 16 // of those that are sent again

export class Pushes {
  // `act(i)`: {person, content} or {person, type, fields}, what the i-th push says. Not strict: an answer is only decrypted, because co-wechat writes
  // times in milliseconds, which the platform would not take.
  constructor(name, act, { strict = true } = {}) {
    Object.assign(this, { act, strict })
    this.file = `${state}/${name}.pushes`
    this.platform = new Platform({ account })
    this.fields = []
    this.sent = 0 // so many of the first
  }

  // So many that were not sent are then at the end of the file.
  compose(count) {
    const from = this.fields.length
    for (let i = from; i < this.sent + count; i++) {
      const { person, ...said } = this.act(i)
      this.fields.push(this.platform.compose(person, { type: 'text', ...said }))
    }
    return this.write(from)
  }

  write(from = 0) {
    const out = openSync(this.file, from === 0 ? 'w' : 'a')
    for (let i = from; i < this.fields.length; i += 1000) {
      writeSync(out, this.fields.slice(i, i + 1000).map((fields) => { const text = this.text(fields); return `${Buffer.byteLength(text)}\n${text}` }).join(''))
    }
    closeSync(out)
    return this
  }

  text(fields) {
    const { path, body } = this.platform.request(fields)
    return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/4.0\r\nContent-Type: text/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  }

  // Sends some of them again, as the platform does when an answer was lost, and reads the replies with the platform's
  // eyes. What a load left unanswered at its end is among them, so that afterwards all have been served, once.
  async again(server, numbers, expected) {
    this.platform.server = server
    const left = [...numbers]
    const look = async () => {
      while (left.length > 0) {
        const i = left.shift()
        const { message, error } = await this.insist(this.fields[i])
        if (!expected.test(message?.text)) throw new Error(`push ${i} was answered: ${error ?? message?.text}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, look))
  }

  // What was cut may still be under way, and is then answered by silence, or with 还在处理.
  async insist(fields) {
    for (let attempt = 1; ; attempt++) {
      const reply = this.strict ? await this.platform.attempt(fields, {}) : await this.decrypted(fields)
      if (!reply.error && !/还在处理/.test(reply.message?.text) || attempt === 20) return reply
    }
  }

  async decrypted(fields) {
    const { body, error } = await this.platform.post(this.platform.request(fields), 5000)
    if (error) return { error }
    return { message: { text: readXml(decrypt(account.aes_key, account.app_id, readXml(body.toString()).Encrypt)).Content } }
  }
}
