// F: instructions in user space for one secure message without database, counted by callgrind: the same in every run but
// for a thousandth (random padding). The driver messages.c serves a person's voice messages, which are answered with what
// one can send instead, through the whole HTTP server, and counts the server's turns alone.
import { execFileSync } from 'node:child_process'
import { atMost } from '../goals.mjs'
import { build, config, state } from '../machine.mjs'
import { memberOf, Pushes } from '../pushes.mjs'

const WARM = 50
const COUNTED = 400

// [{count, file, fn, object}] of callgrind_annotate's lines; an inlined function has no object and is ours by its file.
function annotated(file) {
  const text = execFileSync('callgrind_annotate', ['--threshold=100', '--auto=no', file], { encoding: 'utf8', maxBuffer: 1 << 26 })
  return [...text.matchAll(/^ *([\d,]+) \( *[\d.]+%\)  (.*?):(.*?)(?: \[(.*)\])?$/gm)]
    .map(([, count, source, fn, object]) => ({ count: Number(count.replaceAll(',', '')), source, fn, object }))
}

const libraryOf = ({ source, object }) => /\b(server|wechat|db)\//.test(source) || object?.endsWith('bench_messages') ? 'our own code'
  : object?.replace(/.*\/lib|\.so.*|-[\d.]+\.so.*/g, '') ?? 'libc'

export default {
  letter: 'F',
  once: true,
  rows: {
    F: { what: 'instructions in user space, a secure message without database', unit: '', goal: atMost(100000),
    reason: 'SHA-1 without the processor’s instructions under valgrind 18k, base64 11k' },
    Fown: { what: 'of which our own code', unit: '', goal: atMost(15000),
    reason: 'fields are read, the reply is cleaned, parts are sorted and signed' }
  },
  async round() {
    const pushes = new Pushes('instructions', (i) => ({ person: memberOf(i, 1000), type: 'voice', fields: { MediaId: `voice${i % 10}`, Format: 'amr' } })).compose(WARM + COUNTED)
    const out = `${state}/callgrind.out`
    // Clearing memory by one repeated instruction would be counted as an instruction a byte. The environment is
    // a service's, whoever measures.
    const env = { PATH: process.env.PATH, LANG: 'C.UTF-8', USER: 'gulou', LOGNAME: 'gulou', HOME: '/', SHELL: '/usr/sbin/nologin', INVOCATION_ID: 'f',
      JOURNAL_STREAM: '8:1', NOTIFY_SOCKET: '/f', SYSTEMD_EXEC_PID: '1', GLIBC_TUNABLES: 'glibc.cpu.x86_rep_stosb_threshold=1048576' }
    execFileSync('valgrind', ['-q', '--tool=callgrind', '--instr-atstart=no', '--collect-atstart=no', `--callgrind-out-file=${out}`, `${build}/bench_messages`, config, pushes.file, WARM, COUNTED].map(String), { env, stdio: 'pipe' })
    const parts = {}
    for (const one of annotated(out)) parts[libraryOf(one)] = (parts[libraryOf(one)] ?? 0) + one.count / COUNTED
    const all = Object.values(parts).reduce((sum, count) => sum + count, 0)
    const shares = Object.entries(parts).sort(([, a], [, b]) => b - a).slice(0, 6).map(([name, count]) => `${name} ${Math.round(count / 1000)}k`)
    return { F: { figure: all, note: shares.join(', ') }, Fown: { figure: parts['our own code'] } }
  }
}
