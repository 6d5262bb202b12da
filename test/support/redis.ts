import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** True where a `redis-server` can be started; tests that need one are skipped, with a notice, elsewhere. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

export interface TestRedis {
  readonly url: string;
  /** SIGKILL; it forgets everything. */
  kill(): void;
  /** Again, under the same URL. */
  restart(): Promise<void>;
  close(): void;
}

/** A Redis of its own on a free loopback port, without persistence. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const start = async (): Promise<ChildProcess> => {
    const started = spawn('redis-server', [...options, '--maxmemory-policy', 'noeviction']);
    await readiness(started);
    return started;
  };
  let child = await start();
  return {
    url: `redis://127.0.0.1:${String(port)}`,
    kill: () => child.kill('SIGKILL'),
    restart: async () => {
      child = await start();
    },
    close: () => {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readiness(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (text: Buffer) => {
      if (text.includes('Ready to accept connections')) resolve();
    });
    child.once('exit', (code) => {
      reject(new Error(`redis-server ended with ${String(code)}`));
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => {
        resolve(port);
      });
    });
  });
}
