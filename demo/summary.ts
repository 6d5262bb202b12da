import type { Interval } from '../src/statistics/assessment.js';
import type { CanaryState } from './canary.js';
import { mistakesOf } from './canary.js';
import type { Paint } from './paint.js';
import { padded, percent, signedPercent } from './paint.js';
import type { Mode, Story } from './stories.js';
import { intervalInWords } from './view.js';

/** The figures of one demo, as `--json` writes them. */
export interface Summary {
  readonly mode: Mode;
  readonly seed: number;
  readonly speed: number;
  readonly asExpected: boolean;
  readonly seconds: number;
  readonly mails: { readonly train: number; readonly heldOut: number };
  /** Share of held-out mails labelled right, before any shuffling of labels. */
  readonly accuracy: Readonly<Record<string, number>>;
  readonly predictions: { readonly answered: number; readonly failed: number };
  readonly labels: number;
  readonly refusedLabels: number;
  readonly replayed: { readonly identical: number; readonly of: number };
  readonly experiments: readonly ExperimentFigures[];
}

export interface ExperimentFigures {
  readonly name: string;
  readonly control: string;
  readonly variant: string;
  readonly decision: string;
  readonly expected: string;
  readonly asExpected: boolean;
  /** The decision in words. */
  readonly reason: string;
  /** Labelled mails per arm that the decision rests on. */
  readonly nPerArm: { readonly control: number; readonly variant: number };
  /** Share of mails put into the wrong folder. */
  readonly mistakes: { readonly control: number | null; readonly variant: number | null };
  /** Difference of these shares, variant minus control, with its always-valid interval. */
  readonly effect: number | null;
  readonly interval: Interval | null;
  readonly lift: (Interval & { readonly estimate: number }) | null;
  /** Always-valid p-value of the test that decided, and the level it was held against; without a decision of the difference. */
  readonly p: number | null;
  readonly level: number | null;
  readonly seconds: number;
  readonly predictions: number;
  readonly labels: number;
  readonly decisions: number;
  readonly replayed: number;
}

export interface SummaryInput {
  readonly mode: Mode;
  readonly seed: number;
  readonly speed: number;
  readonly seconds: number;
  readonly train: number;
  readonly heldOut: number;
  readonly accuracy: Readonly<Record<string, number>>;
  readonly stories: readonly Story[];
}

/** Adds up what happened. Pure. */
export function summarise(input: SummaryInput): Summary {
  const { mode, seed, speed, seconds, train, heldOut, accuracy, stories } = input;
  const experiments = stories.map(figuresOf);
  const total = (of: (state: CanaryState) => number): number =>
    stories.reduce((sum, story) => sum + of(story.canary), 0);
  return {
    mode,
    seed,
    speed,
    asExpected:
      stories.length > 0 &&
      stories.every((story) => story.isAsExpected && story.canary.traffic.refused === 0),
    seconds: rounded(seconds),
    mails: { train, heldOut },
    accuracy,
    predictions: {
      answered: total((state) => state.traffic.sent),
      failed: total((state) => state.traffic.failed),
    },
    labels: total((state) => state.traffic.labelled),
    refusedLabels: total((state) => state.traffic.refused),
    replayed: {
      identical: total((state) => state.replayed?.identical ?? 0),
      of: total((state) => state.replayed?.of ?? 0),
    },
    experiments,
  };
}

function figuresOf({ canary, expected, isAsExpected }: Story): ExperimentFigures {
  const metric = mistakesOf(canary);
  const { spec, verdict, traffic, decisions } = canary;
  return {
    name: spec.name,
    control: spec.control,
    variant: spec.variant,
    decision: verdict === 'none' ? lastKind(canary) : verdict,
    expected,
    asExpected: isAsExpected,
    reason: decisions.at(-1)?.summary ?? 'no decision was made',
    nPerArm: { control: metric?.control.n ?? 0, variant: metric?.treatment.n ?? 0 },
    mistakes: { control: metric?.control.value ?? null, variant: metric?.treatment.value ?? null },
    effect: metric?.effect ?? null,
    interval: metric?.interval ?? null,
    lift: metric?.lift ?? null,
    ...decidingTest(canary),
    seconds: rounded(((canary.endedAtMs ?? canary.startedAtMs) - canary.startedAtMs) / 1000),
    predictions: traffic.sent,
    labels: traffic.labelled,
    decisions: decisions.length,
    replayed: canary.replayed?.identical ?? 0,
  };
}

function decidingTest({
  verdict,
  assessment,
}: CanaryState): Pick<ExperimentFigures, 'p' | 'level'> {
  for (const metric of assessment?.metrics ?? []) {
    const test = verdict === 'promote' ? metric.superiority : metric.deterioration;
    if (verdict !== 'none' && test?.kind === 'tested' && test.passed) {
      return { p: test.pValue, level: test.alpha };
    }
  }
  const success = assessment?.metrics.find((metric) => metric.role === 'success');
  if (success === undefined) return { p: null, level: null };
  return { p: success.runningPValue, level: 1 - success.level };
}

function lastKind({ decisions }: CanaryState): string {
  return decisions.at(-1)?.kind ?? 'none';
}

function pInWords(p: number): string {
  return p < 1e-4 ? p.toExponential(1) : String(Number(p.toPrecision(3)));
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

const NAME_COLUMNS = 22;
const COLUMN = 36;

/** The summary as a table, one column per experiment. Pure. */
export function renderSummary(
  summary: Summary,
  stories: readonly Story[],
  paint: Paint,
): readonly string[] {
  const { experiments, accuracy, mails, predictions, labels, refusedLabels, replayed } = summary;
  const row = (name: string, cell: (figures: ExperimentFigures, index: number) => string): string =>
    padded(name, NAME_COLUMNS) +
    experiments.map((each, index) => padded(cell(each, index), COLUMN)).join('');
  const accuracies = Object.entries(accuracy).map(([name, share]) => `${name} ${percent(share)}`);
  const verdict = summary.asExpected
    ? paint('green', 'as expected')
    : paint('red', 'NOT as expected');
  return [
    paint(
      'bold',
      row('', ({ control, variant }) => `${control} → ${variant}`),
    ),
    row('decision', ({ decision, asExpected }) => paint(asExpected ? 'green' : 'red', decision)),
    row('expected', ({ expected }) => expected),
    row(
      'labelled mails',
      ({ nPerArm }) => `${nPerArm.control} control, ${nPerArm.variant} variant`,
    ),
    row(
      'mistakes',
      (each) => `${percent(each.mistakes.control)} → ${percent(each.mistakes.variant)}`,
    ),
    row('difference', (_, index) => {
      const story = stories[index];
      const metric = story === undefined ? null : mistakesOf(story.canary);
      return metric === null ? '–' : intervalInWords(metric);
    }),
    row('lift', ({ lift }) => (lift === null ? '–' : signedPercent(lift.estimate))),
    row('always-valid p', ({ p, level }) =>
      p === null || level === null
        ? '–'
        : `${pInWords(p)} at level ${String(Number(level.toPrecision(3)))}`,
    ),
    row('time', ({ seconds }) => `${seconds.toFixed(0)} s`),
    row('predictions, labels', (each) => `${each.predictions}, ${each.labels}`),
    '',
    ...experiments.map((each) => `${each.name}: ${each.reason}`),
    '',
    `accuracy on ${mails.heldOut} held-out mails (trained on ${mails.train}): ${accuracies.join(', ')}`,
    `${predictions.answered} predictions through the gateway, ${predictions.failed} failed; ${labels} labels posted back, ${refusedLabels} refused`,
    `replayed ${replayed.identical} of ${replayed.of} identical`,
    `everything ${verdict} after ${summary.seconds.toFixed(0)} s (seed ${summary.seed})`,
  ];
}
