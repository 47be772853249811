// Tags and who wears them. The platform is confused by calls that overlap: then a valid tag is an invalid id.
import { ApiError, bytes, isText, need, OK } from './errors.mjs'

const TAGS_MAX = 100
const NAME_MAX_BYTES = 30
const OPENIDS_MAX = 50
const TAGS_OF_ONE_MAX = 20
const FANS_MAX = 100000
const SYSTEM_TAGS = [{ id: 0, name: '未分组' }, { id: 1, name: '黑名单' }, { id: 2, name: '星标组' }]
const FIRST_ID = 100
const WORK_MS = 40 // how long a call keeps others out

export class Tags {
  constructor({ accounts, people, tell }) {
    Object.assign(this, { people, tell, busy: new Set() })
    this.of = new Map(accounts.map((account) => [account, { tags: SYSTEM_TAGS.map((one) => ({ ...one })), next: FIRST_ID }]))
  }

  count(account, id) { return this.people.of(account).filter((one) => one.tags.includes(id)).length }
  named(person) { return person.tags.map((id) => ({ id, name: this.of.get(person.account).tags.find((one) => one.id === id)?.name })) }

  find(account, id) {
    const tag = this.of.get(account).tags.find((one) => one.id === Number(id))
    need(tag, 45159)
    return tag
  }

  checkName(account, name, own) {
    need(isText(name) && name.trim(), 45157)
    need(bytes(name) <= NAME_MAX_BYTES, 45158)
    need(!this.of.get(account).tags.some((one) => one.name === name && one.id !== own), 45157)
  }

  // One call at a time for each account, as the real one behaves under concurrency.
  async alone(account, work) {
    if (this.busy.has(account)) throw new ApiError(45159)
    this.busy.add(account)
    try {
      await new Promise((resolve) => setTimeout(resolve, WORK_MS))
      const result = work()
      this.tell({ kind: 'tags', account: account.id })
      return result
    } finally {
      this.busy.delete(account)
    }
  }

  followers(account, { openid_list: list, tagid }) {
    need(Array.isArray(list) && list.length >= 1 && list.length <= OPENIDS_MAX, 40032)
    const { id } = this.find(account, tagid)
    const people = list.map((openid) => this.people.find(account, openid))
    need(people.every((one) => one), 40003)
    need(people.every((one) => one.following), 50005)
    return { id, people }
  }

  calls = {
    'POST /cgi-bin/tags/create': ({ account, value }) => {
      const kept = this.of.get(account)
      this.checkName(account, value.tag?.name)
      need(kept.tags.length - SYSTEM_TAGS.length < TAGS_MAX, 45056)
      const tag = { id: kept.next++, name: value.tag.name }
      kept.tags.push(tag)
      return { tag }
    },

    'GET /cgi-bin/tags/get': ({ account }) => ({ tags: this.of.get(account).tags.map((one) => ({ ...one, count: this.count(account, one.id) })) }),

    'POST /cgi-bin/tags/update': ({ account, value }) => {
      const tag = this.find(account, value.tag?.id)
      need(tag.id >= FIRST_ID, 45058)
      this.checkName(account, value.tag.name, tag.id)
      tag.name = value.tag.name
      return OK
    },

    'POST /cgi-bin/tags/delete': ({ account, value }) => {
      const tag = this.find(account, value.tag?.id)
      need(tag.id >= FIRST_ID, 45058)
      need(this.count(account, tag.id) <= FANS_MAX, 45057)
      this.of.get(account).tags = this.of.get(account).tags.filter((one) => one !== tag)
      for (const person of this.people.of(account)) person.tags = person.tags.filter((id) => id !== tag.id)
      return OK
    },

    'POST /cgi-bin/tags/members/batchtagging': ({ account, value }) => this.alone(account, () => {
      const { id, people } = this.followers(account, value)
      need(people.every((one) => one.tags.includes(id) || one.tags.length < TAGS_OF_ONE_MAX), 45059)
      // The one set last decides about the menu, also when it was there before.
      for (const person of people) person.tags = [...person.tags.filter((one) => one !== id), id]
      return OK
    }),

    'POST /cgi-bin/tags/members/batchuntagging': ({ account, value }) => this.alone(account, () => {
      const { id, people } = this.followers(account, value)
      for (const person of people) person.tags = person.tags.filter((one) => one !== id)
      return OK
    }),

    'POST /cgi-bin/tags/getidlist': ({ account, value }) => {
      const person = this.people.find(account, value.openid)
      need(person?.following, 40003)
      return { tagid_list: person.tags }
    },

    'POST /cgi-bin/user/tag/get': ({ account, value }) => {
      const { id } = this.find(account, value.tagid)
      const wearing = this.people.of(account).filter((one) => one.tags.includes(id)).map((one) => one.openid)
      return wearing.length ? { count: wearing.length, data: { openid: wearing }, next_openid: wearing.at(-1) } : { count: 0 }
    }
  }
}
