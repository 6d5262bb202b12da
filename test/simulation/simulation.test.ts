import { describe, expect, it } from 'vitest';
import { liveOnce, simulate } from './simulate.js';

/** A form for every day; `npm run test:simulation` makes a million steps. */
const STEPS = Number(process.env['SLUICE_SIMULATION_STEPS'] ?? 40_000);
const FIRST_SEED = 1;

describe('a simulated world', () => {
  it('keeps every property, whoever is paused, killed, late, skewed or impatient in it', () => {
    const { failure, decisions } = simulate(FIRST_SEED, STEPS);
    expect(failure === null ? null : `seed ${String(failure.seed)}: ${failure.error.stack}`).toBe(
      null,
    );
    // a world in which nothing happens keeps every property too
    for (const kind of ['promote', 'rollback', 'advance', 'inconclusive', 'error']) {
      expect(decisions[kind] ?? 0, kind).toBeGreaterThan(0);
    }
  });

  it('is the same world again from the same seed', () => {
    expect(liveOnce(FIRST_SEED)).toEqual(liveOnce(FIRST_SEED));
  });
});
