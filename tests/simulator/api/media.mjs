// Pictures and sounds: temporary ones for three days, permanent ones, and those inside articles.
import { randomBytes } from 'node:crypto'
import { need } from './errors.mjs'

const LIFE_MS = 3 * 24 * 3600_000
const KEPT_MAX = 5000 // in memory; the oldest temporary ones make room
const KILO = 1024
const MEGA = KILO * KILO
const IMAGES = { png: [0x89, 0x50, 0x4e, 0x47], jpeg: [0xff, 0xd8, 0xff], gif: [0x47, 0x49, 0x46, 0x38] }
const LIMITS = {
  image: { bytes: 10 * MEGA, size: 40009, endings: ['png', 'jpg', 'jpeg', 'gif'] },
  voice: { bytes: 2 * MEGA, size: 40010, endings: ['amr', 'mp3'] },
  video: { bytes: 10 * MEGA, size: 40011, endings: ['mp4'] },
  thumb: { bytes: 64 * KILO, size: 40012, endings: ['jpg', 'jpeg'] }
}
const LIBRARY_MAX = { image: 100000, voice: 1000, video: 1000, thumb: 100000 }

// By the first bytes, because a name proves nothing.
export function imageKind(bytes) {
  return Object.keys(IMAGES).find((kind) => IMAGES[kind].every((byte, i) => bytes[i] === byte)) ?? null
}

const newId = () => randomBytes(48).toString('base64url')

export class Media {
  constructor({ clock, address }) {
    Object.assign(this, { clock, address, all: new Map() })
  }

  // A picture that came from a person or an upload; `account` null is readable by none but the page.
  keep(account, bytes, type, permanent = false, kind = 'image') {
    const id = newId()
    if (this.all.size >= KEPT_MAX) this.all.delete(this.oldestTemporary())
    this.all.set(id, { account, bytes, type, kind, permanent, until: permanent ? Infinity : this.clock.now() + LIFE_MS })
    return id
  }

  oldestTemporary() {
    for (const [id, { permanent }] of this.all) if (!permanent) return id
    return undefined
  }

  get(account, id) {
    const kept = this.all.get(id)
    return kept && kept.account === account && kept.until > this.clock.now() ? kept : null
  }

  has(account, id) { return this.get(account, id) !== null }
  isPermanentImage(account, id) { return Boolean(this.get(account, id)?.permanent) }

  // What is common to every upload: there is one file, named and typed, with a length known before.
  checkUpload({ upload, request }, kind) {
    need(Object.hasOwn(LIMITS, kind), 40004)
    need(request.headers['content-length'] !== undefined, 41005)
    const file = upload?.file
    need(file && file.filename && file.type, 41005)
    need(file.bytes.length > 0, 44001)
    const { bytes: most, size, endings } = LIMITS[kind]
    need(endings.includes(file.filename.split('.').at(-1).toLowerCase()), 40005)
    need(file.bytes.length <= most, size)
    if (kind === 'image' || kind === 'thumb') {
      const found = imageKind(file.bytes)
      need(found && (kind === 'image' || found === 'jpeg'), 40137)
    }
    return file
  }

  calls = {
    'POST /cgi-bin/media/upload': (call) => {
      const kind = call.query.type
      const file = this.checkUpload(call, kind)
      const id = this.keep(call.account, file.bytes, file.type, false, kind)
      return { type: kind, [kind === 'thumb' ? 'thumb_media_id' : 'media_id']: id, created_at: this.clock.seconds() }
    },

    'GET /cgi-bin/media/get': ({ account, query }) => {
      need(query.media_id, 41006)
      const kept = this.get(account, query.media_id)
      need(kept && !kept.permanent, 40007)
      return { download: kept, filename: `${query.media_id.slice(0, 16)}.${kept.type.split('/')[1] === 'jpeg' ? 'jpg' : kept.type.split('/')[1]}` }
    },

    'POST /cgi-bin/media/uploadimg': (call) => {
      const file = this.checkUpload(call, 'image')
      need(file.bytes.length <= MEGA, 40009)
      need(imageKind(file.bytes) !== 'gif', 40137)
      return { url: this.pictureUrl(this.keep(call.account, file.bytes, file.type, true, 'article')) }
    },

    'POST /cgi-bin/material/add_material': (call) => {
      const kind = call.query.type
      const file = this.checkUpload(call, kind)
      const kept = [...this.all.values()].filter((one) => one.account === call.account && one.permanent && one.kind === kind)
      need(kept.length < LIBRARY_MAX[kind], 45001)
      if (kind === 'video') need(call.upload.fields.description, 40035)
      const id = this.keep(call.account, file.bytes, file.type, true, kind)
      return kind === 'image' || kind === 'thumb' ? { media_id: id, url: this.pictureUrl(id) } : { media_id: id }
    },

    'POST /cgi-bin/material/get_material': ({ account, value }) => {
      const kept = this.get(account, value.media_id)
      need(kept?.permanent, 40007)
      return { download: kept, filename: 'material.jpg' }
    },

    'POST /cgi-bin/material/del_material': ({ account, value }) => {
      need(this.get(account, value.media_id)?.permanent, 40007)
      this.all.delete(value.media_id)
      return { errcode: 0, errmsg: 'ok' }
    },

    'GET /cgi-bin/material/get_materialcount': ({ account }) => {
      const count = (kind) => [...this.all.values()].filter((one) => one.account === account && one.permanent && one.kind === kind).length
      return { voice_count: count('voice'), video_count: count('video'), image_count: count('image'), news_count: 0 }
    }
  }

  // The address that a push carries as PicUrl and an article as src; anybody may load it.
  pictureUrl(id) { return `${this.address()}/media/${id}` }
  isOurPicture(url) { return url.startsWith(`${this.address()}/media/`) }
}
