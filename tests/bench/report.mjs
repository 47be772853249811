// The figures of all rounds as one table: ratios' minimum, median and maximum, and whether the goal is met.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

const sorted = (numbers) => [...numbers].sort((a, b) => a - b)
export const median = (numbers) => { const s = sorted(numbers); const m = s.length >> 1; return s.length % 2 ? s[m] : (s[m - 1] + s[m]) / 2 }

// Three digits that mean something.
export function short(number) {
  if (number === undefined) return ''
  return number >= 100 ? Math.round(number).toLocaleString('en') : Number(number.toPrecision(3)).toString()
}

export const printRow = (row, round, { figure, baseline, note }) =>
  console.error(`${row.padEnd(5)} round ${round}: ${short(figure)}${baseline === undefined ? '' : ` against ${short(baseline)}, ${short(figure / baseline)}`}${note ? ` (${note})` : ''}`)

function line(id, row, rounds) {
  const values = rounds.map(({ figure, baseline }) => baseline === undefined ? figure : figure / baseline)
  const value = { min: Math.min(...values), median: median(values), max: Math.max(...values) }
  return { id, what: row.what, unit: row.unit, against: row.against, goal: row.goal.text, met: row.goal.met(value.median), ratio: row.against !== undefined,
    figure: median(rounds.map((one) => one.figure)), baseline: row.against && median(rounds.map((one) => one.baseline)), value, note: rounds.at(-1).note, reason: row.reason, rounds }
}

export function report(measures, kept, bench) {
  const git = (...args) => { try { return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() } catch { return '' } }
  return { at: new Date().toISOString(), commit: git('rev-parse', '--short', 'HEAD'), cores: cpus().length, cpu: cpus()[0].model, quick: bench.quick, full: bench.full,
    rounds: bench.rounds, members: bench.members,
    rows: measures.flatMap((measure) => Object.entries(measure.rows).filter(([id]) => kept[id]).map(([id, row]) => line(id, row, kept[id]))) }
}

const verdict = (row) => row.met ? 'met' : 'MISSED'

// Columns as wide as they need to be; wide characters count twice.
const width = (text) => [...text].reduce((sum, c) => sum + (c.codePointAt(0) > 0x2e7f ? 2 : 1), 0)

export function printTable({ rows }) {
  const cells = [['', 'measure', 'figure', 'baseline', 'min / median / max', 'goal', '', 'remarks'],
    ...rows.map((row) => [row.id, row.what, short(row.figure) + row.unit, row.ratio ? short(row.baseline) : '–',
      `${short(row.value.min)} / ${short(row.value.median)} / ${short(row.value.max)}`, row.goal, verdict(row), [row.note, row.met ? '' : row.reason].filter(Boolean).join('; ')])]
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => width(row[i]))))
  for (const row of cells) console.log(row.map((cell, i) => cell + ' '.repeat(i === row.length - 1 ? 0 : widths[i] - width(cell))).join('  '))
}

const escape = (text) => String(text ?? '').replaceAll('|', '\\|')

function markdownLine(row) {
  const { min, median: middle, max } = row.value
  return `| ${[row.id, escape(row.what), short(row.figure) + row.unit, row.ratio ? `${short(row.baseline)} (${escape(row.against)})` : '–',
    `${short(min)} / **${short(middle)}** / ${short(max)}`, row.goal, verdict(row), escape([row.note, row.met ? '' : row.reason].filter(Boolean).join('; '))].join(' | ')} |`
}

// Replaces what stands between the two marks of the file.
export function updateMarkdown(file, result) {
  const lines = ['| | measure | figure | baseline | min / median / max | goal | | remarks |', '| --- | --- | --- | --- | --- | --- | --- | --- |', ...result.rows.map(markdownLine)]
  const text = `Measured ${result.at.slice(0, 16).replace('T', ' ')} UTC at ${result.commit}, ${result.cores} × ${result.cpu}, ${result.rounds} round${result.rounds === 1 ? '' : 's'}`
    + `${result.quick ? ', --quick' : ''}${result.full ? ', --full' : ''}; ${result.members.toLocaleString('en')} members in the database but for K and M.\n\n${lines.join('\n')}`
  const old = readFileSync(file, 'utf8')
  const marked = /(<!-- figures: scripts\/bench --markdown -->\n)[\s\S]*(<!-- end of figures -->)/
  if (!marked.test(old)) throw new Error(`${file} has no marks for the figures`)
  writeFileSync(file, old.replace(marked, (_, begin, end) => `${begin}${text}\n${end}`))
}
