import { describe, expect, it } from 'vitest';
import { asymptoticSequenceInformationTime } from '../../../src/statistics/confidence-sequence.js';
import type { Estimable } from '../../../src/statistics/estimable.js';
import { eventShareLogE } from '../../../src/statistics/rare-event.js';
import { sampleRatioLogBayesFactor } from '../../../src/statistics/sample-ratio.js';
import { pooledVariance, unpooledVariance } from '../../../src/statistics/two-proportion.js';
import { seeded } from './seeded.js';

// Bounds are the promised level plus three Monte Carlo standard errors; seeds are fixed.
function bound(level: number, runs: number): number {
  return level + 3 * Math.sqrt((level * (1 - level)) / runs);
}

interface Peeking {
  readonly rate: number;
  readonly looks: number;
  readonly controlPerLook: number;
  readonly treatmentPerLook: number;
  readonly minEvents: number;
  readonly variance: typeof pooledVariance;
}

interface Counts {
  successes: number;
  trials: number;
}

function draw(random: () => number, arm: Counts, units: number, rate: number): void {
  for (let unit = 0; unit < units; unit += 1) if (random() < rate) arm.successes += 1;
  arm.trials += units;
}

/** Whether an A/A experiment is decided at any look by the two-sided sequence in information time. */
function decidesFalsely(random: () => number, design: Peeking): boolean {
  const control = { successes: 0, trials: 0 };
  const treatment = { successes: 0, trials: 0 };
  const { rate, looks } = design;
  const planned =
    rate *
    (1 - rate) *
    (1 / (looks * design.controlPerLook) + 1 / (looks * design.treatmentPerLook));
  for (let look = 0; look < looks; look += 1) {
    draw(random, control, design.controlPerLook, rate);
    draw(random, treatment, design.treatmentPerLook, rate);
    if (Math.min(control.successes, treatment.successes) < design.minEvents) continue;
    const spread: Estimable<number> = design.variance(control, treatment);
    if (spread.kind === 'undefined' || spread.value === 0) continue;
    const found = asymptoticSequenceInformationTime({
      estimate: treatment.successes / treatment.trials - control.successes / control.trials,
      standardError: Math.sqrt(spread.value),
      plannedStandardError: Math.sqrt(planned),
      alpha: 0.05,
      alternative: 'two-sided',
    });
    if (found.kind === 'value' && found.value.pValue <= 0.05) return true;
  }
  return false;
}

function falseDecisions(runs: number, seed: number, design: Peeking): number {
  const random = seeded(seed);
  let decided = 0;
  for (let run = 0; run < runs; run += 1) if (decidesFalsely(random, design)) decided += 1;
  return decided / runs;
}

describe('the confidence sequence in information time', () => {
  it('decides at most 5 % of A/A experiments on a 5 % rate over 1,000 peeks (balanced)', () => {
    const runs = 1500;
    const rate = falseDecisions(runs, 1, {
      rate: 0.05,
      looks: 1000,
      controlPerLook: 20,
      treatmentPerLook: 20,
      minEvents: 10,
      variance: pooledVariance,
    });
    expect(rate).toBeLessThanOrEqual(bound(0.05, runs));
    // An implementation that never decides would pass the line above.
    expect(rate).toBeGreaterThan(0.002);
  });

  it('holds its level at 99:1 only with the pooled variance and 10 events (kills the unpooled mutant)', () => {
    const runs = 300;
    const design = { rate: 0.01, looks: 400, controlPerLook: 990, treatmentPerLook: 10 };
    const pooled = falseDecisions(runs, 2, { ...design, minEvents: 10, variance: pooledVariance });
    expect(pooled).toBeLessThanOrEqual(bound(0.05, runs));
    const mutant = falseDecisions(runs / 3, 2, {
      ...design,
      minEvents: 0,
      variance: unpooledVariance,
    });
    expect(mutant).toBeGreaterThan(0.3);
  });
});

/** Whether a ramp without effect (1, 5, 25, 50 % share, 60 events each) alarms after any event. */
function alarmsOnRamp(random: () => number): boolean {
  let earlier = 0;
  for (const share of [0.01, 0.05, 0.25, 0.5]) {
    const counts = { controlEvents: 0, treatmentEvents: 0 };
    let logE = 0;
    for (let event = 0; event < 60; event += 1) {
      counts[random() < share ? 'treatmentEvents' : 'controlEvents'] += 1;
      logE = eventShareLogE({ share, concentration: 10, alternative: 'greater' }, counts);
      if (earlier + logE >= -Math.log(0.05)) return true;
    }
    earlier += logE;
  }
  return false;
}

describe('the e-process on the share of rare events', () => {
  it('rejects at most 5 % of A/A ramps, looking after every event', () => {
    const random = seeded(3);
    const runs = 2000;
    let rejected = 0;
    for (let run = 0; run < runs; run += 1) if (alarmsOnRamp(random)) rejected += 1;
    expect(rejected / runs).toBeLessThanOrEqual(bound(0.05, runs));
    expect(rejected / runs).toBeGreaterThan(0.005);
  });

  it('stops a fivefold error rate at a 1 % share after about seven treatment events', () => {
    const random = seeded(4);
    const test = { share: 0.01, concentration: 10, alternative: 'greater' } as const;
    // Treatment's true share of the events when its rate is five times the control's.
    const truth = (5 * 0.01) / (5 * 0.01 + 0.99);
    const stops: number[] = [];
    for (let run = 0; run < 501; run += 1) {
      const counts = { controlEvents: 0, treatmentEvents: 0 };
      while (eventShareLogE(test, counts) < -Math.log(0.05) && counts.treatmentEvents < 1000) {
        if (random() < truth) counts.treatmentEvents += 1;
        else counts.controlEvents += 1;
      }
      stops.push(counts.treatmentEvents);
    }
    const median = stops.sort((a, b) => a - b)[250] ?? Infinity;
    expect(median).toBeLessThanOrEqual(10);
  });
});

describe('the sequential sample-ratio test', () => {
  it('alarms in at most 1 % of correct 50:50 splits over 500 peeks, and finds an arm that loses 4 % of its units', () => {
    const random = seeded(5);
    const alarm = (loss: number, prior: number): boolean => {
      const observed = [0, 0];
      for (let look = 0; look < 500; look += 1) {
        for (let unit = 0; unit < 200; unit += 1) {
          if (random() < 0.5) observed[0] = (observed[0] ?? 0) + 1;
          else if (random() >= loss) observed[1] = (observed[1] ?? 0) + 1;
        }
        const found = sampleRatioLogBayesFactor({
          observed,
          weights: [1, 1],
          concentration: prior,
        });
        if (found >= -Math.log(0.01)) return true;
      }
      return false;
    };
    const runs = 300;
    let falseAlarms = 0;
    for (let run = 0; run < runs; run += 1) if (alarm(0, 1e4)) falseAlarms += 1;
    expect(falseAlarms / runs).toBeLessThanOrEqual(bound(0.01, runs));
    let found = 0;
    for (let run = 0; run < 40; run += 1) if (alarm(0.04, 1e4)) found += 1;
    expect(found).toBe(40);
  });
});
