// QR codes with a scene, their pictures, short keys, and the ticket for scripts in pages.
import { randomBytes } from 'node:crypto'
import { bytes, isText, need, OK } from './errors.mjs'
import { jpegWith } from '../photo.mjs'

const TEMPORARY_MAX = 2592000
const TEMPORARY_DEFAULT = 60
const PERMANENT_MAX = 100000
const SCENE_MAX = 64
const SHORT_DATA_MAX = 4096
const TICKET_MS = 7200_000

export class Codes {
  constructor({ clock }) {
    Object.assign(this, { clock, tickets: new Map(), keys: new Map(), scripts: new Map() })
  }

  // What was made for an account and still works, newest first.
  of(account) {
    return [...this.tickets.entries()].filter(([, one]) => one.account === account && one.until > this.clock.now())
      .map(([ticket, { scene, permanent, url }]) => ({ ticket, scene, permanent, url })).reverse()
  }

  // By ticket, or the newest of a scene.
  find(account, { ticket, scene }) { return this.of(account).find((one) => ticket ? one.ticket === ticket : one.scene === String(scene)) }

  scene(name, { scene_id: id, scene_str: text } = {}) {
    if (name.endsWith('STR_SCENE')) {
      need(isText(text) && [...text].length <= SCENE_MAX, 40053)
      return text
    }
    need(Number.isInteger(id) && id >= 1 && id <= (name === 'QR_LIMIT_SCENE' ? PERMANENT_MAX : 2 ** 32 - 1), 40053)
    return String(id)
  }

  open = {
    'GET /cgi-bin/showqrcode': ({ query }) => {
      const kept = this.tickets.get(query.ticket)
      if (!kept || kept.until <= this.clock.now()) return { missing: true }
      return { download: { bytes: jpegWith({ comment: kept.scene }), type: 'image/jpg' }, filename: 'qrcode.jpg' }
    }
  }

  calls = {
    'POST /cgi-bin/qrcode/create': ({ account, value: { action_name: name, action_info: info, expire_seconds: seconds = TEMPORARY_DEFAULT } }) => {
      need(['QR_SCENE', 'QR_STR_SCENE', 'QR_LIMIT_SCENE', 'QR_LIMIT_STR_SCENE'].includes(name), 40035)
      const scene = this.scene(name, info?.scene)
      const permanent = name.includes('LIMIT')
      need(permanent || Number.isInteger(seconds) && seconds >= 1 && seconds <= TEMPORARY_MAX, 40035)
      const lasting = [...this.tickets.values()].filter((one) => one.account === account && one.permanent).length
      need(!permanent || lasting < PERMANENT_MAX, 45029)
      const ticket = `gQ${randomBytes(70).toString('base64')}`
      const url = `http://weixin.qq.com/q/${randomBytes(12).toString('hex')}`
      this.tickets.set(ticket, { account, scene, permanent, url, until: permanent ? Infinity : this.clock.now() + seconds * 1000 })
      return { ticket, ...permanent ? {} : { expire_seconds: seconds }, url }
    },

    'POST /cgi-bin/shorten/gen': ({ account, value: { long_data: data, expire_seconds: seconds = TEMPORARY_MAX } }) => {
      need(isText(data) && bytes(data) <= SHORT_DATA_MAX, 9410010, 'long data too long')
      need(Number.isInteger(seconds) && seconds >= 1 && seconds <= TEMPORARY_MAX, 9410011, 'expire seconds too long')
      const key = randomBytes(8).toString('hex').slice(0, 15)
      this.keys.set(key, { account, data, made: this.clock.seconds(), until: this.clock.now() + seconds * 1000 })
      return { ...OK, short_key: key }
    },

    'POST /cgi-bin/shorten/fetch': ({ account, value }) => {
      const kept = this.keys.get(value.short_key)
      need(kept?.account === account && kept.until > this.clock.now(), 9410012, 'short key not found')
      return { ...OK, long_data: kept.data, create_time: kept.made, expire_seconds: Math.floor((kept.until - this.clock.now()) / 1000) }
    },

    'GET /cgi-bin/ticket/getticket': ({ account, query }) => {
      need(['jsapi', 'wx_card'].includes(query.type), 40097)
      const key = `${account.id}|${query.type}`
      if (!(this.scripts.get(key)?.until > this.clock.now())) {
        this.scripts.set(key, { ticket: `sM4${randomBytes(40).toString('base64url')}`, until: this.clock.now() + TICKET_MS })
      }
      const { ticket, until } = this.scripts.get(key)
      return { ...OK, ticket, expires_in: Math.floor((until - this.clock.now()) / 1000) }
    }
  }
}
