import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import type { Exposure } from '../../src/events/event.js';
import { uuidV7 } from '../../src/kernel/ids.js';

export const EXPERIMENT_ID = '0193b2c4-5d6e-7f80-9a1b-0123456789ab';
const CLOCK_TICK_MS = 10;

/** Exposures of today, each of a unit of its own. */
export function exposures(count: number): readonly Exposure[] {
  const atMs = Date.now();
  return Array.from({ length: count }, (_, index) => ({
    requestId: uuidV7(atMs, randomBytes(10)),
    atMs,
    model: 'spam',
    unitKey: `user-${randomUUID()}`,
    experimentId: EXPERIMENT_ID,
    epoch: 1,
    phase: 0,
    variant: index % 2 === 0 ? 'control' : 'candidate',
    version: 'v1',
    configVersion: 1,
  }));
}

/** CPU milliseconds that each backend of the database has used so far, by process. */
export async function backendsCpuMs(pool: pg.Pool): Promise<ReadonlyMap<number, number>> {
  const { rows } = await pool.query<{ pid: number }>('SELECT pid FROM pg_stat_activity');
  return new Map(rows.map(({ pid }) => [pid, processCpuMs(pid)]));
}

/** Milliseconds used between two answers; of backends that have ended meanwhile nothing is known. */
export function cpuMsBetween(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number {
  return [...after].reduce((sum, [pid, ms]) => sum + Math.max(0, ms - (before.get(pid) ?? 0)), 0);
}

/** Fields 14 and 15 of /proc/<pid>/stat (proc(5)); 0 where the system does not tell. */
function processCpuMs(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** `median (least to most)`, with the given number of digits. */
export function spread(values: readonly number[], digits: number): string {
  const text = (value: number): string =>
    value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return `${text(median(values))} (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
}
