// N: two server processes share the port (SO_REUSEPORT), as two machines behind a balancer would share the address. And
// the case in which they stand in each other's way: the same messages reach both at once, in opposite order, so that each
// holds keys that the other waits for. Every declaration must be written once.
import { atLeast } from '../goals.mjs'
import { rush, worthAnotherLook, wrk } from '../load.mjs'
import { cpuSeconds, firstPort } from '../machine.mjs'
import { Pushes } from '../pushes.mjs'
import { count, declarations, EXPECTED } from './declare.mjs'
import { helps, HELP } from './help.mjs'

const CONNECTIONS = 128 // enough that the kernel deals them out evenly
const DEPTH = 16 // requests that go out at once, so that the load takes little of the two cores
const SAMPLE = 64
const BLOCK = 64 // so far apart are a message and its repetition at most
const MOST = 6000

const second = { workers: 1, offset: 2 }

// The same pushes, block by block backwards.
function opposite(pushes) {
  const other = new Pushes('opposite', pushes.act)
  const backwards = pushes.fields.map((_, i) => pushes.fields[Math.min(i - i % BLOCK + BLOCK, pushes.fields.length) - 1 - i % BLOCK])
  return Object.assign(other, { fields: backwards }).write()
}

async function sameKeys(bench, one, other) {
  const { seconds } = bench
  const pushes = declarations('same', bench.members).compose(Math.ceil(MOST * seconds / BLOCK) * BLOCK)
  const backwards = opposite(pushes)
  const before = count('base')
  const reruns = async () => await one.metric('gulou_pg_reruns_total') + await other.metric('gulou_pg_reruns_total')
  const rerunsBefore = await reruns()
  const results = await Promise.all([wrk(one.address, pushes.file, { connections: 32, seconds }), wrk(other.address, backwards.file, { connections: 32, seconds })])
  await pushes.again(one.address, worthAnotherLook(results[0].sent, 32), EXPECTED)
  await backwards.again(other.address, worthAnotherLook(results[1].sent, 32), EXPECTED)
  const sent = new Set(pushes.fields.slice(0, results[0].sent).concat(backwards.fields.slice(0, results[1].sent)))
  const written = count('base') - before
  if (written !== sent.size) throw new Error(`${sent.size} declarations were sent, ${written} rows written`)
  return { figure: results[0].rate + results[1].rate, note: `${written} declarations, each once; ${await reruns() - rerunsBefore} calls ran again` }
}

// Of those who listen on the first port: answers a second, and for the remarks the µs of CPU that one took them and the load.
// Some answers are then read strictly, of whichever process the kernel gives the connection to.
async function helped(pushes, seconds, ...servers) {
  const load = (seconds) => rush(firstPort, pushes.file, { connections: CONNECTIONS, depth: DEPTH, seconds })
  const cpu = () => cpuSeconds(...servers.map(({ pid }) => pid))
  await load(1)
  const before = cpu()
  const result = await load(seconds)
  const micros = (seconds) => (seconds / result.answered * 1e6).toFixed(1)
  const spent = `${micros(cpu() - before)} and ${micros(result.cpu)}`
  await pushes.again(servers[0].address, [...Array(SAMPLE).keys()], HELP)
  return { rate: result.rate, spent }
}

export default {
  letter: 'N',
  rows: {
    N: { what: 'two server processes on two cores, 帮助', unit: '/s', against: 'one process', goal: atLeast(1.6),
    reason: 'the load needs its part of the same two cores' },
    Nsame: { what: 'the same declarations at both at once, opposite order', unit: ' answers/s', goal: atLeast(1000) }
  },
  async round(bench) {
    const { seconds } = bench
    const pushes = helps('processes').compose(4096)
    return bench.served(async (one) => {
      const alone = await helped(pushes, seconds, one)
      const together = await bench.served((other) => helped(pushes, seconds, one, other), { ...second, port: firstPort })
      const same = await bench.served((other) => sameKeys(bench, one, other), second)
      const note = `µs of CPU a message, server and load: ${together.spent}, of one process ${alone.spent}`
      return { N: { figure: together.rate, baseline: alone.rate, note }, Nsame: same }
    }, { workers: 1 })
  }
}
