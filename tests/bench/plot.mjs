// The picture of docs/performance.md: throughput and latency against the number of connections that always have a message
// under way; drawn by gnuplot.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { state } from './machine.mjs'
import { ask, questions } from './measures/balance.mjs'
import { declarations, declare } from './measures/declare.mjs'

const LOADS = [1, 2, 4, 8, 16, 32, 64, 128, 256]

const SCRIPT = (data, file) => `
set terminal svg size 900,420 font "sans,12" background "white"
set output "${file}"
set multiplot layout 1,2
set logscale x 2
set xlabel "connections"
set key below
set grid
set ylabel "messages / s"
set yrange [0:*]
plot "${data}" using 1:2 with linespoints title "declarations (durable)", "" using 1:5 with linespoints title "积分 (read)"
set ylabel "ms"
set yrange [*:*]
set logscale y
plot "${data}" using 1:3 with linespoints title "declarations p50", "" using 1:4 with linespoints title "declarations p99", \\
     "" using 1:6 with linespoints title "积分 p50", "" using 1:7 with linespoints title "积分 p99"
`

export async function plot(bench, file) {
  const { slice: seconds, members } = bench
  const rows = []
  for (const connections of LOADS) {
    const [write, read] = await bench.served(async (server) => [
      await declare(server, 'base', declarations('plot', members), { connections, seconds }),
      await ask(server, questions('plot', members), { connections, seconds })])
    bench.forget()
    rows.push([connections, write.rate, write.p50, write.p99, read.rate, read.p50, read.p99])
  }
  const data = `${state}/plot.data`
  writeFileSync(data, rows.map((row) => row.join(' ')).join('\n'))
  const script = `${state}/plot.gnuplot`
  writeFileSync(script, SCRIPT(data, file))
  execFileSync('gnuplot', [script])
}
