// A real nginx of a test's own in front of a server, as docs/operations.md puts it there.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './system.mjs'

const PROGRAM = '/usr/sbin/nginx'

const config = (port, upstream) => `daemon off; pid nginx.pid; error_log error.log warn; worker_processes 1;
events { worker_connections 1024; }
http {
  access_log access.log; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream gulou { server ${upstream}; keepalive 4; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://gulou; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_request_buffering off; }
  }
}`

export async function nginxBefore(server, port) {
  const folder = mkdtempSync(join(tmpdir(), 'gulou-nginx-'))
  writeFileSync(join(folder, 'nginx.conf'), config(port, new URL(server).host))
  const child = spawn(PROGRAM, ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'], { stdio: 'ignore' })
  const closed = new Promise((resolve) => child.on('close', resolve))
  const address = `http://127.0.0.1:${port}`
  await until(async () => (await fetch(`${address}/robots.txt`)).ok, 10, 'nginx answers')
  return { address, async stop() { child.kill('SIGTERM'); await closed; rmSync(folder, { recursive: true, force: true }) } }
}
