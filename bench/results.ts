import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, totalmem } from 'node:os';
import { dirname } from 'node:path';

/** Runs kept per file. */
const MAX_RUNS = 20;

/** Adds a run to a file of runs, newest last, with what one must know of the machine to read its figures. */
export function appendResult(path: string, figures: object): void {
  const run = {
    at: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      arch: arch(),
      node: process.version,
    },
    ...figures,
  };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify([...runsIn(path), run].slice(-MAX_RUNS), null, 2)}\n`);
}

function runsIn(path: string): readonly unknown[] {
  try {
    const runs: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(runs) ? runs : [];
  } catch {
    return [];
  }
}
