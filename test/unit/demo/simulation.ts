import type { Evidence } from '../../../src/analysis/evidence.js';
import { assess, runningResults } from '../../../src/analysis/assess.js';
import { experimentSchema } from '../../../src/experiments/experiment.contract.js';
import type { FrozenDesign, Phase } from '../../../src/experiments/experiment.js';
import { freeze } from '../../../src/experiments/freeze.js';
import { sharesAt } from '../../../src/experiments/shares.js';
import { BUILT_IN_METRICS } from '../../../src/metrics/built-in.js';
import { defineMetric } from '../../../src/metrics/define-metric.js';
import { metricBody } from '../../../src/metrics/metric.contract.js';
import type { MetricCell, UnitCell } from '../../../src/metrics/metric.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { Classifier } from '../../../demo/classifiers/classifier.js';
import { isSpam } from '../../../demo/classifiers/classifier.js';
import { canaryDefinition, METRICS } from '../../../demo/design.js';
import type { Mail } from '../../../demo/mails.js';
import type { Random } from '../../../demo/random.js';

export interface SimulatedCanary {
  readonly mails: readonly Mail[];
  readonly control: Classifier;
  readonly variant: Classifier;
  readonly mailsPerSecond: number;
  readonly random: Random;
}

export interface SimulatedEnd {
  readonly verdict: string;
  readonly seconds: number;
  readonly mailsUsed: number;
  readonly summary: string;
}

/** From the prediction until its label is in the evidence: the label's delay and the next look. */
const EVIDENCE_DELAY_S = 4;
const MAX_RUNTIME_S = 600;

interface Unit {
  readonly phase: number;
  readonly variant: string;
  readonly atS: number;
  readonly values: Readonly<Record<string, number>>;
}

/**
 * The demo's canary in simulated time: real mails, real predictions, the product's own statistics and policy, one look a second.
 * Only HTTP, the database and real latencies are left out (latency is lognormal around 5 ms).
 */
export function simulate(canary: SimulatedCanary): SimulatedEnd {
  const design = frozen();
  const phases: Phase[] = [];
  const units: Unit[] = [];
  let step = 0;
  let stepStartedAtMs = 0;
  let evidence: Evidence | null = null;
  let sent = 0;
  const enter = (next: number, nowMs: number): void => {
    step = next;
    stepStartedAtMs = nowMs;
    const coverage = design.steps[step]?.coverage ?? 1;
    const shares = sharesAt(design, coverage);
    phases.push({ phase: phases.length + 1, coverage, startedAtMs: nowMs, shares });
  };
  enter(0, 0);
  for (let second = 1; second <= MAX_RUNTIME_S; second += 1) {
    for (; sent < Math.min(canary.mails.length, second * canary.mailsPerSecond); sent += 1) {
      const unit = enrol(canary, canary.mails[sent] as Mail, phases, second);
      if (unit !== null) units.push(unit);
    }
    evidence = evidenceAt({ design, phases, units, nowS: second, before: evidence });
    const nowMs = second * 1000;
    const decision = decide({
      design,
      state: {
        status: 'running',
        startedAtMs: 0,
        step,
        stepStartedAtMs,
        approvedStep: null,
        failedAnalyses: 0,
      },
      assessment: assess(evidence),
      nowMs,
    });
    if (decision.kind === 'advance') enter(decision.toStep ?? step, nowMs);
    else if (decision.kind !== 'hold') {
      return {
        verdict: decision.kind,
        seconds: second,
        mailsUsed: sent,
        summary: decision.summary,
      };
    }
    if (sent === canary.mails.length && second > sent / canary.mailsPerSecond + EVIDENCE_DELAY_S) {
      return { verdict: 'none', seconds: second, mailsUsed: sent, summary: decision.summary };
    }
  }
  return { verdict: 'none', seconds: MAX_RUNTIME_S, mailsUsed: sent, summary: 'time is over' };
}

function frozen(): FrozenDesign {
  const definition = experimentSchema.parse(
    canaryDefinition({
      name: 'simulated',
      model: 'spam',
      control: 'a',
      variant: 'b',
      hypothesis: '',
      maxRuntimeMs: MAX_RUNTIME_S * 1000,
    }),
  );
  const metrics = Object.entries(METRICS).map(([name, body]) =>
    defineMetric(name, metricBody.parse(body)),
  );
  return freeze(definition, [...BUILT_IN_METRICS, ...metrics], {
    unit: { header: 'x-sluice-unit' },
  });
}

function enrol(
  canary: SimulatedCanary,
  mail: Mail,
  phases: readonly Phase[],
  atS: number,
): Unit | null {
  const phase = phases.at(-1) as Phase;
  const bucket = canary.random();
  const isVariant = bucket < phase.coverage;
  if (!isVariant && bucket < 1 - phase.coverage) return null;
  const probability = (isVariant ? canary.variant : canary.control).probability(mail);
  const truth = mail.spam ? probability : 1 - probability;
  const normal =
    Math.sqrt(-2 * Math.log(1 - canary.random())) * Math.cos(2 * Math.PI * canary.random());
  return {
    phase: phase.phase,
    variant: isVariant ? 'b' : 'control',
    atS,
    values: {
      mistakes: isSpam(probability) === mail.spam ? 0 : 1,
      log_loss: -Math.log(truth),
      error_rate: 0,
      latency_ms: 5 * Math.exp(0.8 * normal),
    },
  };
}

interface Look {
  readonly design: FrozenDesign;
  readonly phases: readonly Phase[];
  readonly units: readonly Unit[];
  readonly nowS: number;
  readonly before: Evidence | null;
}

function evidenceAt({ design, phases, units, nowS, before }: Look): Evidence {
  const arms = phases.flatMap(({ phase }) =>
    ['control', 'b'].map((variant) => ({ phase, variant })),
  );
  const unitCells: UnitCell[] = [];
  const metricCells: MetricCell[] = [];
  for (const arm of arms) {
    const members = units.filter(
      (unit) => unit.phase === arm.phase && unit.variant === arm.variant,
    );
    unitCells.push({ ...arm, units: members.length, crossovers: 0 });
    const labelled = members.filter((unit) => unit.atS <= nowS - EVIDENCE_DELAY_S);
    for (const { definition } of design.metrics) {
      const known = definition.numerator.source.kind === 'label' ? labelled : members;
      metricCells.push(
        cellOf(
          arm,
          definition.name,
          known.map((unit) => unit.values[definition.name] ?? 0),
        ),
      );
    }
  }
  const last = before === null ? null : assess(before);
  return {
    experimentId: '0',
    epoch: 1,
    design,
    designHash: '',
    phases,
    unitCells,
    metricCells,
    droppedEvents: 0,
    caughtUp: true,
    watermarkMs: nowS * 1000,
    previous: last === null || before === null ? [] : runningResults(last, before),
    previousSampleRatioPValue: last?.quality.sampleRatio.runningPValue ?? 1,
  };
}

function cellOf(
  arm: { readonly phase: number; readonly variant: string },
  metric: string,
  values: readonly number[],
): MetricCell {
  const n = values.length;
  const meanY = n === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / n;
  const m2Y = values.reduce((sum, value) => sum + (value - meanY) ** 2, 0);
  const events = values.filter((value) => value > 0).length;
  return {
    metric,
    ...arm,
    n,
    pending: 0,
    meanY,
    m2Y,
    meanD: n === 0 ? 0 : 1,
    m2D: 0,
    coMoment: 0,
    events,
    capped: 0,
    covariate: null,
  };
}
