import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import { bayesianFigures } from '../../../src/analysis/bayes.js';
import { designOf, evidenceOf, mistakes, rateCell, success } from '../../support/evidence.js';

const only = designOf({ metrics: [success(mistakes)] });
const figuresOf = (control: number, treatment: number, n = 1000, design = only) =>
  bayesianFigures(
    evidenceOf(
      [
        rateCell({ metric: 'mistakes', variant: 'control' }, control, n),
        rateCell({ metric: 'mistakes', variant: 'v2' }, treatment, n),
      ],
      { design },
    ),
  );

it('shrinks the lift towards no effect by the prior that is shown', () => {
  const [figure] = figuresOf(120, 90);
  expect(figure?.prior).toEqual({ mean: 0, standardDeviation: 0.3 });
  // lift -.25, se .09906 by the delta method: the prior holds .0983 of the precision
  expect(figure?.lift.mean).toBeCloseTo(-0.22542, 5);
  expect(figure?.lift.lower).toBeLessThan(-0.25);
});

it('counts in the good direction: fewer mistakes win', () => {
  const [better] = figuresOf(120, 90);
  const [worse] = figuresOf(90, 120);
  expect(better?.chanceToWin).toBeGreaterThan(0.95);
  expect(worse?.chanceToWin).toBeLessThan(0.06);
  expect(better?.expectedLoss).toBeLessThan(better?.expectedLossOfControl ?? 0);
  expect(worse?.expectedLoss).toBeGreaterThan(worse?.expectedLossOfControl ?? 0);
  const [same] = figuresOf(100, 100);
  expect(same?.chanceToWin).toBeCloseTo(0.5, 12);
});

it('leaves out what cannot be estimated', () => {
  expect(figuresOf(0, 0)).toEqual([]);
  expect(bayesianFigures(evidenceOf([], { design: only }))).toEqual([]);
});

it('is out of reach of the decision: neither the assessment nor the policy knows of it', () => {
  const text = JSON.stringify(assess(evidenceOf([])));
  expect(text).not.toMatch(/chance|bayes|posterior|expectedLoss/i);
  const src = join(import.meta.dirname, '..', '..', '..', 'src');
  for (const file of ['rollouts/replay.ts', 'rollouts/policy/decide.ts', 'analysis/assess.ts']) {
    expect(readFileSync(join(src, file), 'utf8')).not.toMatch(/bayes/i);
  }
});

it('leaves out the lift of a variant without a single event, which has no error to first order', () => {
  expect(figuresOf(120, 0)).toEqual([]);
});
