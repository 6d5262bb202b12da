import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import {
  asymptoticSequenceInformationTime,
  intersectRunning,
  NO_LOOKS,
  type RunningSequence,
} from '../../src/statistics/confidence-sequence.js';
import { eventShareEProcess, eventShareLogE } from '../../src/statistics/rare-event.js';
import {
  sampleRatioChiSquare,
  sampleRatioLogBayesFactor,
  sampleRatioSequential,
} from '../../src/statistics/sample-ratio.js';
import { alternative, alpha, MIRROR, close, opposite, each } from './statistics.arbitraries.js';

describe('confidence sequences', () => {
  const look = fc.record({
    estimate: fc.double({ min: -10, max: 10, noNaN: true }),
    standardError: fc.double({ min: 1e-4, max: 10, noNaN: true }),
    plannedStandardError: fc.double({ min: 1e-4, max: 10, noNaN: true }),
  });

  it('contain the estimate, mirror with its sign, and exclude 0 exactly when p < alpha', () => {
    fc.assert(
      fc.property(look, alpha, alternative, (input, level, side) => {
        const found = asymptoticSequenceInformationTime({
          ...input,
          alpha: level,
          alternative: side,
        });
        const mirrored = asymptoticSequenceInformationTime({
          ...input,
          estimate: -input.estimate,
          alpha: level,
          alternative: MIRROR[side],
        });
        if (found.kind !== 'value' || mirrored.kind !== 'value') throw new Error('undefined');
        const { lower, upper, pValue } = found.value;
        expect(lower).toBeLessThanOrEqual(input.estimate);
        expect(upper).toBeGreaterThanOrEqual(input.estimate);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
        close(mirrored.value.pValue, pValue, 1e-12);
        opposite(mirrored.value.lower, upper);
        const excludes = lower > 0 || upper < 0;
        if (Math.abs(pValue / level - 1) > 1e-9) expect(excludes).toBe(pValue < level);
      }),
    );
  });

  it('are wider than the interval of a single look at every moment', () => {
    fc.assert(
      fc.property(look, alpha, (input, level) => {
        each(
          asymptoticSequenceInformationTime({ ...input, alpha: level, alternative: 'two-sided' }),
          (found) => {
            // z_{1 - alpha/2} < sqrt(2 ln(2/alpha)), which is below every boundary of the sequence.
            expect(found.distance / input.standardError).toBeGreaterThan(
              Math.sqrt(-2 * Math.log(level)),
            );
          },
        );
      }),
    );
  });

  it('only shrink as looks are added', () => {
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 20 }), alpha, (looks, level) => {
        let running: RunningSequence = NO_LOOKS;
        for (const input of looks) {
          const found = asymptoticSequenceInformationTime({
            ...input,
            alpha: level,
            alternative: 'two-sided',
          });
          if (found.kind !== 'value') throw new Error('undefined');
          const next = intersectRunning(running, found.value);
          expect(next.lower).toBeGreaterThanOrEqual(running.lower);
          expect(next.upper).toBeLessThanOrEqual(running.upper);
          expect(next.pValue).toBeLessThanOrEqual(running.pValue);
          running = next;
        }
      }),
    );
  });
});

describe('event shares', () => {
  it('have e-values of mean 1 under no effect (two-sided, restricted up and restricted down)', () => {
    const share = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    const concentration = fc.double({ min: 0.5, max: 500, noNaN: true });
    fc.assert(
      fc.property(
        share,
        concentration,
        alternative,
        fc.integer({ min: 1, max: 60 }),
        (s, k, side, events) => {
          let mean = 0;
          let logChoose = 0;
          for (let t = 0; t <= events; t += 1) {
            const c = events - t;
            const logNull = logChoose + t * Math.log(s) + c * Math.log1p(-s);
            const test = { share: s, concentration: k, alternative: side };
            mean += Math.exp(
              logNull + eventShareLogE(test, { controlEvents: c, treatmentEvents: t }),
            );
            logChoose += Math.log(c / (t + 1));
          }
          close(mean, 1, 1e-9);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('mirror when arms, share and direction are swapped', () => {
    const events = fc.integer({ min: 0, max: 5000 });
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        events,
        events,
        alternative,
        (share, c, t, side) => {
          const one = eventShareLogE(
            { share, concentration: 10, alternative: side },
            { controlEvents: c, treatmentEvents: t },
          );
          const other = eventShareLogE(
            { share: 1 - share, concentration: 10, alternative: MIRROR[side] },
            { controlEvents: t, treatmentEvents: c },
          );
          close(other, one, 1e-9, Math.max(1, Math.abs(one)));
        },
      ),
    );
  });

  it('refuse counts that fall inside a phase', () => {
    const looks = [
      { controlEvents: 5, treatmentEvents: 5 },
      { controlEvents: 4, treatmentEvents: 6 },
    ];
    const act = () =>
      eventShareEProcess({
        phases: [{ share: 0.5, looks }],
        concentration: 10,
        alternative: 'greater',
        alpha: 0.05,
      });
    expect(act).toThrow('never fall');
  });

  it('stay finite for a billion events', () => {
    const test = { share: 0.5, concentration: 10, alternative: 'greater' } as const;
    const even = eventShareLogE(test, { controlEvents: 1e9, treatmentEvents: 1e9 });
    expect(even).toBeGreaterThan(-30);
    expect(even).toBeLessThan(0);
    const harmless = eventShareLogE(test, { controlEvents: 1e6, treatmentEvents: 1e3 });
    expect(Number.isFinite(harmless)).toBe(true);
  });
});

describe('sample ratios', () => {
  const arms = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 100 })),
    { minLength: 2, maxLength: 5 },
  );

  it('do not depend on the order of the arms or the scale of the weights', () => {
    fc.assert(
      fc.property(arms, fc.double({ min: 0.01, max: 100, noNaN: true }), (pairs, scale) => {
        const observed = pairs.map((pair) => pair[0]);
        const weights = pairs.map((pair) => pair[1]);
        const input = { observed, weights, concentration: 1e4 };
        const other = {
          observed: observed.toReversed(),
          weights: weights.toReversed().map((weight) => weight * scale),
          concentration: 1e4,
        };
        const one = sampleRatioLogBayesFactor(input);
        close(sampleRatioLogBayesFactor(other), one, 1e-9, Math.max(1, Math.abs(one)));
        const chi = sampleRatioChiSquare(input);
        const reversed = sampleRatioChiSquare(other);
        if (chi.kind === 'value' && reversed.kind === 'value') {
          close(
            reversed.value.chiSquare,
            chi.value.chiSquare,
            1e-9,
            Math.max(1, chi.value.chiSquare),
          );
        }
      }),
    );
  });

  it('multiply their evidence over phases, and never forget', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(10_000), fc.nat(10_000)), { minLength: 1, maxLength: 6 }),
        (phases) => {
          const looks = sampleRatioSequential({
            concentration: 1e3,
            phases: phases.map((counts) => ({ weights: [1, 1], looks: [counts] })),
          });
          const sum = phases.reduce(
            (total, observed) =>
              total + sampleRatioLogBayesFactor({ observed, weights: [1, 1], concentration: 1e3 }),
            0,
          );
          const last = looks.at(-1)?.logBayesFactor ?? Number.NaN;
          close(last, sum, 1e-12, Math.max(1, Math.abs(sum)));
          for (const [index, look] of looks.entries()) {
            expect(look.runningP).toBeLessThanOrEqual(looks[index - 1]?.runningP ?? 1);
          }
        },
      ),
    );
  });
});
