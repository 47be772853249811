// The list of what Gulou is made of: complete, with versions, in the form that scanners read.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'node:test'
import { program } from './system.mjs'

describe('the list of dependencies', { skip: !program && 'GULOU_E2E_BIN is not set' }, () => {
  const bom = program && JSON.parse(execFileSync(fileURLToPath(new URL('../../scripts/sbom', import.meta.url)), [program], { encoding: 'utf8' }))
  const named = (name) => bom.components.find((one) => one.name === name)

  test('is CycloneDX, and everything in it has a version and a package address', () => {
    assert.equal(bom.bomFormat, 'CycloneDX')
    assert.match(bom.serialNumber, /^urn:uuid:[0-9a-f-]{36}$/)
    for (const one of bom.components) {
      assert.match(one.purl, /^pkg:(deb\/debian|npm)\/\S+@\S+$/, one.name)
      assert.ok(one.version, one.name)
    }
    assert.equal(new Set(bom.components.map((one) => one['bom-ref'])).size, bom.components.length)
  })

  test('names every library that the program links itself, and what came into it as headers', () => {
    const linked = [...execFileSync('readelf', ['-d', program], { encoding: 'utf8' }).matchAll(/NEEDED.*\[(lib[^\]]+?)\.so/g)].map(([, name]) => name)
    const ours = linked.filter((name) => !/^lib(asan|ubsan|tsan)$/.test(name)) // of a test build
    assert.ok(ours.length > 10)
    for (const name of ours) {
      const stem = { libcrypto: 'libssl', libm: 'libc6', libc: 'libc6', libgcc_s: 'libgcc', 'libgobject-2.0': 'libglib2.0', 'libgio-2.0': 'libglib2.0', ld: 'libc6' }[name] ?? name.replace(/[-_.\d]*$/, '')
      assert.ok(bom.components.some((one) => one.name.startsWith(stem)), `${name} is in no package of the list`)
    }
    for (const name of ['libtomlplusplus-dev', 'libkainjow-mustache-dev', 'weui', 'postgresql-15']) assert.ok(named(name), name)
  })

  test('agrees with what is installed and locked', () => {
    assert.equal(named('libpq5').version, execFileSync('dpkg-query', ['-W', '-f', '${Version}', 'libpq5'], { encoding: 'utf8' }))
    const lock = JSON.parse(readFileSync(new URL('../../server/pages/package-lock.json', import.meta.url), 'utf8'))
    assert.equal(named('weui').version, lock.packages['node_modules/weui'].version)
  })
})
