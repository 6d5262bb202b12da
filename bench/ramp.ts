// False promotions and false rollbacks of whole canary ramps, through the real worker code on a real PostgreSQL whose clock
// is moved by hand: two days pass in minutes. Exits 1 when the lower end of the exact binomial interval of a share of errors
// is above the bound of the design. Run: npm run bench:ramp (200 ramps), npm run bench:ramp -- --full (1,000; 15 minutes)
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { clopperPearsonInterval } from '../src/statistics/one-proportion.js';
import { type Ending, type Ramp, runRamps } from './ramp/run.js';
import { ALPHA, type Scenario, SCENARIOS } from './ramp/scenarios.js';

const SEED = 20_260_101;
/** Of the interval of a share of errors, both sides together. */
const INTERVAL_ALPHA = 0.05;

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(SEED) },
    out: { type: 'string', default: 'bench/results/ramp.json' },
  },
});

interface Row {
  readonly scenario: string;
  readonly what: string;
  readonly runs: number;
  readonly endings: Readonly<Record<Ending, number>>;
  readonly errors: readonly ErrorShare[];
}

interface ErrorShare {
  readonly kind: 'false promotions' | 'false rollbacks';
  readonly count: number;
  readonly lower: number;
  readonly upper: number;
  readonly bound: number;
  readonly isWithin: boolean;
}

const sinceMs = performance.now();
const size = options.full ? 'full' : 'quick';
const planned = SCENARIOS.map((scenario) => ({ scenario, runs: scenario.runs[size] }));
const ramps = await runRamps(planned, Number(options.seed), (text) => {
  process.stderr.write(`  ${text}\n`);
});
const rows = SCENARIOS.map((scenario) => rowOf(scenario, ramps));
for (const row of rows) print(row);
const unsound = ramps.filter(({ isSound }) => !isSound).length;
const missed = rows.flatMap(({ errors }) => errors).filter(({ isWithin }) => !isWithin).length;
const seconds = ((performance.now() - sinceMs) / 1_000).toFixed(0);
process.stdout.write(
  `${String(ramps.length)} ramps, ${String(missed)} bounds exceeded, ${String(unsound)} logs unsound, ${seconds} s\n`,
);
mkdirSync(dirname(options.out), { recursive: true });
writeFileSync(options.out, `${JSON.stringify({ size, seed: options.seed, rows }, null, 2)}\n`);
process.exitCode = missed + unsound > 0 ? 1 : 0;

function rowOf(scenario: Scenario, all: readonly Ramp[]): Row {
  const own = all.filter((ramp) => ramp.scenario === scenario);
  const count = (ending: Ending): number => own.filter((ramp) => ramp.ending === ending).length;
  const endings = {
    promoted: count('promoted'),
    'rolled back': count('rolled back'),
    inconclusive: count('inconclusive'),
    open: count('open'),
  };
  const errors = [
    ...(scenario.isPromotionFalse
      ? [errorShare('false promotions', endings.promoted, own.length)]
      : []),
    ...(scenario.isRollbackFalse
      ? [errorShare('false rollbacks', endings['rolled back'], own.length)]
      : []),
  ];
  return { scenario: scenario.name, what: scenario.what, runs: own.length, endings, errors };
}

function errorShare(kind: ErrorShare['kind'], count: number, runs: number): ErrorShare {
  const interval = clopperPearsonInterval({ successes: count, trials: runs }, INTERVAL_ALPHA);
  if (interval.kind !== 'value') throw new Error('there are runs');
  const { lower, upper } = interval.value;
  return { kind, count, lower, upper, bound: ALPHA, isWithin: lower <= ALPHA };
}

function print({ scenario, what, runs, endings, errors }: Row): void {
  const counts = Object.entries(endings).map(([ending, count]) => `${String(count)} ${ending}`);
  process.stdout.write(`${scenario} (${what}): ${String(runs)} ramps, ${counts.join(', ')}\n`);
  for (const { kind, count, lower, upper, bound, isWithin } of errors) {
    const interval = `[${lower.toFixed(4)}, ${upper.toFixed(4)}]`;
    const verdict = isWithin ? 'within' : 'ABOVE';
    process.stdout.write(
      `  ${kind.padEnd(17)} ${String(count).padStart(3)} of ${String(runs)}, 95 % interval ${interval}, ${verdict} the bound ${String(bound)}\n`,
    );
  }
}
