// People who use the service, and what they were told: members, reviewers and administrators, each one act after the
// other. Every act is kept with its outcome, for checks.mjs to compare with the database.
import { chance } from './chance.mjs'
import { sleep } from './faults.mjs'

const THINK_MS = [20, 400]
const MOST = 10 // points of one hour of the item declared here
const ASK_AGAIN = 4
const KNOWN_REFUSALS = /已审过|现在是「|已退回过两次|的申诉|是申诉|服务结束后才能申报|没有申报|已有申请在等|已在.*结束|还没有入账|已经撤销|已由.*处理|还没有发布|自己提出的申请|算不出公示期|应当回避/

// DONE: it was said to be done. NOTHING: it was said not to be. OPEN: nobody said.
export const DONE = 'done', NOTHING = 'nothing', OPEN = 'open'

export class Model {
  constructor({ platform, seed, members, reviewers, administrators, lines }) {
    Object.assign(this, { platform, seed, members, reviewers, administrators, lines, acts: [], waiting: [], surprises: [], answered: 0, ended: false })
    this.serial = 0
    for (const one of members) Object.assign(one, { certain: 0, possible: 0, own: [] })
  }

  // Everybody acts until stop(), which waits for the last answers.
  start() {
    this.ended = false
    const lane = (who, name, act) => this.live(who, chance(this.seed, `${name}${who.member}`), act)
    this.lanes = [
      ...this.members.map((one) => lane(one, 'member', this.memberActs)),
      ...this.reviewers.map((one) => lane(one, 'reviewer', this.reviewerActs)),
      lane(this.administrators[0], 'administrator', this.administratorActs)]
  }

  stop() {
    this.ended = true
    return Promise.all(this.lanes)
  }

  async live(who, luck, act) {
    while (!this.ended) {
      await act.call(this, who, luck)
      await sleep(luck.between(...THINK_MS))
    }
  }

  // ---- saying

  async say(who, content) {
    const result = await this.platform.send(who.openid, { type: 'text', content })
    if (result.reply !== null) this.answered++
    if (result.attempts.some((one) => one.error && !/timeout|lost|unreachable|ECONN|socket|hang up|EPIPE/.test(one.error))) this.surprises.push(`「${content}」: ${JSON.stringify(result.attempts)}`)
    return result.reply ?? ''
  }

  // 还在处理: the answer of the same push comes by 继续, or it stays open. What else 继续 is answered with (that it is too
  // busy itself, say) tells nothing about the push.
  async patiently(who, content, done) {
    const reply = await this.say(who, content)
    if (!/还在处理/.test(reply)) return reply
    for (let i = 0; i < ASK_AGAIN; i++) {
      await sleep(500)
      const later = await this.say(who, '继续')
      if (done.test(later) || KNOWN_REFUSALS.test(later)) return later
    }
    return reply
  }

  // One act that changes something: kept before it is said, because its effect may come before its answer.
  async act(who, facts, content, done) {
    const act = { ...facts, by: who.member, outcome: OPEN }
    this.acts.push(act)
    const reply = await this.patiently(who, content, done)
    const match = done.exec(reply)
    if (match) Object.assign(act, { outcome: DONE, told: match[1] && Number(match[1]) })
    else if (/系统繁忙/.test(reply) || KNOWN_REFUSALS.test(reply)) act.outcome = NOTHING
    else if (reply && !/还在处理/.test(reply)) this.surprises.push(`「${content}」: ${reply}`)
    act.reply = reply
    return act
  }

  // ---- members

  async memberActs(who, luck) {
    const act = luck.weighed([
      { weight: 60, act: this.declare }, { weight: 8, act: this.withdraw }, { weight: 12, act: this.balance }, { weight: 8, act: this.mend },
      { weight: 6, act: this.rank }, { weight: 6, act: this.dialogue }]).act
    await act.call(this, who, luck)
  }

  newWords(who) { return `故障${this.seed}员${who.member}第${++this.serial}件` }

  keepDeclared(who, act) {
    if (act.outcome !== DONE) return
    const own = { no: act.told, who, words: act.words, state: 'submitted' }
    who.own.push(own)
    this.waiting.push(own)
  }

  async declare(who) {
    const words = this.newWords(who)
    this.keepDeclared(who, await this.act(who, { what: 'declare', words }, `申报 40 1 ${words}`, /收到您的申报[^]*?编号：(\d+)/))
  }

  // The guided way. Only its last step changes anything; when it breaks off, nothing was declared.
  async dialogue(who) {
    const words = this.newWords(who)
    const steps = [['申报', /哪一类/], ['40', /做了多久/], ['1小时', /写写做了什么/], [words, /有照片可以现在发来/], ['完成', /请核对/]]
    for (const [step, expected] of steps) if (!expected.test(await this.say(who, step))) return
    this.keepDeclared(who, await this.dialogueEnd(who, words))
  }

  // A dialogue that Redis lost before 确认 answers with something else: nothing is known then but that it is at most one.
  async dialogueEnd(who, words) {
    const act = { what: 'declare', words, by: who.member, outcome: OPEN }
    this.acts.push(act)
    const done = /收到您的申报[^]*?编号：(\d+)/
    const match = done.exec(await this.patiently(who, '确认', done))
    if (match) Object.assign(act, { outcome: DONE, told: Number(match[1]) })
    return act
  }

  async withdraw(who, luck) {
    const own = who.own.length && luck.pick(who.own.slice(-3))
    if (!own || own.state !== 'submitted') return
    const act = await this.act(who, { what: 'event', to: 'withdrawn', no: own.no }, `撤回 ${own.no}`, new RegExp(`已撤回\\n编号：${own.no}`))
    if (act.outcome === DONE) own.state = 'withdrawn'
  }

  // What was returned is sent again, what was rejected is appealed.
  async mend(who) {
    const own = who.own.find(({ state }) => state === 'returned' || state === 'rejected')
    if (!own) return this.balance(who)
    const again = own.state === 'returned'
    const words = `${own.words}补${++this.serial}`
    const [to, say, done] = again ? ['submitted', '重交', `已重新提交[^]*编号：${own.no}`] : ['appealed', '申诉', `申诉已提交\\n编号：${own.no}`]
    const act = await this.act(who, { what: 'event', to, no: own.no, words }, `${say} ${own.no} ${words}`, new RegExp(done))
    own.state = act.outcome === DONE ? to : 'unclear'
    if (act.outcome === DONE) this.waiting.push(own)
  }

  // Never less than was approved before the question, never more than can have been approved by its answer.
  async balance(who) {
    const least = who.certain
    const reply = await this.say(who, '积分')
    const match = /可用：(\d+)\n待公示：(\d+)/.exec(reply)
    if (!match) {
      if (reply && !/还在处理|系统繁忙/.test(reply)) this.surprises.push(`「积分」: ${reply}`)
      return
    }
    const told = Number(match[1]) + Number(match[2]) - who.before
    if (told < least || told > who.possible) this.surprises.push(`member ${who.member} was told of ${told} points, ${least} to ${who.possible} are right`)
  }

  async rank(who) {
    const reply = await this.say(who, '排行')
    if (reply && !/个人排行/.test(reply) && !/还在处理|系统繁忙/.test(reply)) this.surprises.push(`「排行」: ${reply}`)
  }

  // ---- reviewers: mostly what nobody has decided yet, sometimes what another one is deciding

  async reviewerActs(who, luck) {
    if (this.waiting.length === 0) return
    const own = luck.between(0, 3) ? this.waiting.shift() : luck.pick(this.waiting)
    const { act } = luck.weighed([{ weight: 75, act: this.approve }, { weight: 15, act: this.sendBack }, { weight: 10, act: this.reject }])
    await act.call(this, who, own)
  }

  async approve(who, own) {
    own.who.possible += MOST
    const act = await this.act(who, { what: 'event', to: 'approved', no: own.no }, `通过 ${own.no}`, new RegExp(`编号：${own.no} 已通过，\\S+ (\\d+)分`))
    if (act.outcome === DONE) { own.state = 'approved'; own.who.certain += act.told }
    if (act.outcome === NOTHING) own.who.possible -= MOST
  }

  turnDown(who, own, to, word, done) {
    const words = `${this.seed}因${++this.serial}`
    return this.act(who, { what: 'event', to, no: own.no, words }, `${word} ${own.no} ${words}`, new RegExp(`${done}\\n编号：${own.no}`))
  }

  async sendBack(who, own) {
    const act = await this.turnDown(who, own, 'returned', '退回', '已退回')
    if (act.outcome === DONE) own.state = 'returned'
  }

  async reject(who, own) {
    const act = await this.turnDown(who, own, 'rejected', '驳回', '已驳回(?:（最终决定）)?')
    if (act.outcome !== DONE) return
    own.state = /最终决定/.test(act.reply) ? 'rejected_final' : 'rejected'
    act.to = own.state
  }

  // ---- administrators: one asks, the other one agrees or does not

  async administratorActs(who, luck) {
    const [one, other] = luck.between(0, 1) ? this.administrators : [...this.administrators].reverse()
    const words = `${this.seed}更正${++this.serial}`
    const asked = /已提出[^]*申请编号：(\d+)/
    const ask = luck.between(0, 2)
      ? await this.act(one, { what: 'ask', words }, `更正 ${luck.pick(this.lines)} ${words}`, asked)
      : await this.act(one, { what: 'ask' }, `延长公示 ${this.period} 1`, asked)
    const request = ask.told ?? Number(/已有申请在等[^]*申请编号：(\d+)/.exec(ask.reply)?.[1])
    if (!request) return
    if (luck.between(0, 1)) {
      const no = `${this.seed}否${++this.serial}`
      await this.act(other, { what: 'decide', to: 'refused', request, words: no }, `不同意 ${request} ${no}`, /已记录不同意/)
    } else {
      await this.act(other, { what: 'decide', to: 'agreed', request }, `同意 ${request}`, /已(?:更正（|延长公示 )/)
    }
    await sleep(1500)
  }
}
