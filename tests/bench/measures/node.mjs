// E: B and C again, against a minimal server of the same job on Node.js (../node-server). Both serve with one process
// each and no Redis is asked on this way; ours has the event loops that it has by default. Neither lets PostgreSQL compile
// a plan (jit), which it did for every 积分 once it thought the tables large.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { atLeast } from '../goals.mjs'
import { firstPort, sockets, sql, start } from '../machine.mjs'
import { account } from '../pushes.mjs'
import { ask, questions } from './balance.mjs'
import { declarations, declare } from './declare.mjs'

const folder = fileURLToPath(new URL('../node-server', import.meta.url))

async function startNode(database) {
  const port = firstPort + 6
  const address = `http://127.0.0.1:${port}`
  const env = { ...process.env, NODE_ENV: 'production', PORT: port, PGHOST: sockets, PGDATABASE: database, PGOPTIONS: '-c jit=off',
    ACCOUNT: account.id, APP_ID: account.app_id, TOKEN: account.token, AES_KEY: account.aes_key }
  const node = await start('node-server', process.execPath, [`${folder}/server.mjs`], { env, ready: `${address}/healthz` })
  return Object.assign(node, { address, metric: async () => 0 })
}

export default {
  letter: 'E',
  rows: {
    EB: { what: 'durable declarations, 64 connections', unit: '/s', against: 'Node.js: koa, co-wechat, pg', goal: atLeast(8),
    reason: 'the rows of a declaration cost PostgreSQL the same whoever asks; ours shares statements and commits' },
    EC: { what: '积分, 64 connections', unit: '/s', against: 'the same', goal: atLeast(8),
    reason: 'both look up the same rows' }
  },
  prepare() {
    if (!existsSync(`${folder}/node_modules`)) execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--silent'], { cwd: folder, stdio: 'inherit' })
  },
  async round(bench) {
    const { seconds, members } = bench
    const both = async (server, strict) => ({
      EB: (await declare(server, 'base', declarations('declare', members, { strict }), { seconds })).rate,
      EC: (await ask(server, questions('balance', members, { strict }), { seconds })).rate
    })
    sql('base', 'select gulou.fold_scores(1000000)') // of the approvals measured before; our server does it once a second
    sql('base', 'vacuum analyze')
    const node = await startNode('base')
    const baseline = await both(node, false).finally(() => node.stop())
    const figure = await bench.served((server) => both(server, true))
    return Object.fromEntries(['EB', 'EC'].map((row) => [row, { figure: figure[row], baseline: baseline[row] }]))
  }
}
