// What alerts and dashboard ask for exists, and says what is so.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ops, sql, until } from './system.mjs'

const read = (name) => readFileSync(new URL(`../../docs/monitoring/${name}`, import.meta.url), 'utf8')
const metrics = async () => (await fetch(`${ops}/metrics`)).text()
const value = (text, name) => Number(new RegExp(`^${name}(?:\\{account="demo"\\})? (-?[0-9]+)$`, 'm').exec(text)?.[1])

test('every metric that an alert or the dashboard asks for is served, each with help and type', async () => {
  await until(async () => value(await metrics(), 'gulou_health_age_seconds') >= 0, 20, 'the database was asked')
  const served = await metrics()
  for (const file of ['alerts.yml', 'grafana-dashboard.json']) {
    const names = new Set(read(file).match(/gulou_[a-z_]+[a-z]/g).filter((name) => name !== 'gulou_'))
    assert.ok(names.size > 8, file)
    for (const name of names) {
      assert.match(served, new RegExp(`^${name}[ {]`, 'm'), `${file}: ${name}`)
      assert.match(served, new RegExp(`^# TYPE ${name} (counter|gauge)$`, 'm'), name)
      assert.match(served, new RegExp(`^# HELP ${name} \\S`, 'm'), name)
    }
  }
  JSON.parse(read('grafana-dashboard.json'))
})

test('the rules are ones that Prometheus takes', (t) => {
  const checked = spawnSync('promtool', ['check', 'rules', new URL('../../docs/monitoring/alerts.yml', import.meta.url).pathname], { encoding: 'utf8' })
  if (checked.error?.code === 'ENOENT') return t.skip('promtool is not installed (package prometheus)')
  assert.equal(checked.status, 0, checked.stdout + checked.stderr)
})

test('the gauges tell what the database holds, and the schema fits', async () => {
  const served = await metrics()
  assert.equal(value(served, 'gulou_schema_fits'), 1)
  assert.ok(value(served, 'gulou_pg_connections') >= 2)
  assert.ok(value(served, 'gulou_seal_age_seconds') >= 0)
  const [[days]] = sql(`select make_date(max(year), 12, 31) - gulou.local_day(gulou.now_()) from gulou.workday_year`)
  assert.ok(Math.abs(value(served, 'gulou_calendar_days') - Number(days)) <= 1)
})
