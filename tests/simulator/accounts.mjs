// Which accounts and persons the platform knows: from the server's own configuration or from JSON.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

const REQUIRED = ['id', 'app_id', 'token', 'aes_key']

// Only what [[account]] and [[template]] need: comments, tables, and keys with a quoted or bare value on one line.
function readTables(toml, name) {
  const tables = []
  let table = null
  for (const raw of toml.split('\n')) {
    const line = raw.trim()
    if (line.startsWith('[')) {
      table = new RegExp(`^\\[\\[\\s*${name}\\s*\\]\\]`).test(line) ? {} : null
      if (table) tables.push(table)
      continue
    }
    const pair = /^([A-Za-z0-9_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^#\s]+))\s*(?:#.*)?$/.exec(line)
    if (!table || !pair) continue
    table[pair[1]] = pair[2] !== undefined ? JSON.parse(`"${pair[2]}"`) : pair[3] ?? pair[4]
  }
  return tables
}

export const readAccountTables = (toml) => readTables(toml, 'account')

// What the platform's library of templates would print above a card and before its fields.
const TITLES = { approved: '审核结果通知', returned: '审核退回通知', rejected: '审核结果通知', rejected_final: '复核结果通知',
  notice_opened: '公示通知', objection_decided: '异议处理结果通知', queue_waiting: '待办事项提醒',
  line_revoked: '申报撤销通知', objection_filed: '待办事项提醒', objection_due: '待办事项提醒', review_due: '待办事项提醒', notice_due: '待办事项提醒', second_wanted: '待办事项提醒' }
const LABELS = { no: '编号', item: '项目', counted: '积分', words: '说明', title: '名称', last_day: '截止日期', entries: '条数',
  waiting: '待审条数', days: '已等天数', result: '结果', time: '时间', objection: '异议编号', period: '季度',
  request: '申请编号', by: '提出人' }

// {account, id, title, fields: ['thing1', …], labels: {thing1: '项目'}}: the templates that the account would have
// chosen on the platform; `fields` in the configuration is "thing1=item, …".
export const readTemplateTables = (toml) => readTables(toml, 'template').map(({ account, id, notification, fields = '' }) => {
  const pairs = fields.split(',').map((one) => one.split('=').map((part) => part.trim())).filter(([name]) => name)
  return { account, id, title: TITLES[notification] ?? notification, fields: pairs.map(([name]) => name),
    labels: Object.fromEntries(pairs.map(([name, word]) => [name, LABELS[word] ?? name])) }
})

// A literal, "env:NAME" or "file:PATH", as the server reads it.
function secret(value, folder) {
  if (value?.startsWith('env:')) return process.env[value.slice(4)]
  if (value?.startsWith('file:')) return readFileSync(resolve(folder, value.slice(5)), 'utf8').trim()
  return value
}

function complete(account, folder) {
  const whole = {
    name: account.id, mode: 'secure', original_id: `gh_${account.id}`, ...account,
    token: secret(account.token, folder),
    aes_key: secret(account.aes_key ?? account.encoding_aes_key, folder),
    app_secret: secret(account.app_secret, folder)
  }
  for (const key of REQUIRED) {
    if (!whole[key]) throw new Error(`account ${account.id ?? '?'} has no ${key}`)
  }
  return whole
}

export function accountsFromToml(path) {
  const toml = readFileSync(path, 'utf8')
  const templates = readTemplateTables(toml)
  return readAccountTables(toml).map((one) =>
    complete({ ...one, templates: templates.filter(({ account }) => account === one.id) }, dirname(path)))
}

export function accountsFromJson(path) {
  return JSON.parse(readFileSync(path, 'utf8')).map((one) => complete(one, dirname(path)))
}

// Members of different units, so that a reviewer may decide all of them.
export const DEMO_PEOPLE = [
  { openid: 'oDemoMember_0000000000000001', label: '会员一', role: 'member', invite_code: 'DEMO0001' },
  { openid: 'oDemoMember_0000000000000002', label: '会员二', role: 'member', invite_code: 'DEMO0002' },
  { openid: 'oDemoReview_0000000000000001', label: '审核员一', role: 'reviewer', invite_code: 'REVIEW01' },
  { openid: 'oDemoReview_0000000000000002', label: '审核员二', role: 'reviewer', invite_code: 'REVIEW02' },
  { openid: 'oDemoAdmin__0000000000000001', label: '管理员一', role: 'administrator', invite_code: 'ADMIN001' },
  { openid: 'oDemoAdmin__0000000000000002', label: '管理员二', role: 'administrator', invite_code: 'ADMIN002' }
]
