// The same job by the usual parts of Node.js, as short and as fast as they allow: declarations in one line and 积分, through
// the same database functions. One process; every statement is prepared once on each of the pool's connections.
import { createHash, randomBytes } from 'node:crypto'
import Koa from 'koa'
import wechat from 'co-wechat'
import pg from 'pg'

const { PORT, PGHOST, PGDATABASE, ACCOUNT, APP_ID, TOKEN, AES_KEY } = process.env
const POOL = 16 // more was not faster
const WORDS = /^申报 (\S+) (\d+)小时 (.+)$/

const pool = new pg.Pool({ host: PGHOST, database: PGDATABASE, user: 'gulou', max: POOL, options: '-c role=gulou_app' })

const DECLARE = `select api.spoken($1, $2, $3, 'message',
  api.declare_points($1, $2, $3::uuid, $4, $5, $6, null, null, null, null, null, null, $7, null, null)) as facts`
const BALANCE = `select api.spoken($1, $2, $3, 'message', api.balance($1, $2)) as facts`

const call = async (name, text, values) => (await pool.query({ name, text, values })).rows[0].facts
const link = (text, words = text) => `<a href="weixin://bizmsgmenu?msgmenucontent=${encodeURIComponent(words)}&msgmenuid=1">${text}</a>`

// The same push has the same key in all of its attempts.
function keyOf({ FromUserName, MsgId }) {
  const hex = createHash('sha256').update(`${ACCOUNT}\n${FromUserName}\n${MsgId}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

async function declare(message, [, item, hours, words]) {
  const facts = await call('declare', DECLARE, [ACCOUNT, message.FromUserName, keyOf(message), randomBytes(8).toString('hex'), item, Number(hours) * 60, words])
  if (facts.refusal) return `没有收下：${facts.refusal}`
  return `收到您的申报，辛苦了！\n编号：${facts.no}\n项目：${facts.item.number} ${facts.item.name}\n时间：${facts.date}，${facts.minutes / 60}小时\n`
    + `预计积分：${facts.points}\n状态：待审核。有照片可以直接发来。\n\n${link('我的申报')}　${link('撤回', `撤回 ${facts.no}`)}`
}

async function balance(message) {
  const facts = await call('balance', BALANCE, [ACCOUNT, message.FromUserName, keyOf(message)])
  if (facts.refusal) return `没有绑定：${facts.refusal}`
  return `可用：${facts.available}\n待公示：${facts.pending}\n本季（${facts.period}）已通过：${facts.score}分，暂列第${facts.rank}名\n\n`
    + `${link('明细')}　${link('排行')}　${link('申报')}`
}

async function answer(message) {
  if (message.Content === '积分') return balance(message)
  const declared = WORDS.exec(message.Content)
  return declared ? declare(message, declared) : '没看懂您的意思。'
}

const app = new Koa()
app.use((ctx, next) => ctx.method === 'GET' && ctx.path === '/healthz' ? (ctx.body = 'ok') : next())
app.use(wechat({ token: TOKEN, appid: APP_ID, encodingAESKey: AES_KEY }).middleware(answer))
app.listen(Number(PORT), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
