import { describe, expect, it } from 'vitest';
import type { CanaryState } from '../../../demo/canary.js';
import {
  clipped,
  intervalBar,
  paintWith,
  progressBar,
  visibleLength,
} from '../../../demo/paint.js';
import { renderSummary, summarise } from '../../../demo/summary.js';
import { renderLine, renderScreen } from '../../../demo/view.js';
import type { Assessment, MetricAssessment } from '../../../src/statistics/assessment.js';

const plain = paintWith(false);

const MISTAKES: MetricAssessment = {
  metric: 'mistakes',
  variant: 'v2',
  role: 'success',
  direction: 'decrease',
  control: { n: 412, pending: 0, value: 0.117, events: 48, capped: 0 },
  treatment: { n: 398, pending: 0, value: 0.0176, events: 7, capped: 0 },
  effect: -0.0994,
  standardError: 0.017,
  interval: { lower: -0.152, upper: -0.047 },
  runningInterval: { lower: -0.152, upper: -0.047 },
  pValue: 0.00012,
  runningPValue: 0.00012,
  level: 0.95,
  lift: { estimate: -0.85, lower: -0.97, upper: -0.6 },
  adjustment: { kind: 'none', reason: 'no_covariate' },
  looks: [],
  margin: null,
  superiority: null,
  nonInferiority: null,
  deterioration: null,
};

const ERRORS: MetricAssessment = {
  ...MISTAKES,
  metric: 'error_rate',
  role: 'guardrail',
  margin: 0.02,
  effect: 0,
  interval: null,
  lift: null,
  control: { n: 412, pending: 0, value: 0, events: 0, capped: 0 },
  treatment: { n: 398, pending: 0, value: 0, events: 0, capped: 0 },
  nonInferiority: { kind: 'insufficient', reason: 'too_few_units', have: 398, need: 500 },
};

function assessment(metrics: readonly MetricAssessment[]): Assessment {
  return {
    units: [],
    metrics,
    quality: {
      sampleRatio: {
        runningPValue: 1,
        chiSquarePValue: null,
        alpha: 0.01,
        mismatch: false,
        arms: [],
      },
      crossoverUnits: 0,
      crossoverShare: 0,
      crossoverAlarm: false,
      droppedEvents: 0,
      caughtUp: true,
    },
    reading: 'test',
    horizon: null,
  };
}

const RUNNING: CanaryState = {
  spec: {
    name: 'spam-v2',
    model: 'spam',
    control: 'v1',
    variant: 'v2',
    hypothesis: 'reading the body helps',
    maxRuntimeMs: 100_000,
  },
  status: 'running',
  startedAtMs: 1_000,
  endedAtMs: null,
  mails: 4_000,
  traffic: { sent: 1_000, failed: 0, labelled: 900, refused: 0 },
  coverage: 0.25,
  assessment: assessment([MISTAKES, ERRORS]),
  decisions: [
    { number: 1, kind: 'start', automatic: false, summary: 'started', atMs: 1_000 },
    { number: 2, kind: 'advance', automatic: true, summary: 'step 1 is complete', atMs: 9_000 },
  ],
  verdict: 'none',
  replayed: null,
};

const PROMOTED: CanaryState = {
  ...RUNNING,
  status: 'completed',
  verdict: 'promote',
  endedAtMs: 61_000,
  replayed: { identical: 5, of: 5 },
};

function screenOf(canaries: readonly CanaryState[], columns = 160): string {
  const screen = { nowMs: 26_000, startedAtMs: 0, headline: 'gateway http://x', canaries };
  return renderScreen(screen, columns, plain).join('\n');
}

describe('the screen', () => {
  it('shows progress, coverage, arms, the difference with its interval, guardrails and decisions', () => {
    const text = screenOf([RUNNING]);
    expect(text).toContain('canary v1 → v2  running');
    expect(text).toContain('1000 of 4000, 40/s, 900 labels back');
    expect(text).toContain('✓ 10 %   ▶ 25 %   · 50 %   · 100 %');
    expect(text).toContain('412 labelled mails,   48 mistakes = 11.7 %');
    expect(text).toContain('−9.9 pp [−15.2 pp, −4.7 pp]');
    expect(text).toContain('−85.0 % mistakes, between −97.0 % and −60.0 %');
    expect(text).toContain('too few units (398 of 500)');
    expect(text).toContain('0:08  advance   step 1 is complete');
  });

  it('says so before there is a report', () => {
    expect(screenOf([{ ...RUNNING, assessment: null }])).toContain('waiting for the first report');
    expect(renderLine({ ...RUNNING, assessment: null }, 6_000, [])).toContain('no report yet');
  });

  it('shortens canaries that have ended', () => {
    const text = screenOf([PROMOTED, RUNNING]);
    expect(text).toContain('v1 → v2  PROMOTED');
    expect(text.match(/labelled mails/g)).toHaveLength(2);
  });

  it('never wraps a line', () => {
    for (const line of renderScreen(
      { nowMs: 0, startedAtMs: 0, headline: 'h'.repeat(200), canaries: [RUNNING] },
      60,
      paintWith(true),
    )) {
      expect(visibleLength(line)).toBeLessThanOrEqual(60);
    }
  });

  it('has no escape codes without colours', () => {
    expect(screenOf([PROMOTED, RUNNING])).not.toContain('\u001b');
  });

  it('tells the same on one line', () => {
    expect(renderLine(RUNNING, 26_000, RUNNING.decisions.slice(1))).toBe(
      '[0:25] v1 → v2 at 25 %: 1000 mails, 900 labels; mistakes 1.8 % (n 398) against 11.7 % (n 412), ' +
        'difference −9.9 pp [−15.2 pp, −4.7 pp]\n         advance: step 1 is complete',
    );
  });
});

describe('an interval bar', () => {
  const bar = { lower: -0.5, upper: 0.5, estimate: 0.25, margin: null, reach: 1 };

  it('is drawn to scale around zero', () => {
    expect(intervalBar(bar, 21)).toBe('     ├────│──●─┤     ');
  });

  it('shows the margin, and arrows where it leaves the picture', () => {
    expect(intervalBar({ ...bar, margin: 0.8 }, 21)).toBe('     ├────│──●─┤  ┊  ');
    expect(intervalBar({ ...bar, lower: -3, upper: 4 }, 21)).toBe('←─────────│──●──────→');
  });
});

describe('drawing', () => {
  it('keeps progress between empty and full', () => {
    expect(progressBar(-1, 4)).toBe('░░░░');
    expect(progressBar(0.5, 4)).toBe('██░░');
    expect(progressBar(2, 4)).toBe('████');
  });

  it('clips text, not colours', () => {
    const line = paintWith(true)('red', 'abcdef');
    expect(clipped(line, 3)).toBe('\u001b[31mabc\u001b[0m');
  });
});

describe('the summary', () => {
  const stories = [{ canary: PROMOTED, expected: 'promotion', isAsExpected: true }];
  const input = {
    mode: 'normal' as const,
    seed: 1,
    speed: 1,
    seconds: 66.04,
    train: 2_000,
    heldOut: 3_800,
    accuracy: { v1: 0.884 },
    stories,
  };

  it('has the figures of each experiment', () => {
    const summary = summarise(input);
    expect(summary).toMatchObject({ asExpected: true, seconds: 66, labels: 900 });
    expect(summary.experiments[0]).toMatchObject({
      decision: 'promote',
      nPerArm: { control: 412, variant: 398 },
      effect: -0.0994,
      p: 0.00012,
      seconds: 60,
      replayed: 5,
    });
  });

  it('is printed as a table that says how many decisions replayed', () => {
    const text = renderSummary(summarise(input), stories, plain).join('\n');
    expect(text).toContain('replayed 5 of 5 identical');
    expect(text).toContain('everything as expected after 66 s (seed 1)');
    expect(text).toContain('11.7 % → 1.8 %');
  });

  it('does not call it a success when one story went otherwise, or none was told', () => {
    const failed = [{ ...stories[0]!, isAsExpected: false }];
    expect(summarise({ ...input, stories: failed }).asExpected).toBe(false);
    expect(summarise({ ...input, stories: [] }).asExpected).toBe(false);
  });
});
