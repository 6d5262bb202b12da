import { describe, expect, it } from 'vitest';
import { EQUAL_VERSIONS, runShadow, type ShadowWorld } from '../../support/shadow-world.js';
import { randomFrom } from './random.js';

const RUNS = 400;
/** The bound on a wrong verdict, and three standard errors of a share of .05 over the runs. */
const ALPHA = 0.05;
const SLACK = 3 * Math.sqrt((ALPHA * (1 - ALPHA)) / RUNS);

/** Shares of what 400 shadows end with, each looked at 20 times. */
function shares(world: ShadowWorld, runs = RUNS): Record<string, number> {
  const tally: Record<string, number> = {};
  for (let run = 1; run <= runs; run += 1) {
    const { code } = runShadow(world, randomFrom(7919 * run));
    tally[code] = (tally[code] ?? 0) + 1 / runs;
  }
  return tally;
}

describe('verdicts on shadows, 20 looks each', () => {
  it('are rarely wrong about a version that is as good', () => {
    const found = shares({ ...EQUAL_VERSIONS, unitsPerLook: 25 });
    expect(found['ready_for_canary'] ?? 0).toBeLessThanOrEqual(ALPHA + SLACK);
    expect(found['not_ready'] ?? 0).toBeLessThanOrEqual(ALPHA + SLACK);
    expect(found['hold']).toBeGreaterThan(1 - 2 * (ALPHA + SLACK));
  });

  it('find a version whose scores are closer to the truth', () => {
    const found = shares({ ...EQUAL_VERSIONS, shadowNoise: 0.1 }, 60);
    expect(found['ready_for_canary']).toBeGreaterThan(0.5);
  });

  it('find a version that is miscalibrated', () => {
    const found = shares({ ...EQUAL_VERSIONS, shift: 0.8 }, 60);
    expect(found['not_ready']).toBeGreaterThan(0.95);
  });

  it('never let a version through that is too slow or fails', () => {
    const slow = shares({ ...EQUAL_VERSIONS, shadowNoise: 0.1, slower: 1.3 }, 60);
    expect(slow['ready_for_canary'] ?? 0).toBe(0);
    const failing = shares({ ...EQUAL_VERSIONS, shadowNoise: 0.1, errors: [0.01, 0.04] }, 60);
    expect(failing['ready_for_canary'] ?? 0).toBeLessThanOrEqual(0.1);
  });
});
