import { randomOf } from '../../src/rollouts/planning/random.js';
import { whole } from './draw.js';
import { type Told, World } from './world.js';

/** Everything that many worlds came to. */
export interface Summary {
  readonly worlds: number;
  readonly steps: number;
  readonly experiments: number;
  readonly conflicts: number;
  readonly decisions: Readonly<Record<string, number>>;
  readonly failure: { readonly seed: number; readonly error: Error } | null;
}

/** How long the world of a seed lives. */
function lifeOf(seed: number): number {
  return whole(randomOf(seed, 2), 500, 3_000);
}

export function liveOnce(seed: number): Told {
  return new World(seed).live(lifeOf(seed));
}

/** Worlds of growing seeds until so many steps were made, or a property fails. */
export function simulate(firstSeed: number, steps: number): Summary {
  const decisions: Record<string, number> = {};
  let summary: Summary = {
    ...{ worlds: 0, steps: 0, experiments: 0, conflicts: 0, decisions, failure: null },
  };
  for (let seed = firstSeed; summary.steps < steps; seed += 1) {
    try {
      const told = liveOnce(seed);
      for (const [kind, count] of Object.entries(told.decisions)) {
        decisions[kind] = (decisions[kind] ?? 0) + count;
      }
      summary = {
        ...summary,
        worlds: summary.worlds + 1,
        steps: summary.steps + told.steps,
        experiments: summary.experiments + told.experiments,
        conflicts: summary.conflicts + told.conflicts,
      };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { ...summary, failure: { seed, error } };
    }
  }
  return summary;
}
