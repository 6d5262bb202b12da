import type { CanaryState } from './canary.js';
import { runCanary } from './canary.js';
import type { Mail } from './mails.js';
import { seededRandom, shuffled } from './random.js';
import type { VersionServers } from './setup.js';
import { registerModel } from './setup.js';
import type { SluiceClient } from './sluice-client.js';
import { Traffic } from './traffic.js';

export interface AaOptions {
  readonly client: SluiceClient;
  readonly servers: VersionServers;
  readonly mails: readonly Mail[];
  readonly runs: number;
  readonly seed: number;
  readonly speed: number;
  readonly tag: string;
  readonly onEnd: (run: AaRun) => void;
}

export interface AaRun {
  readonly run: number;
  readonly canary: CanaryState;
}

/** Each run has a model of its own, because a model has one experiment at a time. */
const AT_ONCE = 10;
/** Enough for more than 500 units in each arm, where every test of the design can pass. */
const MAILS_PER_RUN = 2_600;
const MAILS_PER_SECOND = 26;
const LABEL_DELAY_MS = [500, 1_500] as const;
const LAST_LOOK_MS = 12_000;
/** False promotions and rollbacks are bounded by 5 % each; a tenth of all runs leaves room for chance. */
const TOLERATED_SHARE = 0.1;

/** Experiments in which there is nothing to find: what is decided all the same is an error, and must be rare. */
export async function runAa(options: AaOptions): Promise<readonly AaRun[]> {
  const { runs } = options;
  const results: AaRun[] = [];
  for (let first = 1; first <= runs; first += AT_ONCE) {
    const group = Array.from(
      { length: Math.min(AT_ONCE, runs - first + 1) },
      (_, at) => first + at,
    );
    results.push(...(await Promise.all(group.map((run) => runOne(run, options)))));
  }
  return results;
}

/** How many of so many runs may promote or roll back. */
export function toleratedActions(runs: number): number {
  return Math.floor(runs * TOLERATED_SHARE);
}

async function runOne(run: number, options: AaOptions): Promise<AaRun> {
  const { client, servers, seed, speed, tag } = options;
  const model = `aa-${String(run).padStart(2, '0')}${tag}`;
  await registerModel(client, model, servers);
  const random = seededRandom(seed * 1_000 + run);
  const mailsPerSecond = MAILS_PER_SECOND * speed;
  const canary = await runCanary({
    client,
    traffic: new Traffic(client, {
      model,
      mailsPerSecond,
      labelDelayMs: [LABEL_DELAY_MS[0] / speed, LABEL_DELAY_MS[1] / speed],
      random,
    }),
    spec: {
      name: model,
      model,
      control: 'v1',
      variant: 'v2',
      hypothesis: 'none: v2 is a copy of v1',
      maxRuntimeMs: (MAILS_PER_RUN / mailsPerSecond) * 1000 + LAST_LOOK_MS,
    },
    mails: shuffled(options.mails, random).slice(0, MAILS_PER_RUN),
    onChange: () => undefined,
  });
  options.onEnd({ run, canary });
  return { run, canary };
}
