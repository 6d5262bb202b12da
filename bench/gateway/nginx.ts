import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ANSWER_BYTES, jsonOf, type Peer } from './peer.js';
import {
  childPids,
  LOAD_CORE,
  MEASURED_CORE,
  programPath,
  startPinned,
  stopChild,
} from './process.js';

const START_LIMIT_MS = 5_000;

/** A server that answers every request with the same small JSON; the fastest that is at hand. */
export function startNginxStub(): Promise<Peer | null> {
  const body = jsonOf(ANSWER_BYTES);
  return startNginx(
    'stub',
    LOAD_CORE,
    (port) => `
    server {
      listen 127.0.0.1:${port} backlog=4096;
      default_type application/json;
      location / { return 200 '${body}'; }
    }`,
  );
}

/** nginx that splits requests over two versions by a hash of the unit, and optionally copies each to a third place. */
export function startNginxSplit(stubPort: number, isMirroring: boolean): Promise<Peer | null> {
  const mirror = isMirroring ? 'mirror /copy; mirror_request_body on;' : '';
  const copy = `location = /copy { internal; ${PROXY} proxy_pass http://v2$request_uri; }`;
  const name = isMirroring ? 'nginx split_clients + mirror' : 'nginx split_clients';
  return startNginx(
    name,
    MEASURED_CORE,
    (port) => `
    split_clients "$http_x_sluice_unit" $version { 50% v1; * v2; }
    upstream v1 { server 127.0.0.1:${stubPort}; keepalive 512; keepalive_requests 100000000; }
    upstream v2 { server 127.0.0.1:${stubPort}; keepalive 512; keepalive_requests 100000000; }
    client_body_buffer_size 16k;
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location / { ${mirror} ${PROXY} proxy_pass http://$version; }
      ${isMirroring ? copy : ''}
    }`,
  );
}

const PROXY = 'proxy_http_version 1.1; proxy_set_header Connection "";';

async function startNginx(
  name: string,
  core: number,
  http: (port: number) => string,
): Promise<Peer | null> {
  const program = programPath('nginx');
  if (program === null) return null;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-nginx-'));
  const port = await freePort();
  const user = userInfo().uid === 0 ? 'user root;' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(' ');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${user} daemon off; worker_processes 1; pid ${join(folder, 'pid')};
    error_log ${join(folder, 'error.log')} warn;
    events { worker_connections 4096; }
    http { access_log off; keepalive_requests 100000000; keepalive_timeout 75s; ${temporary} ${http(port)} }`,
  );
  const errors = join(folder, 'start.log');
  const child = startPinned(core, [
    program,
    '-e',
    errors,
    '-p',
    folder,
    '-c',
    join(folder, 'nginx.conf'),
  ]);
  await whenListening(port);
  return {
    name,
    path: '/models/spam/score',
    port,
    pids: childPids(child.pid ?? 0),
    close: async () => {
      await stopChild(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function whenListening(port: number): Promise<void> {
  const untilMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    const socket = createConnection(port, '127.0.0.1');
    const open = await new Promise<boolean>((done) => {
      socket.once('connect', () => done(true));
      socket.once('error', () => done(false));
    });
    socket.destroy();
    if (open) return;
    if (performance.now() > untilMs) throw new Error(`nothing listens on port ${port}`);
    await sleep(20);
  }
}
