// The load of scripts/soak, against the system that it started (GULOU_E2E_…).
import { readFileSync, readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Client } from '../e2e/client.mjs'
import { crowd, invite } from '../e2e/people.mjs'
import { Raw } from '../e2e/raw.mjs'
import { gulou, pidOf, platformTo, server, sleep } from '../e2e/system.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string' }, rate: { type: 'string' } } })
const minutes = Number(values.minutes)
const pause = 1000 / Number(values.rate)
const GROWTH = 1.05

const platform = platformTo(server)
const people = crowd(500).map(({ openid }) => openid)
const notice = (await (await fetch(`${server}/api/v1/demo/notices?limit=100`)).json()).notices.at(-1).id
const any = (list) => list[Math.floor(Math.random() * list.length)]
const say = async (act, openid = any(people)) => (await platform.send(openid, act)).reply ?? ''
const text = (content, openid) => say({ type: 'text', content }, openid)
const page = async (path) => { const response = await fetch(server + path); await response.arrayBuffer(); return String(response.status) }

// Whoever is in a dialogue says nothing else meanwhile.
const talkers = crowd(60).map(({ openid }) => openid)
async function dialogue() {
  const one = talkers.shift()
  try { return await text('申报', one) + await text('1', one) + await text('取消', one) } finally { talkers.push(one) }
}

const photo = readFileSync(new URL('../e2e/photo.jpg', import.meta.url))
const photographers = await Promise.all(Array.from({ length: 10 }, async (_, i) => {
  const one = new Client().person()
  await one.follow()
  await one.say(`绑定 ${invite()}`)
  await one.say(`申报 40 1 拍照第${i}位`)
  return one
}))

let count = 0
// Each act with what must be seen of it; the heavier ones seldom.
const acts = [
  ...Array(8).fill([() => text('积分'), /可用/]),
  ...Array(3).fill([() => text('明细'), /./]),
  ...Array(4).fill([() => text(`申报 40 1 长跑第${count}件`), /编号|上限|已/]),
  [dialogue, /取消/],
  [async () => (await any(photographers).photo(photo)).reply ?? '', /照片/],
  [() => say({ type: 'event', event: 'subscribe' }, `oSoak${count}`), /./],
  [() => text('說了甚麼沒人懂的話'), /帮助/],
  [() => page('/demo/'), /200|429/], [() => page(`/demo/notices/${notice}`), /200|429/], [() => page('/demo/ranking'), /200|429/],
  [() => page(`/api/v1/demo/notices/${notice}?limit=200`), /200|429/], [() => page(`/demo/notices/${notice}.csv`), /200|429/],
  [() => page(`/demo/notices/${notice}.xlsx`), /200|429/], [() => page('/wechat/demo?signature=1'), /403/],
  [async () => { const one = new Raw(server); await one.say('POST /wechat/demo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n<xm'); one.leave(); return 'left' }, /left/],
  [async () => { const one = new Raw(server); await one.say(`GET /${'a'.repeat(40000)} HTTP/1.1\r\n\r\n`); await one.wait(1, 5); one.leave(); return 'refused' }, /refused/],
  [async () => { const one = new Raw(server); setTimeout(() => one.leave(), 20000); await one.opened; return 'slow' }, /slow/]
]

const pid = pidOf('server')
const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
const files = () => readdirSync(`/proc/${pid}/fd`).length
const samples = []
let wrong = 0
let underWay = 0

async function act() {
  const [does, right] = any(acts)
  underWay++
  const seen = await does().catch((error) => `${error}`)
  underWay--
  if (!right.test(seen)) {
    wrong++
    console.error(`wrong: ${String(does)}: ${seen.slice(0, 200)}`)
  }
}

const started = Date.now()
const end = started + minutes * 60000
let told = started
for (let due = started; Date.now() < end; due += pause) {
  if (underWay < 200) { count++; act() }
  if (Date.now() - told >= 60000) {
    told += 60000
    samples.push(memory())
    console.log(`${Math.round((told - started) / 60000)} min: ${count} acts, ${wrong} wrong, ${samples.at(-1)} KiB, ${files()} files`)
  }
  await sleep(Math.max(0, due + pause - Date.now()))
}
while (underWay > 0) await sleep(100)

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const third = Math.floor(samples.length / 3)
const [warm, last] = [median(samples.slice(third >> 1, third)), median(samples.slice(-third))]
const steady = last <= warm * GROWTH // of less than six minutes nothing can be said
console.log(gulou('audit').trim().split('\n').at(-1))
console.log(`${count} acts, ${wrong} wrong; memory ${warm} KiB when warm, ${last} KiB in the last third: ${samples.length < 6 ? 'too short to tell' : steady ? 'steady' : 'GROWING'}`)
process.exitCode = steady && wrong === 0 ? 0 : 1
