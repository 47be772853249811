// A: 帮助, asked by members who asked a moment ago, needs no database: signature, cipher, XML and routing, both ways.
// Against nginx, which answers the same requests with a constant of the same size. Per second of the server's CPU time.
import { readFileSync, writeFileSync } from 'node:fs'
import { atLeast } from '../goals.mjs'
import { wrk } from '../load.mjs'
import { cpuSeconds, firstPort, start, state } from '../machine.mjs'
import { memberOf, Pushes } from '../pushes.mjs'

const PEOPLE = 64
const PUSHES = 4096
export const HELP = /您好！点一下就可以/
export const helps = (name) => new Pushes(name, (i) => ({ person: memberOf(i % PEOPLE, 1000), content: '帮助' }))

// A whole nginx of our own; its worker is the service user's when we are root.
async function startNginx(port, body) {
  const file = `${state}/nginx.conf`
  writeFileSync(file, `daemon off; worker_processes 1; pid ${state}/run/nginx.pid; error_log ${state}/log/nginx.log;
${process.getuid() === 0 ? 'user gulou;' : ''}
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${state}/nginx-body; proxy_temp_path ${state}/nginx-proxy; fastcgi_temp_path ${state}/nginx-fastcgi;
  uwsgi_temp_path ${state}/nginx-uwsgi; scgi_temp_path ${state}/nginx-scgi;
  keepalive_requests 1000000000; default_type "application/xml; charset=utf-8";
  server { listen 127.0.0.1:${port}; location / { return 200 "${body}"; } }
}
`)
  const nginx = await start('nginx', '/usr/sbin/nginx', ['-e', `${state}/log/nginx.log`, '-c', file], { ready: `http://127.0.0.1:${port}/` })
  const [worker] = readFileSync(`/proc/${nginx.pid}/task/${nginx.pid}/children`, 'utf8').trim().split(' ')
  return { ...nginx, worker, address: `http://127.0.0.1:${port}` }
}

// Answered requests per second of these processes' CPU.
export async function perCpuSecond(pids, address, pushes, { connections = 64, seconds }) {
  await wrk(address, pushes.file, { connections, seconds: 1, again: true })
  const before = cpuSeconds(...pids)
  const result = await wrk(address, pushes.file, { connections, seconds, again: true })
  return { ...result, perCpuSecond: result.answered / (cpuSeconds(...pids) - before) }
}

export default {
  letter: 'A',
  rows: { A: { what: '帮助, asked again: secure mode, no database', unit: ' per CPU-s', against: 'nginx `return 200`, same sizes', goal: atLeast(0.8),
    reason: 'nginx reads no XML, signs nothing and decrypts nothing; the kernel takes two fifths of our time, libraries for XML, cipher and HTTP most of the rest' } },
  async prepare(bench) {
    this.pushes = helps('help').compose(PUSHES)
    const size = await bench.served(async (server) => {
      await this.pushes.again(server.address, [0, 1, 2], HELP)
      const fields = this.pushes.fields[0]
      return (await this.pushes.platform.post(this.pushes.platform.request(fields), 5000)).body.length
    })
    this.nginx = await startNginx(firstPort + 4, 'x'.repeat(size))
  },
  async round(bench) {
    const nginx = await perCpuSecond([this.nginx.worker], this.nginx.address, this.pushes, { seconds: bench.seconds })
    const ours = await bench.served((server) => perCpuSecond([server.pid], server.address, this.pushes, { seconds: bench.seconds }), { workers: 1 })
    return { A: { figure: ours.perCpuSecond, baseline: nginx.perCpuSecond, note: `${Math.round(ours.rate)}/s against ${Math.round(nginx.rate)}/s on one core` } }
  }
}
