// What the platform tells about followers. Names and pictures are no longer among it.
import { characters, isText, need, OK } from './errors.mjs'

const PAGE = 10000
const BATCH_MAX = 100
const REMARK_MAX = 30

export class Users {
  constructor({ people }) { this.people = people }

  facts(account, openid) {
    need(isText(openid), 41009)
    const person = this.people.find(account, openid)
    need(person, 40003)
    if (!person.following) return { subscribe: 0, openid }
    return { subscribe: 1, openid, nickname: '', sex: 0, language: 'zh_CN', city: '', province: '', country: '', headimgurl: '',
      subscribe_time: person.followedAt, unionid: person.unionid, remark: person.remark, groupid: person.tags[0] ?? 0,
      tagid_list: person.tags, subscribe_scene: person.scene ? 'ADD_SCENE_QR_CODE' : 'ADD_SCENE_SEARCH',
      qr_scene: /^\d+$/.test(person.scene) ? Number(person.scene) : 0, qr_scene_str: /^\d+$/.test(person.scene) ? '' : person.scene }
  }

  calls = {
    'GET /cgi-bin/user/info': ({ account, query }) => this.facts(account, query.openid),

    'POST /cgi-bin/user/info/batchget': ({ account, value: { user_list: list } }) => {
      need(Array.isArray(list) && list.length >= 1 && list.length <= BATCH_MAX, 40032)
      return { user_info_list: list.map((one) => this.facts(account, one.openid)) }
    },

    'GET /cgi-bin/user/get': ({ account, query }) => {
      const all = this.people.of(account).filter((one) => one.following).map((one) => one.openid)
      const after = query.next_openid ? all.indexOf(query.next_openid) : -1
      need(!query.next_openid || after >= 0, 40003)
      const page = all.slice(after + 1, after + 1 + PAGE)
      if (!page.length) return { total: all.length, count: 0, next_openid: '' }
      return { total: all.length, count: page.length, data: { openid: page }, next_openid: page.at(-1) }
    },

    'POST /cgi-bin/user/info/updateremark': ({ account, value }) => {
      const person = this.people.find(account, value.openid)
      need(person?.following, 40003)
      need(typeof value.remark === 'string' && characters(value.remark) < REMARK_MAX, 40035)
      person.remark = value.remark
      return OK
    }
  }
}
