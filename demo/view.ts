import type { MetricAssessment, TestResult } from '../src/statistics/assessment.js';
import type { CanaryState } from './canary.js';
import { mistakesOf } from './canary.js';
import { STEPS } from './design.js';
import type { DecisionView } from './sluice-client.js';
import type { Paint } from './paint.js';
import {
  clipped,
  clock,
  intervalBar,
  padded,
  percent,
  points,
  progressBar,
  signedPercent,
} from './paint.js';

/** Everything on the screen; a function of it and of nothing else draws the screen. */
export interface Screen {
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly headline: string;
  readonly canaries: readonly CanaryState[];
}

const BAR_COLUMNS = 41;
const PROGRESS_COLUMNS = 30;
const LABEL_COLUMNS = 14;
/** Decisions shown of the running canary: the newest. */
const MAX_DECISIONS = 7;

/** The whole screen as lines. Pure. */
export function renderScreen(screen: Screen, columns: number, paint: Paint): readonly string[] {
  const elapsed = clock((screen.nowMs - screen.startedAtMs) / 1000);
  const lines = [`${paint('bold', 'Sluice')}  ${screen.headline}  ${paint('dim', elapsed)}`, ''];
  for (const [index, state] of screen.canaries.entries()) {
    const isCurrent = index === screen.canaries.length - 1;
    lines.push(
      ...(isCurrent ? renderCanary(state, screen.nowMs, paint) : renderEnded(state, paint)),
    );
    lines.push('');
  }
  return lines.map((line) => clipped(line, columns));
}

/** One line for a log: what a canary looks like right now, and what was decided since the last line. */
export function renderLine(
  state: CanaryState,
  nowMs: number,
  news: readonly DecisionView[],
): string {
  const { spec, traffic } = state;
  const seconds = ((state.endedAtMs ?? nowMs) - state.startedAtMs) / 1000;
  const metric = mistakesOf(state);
  const mistakes =
    metric === null
      ? 'no report yet'
      : `mistakes ${percent(metric.treatment.value)} (n ${metric.treatment.n}) against ` +
        `${percent(metric.control.value)} (n ${metric.control.n}), difference ${intervalInWords(metric)}`;
  const decided = news.map(({ kind, summary }) => `\n         ${kind}: ${summary}`).join('');
  return (
    `[${clock(seconds)}] ${spec.control} → ${spec.variant} at ${percent(state.coverage, 0)}: ` +
    `${traffic.sent} mails, ${traffic.labelled} labels; ${mistakes}${decided}`
  );
}

function renderEnded(state: CanaryState, paint: Paint): readonly string[] {
  const last = state.decisions.at(-1);
  const { spec } = state;
  return [
    `${paint('bold', `${spec.control} → ${spec.variant}`)}  ${verdictWord(state, paint)}`,
    ...(last === undefined ? [] : [`  ${paint('dim', last.summary)}`]),
  ];
}

function renderCanary(state: CanaryState, nowMs: number, paint: Paint): readonly string[] {
  const { spec, traffic } = state;
  const seconds = ((state.endedAtMs ?? nowMs) - state.startedAtMs) / 1000;
  const rate = seconds > 0 ? traffic.sent / seconds : 0;
  const done = traffic.sent + traffic.failed;
  return [
    `${paint('bold', `canary ${spec.control} → ${spec.variant}`)}  ${verdictWord(state, paint)}  ${paint('dim', clock(seconds))}`,
    `  ${paint('dim', spec.hypothesis)}`,
    `  ${row('mails')}${progressBar(done / state.mails, PROGRESS_COLUMNS)} ${done} of ${state.mails}, ` +
      `${rate.toFixed(0)}/s, ${traffic.labelled} labels back${traffic.failed > 0 ? paint('red', `, ${traffic.failed} failed`) : ''}`,
    `  ${row('coverage')}${renderSteps(state, paint)}`,
    ...renderArms(state),
    ...renderEffect(state, paint),
    ...renderGuardrails(state, paint),
    '',
    ...state.decisions
      .slice(-MAX_DECISIONS)
      .map((decision) => renderDecision(decision, state, paint)),
  ];
}

function renderSteps(state: CanaryState, paint: Paint): string {
  return STEPS.map(({ coverage }) => {
    const text = percent(coverage, 0);
    if (coverage === state.coverage) return paint('cyan', `▶ ${text}`);
    return coverage < state.coverage ? `✓ ${text}` : paint('dim', `· ${text}`);
  }).join('   ');
}

function renderArms(state: CanaryState): readonly string[] {
  const metric = mistakesOf(state);
  if (metric === null) return [`  ${row('evidence')}waiting for the first report`];
  const { control, treatment } = metric;
  const arm = (name: string, { n, events, value }: typeof control): string =>
    `  ${row(name)}${String(n).padStart(5)} labelled mails, ${String(events).padStart(4)} mistakes = ${percent(value)}`;
  return [arm(`${state.spec.control} control`, control), arm(state.spec.variant, treatment)];
}

function renderEffect(state: CanaryState, paint: Paint): readonly string[] {
  const metric = mistakesOf(state);
  if (metric === null) return [];
  const { interval, effect, lift } = metric;
  if (interval === null || effect === null) return [];
  const reach = Math.max(Math.abs(interval.lower), Math.abs(interval.upper), 0.05);
  const bar = intervalBar({ ...interval, estimate: effect, margin: null, reach }, BAR_COLUMNS);
  const style = interval.upper < 0 ? 'green' : interval.lower > 0 ? 'red' : 'yellow';
  return [
    `  ${row('difference')}${paint(style, bar)} ${intervalInWords(metric)}`,
    `  ${row('')}${paint('dim', padded('better ◂', BAR_COLUMNS / 2 - 1) + '▸ worse')}`,
    ...(lift === null
      ? []
      : [
          `  ${row('lift')}${signedPercent(lift.estimate)} mistakes, between ${signedPercent(lift.lower)} and ${signedPercent(lift.upper)}`,
        ]),
  ];
}

function renderGuardrails(state: CanaryState, paint: Paint): readonly string[] {
  const guardrails =
    state.assessment?.metrics.filter((metric) => metric.role === 'guardrail') ?? [];
  return guardrails.map((metric) => {
    const { metric: name, control, treatment, margin, interval, effect } = metric;
    const show = (value: number | null): string =>
      name === 'latency_ms' ? `${value === null ? '–' : value.toFixed(1)} ms` : percent(value);
    const reach = (margin ?? 1) * 1.5;
    const bar =
      interval === null || effect === null
        ? padded('', BAR_COLUMNS)
        : intervalBar({ ...interval, estimate: effect, margin, reach }, BAR_COLUMNS);
    const verdict = guardrailWord(metric.nonInferiority, metric.deterioration, paint);
    return `  ${row(name)}${bar} ${show(treatment.value)} against ${show(control.value)}, margin +${show(margin)}: ${verdict}`;
  });
}

function guardrailWord(test: TestResult | null, harm: TestResult | null, paint: Paint): string {
  if (harm?.kind === 'tested' && harm.passed) return paint('red', 'harmed');
  if (test === null) return paint('dim', 'not tested');
  if (test.kind === 'insufficient') {
    return paint(
      'dim',
      `${test.reason.replaceAll('_', ' ')} (${Math.floor(test.have)} of ${test.need})`,
    );
  }
  return test.passed ? paint('green', 'within its margin') : paint('yellow', 'not yet shown');
}

function renderDecision(
  decision: CanaryState['decisions'][number],
  state: CanaryState,
  paint: Paint,
): string {
  const seconds = clock((decision.atMs - state.startedAtMs) / 1000);
  const style = { promote: 'green', rollback: 'red', advance: 'cyan' } as const;
  const kind =
    decision.kind in style
      ? paint(style[decision.kind as keyof typeof style], decision.kind.padEnd(9))
      : decision.kind.padEnd(9);
  return `  ${paint('dim', seconds.padStart(5))}  ${kind} ${decision.summary}`;
}

function verdictWord({ verdict, status }: CanaryState, paint: Paint): string {
  if (verdict === 'promote') return paint('green', 'PROMOTED');
  if (verdict === 'rollback') return paint('red', 'ROLLED BACK');
  return status === 'running' ? paint('cyan', 'running') : paint('yellow', 'NOT DECIDED');
}

/** The difference in mistakes with its interval, in percentage points. */
export function intervalInWords({ effect, interval }: MetricAssessment): string {
  if (effect === null || interval === null) return 'not estimated yet';
  return `${points(effect)} [${points(interval.lower)}, ${points(interval.upper)}]`;
}

function row(name: string): string {
  return padded(name, LABEL_COLUMNS);
}
