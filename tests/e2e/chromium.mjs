// A real browser for the tests of pages; every page keeps a list of what went wrong in it.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

export function launch(...more) {
  assert.ok(existsSync(CHROMIUM), `${CHROMIUM} is needed; set CHROMIUM to another path`)
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...more] })
}

// `inside`: what a browser keeps for itself (cookies) lives there; without it every page is a browser of its own.
export async function newPage(inside, size = { width: 1200, height: 900 }, more = {}) {
  const page = await inside.newPage({ viewport: size, ...more })
  page.problems = []
  page.on('pageerror', (error) => page.problems.push(error.message))
  page.on('console', (message) => message.type() === 'error' && page.problems.push(`${message.text()} ${message.location().url}`))
  return page
}
