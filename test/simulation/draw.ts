import type { Random } from '../../src/rollouts/planning/random.js';

export function chance(random: Random, probability: number): boolean {
  return random() < probability;
}

/** A whole number in [from, to]. */
export function whole(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

export function pick<T>(random: Random, from: readonly T[]): T {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error('there is nothing to pick from');
  return found;
}

/** Exponential with this mean. */
export function waiting(random: Random, mean: number): number {
  return -mean * Math.log(random());
}
