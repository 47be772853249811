// Files of an office, as Excel in Chinese writes them: read, judged, written at once or not at all, and a member who binds
// with a code from the sheet.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'node:test'
import { Client } from './client.mjs'
import { configWith, program, sql, state } from './system.mjs'
import { workbook } from './workbook.mjs'

const { GULOU_E2E_SIMULATOR } = process.env
const folder = mkdtempSync(join(tmpdir(), 'gulou-import-'))
const BOM = '\ufeff'

function file(name, content) {
  const path = join(folder, `${randomBytes(4).toString('hex')}-${name}`)
  writeFileSync(path, content)
  return path
}

const gb18030 = (text) => execFileSync('iconv', ['-f', 'UTF-8', '-t', 'GB18030'], { input: text })
const csv = (rows, separator = ',') => rows.map((row) => row.join(separator) + '\r\n').join('')

describe('import', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  const client = new Client()
  const config = `${state}/config.toml`
  const run = (...args) => new Promise((resolve) => execFile(program, ['import', ...args, ...(args.includes('--config') ? [] : ['--config', config])],
    (error, stdout, stderr) => resolve({ status: error?.code ?? 0, said: stdout + stderr })))
  const unit = () => `办事处${randomBytes(4).toString('hex')}`
  const members = (name) => Number(sql(`select count(*) from gulou.member_org join gulou.org using (account_id, org_id) where name = '${name}'`)[0][0])

  async function done(...args) {
    const { status, said } = await run(...args)
    assert.equal(status, 0, said)
    return said
  }

  test('units from a CSV of Excel in Chinese: a trial run first, then written, then unchanged', async () => {
    const [one, two] = [unit(), unit()]
    const path = file('单位.csv', gb18030(csv([['社区', '单位', '类别', '负责人'], ['前进', one, '机关党组织', '王'], ['咸熙社区', two, '', '']])))
    const trial = await done('units', path)
    assert.match(trial, /“负责人”一列不认识，没有读取/)
    assert.match(trial, /新增 2，更新 0，不变 0\n这是试运行，什么也没有写入/)
    assert.deepEqual(sql(`select count(*) from gulou.org where name in ('${one}', '${two}')`), [['0']])
    assert.match(await done('units', path, '--apply'), /新增 2，更新 0，不变 0\n已写入/)
    assert.deepEqual(sql(`select kind, community from gulou.org where name in ('${one}', '${two}') order by kind`), [['office_branch', '前进'], ['reporting_unit', '咸熙']])
    assert.match(await done('units', path, '--apply'), /新增 0，更新 0，不变 2\n/)
  })

  test('invite codes are for members: with another kind --invites is refused by name', async () => {
    const [name, sheet] = [unit(), join(folder, 'none.csv')]
    const { status, said } = await run('units', file('u.csv', BOM + csv([['单位'], [name]])), '--apply', '--invites', sheet)
    assert.equal(status, 2)
    assert.equal(said, 'gulou: import units: --invites is for members only, they alone get codes; leave it away\n')
    assert.deepEqual([existsSync(sheet), sql(`select count(*) from gulou.org where name = '${name}'`)], [false, [['0']]])
  })

  test('members from a workbook; a code from the sheet binds', async () => {
    const name = unit()
    await done('units', file('u.csv', BOM + csv([['单位'], [name]])), '--apply')
    const path = file('成员.xlsx', workbook([['成员名册'], ['单位', '姓名', '角色', '手机'], [name, '王小明', '成员', 13800138000], [name, '李 静', '审核员', 13900139000]]))
    const sheet = join(folder, `${randomBytes(4).toString('hex')}.csv`)
    const without = await run('members', path, '--apply')
    assert.equal(without.status, 1)
    assert.match(without.said, /有 2 位新成员：请加上 --invites/)
    assert.equal(members(name), 0)
    const said = await done('members', path, '--apply', '--invites', sheet)
    assert.match(said, /“手机”一列没有读取：系统不保存手机号/)
    assert.match(said, /新增 2，更新 0，不变 0\n已写入。\n邀请码在/)
    assert.equal(statSync(sheet).mode & 0o777, 0o600)
    const text = readFileSync(sheet, 'utf8')
    assert.ok(text.startsWith(BOM))
    assert.doesNotMatch(text, /138|139/)
    const code = new RegExp(`"${name}","李静","\\d+","([A-Z0-9]{8})"\r\n`).exec(text)[1]
    assert.deepEqual(sql(`select count(*) from gulou.invite i where i::text like '%${code}%'`), [['0']])
    const person = client.person()
    await person.follow()
    assert.match(await person.say(`绑定 ${code.toLowerCase()}`), new RegExp(`李静[^]*${name}`))
    assert.doesNotMatch(await person.say('待审'), /没看懂|无权/)
    assert.match(await done('members', path, '--apply'), /新增 0，更新 0，不变 2\n/)
    assert.equal(members(name), 2)
  })

  test('wrong rows are named, with what would be right, and nothing is written, no sheet either', async () => {
    const name = unit()
    await done('units', file('u.csv', BOM + csv([['单位'], [name]])), '--apply')
    const rows = [['姓名', '单位', '角色'], ['王小明', name, ''], ['李四', '没有的单位', ''], ['赵云', name, '审合员'], ['13800138000', name, '']]
    const sheet = join(folder, 'never.csv')
    const { status, said } = await run('members', file('错.csv', csv(rows, ';')), '--apply', '--invites', sheet)
    assert.equal(status, 1)
    assert.match(said, /第3行 单位“没有的单位”：没有这个单位。应为：与单位名册中的写法一致/)
    assert.match(said, /第4行 角色“审合员”：没有这个角色。应为：成员、审核员、管理员/)
    assert.match(said, /第5行 姓名“13800138000”：不像姓名/)
    assert.match(said, /有误 3\n什么也没有写入/)
    assert.equal(members(name), 0)
    assert.ok(!existsSync(sheet))
  })

  test('a cell that no header stands above is named by row and column, in both formats; blank ones are harmless', async () => {
    const name = unit()
    const rows = [['单位', '社区'], [`${name}甲`, '', '', ' '], [`${name}乙`, '一', '前进']]
    for (const path of [file('多一格.csv', BOM + csv(rows)), file('多一格.xlsx', workbook(rows))]) {
      const { status, said } = await run('units', path, '--apply')
      assert.equal(status, 1)
      assert.ok(said.includes('  第3行 C列“前进”：这一列没有表头。应为：在表头里写上这一列的名称，或这一格空着；CSV 里一格内容含有逗号的，整格加英文双引号\n'), said)
      assert.ok(said.includes(`${path}：新增 1，更新 0，不变 0，有误 1\n什么也没有写入`), said)
    }
    assert.deepEqual(sql(`select count(*) from gulou.org where name like '${name}%'`), [['0']])
    assert.match(await done('units', file('空格.csv', csv(rows.slice(0, 2))), '--apply'), /新增 1/)
  })

  test('a header of one column above rows of two is the header: what stands beside it is named', async () => {
    const name = unit()
    const rows = [['单位'], [`${name}甲`, '单位'], [`${name}乙`, '机关']]
    for (const path of [file('一列.csv', BOM + csv(rows)), file('一列.xlsx', workbook(rows))]) {
      const { status, said } = await run('units', path, '--apply')
      assert.equal(status, 1)
      assert.match(said, /第2行 B列“单位”：这一列没有表头。应为：在表头里写上这一列的名称[^]*第3行 B列“机关”：这一列没有表头/)
    }
    assert.match(await done('units', file('名册.csv', csv([['单位名册'], ['单位'], [`${name}甲`]]))), /新增 1/)
  })

  test('a sheet of codes is never written over', async () => {
    const name = unit()
    await done('units', file('u.csv', BOM + csv([['单位'], [name]])), '--apply')
    const sheet = file('codes.csv', 'codes of yesterday')
    const { status, said } = await run('members', file('m.csv', BOM + csv([['单位', '姓名'], [name, '王小明']])), '--apply', '--invites', sheet)
    assert.equal(status, 1)
    assert.match(said, /已经有了/)
    assert.equal(readFileSync(sheet, 'utf8'), 'codes of yesterday')
    assert.equal(members(name), 0)
  })

  test('the calendar of a year from a workbook with real dates opens it for notices', async () => {
    const year = 2030 + randomBytes(1)[0]
    const day = (month, date) => new Date(Date.UTC(year, month - 1, date))
    const holidays = [[day(1, 1), '元旦'], [day(2, 3), '春节'], [day(4, 5), '清明节'], [day(5, 1), '劳动节'], [day(6, 5), '端午节'], [day(9, 12), '中秋节'], [day(10, 1), '国庆节']]
    const rows = holidays.map(([date, note]) => [date, '否', note])
    const short = await run('calendar', file('半年.xlsx', workbook([['日期', '是否工作日', '说明'], ...rows.slice(0, 4)])), '--apply')
    assert.equal(short.status, 1)
    assert.match(short.said, new RegExp(`${year}年缺少：端午、中秋、国庆`))
    assert.deepEqual(sql(`select count(*) from gulou.workday_year where year = ${year}`), [['0']])
    const path = file('全年.xlsx', workbook([['日期', '是否工作日', '说明'], ...rows]))
    assert.match(await done('calendar', path, '--apply'), new RegExp(`${year}年：元旦 01-01，春节 02-03`))
    assert.deepEqual(sql(`select gulou.is_workday('${year}-10-01')`), [['f']])
    assert.match(await done('calendar', path, '--apply'), /新增 0，更新 0，不变 7/)
  })

  test('the samples of the documentation go in, in their order, into a new account', async () => {
    const id = `office${randomBytes(4).toString('hex')}`
    const config = configWith(`\n[[account]]\nid = "${id}"\nname = "办公室"\napp_id = "wx${randomBytes(8).toString('hex')}"\napp_secret = "x"\ntoken = "sample2026"\nmode = "plain"\n`)
    const original = (kind) => fileURLToPath(new URL(`../../docs/samples/${kind}.csv`, import.meta.url))
    const later = file('rules.csv', readFileSync(original('rules'), 'utf8').replace(/2027-/, '2199-')) // never in the past
    const sample = (kind) => (kind === 'rules' ? later : original(kind))
    for (const [kind, expected] of [['units', '新增 3'], ['members', '新增 7'], ['items', '新增 1，更新 0，不变 2'], ['calendar', '不变 72'], ['rules', '新增 1']]) {
      const said = await done(kind, sample(kind), '--apply', ...(kind === 'members' ? ['--invites', join(folder, `${id}.csv`)] : []), '--account', id, '--config', config)
      assert.ok(said.includes(expected), said)
    }
  })

  test('a workbook in which one byte was changed on its way is refused', async () => {
    const name = unit()
    const bytes = Buffer.from(workbook([['单位'], [name]]))
    bytes[bytes.indexOf(name) + Buffer.byteLength(name) - 1] ^= 1 // still a name, only another one
    const { status, said } = await run('units', file('改过.xlsx', bytes), '--apply')
    assert.equal(status, 1)
    assert.match(said, /改过\.xlsx: XLSX 文件已损坏[^\n]*重新取得/)
    assert.deepEqual(sql(`select count(*) from gulou.org where name like '${name.slice(0, -1)}%'`), [['0']])
  })

  test('what is no table, and what is asked for wrongly, is said in a line', async () => {
    assert.match((await run('units', file('x.xls', Buffer.from('d0cf11e0a1b11ae1', 'hex')))).said, /旧格式 \.xls/)
    assert.match((await run('units', '/nonexistent.csv')).said, /打不开/)
    assert.deepEqual([(await run('units')).status, (await run('people', 'x')).status], [2, 2])
  })
})
