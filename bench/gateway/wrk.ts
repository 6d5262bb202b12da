import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BODY_BYTES, jsonOf, type Peer } from './peer.js';
import { LOAD_CORE, programPath, startPinned } from './process.js';

/** Units that requests belong to. */
const UNITS = 1_000;

/** What a load came to. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Answers other than 2xx, and connections that broke. */
  readonly failures: number;
}

export interface LoadOptions {
  /** Of the generator; null: any. */
  readonly core?: number | null;
  readonly connections: number;
  readonly seconds: number;
}

/** True where wrk is installed: as many requests as a gateway takes, from one core. */
export function hasWrk(): boolean {
  return programPath('wrk') !== null;
}

/** As many requests as a peer takes. */
export async function saturate(peer: Peer, options: LoadOptions): Promise<LoadResult> {
  const wrk = programPath('wrk');
  if (wrk === null) return throughNode(peer, options);
  const { connections, seconds, core = LOAD_CORE } = options;
  const child = startPinned(core, [
    ...[wrk, '--threads', '1', '--connections', String(connections)],
    ...['--duration', `${seconds}s`, '--timeout', '10s', '--script', script(peer)],
    `http://127.0.0.1:${peer.port}/`,
  ]);
  const text = (await child.stdout?.toArray())?.join('') ?? '';
  const found = /RESULT (\d+) (\d+) (\d+)/.exec(text);
  if (found === null) throw new Error(`wrk said nothing useful about ${peer.name}: ${text}`);
  return {
    requests: Number(found[1]),
    seconds: Number(found[2]) / 1e6,
    failures: Number(found[3]),
  };
}

/** Requests are made once, so that the generator costs little: it shares its core with the stub. */
function script({ path }: Peer): string {
  const file = join(mkdtempSync(join(tmpdir(), 'sluice-bench-wrk-')), 'load.lua');
  writeFileSync(
    file,
    `local body = '${jsonOf(BODY_BYTES)}'
    local requests, next = {}, 0
    function init()
      for i = 1, ${UNITS} do
        requests[i] = wrk.format('POST', '${path}', {
          ['content-type'] = 'application/json',
          ['x-sluice-unit'] = string.format('7b1f0c1e-2f7e-4e65-9d5a-%012d', i),
        }, body)
      end
    end
    function request()
      next = next % ${UNITS} + 1
      return requests[next]
    end
    function done(summary)
      local e = summary.errors
      io.write(string.format('RESULT %d %d %d\\n', summary.requests, summary.duration,
        e.connect + e.read + e.write + e.status + e.timeout))
    end`,
  );
  return file;
}

async function throughNode(peer: Peer, { connections, seconds }: LoadOptions): Promise<LoadResult> {
  const { requests, failures } = await runNodeLoad(peer, { connections, seconds, rate: 0 });
  return { requests, seconds, failures };
}

/** Latencies of answered requests in microseconds, ascending, and what went wrong. */
export interface RateResult {
  readonly requests: number;
  readonly failures: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Our own generator in a process of its own. `rate` 0: each connection sends when it was answered. */
export async function runNodeLoad(
  peer: Peer,
  options: { readonly connections: number; readonly seconds: number; readonly rate: number },
): Promise<RateResult> {
  const [hooks, program] = ['../../test/support/run-typescript.mjs', './load.ts'].map(
    (file) => new URL(file, import.meta.url).pathname,
  );
  const { connections, seconds, rate } = options;
  const child = startPinned(LOAD_CORE, [
    ...[process.execPath, '--import', hooks ?? '', program ?? ''],
    ...[peer.port, peer.path, connections, seconds, rate].map(String),
  ]);
  const text = (await child.stdout?.toArray())?.join('') ?? '';
  return JSON.parse(text) as RateResult;
}
