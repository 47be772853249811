// Signing in to a page inside the chat: the page that asks, the code, and what the code is worth.
import { randomBytes } from 'node:crypto'
import { isText, need, OK } from './errors.mjs'

const CODE_MS = 300_000
const ACCESS_MS = 7200_000
const REFRESH_MS = 30 * 24 * 3600_000
const ORDER = ['appid', 'redirect_uri', 'response_type', 'scope', 'state']
const OPTIONAL = ['connect_redirect', 'forcePopup', 'forceSnapShot']
const SCOPES = ['snsapi_base', 'snsapi_userinfo']

const escapeHtml = (text) => text.replace(/[&<>"]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one])

export class OAuth {
  constructor({ accounts, clock, people, tokens, switches, log, server }) {
    Object.assign(this, { accounts, clock, people, tokens, switches, log, server })
    this.codes = new Map()
    this.granted = new Map() // access token → {person, scope, until}
    this.refreshing = new Map()
  }

  // What a phone does with the authorize page's address: {redirect} or {page}, a text that a person reads.
  // `allowed`: the person has tapped 允许 in the dialogue of snsapi_userinfo.
  authorize(openid, url, allowed = false) {
    const names = [...url.searchParams.keys()]
    const { appid, redirect_uri: target, response_type: type, scope, state = '' } = Object.fromEntries(url.searchParams)
    const account = this.accounts.find((one) => one.app_id === appid)
    if (!account) return { page: '公众号不存在（appid 错误）' }
    if (!openid) return { page: '请在微信客户端打开链接' }
    const ordered = names.every((name, i) => i < ORDER.length ? name === ORDER[i] : OPTIONAL.includes(name)) && names.length >= ORDER.length - 1
    if (!ordered || type !== 'code') return { page: 'scope 参数错误或没有 scope 权限：参数的顺序或 response_type 不对' }
    if (!SCOPES.includes(scope)) return { page: 'scope 参数错误或没有 scope 权限，错误码：10005' }
    const { verified, type: kind, test_account: sandbox } = this.switches.of(account)
    if (!sandbox && !(verified && kind === 'service')) return { page: '该公众号没有这些 scope 的权限，错误码：10005' }
    if (!/^[a-zA-Z0-9]{0,128}$/.test(state)) return { page: 'state 参数错误：只能是 128 个以内的字母和数字' }
    let address
    try {
      address = new URL(target)
    } catch {
      return { page: 'redirect_uri 参数错误' }
    }
    if (address.hostname !== (account.oauth_domain ?? new URL(this.server()).hostname)) return { page: 'redirect_uri 域名与后台配置不一致，错误码：10003' }
    if (scope === 'snsapi_userinfo' && !allowed) return { page: `${account.name} 申请获得你的昵称、头像`, allow: true }
    const code = randomBytes(16).toString('hex')
    this.codes.set(code, { account, person: this.people.get(account, openid), scope, until: this.clock.now() + CODE_MS, used: false })
    address.searchParams.set('code', code)
    address.searchParams.set('state', state)
    return { redirect: address.href }
  }

  grant({ account, person, scope }) {
    const access = this.log.named(`o_${randomBytes(60).toString('base64url')}`)
    const refresh = this.log.named(`r_${randomBytes(60).toString('base64url')}`)
    this.granted.set(access, { account, person, scope, until: this.clock.now() + ACCESS_MS })
    this.refreshing.set(refresh, { account, person, scope, until: this.clock.now() + REFRESH_MS })
    return { access_token: access, expires_in: ACCESS_MS / 1000, refresh_token: refresh, openid: person.openid, scope }
  }

  opened({ access_token: token, openid }) {
    const kept = this.granted.get(token)
    need(kept, 40001)
    need(kept.until > this.clock.now(), 42001)
    need(kept.person.openid === openid, 40003)
    return kept
  }

  open = {
    'GET /sns/oauth2/access_token': ({ query }) => {
      need(query.grant_type === 'authorization_code', 40002)
      need(query.appid, 41002)
      need(query.secret, 41004)
      need(query.code, 41008)
      const account = this.tokens.signedIn(query.appid, query.secret)
      this.switches.permit(account, '/sns/oauth2/access_token')
      const kept = this.codes.get(query.code)
      need(kept && kept.account === account, 40029)
      need(!kept.used, 40163)
      need(kept.until > this.clock.now(), 42003)
      kept.used = true
      const snapshot = this.switches.of(account).snapshot_user
      return { ...this.grant(kept), ...snapshot ? { openid: `oSnapshot_${randomBytes(9).toString('hex')}`, is_snapshotuser: 1 } : {},
        ...kept.scope === 'snsapi_userinfo' ? { unionid: kept.person.unionid } : {} }
    },

    'GET /sns/oauth2/refresh_token': ({ query }) => {
      need(query.grant_type === 'refresh_token', 40002)
      const kept = this.refreshing.get(query.refresh_token)
      need(kept && kept.account.app_id === query.appid, 40030)
      need(kept.until > this.clock.now(), 42002)
      return { ...this.grant(kept), refresh_token: query.refresh_token }
    },

    'GET /sns/userinfo': ({ query }) => {
      const { scope, person } = this.opened(query)
      need(scope === 'snsapi_userinfo', 48001)
      return { openid: person.openid, nickname: person.label, sex: 0, province: '', city: '', country: '', headimgurl: '', privilege: [], unionid: person.unionid }
    },

    'GET /sns/auth': ({ query }) => {
      need(isText(query.openid), 41009)
      this.opened(query)
      return OK
    }
  }
}

// The page in the browser inside the chat; `again` is where 允许 leads.
export function authorizePage({ page, allow }, again) {
  const button = allow ? `<p><a class="allow" href="${escapeHtml(again)}">允许</a></p>` : ''
  return `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>微信登录</title>
<style>body{font:16px/1.6 system-ui,sans-serif;margin:3em 1.2em;text-align:center;color:#222}
.allow{display:inline-block;background:#07753f;color:#fff;border-radius:6px;padding:.6em 3em;text-decoration:none}</style>
<p>${escapeHtml(page)}</p>${button}</html>`
}
