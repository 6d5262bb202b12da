import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { Estimable } from '../../src/statistics/estimable.js';

// Published data of others, kept beside the repository: their licences do not let them be part of it.
const FOLDER = new URL('../../../shared/data/', import.meta.url);

/** True when the published data sets are there; otherwise says once that its tests are skipped. */
export function hasRealData(what: string): boolean {
  if (existsSync(FOLDER)) return true;
  process.stderr.write(`skipped: ${what}, there is no ${fileURLToPath(FOLDER)}\n`);
  it.skip(`${what} is not there`);
  return false;
}

/** Rows of a gzipped CSV file without quotes, by column name. */
export function readRows(file: string): readonly Readonly<Record<string, string>>[] {
  const text = gunzipSync(readFileSync(new URL(file, FOLDER))).toString('utf8');
  const [header = '', ...lines] = text.trimEnd().split(/\r?\n/);
  const names = header.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    return Object.fromEntries(names.map((name, index) => [name, fields[index] ?? '']));
  });
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
}

/** A field of a row as a number; throws for one that is none. */
export function numberIn(row: Readonly<Record<string, string>>, name: string): number {
  const value = Number(row[name] === '' ? Number.NaN : row[name]);
  if (!Number.isFinite(value)) throw new Error(`${name} is no number: ${String(row[name])}`);
  return value;
}

/** The value of something that can be estimated on these data. */
export function valueOf<T>(found: Estimable<T>): T {
  if (found.kind === 'value') return found.value;
  throw new Error(`undefined: ${found.reason}`);
}

/** Equal to a relative error of 1e-6. */
export function expectClose(what: string, actual: number, expected: number): void {
  const error = Math.abs(actual - expected);
  expect(error, `${what}: ${String(actual)}, not ${String(expected)}`).toBeLessThanOrEqual(
    1e-6 * Math.abs(expected),
  );
}
