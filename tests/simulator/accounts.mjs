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

// {account, id, title, fields: ['thing1', …]}: the templates that the account would have chosen on the platform.
export const readTemplateTables = (toml) => readTables(toml, 'template').map(({ account, id, notification, fields = '' }) =>
  ({ account, id, title: notification, fields: fields.split(',').map((one) => one.split('=')[0].trim()).filter(Boolean) }))

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
