// Drafts, and their publication as a job that ends later with an event.
import { randomBytes } from 'node:crypto'
import { ApiError, bytes, characters, isText, need, OK } from './errors.mjs'

const ARTICLES_MAX = 8
const TITLE_MAX = 32
const AUTHOR_MAX = 16
const DIGEST_MAX = 128
const DIGEST_MADE = 54
const CONTENT_MAX = 20000
const CONTENT_MAX_BYTES = 1 << 20
const SOURCE_MAX_BYTES = 1024
const LIST_MAX = 20
const OPERATOR = 'oSimulatedOperator_000000001' // whom the event names

const plain = (html) => html.replace(/<[^>]*>/g, '').replace(/\s+/g, ' ').trim()

// A published article, as a browser shows it; the content is HTML of the account's own.
export function articlePage({ title, author, content }) {
  const words = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${words(title)}</title>
<h1>${words(title)}</h1><p>${words(author)}</p>${content}</html>`
}

// A page of a list, newest first; with no_content 1 without what the articles say.
function listed(all, { offset, count, no_content: bare }) {
  need(Number.isInteger(offset) && offset >= 0 && Number.isInteger(count) && count >= 1 && count <= LIST_MAX, 40035)
  const item = [...all].reverse().slice(offset, offset + count).map(({ id, articles, time }) => ({ ...id, update_time: time,
    content: { news_item: articles.map(({ content, ...rest }) => bare === 1 ? rest : { ...rest, content }) } }))
  return { total_count: all.length, item_count: item.length, item }
}

export class Publishing {
  constructor({ clock, media, switches, push, address, accounts }) {
    Object.assign(this, { clock, media, switches, push, address })
    this.drafts = new Map(accounts.map((account) => [account, new Map()]))
    this.jobs = new Map() // publish id → job
    this.nextJob = 2n ** 53n + 100000001n
  }

  // The article as the platform keeps it; throws when a limit is passed.
  article(account, given) {
    need(given && typeof given === 'object', 44003)
    const { title, author = '', digest = '', content, content_source_url: source = '', thumb_media_id: thumb } = given
    need(isText(title) && characters(title) <= TITLE_MAX, 45003)
    need(characters(author) <= AUTHOR_MAX, 45110)
    need(characters(digest) <= DIGEST_MAX, 45004)
    need(isText(content), 44004)
    need(characters(content) < CONTENT_MAX && bytes(content) < CONTENT_MAX_BYTES, 45002)
    need(bytes(source) <= SOURCE_MAX_BYTES, 45005)
    if ((given.article_type ?? 'news') === 'news') need(isText(thumb) && this.media.isPermanentImage(account, thumb), 40007)
    // Scripts go, and pictures that were not uploaded for articles.
    const kept = content.replace(/<script[\s\S]*?<\/script\s*>/gi, '')
      .replace(/<img\b[^>]*>/gi, (tag) => this.media.isOurPicture(/\bsrc="([^"]*)"/.exec(tag)?.[1] ?? '') ? tag : '')
    return { article_type: 'news', need_open_comment: 0, only_fans_can_comment: 0, ...given, author,
      digest: digest || [...plain(kept)].slice(0, DIGEST_MADE).join(''), content: kept, content_source_url: source }
  }

  articles(account, list) {
    need(Array.isArray(list) && list.length > 0, 44003)
    need(list.length <= ARTICLES_MAX, 45008)
    return list.map((one) => this.article(account, one))
  }

  draft(account, id) {
    const draft = this.drafts.get(account).get(id)
    need(draft, 40007)
    return draft
  }

  url(job, idx) { return `${this.address()}/sim/article?id=${job.article_id}&idx=${idx}` }

  detail(job) {
    const item = job.articles.map((_one, i) => ({ idx: i + 1, article_url: this.url(job, i + 1) }))
    return { count: item.length, item }
  }

  // The job's end: the state that was chosen by the switch, told by an event.
  finish(job) {
    job.status = this.switches.of(job.account).publish_status
    const good = job.status === 0
    if (good) {
      job.time = this.clock.seconds()
      job.article_id = randomBytes(33).toString('base64url')
      this.drafts.get(job.account).delete(job.draft)
    } else job.fail_idx = [1]
    if (this.switches.of(job.account).publish_event) this.push(job.account, OPERATOR, { event: 'PUBLISHJOBFINISH', fields: { EventKey: undefined, PublishEventInfo: { publish_id: job.id,
      publish_status: job.status, ...good ? { article_id: job.article_id, article_detail: this.detail(job) } : { fail_idx: job.fail_idx } } } })
  }

  published(articleId, idx) { return [...this.jobs.values()].find((one) => one.article_id === articleId)?.articles[idx - 1] }

  calls = {
    'POST /cgi-bin/draft/add': ({ account, value }) => {
      const id = randomBytes(48).toString('base64url')
      this.drafts.get(account).set(id, { articles: this.articles(account, value.articles), time: this.clock.seconds() })
      return { media_id: id }
    },

    'POST /cgi-bin/draft/get': ({ account, value }) => {
      const { articles, time } = this.draft(account, value.media_id)
      return { news_item: articles, create_time: time, update_time: time }
    },

    'POST /cgi-bin/draft/update': ({ account, value: { media_id: id, index = 0, articles } }) => {
      const draft = this.draft(account, id)
      need(Number.isInteger(index) && index >= 0 && index < draft.articles.length, 40035)
      draft.articles[index] = this.article(account, articles)
      draft.time = this.clock.seconds()
      return OK
    },

    'POST /cgi-bin/draft/delete': ({ account, value }) => {
      this.draft(account, value.media_id)
      this.drafts.get(account).delete(value.media_id)
      return OK
    },

    'GET /cgi-bin/draft/count': ({ account }) => ({ total_count: this.drafts.get(account).size }),

    'POST /cgi-bin/draft/batchget': ({ account, value }) => listed([...this.drafts.get(account)]
      .map(([id, { articles, time }]) => ({ id: { media_id: id }, articles, time })), value),

    'POST /cgi-bin/freepublish/submit': ({ account, value }) => {
      const { publishing, job_ms: wait } = this.switches.of(account)
      need(publishing !== 'withdrawn', 48001)
      if (typeof publishing === 'number') throw new ApiError(publishing)
      const { articles } = this.draft(account, value.media_id)
      const id = String(this.nextJob++)
      const job = { id, account, draft: value.media_id, articles: articles.map((one) => ({ ...one })), status: 1, fail_idx: [] }
      this.jobs.set(id, job)
      this.clock.after(wait, () => this.finish(job))
      return { ...OK, publish_id: id, msg_data_id: BigInt(id) + 1n }
    },

    'POST /cgi-bin/freepublish/get': ({ account, value }) => {
      need(this.switches.of(account).publishing !== 'withdrawn', 48001)
      const job = this.jobs.get(String(value.publish_id))
      need(job?.account === account, 53502)
      return { publish_id: job.id, publish_status: job.status, fail_idx: job.fail_idx,
        ...job.status === 0 ? { article_id: job.article_id, article_detail: this.detail(job) } : {} }
    },

    'POST /cgi-bin/freepublish/batchget': ({ account, value }) => {
      need(this.switches.of(account).publishing !== 'withdrawn', 48001)
      return listed([...this.jobs.values()].filter((job) => job.account === account && job.status === 0)
        .map((job) => ({ id: { article_id: job.article_id }, time: job.time,
          articles: job.articles.map((one, i) => ({ ...one, url: this.url(job, i + 1), is_deleted: false })) })), value)
    }
  }
}
