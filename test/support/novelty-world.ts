import { seeded } from '../unit/statistics/seeded.js';
import { startUpstream, type Upstream } from './sluice.js';

/** One round of requests between two changes of the champion: everybody is seen once. */
export interface Stage {
  /** What is promoted before it; null: the champion stays. */
  readonly promote: string | null;
  /** True lift of the champion over v1 in this stage: new at first, then what is left of it. */
  readonly lift: number;
}

/** Three promotions; the first two help, with a novelty that wears off, the third undoes most of it. */
export const STAGES: readonly Stage[] = [
  { promote: null, lift: 0 },
  { promote: 'v2', lift: 0.5 },
  { promote: null, lift: 0.3 },
  { promote: 'v3', lift: 0.8 },
  { promote: null, lift: 0.6 },
  { promote: 'v4', lift: 0.2 },
  { promote: null, lift: 0.05 },
];

export const VERSIONS = ['v1', 'v2', 'v3', 'v4'] as const;

export interface Visit {
  readonly unit: string;
  readonly stage: number;
  /** What the unit spends under v1 at this visit. */
  readonly minutes: number;
}

/** Units by the stage that they come first in. */
export const ENTRANTS: readonly number[] = [700, 0, 0, 200, 0, 100, 0];

/** The visits of a stage; everything about them follows from the seed. */
export function visitsOf(seed: number, stage: number): readonly Visit[] {
  return ENTRANTS.slice(0, stage + 1).flatMap((count, entry) =>
    Array.from({ length: count }, (_, index): Visit => {
      const unit = `${seed}-${entry}-${index}`;
      const base = draw(seed, entry * 100_000 + index, 0);
      return { unit, stage, minutes: (8 + 4 * base) * (0.9 + 0.2 * draw(seed, index, stage + 1)) };
    }),
  );
}

/** A model server: v1 keeps people as long as they are used to, any other one as long as its stage says. */
export function startVersion(version: string): Promise<Upstream> {
  return startUpstream((body) => {
    const lift = version === 'v1' ? 0 : (STAGES[Number(body['stage'])]?.lift ?? 0);
    return { body: { minutes: Number(body['minutes']) * (1 + lift) } };
  });
}

/**
 * The lift of a unit's total over the stages since it came, entry cohorts weighed by their size as the analysis weighs
 * them; all cohorts spend the same per visit under v1.
 */
export function cumulativeLift(stage: number): number {
  let shipped = 0;
  let heldBack = 0;
  ENTRANTS.slice(0, stage + 1).forEach((count, entry) => {
    for (const { lift } of STAGES.slice(entry, stage + 1)) {
      shipped += count * (1 + lift);
      heldBack += count;
    }
  });
  return shipped / heldBack - 1;
}

function draw(seed: number, number: number, use: number): number {
  const random = seeded(seed * 1_000_003 + number * 31 + use * 7_919);
  for (let warmUp = 0; warmUp < 4; warmUp += 1) random();
  return random();
}
