// How fast a change of the configuration reaches every gateway: through the real API to gateways that are processes of
// their own on one PostgreSQL, and what a gateway does without any. Prints a table, appends to bench/results/propagation.json.
// Run: npm run bench:propagation [-- --changes 200 --gateways 3]
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { EmbeddedPostgres } from '../src/database/embedded-postgres.js';
import { migrate } from '../src/database/migrate.js';
import { startSpreading } from '../test/support/propagation.js';
import type { Spreading } from '../test/support/propagation.js';
import { adoption } from './propagation/adoption.js';
import { coldStart } from './propagation/cold-start.js';
import { appendResult } from './results.js';

/** A reset every so often leaves a connection time for a few queries. */
const CHURN_MS = 300;
const REFUSING_MS = 15;

const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '200' },
    gateways: { type: 'string', default: '3' },
  },
});
const changes = Number(values.changes);
const gateways = Number(values.gateways);

interface Figures {
  readonly changes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly regressions: number;
  readonly answers: number;
  readonly failures: number;
}

async function measure(scene: Spreading, count: number): Promise<Figures> {
  const before = { answers: scene.answers, failures: scene.failures };
  const afterMs: number[] = [];
  for (let at = 0; at < count; at += 1) afterMs.push(...(await scene.change()).afterMs);
  afterMs.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((afterMs[Math.ceil(share * afterMs.length) - 1] ?? Number.NaN) * 10) / 10;
  return {
    changes: count,
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) },
    regressions: scene.regressions,
    answers: scene.answers - before.answers,
    failures: scene.failures - before.failures,
  };
}

/** Every connection of every gateway to its database breaks again and again, each gateway at a time of its own. */
async function underChurn<T>(scene: Spreading, work: () => Promise<T>): Promise<T> {
  const timers = scene.proxies.map((proxy, index) =>
    setInterval(
      () => {
        proxy.refuse();
        setTimeout(() => proxy.heal(), REFUSING_MS);
      },
      CHURN_MS + 37 * index,
    ),
  );
  try {
    return await work();
  } finally {
    timers.forEach((timer) => clearInterval(timer));
    await new Promise((resolve) => setTimeout(resolve, 2 * REFUSING_MS));
  }
}

function row(label: string, f: Figures, goal: string): void {
  const cells = [f.changes, f.p50Ms, f.p99Ms, f.maxMs, f.regressions, f.answers, f.failures];
  process.stdout.write(
    `${label.padEnd(34)}${cells.map((cell) => String(cell).padStart(12)).join('')}  ${goal}\n`,
  );
}

const dir = mkdtempSync(join(tmpdir(), 'sluice-propagation-'));
chmodSync(dir, 0o711);
const server = new EmbeddedPostgres(dir);
try {
  const url = await server.start();
  await migrate(url);
  const scene = await startSpreading(url, gateways);
  const names = ['changes', 'p50 ms', 'p99 ms', 'max ms', 'regressions', 'answers', 'failed'];
  process.stdout.write(
    `${`${gateways} gateways`.padEnd(34)}${names.map((name) => name.padStart(12)).join('')}\n`,
  );
  let calm: Figures, churn: Figures, deaf: Figures;
  try {
    calm = await measure(scene, changes);
    row('connections stay', calm, 'goal: p99 <= 500, 0 regressions');
    churn = await underChurn(scene, () => measure(scene, Math.ceil(changes / 2)));
    row(`connections reset every ${CHURN_MS} ms`, churn, 'goal: p99 <= 1000, 0 regressions');
    for (const proxy of scene.proxies) proxy.freezeListeners();
    deaf = await measure(scene, Math.ceil(changes / 10));
    row('LISTEN half-open, poll alone', deaf, 'goal: p99 <= 1000, 0 regressions');
  } finally {
    await scene.close();
  }
  const bench = new URL(url);
  bench.pathname = '/adoption';
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query('CREATE DATABASE adoption');
  await admin.end();
  await migrate(bench.href);
  const adopted = await adoption(bench.href);
  process.stdout.write(
    `one model of 200 changed (1,000 experiments, ${Math.round(adopted.planBytes / 1_000)} kB): event loop blocked for ` +
      `${adopted.changesMs} ms at most, goal <= 10 (read whole ${adopted.wholeMs}, without a change ${adopted.idleMs})\n`,
  );
  const cold = await coldStart();
  process.stdout.write(
    `cold start without PostgreSQL, 1,000 experiments in the snapshot (${cold.program}): ` +
      `${cold.msOfStarts.join(', ')} ms (${cold.ownMsOfStarts.join(', ')} of its own), goal <= 2000, next 1000\n`,
  );
  appendResult('bench/results/propagation.json', { gateways, calm, churn, deaf, adopted, cold });
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
