// The measures of issue 6, in interleaved rounds, beside their baselines. scripts/bench starts the stores and calls this.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Bench } from './bench.mjs'
import { stopAll } from './machine.mjs'
import { plot } from './plot.mjs'
import { printRow, printTable, report, updateMarkdown } from './report.mjs'

// J is measured with I, H with G.
const LETTERS = { A: 'help', B: 'declare', C: 'balance', D: 'approve', E: 'node', F: 'instructions', G: 'latency', H: 'latency', I: 'memory', J: 'memory',
  K: 'size', L: 'rank', M: 'notice', N: 'processes' }

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  quick: { type: 'boolean', default: false }, full: { type: 'boolean', default: false }, rounds: { type: 'string' },
  json: { type: 'string' }, markdown: { type: 'string' }, plot: { type: 'string' } } })

const wanted = positionals.length ? positionals.map((name) => name.toUpperCase()) : Object.keys(LETTERS)
const unknown = wanted.filter((letter) => !LETTERS[letter])
if (unknown.length) {
  console.error(`bench: no measure is named ${unknown.join(', ')}; there are ${Object.keys(LETTERS).join(' ')}`)
  process.exit(2)
}

const bench = new Bench(values)
const measures = []
for (const name of new Set(wanted.map((letter) => LETTERS[letter]))) measures.push((await import(`./measures/${name}.mjs`)).default)
const kept = {} // row → [{figure, baseline, note} of each round]
const failures = new Map()

// One that fails does not keep the others from being measured.
async function attempt(measure, work) {
  if (failures.has(measure)) return
  try { await work() } catch (error) {
    failures.set(measure, error.message.split('\n')[0])
    console.error(`${measure.letter}: ${error.stack}`)
  }
}

async function measureOnce(measure, round) {
  if (measure.once && round > 1) return
  for (const [row, result] of Object.entries(await measure.round(bench, round))) {
    (kept[row] ??= []).push(result)
    printRow(row, round, result)
  }
  bench.forget()
}

try {
  bench.seed()
  for (const measure of measures) await attempt(measure, () => measure.prepare?.(bench))
  for (let round = 1; round <= bench.rounds; round++) {
    for (const measure of measures) await attempt(measure, () => measureOnce(measure, round))
  }
  const result = report(measures, kept, bench)
  printTable(result)
  for (const [measure, cause] of failures) console.log(`${Object.keys(measure.rows).join(', ')}: FAILED: ${cause}`)
  if (values.json) writeFileSync(values.json, JSON.stringify(result, null, 1))
  if (values.markdown) updateMarkdown(values.markdown, result)
  if (values.plot) await plot(bench, values.plot)
} finally {
  await stopAll()
}
process.exitCode = failures.size > 0 ? 1 : 0
