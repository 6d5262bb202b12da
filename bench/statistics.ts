// What the statistics and the policy promise, measured on their own code: every property is simulated from a seed, held
// against its bar with its Monte Carlo error, printed and written down. Exits 1 when a bar is missed by more than three
// standard errors. `--full` takes minutes and at least 4,000 replications each; `--out FILE` writes somewhere else.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { barInWords, type Row, type Verdict, verdictOf } from './statistics/bar.js';
import { methodChecks } from './statistics/methods.js';
import { rolloutChecks } from './statistics/rollouts.js';
import { sequentialChecks } from './statistics/sequential.js';

const SEED = 20_260_101;
const PROPERTY_WIDTH = 84;

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench/results/statistics.json' },
    only: { type: 'string', default: '' },
  },
});

function line(cells: readonly [string, string, string, string, string]): void {
  const [property, measured, error, bar, verdict] = cells;
  process.stdout.write(
    `${property.padEnd(PROPERTY_WIDTH)} ${measured.padStart(8)} ${error.padStart(8)} ${bar.padStart(16)}  ${verdict}\n`,
  );
}

/** Four digits are more than the simulations know. */
function figure(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(4);
}

function printed(row: Row): Verdict {
  const verdict = verdictOf(row);
  const { property, value, standardError, bar } = row;
  line([property, figure(value), figure(standardError), barInWords(bar), verdict]);
  return verdict;
}

const startMs = performance.now();
line(['property', 'measured', 'error', 'bar', 'verdict']);
const rows: (Row & { readonly verdict: Verdict })[] = [];
for (const check of [...sequentialChecks, ...rolloutChecks, ...methodChecks]) {
  if (!check.name.includes(options.only)) continue;
  const checkMs = performance.now();
  const replications = check.replications[options.full ? 'full' : 'quick'];
  const found = check.run(replications, SEED);
  for (const row of found) rows.push({ ...row, verdict: printed(row) });
  const seconds = ((performance.now() - checkMs) / 1_000).toFixed(1);
  process.stderr.write(`  ${check.name}: ${String(replications)} replications, ${seconds} s\n`);
}
mkdirSync(dirname(options.out), { recursive: true });
const mode = options.full ? 'full' : 'quick';
writeFileSync(options.out, `${JSON.stringify({ mode, seed: SEED, rows }, null, 2)}\n`);
const misses = rows.filter(({ verdict }) => verdict === 'MISS').length;
const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
process.stdout.write(`${String(rows.length)} properties, ${String(misses)} missed, ${seconds} s\n`);
process.exitCode = misses > 0 ? 1 : 0;
