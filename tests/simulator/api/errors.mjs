// The platform's error numbers, as a handler throws them and as the answer shows them.
import { randomBytes } from 'node:crypto'

const MEANINGS = {
  40001: 'invalid credential, access_token is invalid or not latest', 40002: 'invalid grant_type', 40003: 'invalid openid',
  40004: 'invalid media type', 40005: 'invalid file type', 40007: 'invalid media_id', 40008: 'invalid message type',
  40009: 'invalid image size', 40010: 'invalid voice size', 40011: 'invalid video size', 40012: 'invalid thumb size',
  40013: 'invalid appid', 40014: 'invalid access_token', 40015: 'invalid menu type', 40016: 'invalid button size',
  40017: 'invalid button type', 40018: 'invalid button name size', 40019: 'invalid button key size',
  40020: 'invalid button url size', 40023: 'invalid sub button size', 40024: 'invalid sub button type',
  40025: 'invalid sub button name size', 40026: 'invalid sub button key size', 40027: 'invalid sub button url size',
  40029: 'invalid code', 40030: 'invalid refresh_token', 40032: 'invalid openid list size', 40033: 'invalid charset, \\uxxxx escapes',
  40035: 'invalid parameter', 40037: 'invalid template_id', 40053: 'invalid action info', 40066: 'invalid url',
  40097: 'invalid args', 40118: 'invalid media_id size', 40125: 'invalid appsecret', 40137: 'invalid image format',
  40163: 'code been used', 40164: 'invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist', 40243: 'appsecret has been frozen',
  41001: 'access_token missing', 41002: 'appid missing', 41004: 'appsecret missing', 41005: 'media data missing',
  41006: 'media_id missing', 41008: 'missing code', 41009: 'missing openid', 42001: 'access_token expired',
  42002: 'refresh_token expired', 42003: 'code expired', 43001: 'require GET method', 43002: 'require POST method',
  43004: 'require subscribe', 43019: 'require remove blacklist', 43101: 'user refuse to accept the msg', 44001: 'empty media data', 44002: 'empty post data',
  44003: 'empty news data', 44004: 'empty content', 45001: 'media size out of limit', 45002: 'content size out of limit',
  45003: 'title size out of limit', 45004: 'description size out of limit', 45005: 'url size out of limit', 45008: 'article size out of limit',
  45009: 'reach max api daily quota limit', 45011: 'api minute-quota reach limit', 45015: 'response out of time limit or subscription is canceled',
  45029: 'qrcode count out of limit', 45047: 'out of response count limit', 45056: 'too many tag now, please delete one first',
  45057: 'too many fans in this tag', 45058: 'can\'t modify sys tag', 45059: 'can not tag this user, too many tags',
  45110: 'author size out of limit', 45157: 'invalid tag name', 45158: 'tag name too long', 45159: 'invalid tag id',
  45072: 'invalid command', 45080: 'can not typing', 45081: 'already in typing', 45098: 'too many msgmenu items', 45099: 'msgmenu item too long', 46003: 'menu no exist',
  46004: 'user no exist', 47001: 'data format error', 47003: 'argument invalid!', 48001: 'api unauthorized', 48002: 'user refuses messages', 48006: 'forbid to clear quota because of reaching the limit',
  49003: 'not match openid with appid', 50005: 'user is unsubscribed', 53500: 'publishing is banned', 53501: 'publishing too frequent', 53502: 'invalid publish_id',
  53503: 'draft failed the checks', 53504: 'draft needs manual save', 53505: 'draft needs manual save', 53600: 'invalid article_id', 61451: 'invalid parameter', 65301: 'menuid not existed',
  65303: 'no default menu, can not create conditional menu', 65304: 'match rule is empty', 65305: 'conditional menu count limit', 65316: 'too many domains',
  65317: 'contain invalid url', 65318: 'invalid button type', 65320: 'contain privacy fields in matchrule'
}

export class ApiError extends Error {
  constructor(code, words) {
    super(words ?? MEANINGS[code] ?? 'simulated')
    this.code = code
  }

  // As the platform writes it: the words, then an id for its support.
  get answer() {
    const rid = [4, 4, 4].map((n) => randomBytes(n).toString('hex')).join('-')
    return { errcode: this.code, errmsg: `${this.message} rid: ${rid}` }
  }
}

export const OK = { errcode: 0, errmsg: 'ok' }

export function need(condition, code, words) {
  if (!condition) throw new ApiError(code, words)
}

export const bytes = (text) => Buffer.byteLength(text)
export const characters = (text) => [...text].length
export const isText = (value) => typeof value === 'string' && value !== ''

// Numbers beyond 2^53 are written as numbers, as the platform does.
export function toJson(value) {
  const text = JSON.stringify(value, (_key, one) => typeof one === 'bigint' ? `\u0001${one}\u0001` : one)
  return text.replace(/"\\u0001(\d+)\\u0001"/g, '$1')
}
