import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlanSnapshot } from '../../src/gateway/plan-snapshot.js';
import { closedPort, startUpstream } from '../../test/support/gateway.js';
import { START_FLAGS } from '../../test/support/start-flags.js';
import { largePlan } from './large-plan.js';

const MODELS = 200;
const STARTS = 3;
const POLL_MS = 5;
const GIVE_UP_MS = 60_000;
const top = join(import.meta.dirname, '..', '..');

export interface ColdStart {
  /** What was started: the build, or the sources where there is none (loading them takes longer). */
  readonly program: string;
  /** From the start of the process to its first answered prediction. */
  readonly msOfStarts: readonly number[];
  /** The same without the time in which it was ready to run and other programs had the processors; Linux tells. */
  readonly ownMsOfStarts: readonly number[];
}

/** Starts a gateway with 1,000 experiments in its snapshot and a database that refuses connections. */
export async function coldStart(): Promise<ColdStart> {
  const upstream = await startUpstream((_request, response) => response.end('{"score":1}'));
  const dir = mkdtempSync(join(tmpdir(), 'sluice-cold-'));
  const built = join(top, 'dist/src/main.js');
  const args = existsSync(built)
    ? [...START_FLAGS, built]
    : ['--import', join(top, 'test/support/run-typescript.mjs'), join(top, 'src/main.ts')];
  try {
    await new PlanSnapshot(join(dir, 'plan')).save(largePlan(7, MODELS, upstream.url));
    const msOfStarts: number[] = [];
    const ownMsOfStarts: number[] = [];
    for (let start = 0; start < STARTS; start += 1) {
      const { wallMs, waitedMs } = await firstAnswer(args, dir);
      msOfStarts.push(Math.round(wallMs));
      ownMsOfStarts.push(Math.round(wallMs - waitedMs));
    }
    return { program: existsSync(built) ? 'build' : 'sources', msOfStarts, ownMsOfStarts };
  } finally {
    await upstream.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function firstAnswer(
  args: readonly string[],
  dataDir: string,
): Promise<{ readonly wallMs: number; readonly waitedMs: number }> {
  const port = await closedPort();
  const sinceMs = performance.now();
  const child = spawn(process.execPath, args, {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(top, 'node_modules/.cache/compiled'),
      DATABASE_URL: `postgres://nobody:x@127.0.0.1:${await closedPort()}/none`,
      SLUICE_SECRET: 'one secret for all gateways',
      SLUICE_ROLES: 'gateway',
      SLUICE_DATA_DIR: dataDir,
      SLUICE_ALLOW_LOOPBACK: '1',
      SLUICE_GATEWAY_PORT: String(port),
      SLUICE_CONTROL_PORT: '0',
      SLUICE_LOG_LEVEL: 'silent',
    },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    for (;;) {
      const headers = { 'x-sluice-unit': 'u1', 'x-country': 'DE' };
      const answer = await fetch(`http://127.0.0.1:${port}/models/model-199/score`, {
        headers,
      }).catch(() => null);
      if (answer?.status === 200) {
        return { wallMs: performance.now() - sinceMs, waitedMs: waitedForCpuMs(child.pid) };
      }
      if (performance.now() - sinceMs > GIVE_UP_MS) throw new Error('no answer from a cold start');
      await sleep(POLL_MS);
    }
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

function waitedForCpuMs(pid: number | undefined): number {
  const path = `/proc/${pid ?? 0}/schedstat`;
  return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[1]) / 1e6 : 0;
}
