import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly keep: boolean;
  readonly json: string | null;
  readonly shuffleLabels: boolean;
  /** A/A: the second version is a copy of the first. */
  readonly aa: boolean;
  /** How many A/A runs; more than one run in groups at the same time. */
  readonly runs: number;
  readonly seed: number;
  /** Mails are sent this many times faster than one would read along. */
  readonly speed: number;
}

export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string };

const MAX_RUNS = 200;
const MAX_SPEED = 50;

export const HELP = `usage: npm run demo -- [options]

Trains three versions of a spam filter on real mails, serves them, starts Sluice, sends held-out mails through its
gateway and posts the true labels back. Sluice promotes v1 → v2 and rolls v2 → v3 back, or the exit code is 1.

  --keep             leave everything running afterwards, with a light stream of mails, until Ctrl-C
  --json FILE        write the figures of the summary to FILE
  --shuffle-labels   deal the labels out at random: nothing may be promoted
  --aa               v2 is a copy of v1: almost always nothing is promoted or rolled back
  --runs N           with --aa: N such experiments in one Sluice, most of them at once (default 1)
  --seed N           of the split, the training and the order of mails (default 1)
  --speed X          send mails X times as fast (default 1, about 40 a second)
  --help             this text

Environment: SLUICE_DATA_DIR keeps the data there (otherwise a temporary folder, removed at the end);
SLUICE_GATEWAY_PORT and SLUICE_CONTROL_PORT (8080 and 8081, or free ports when these are taken); DATABASE_URL and
REDIS_URL as for Sluice itself; NO_COLOR.
`;

/** Reads the command line. Pure: what is wrong comes back as a sentence. */
export function parseOptions(args: readonly string[]): ParsedOptions {
  let values;
  try {
    values = parseArgs({
      args: [...args],
      options: {
        keep: { type: 'boolean', default: false },
        json: { type: 'string' },
        'shuffle-labels': { type: 'boolean', default: false },
        aa: { type: 'boolean', default: false },
        runs: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        speed: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) };
  }
  if (values.help) return { kind: 'help' };
  const runs = Number(values.runs);
  const seed = Number(values.seed);
  const speed = Number(values.speed);
  if (!Number.isInteger(runs) || runs < 1 || runs > MAX_RUNS) {
    return wrong('--runs', values.runs, `a whole number from 1 to ${MAX_RUNS}`);
  }
  if (runs > 1 && !values.aa) return wrong('--runs', values.runs, 'used together with --aa');
  if (!Number.isSafeInteger(seed)) return wrong('--seed', values.seed, 'a whole number');
  if (!(speed >= 0.1 && speed <= MAX_SPEED)) {
    return wrong('--speed', values.speed, `a number from 0.1 to ${MAX_SPEED}`);
  }
  if (values.aa && values['shuffle-labels']) {
    return { kind: 'wrong', message: '--aa and --shuffle-labels exclude each other' };
  }
  const { keep, json = null, aa, 'shuffle-labels': shuffleLabels } = values;
  return { kind: 'run', options: { keep, json, shuffleLabels, aa, runs, seed, speed } };
}

function wrong(option: string, given: string, expected: string): ParsedOptions {
  return { kind: 'wrong', message: `${option} ${given}: expected ${expected}` };
}
