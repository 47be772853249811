// Lists for the office as files: masked by default, safe to open in a spreadsheet, full names only with a reason that stays.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { program, sql, state } from './system.mjs'

const { GULOU_E2E_SIMULATOR } = process.env
const folder = mkdtempSync(join(tmpdir(), 'gulou-export-'))

describe('export', { skip: !GULOU_E2E_SIMULATOR && 'GULOU_E2E_SIMULATOR is not set' }, () => {
  const run = (...args) => new Promise((resolve) => execFile(program, [...args, '--config', `${state}/config.toml`], { maxBuffer: 1 << 26 },
    (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr })))
  const [[period]] = sql(`select min(period) from gulou.announcement where account_id = 'demo'`)

  async function done(...args) {
    const { status, stdout, stderr } = await run('export', ...args)
    assert.equal(status, 0, stderr)
    return stdout
  }

  const rows = (text) => text.slice(1).split('\r\n').slice(0, -1).map((line) => line.slice(1, -1).split('","'))

  test('the ledger holds every booking and no name', async () => {
    const books = () => sql(`select count(*), sum(pending) from gulou.ledger_tx where account_id = 'demo' and period = '${period}'`)
    let before, text
    for (let i = 0; i < 10 && `${books()}` !== `${before}`; i++) { // other tests may book meanwhile
      before = books()
      text = await done('ledger', '--period', period)
    }
    const [header, ...list] = rows(text)
    const [[count, sum]] = before
    assert.equal(list.length, Number(count))
    const column = header.indexOf('待公示')
    assert.equal(list.reduce((all, row) => all + Number(row[column]), 0), Number(sum))
    const names = sql(`select name from gulou.member where account_id = 'demo' and char_length(name) > 1`).map(([name]) => name)
    assert.ok(!list.some((row) => names.includes(row[1])))
  })

  test('a notice that is exported verifies like the public file', async () => {
    const path = join(folder, 'notice.csv')
    await done('notice', '--period', period, '--output', path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const { status, stdout } = await run('notice', 'verify', path)
    assert.equal(status, 0, stdout)
    assert.equal((await run('export', 'notice', '--period', period, '--output', path)).status, 1, 'no file is written over')
  })

  test('with full names it verifies, too, and says what no digest covers', async () => {
    const path = join(folder, 'full-notice.csv')
    await done('notice', '--period', period, '--unmasked', '--reason', '纪委核查需要', '--output', path)
    const { status, stdout } = await run('notice', 'verify', path)
    assert.equal(status, 0, stdout)
    assert.match(stdout, /note {3}exported with full names: 全名 and 水印/)
    writeFileSync(path, readFileSync(path, 'utf8').replace('"全名"', '"姓名"'))
    assert.equal((await run('notice', 'verify', path)).status, 1)
  })

  test('one downloaded in the first version\'s days, without states, verifies with a note', async () => {
    const path = join(folder, 'early.csv')
    await done('notice', '--period', period, '--output', path)
    writeFileSync(path, readFileSync(path, 'utf8').replace(/,"[^"]*"\r\n/g, '\r\n'))
    const { status, stdout } = await run('notice', 'verify', path)
    assert.equal(status, 0, stdout)
    assert.match(stdout, /note {3}an early download/)
  })

  test('a workbook has real numbers and dates', async () => {
    const path = join(folder, 'declarations.xlsx')
    await done('declarations', '--period', period, '--format', 'xlsx', '--output', path)
    const sheet = execFileSync('unzip', ['-p', path, 'xl/worksheets/sheet1.xml'], { encoding: 'utf8', maxBuffer: 1 << 26 })
    const [[no, day]] = sql(`select no, gulou.local_day(started_at) - date '1899-12-30' from gulou.declaration where account_id = 'demo' and period = '${period}' order by no limit 1`)
    assert.match(sheet, new RegExp(`<c r="A2"[^>]*><v>${no}</v>`))
    assert.match(sheet, new RegExp(`<c r="G2" s="\\d+"><v>${day}</v>`))
  })

  test('what a member wrote opens as text, never as a formula; full names need a reason, which stays', async () => {
    const words = '=HYPERLINK("http://example.org")'
    const [[no]] = sql(`select min(no) from gulou.declaration where account_id = 'demo' and period = '${period}'`)
    const [[before]] = sql(`select words from gulou.declaration where account_id = 'demo' and no = ${no}`)
    sql(`update gulou.declaration set words = '${words}' where account_id = 'demo' and no = ${no}`)
    const path = join(folder, 'full.csv')
    const without = await run('export', 'declarations', '--unmasked', '--output', path)
    assert.equal(without.status, 2)
    assert.match(without.stderr, /--reason/)
    assert.ok(!existsSync(path))
    await done('declarations', '--unmasked', '--reason', '纪委核查需要', '--output', path)
    sql(`update gulou.declaration set words = '${before}' where account_id = 'demo' and no = ${no}`)
    const text = readFileSync(path, 'utf8')
    assert.ok(text.includes(`"'=HYPERLINK(""http://example.org"")"`))
    const [[name]] = sql(`select name from gulou.member where account_id = 'demo' and member_id = (select member_id from gulou.declaration where account_id = 'demo' and no = ${no})`)
    assert.ok(text.includes(`"${name}"`))
    const [[mark]] = sql(`select export_no from gulou.export_audit where account_id = 'demo' and reason = '纪委核查需要' order by 1 desc limit 1`)
    assert.match(text, new RegExp(`,"第${mark}次导出 \\d{4}-\\d\\d-\\d\\d"\r\n$`))
  })

  test('a file is what its name says; where --format says something else, there is none', async () => {
    const [path, never] = [join(folder, 'named.XLSX'), join(folder, 'never.xlsx')]
    await done('ledger', '--period', period, '--output', path)
    assert.equal(readFileSync(path).toString('latin1', 0, 2), 'PK')
    for (const [format, file] of [['csv', never], ['xlsx', join(folder, 'never.csv')]]) {
      const { status, stderr } = await run('export', 'ledger', '--format', format, '--output', file)
      assert.equal(status, 2)
      assert.match(stderr, /^gulou: export ledger: --format and the ending of --output[^\n]+\n$/)
      assert.ok(!existsSync(file))
    }
    for (const name of ['never.xls', 'never.pdf', 'never']) {
      const { status, stderr } = await run('export', 'ledger', '--output', join(folder, name))
      assert.deepEqual([status, stderr], [2, 'gulou: export ledger: --output: its name ends with .csv or .xlsx, or --format says which of them it is\n'], name)
      assert.ok(!existsSync(join(folder, name)))
    }
  })

  test('which list is meant may be said behind its options', () => {
    const said = execFileSync(program, ['export', '--config', `${state}/config.toml`, '--period', period, 'ledger'], { encoding: 'utf8' })
    assert.ok(said.startsWith('\ufeff"'), said.slice(0, 40))
  })

  test('the help names every kind of export; the program says which it is', () => {
    const help = execFileSync(program, ['export', '--help'], { encoding: 'utf8' })
    assert.match(help, /^Usage: export ledger\|declarations\|notice, or --member NUMBER\n/)
    assert.match(execFileSync(program, ['--version'], { encoding: 'utf8' }), /^gulou \d+\.\d+\.\d+\n$/)
  })

  test('what is asked for wrongly is said in a line', async () => {
    for (const args of [['people'], ['notice'], ['ledger', '--period', '2026'], ['ledger', '--format', 'pdf'], ['ledger', '--format', 'xlsx']]) {
      const { status, stderr } = await run('export', ...args)
      assert.equal(status, 2, args.join(' '))
      assert.match(stderr, /^gulou: export [^\n]+\n$/)
    }
    assert.equal((await run('export', 'notice', '--period', '2099-Q1')).status, 1)
  })
})
