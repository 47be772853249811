// B: a member declares in one line; durable when answered. Against the same statement by pgbench.
import { atLeast } from '../goals.mjs'
import { serve, spent } from '../load.mjs'
import { bestPgbench, sql } from '../machine.mjs'
import { memberOf, Pushes } from '../pushes.mjs'

const CONTENT = '申报 35 2小时 修剪花草'
export const EXPECTED = /收到您的申报/

// What the server sends for it, with the same wrapping that notes the person's act.
export const STATEMENT = `\\set member random(1, :members)
select api.spoken('bench', 'oBench' || lpad((:member)::text, 22, '0'), gen_random_uuid(), 'message',
  api.declare_points('bench', 'oBench' || lpad((:member)::text, 22, '0'), gen_random_uuid(), 'bench',
    '35', 120, null, null, null, null, null, null, '修剪花草', null, null));
`

export const declarations = (name, members, options) => new Pushes(name, (i) => ({ person: memberOf(i, members), content: CONTENT }), options)

export const count = (database) => Number(sql(database, "select count(*) from gulou.declaration where account_id = 'bench'")[0][0])

export const declare = (server, database, pushes, options) =>
  serve(server, pushes, { most: 20000, expected: EXPECTED, written: () => count(database), ...options })

export const declareByPgbench = (database, members, seconds) => bestPgbench(database, STATEMENT, seconds, () => ({ members }))

export default {
  letter: 'B',
  rows: {
    B64: { what: 'durable declarations through the callback, 64 connections', unit: '/s', against: 'pgbench, best of -c 8, 16, 32', goal: atLeast(2.5),
    reason: '64 connections fill a group by half' },
    B256: { what: 'the same, 256 connections', unit: '/s', against: 'the same', goal: atLeast(2.5),
    reason: 'the function itself takes most of both' }
  },
  async round(bench) {
    const base = await declareByPgbench('base', bench.members, bench.slice)
    const rows = {}
    for (const connections of [64, 256]) {
      const result = await bench.served((server) => declare(server, 'base', declarations('declare', bench.members), { connections, seconds: bench.seconds }))
      rows[`B${connections}`] = { figure: result.rate, baseline: base.tps, note: spent(result, base) }
    }
    return rows
  }
}
