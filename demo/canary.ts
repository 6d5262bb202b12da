import { setTimeout as sleep } from 'node:timers/promises';
import type { Assessment, MetricAssessment } from '../src/statistics/assessment.js';
import type { CanarySpec } from './design.js';
import { canaryDefinition, MISTAKES } from './design.js';
import type { Mail } from './mails.js';
import type { DecisionView, ExperimentView, SluiceClient } from './sluice-client.js';
import type { Traffic, TrafficCounts } from './traffic.js';

export type Verdict = 'promote' | 'rollback' | 'none';

/** What can be seen of a canary at one moment. */
export interface CanaryState {
  readonly spec: CanarySpec;
  readonly status: ExperimentView['status'];
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly mails: number;
  readonly traffic: TrafficCounts;
  /** Share of mails that get the variant at present. */
  readonly coverage: number;
  readonly assessment: Assessment | null;
  readonly decisions: readonly DecisionView[];
  readonly verdict: Verdict;
  /** Decisions computed again and found identical; null before the end. */
  readonly replayed: { readonly identical: number; readonly of: number } | null;
}

export interface CanaryRun {
  readonly client: SluiceClient;
  readonly traffic: Traffic;
  readonly spec: CanarySpec;
  readonly mails: readonly Mail[];
  readonly onChange: (state: CanaryState) => void;
}

const POLL_MS = 500;
/** Sluice ends an experiment itself at its maximum runtime; this much later somebody has to say that it did not. */
const OVERTIME_MS = 20_000;

/** Creates and starts a canary, sends it mails until Sluice has decided, and replays every decision of it. */
export async function runCanary(run: CanaryRun): Promise<CanaryState> {
  const { client, traffic, spec, mails } = run;
  const { id } = await client.createExperiment(canaryDefinition(spec));
  await client.perform(id, 'start', 'the demo starts it');
  const startedAtMs = Date.now();
  const stop = new AbortController();
  const sending = traffic.run(mails, spec.name, stop.signal);
  // a failed sender ends the wait at once instead of after the maximum runtime
  const failure = sending.then(
    () => new Promise<never>(() => undefined),
    (error: unknown) => Promise.reject(error as Error),
  );
  const look = async (): Promise<CanaryState> => ({
    ...(await lookAt(client, id)),
    spec,
    startedAtMs,
    endedAtMs: null,
    mails: mails.length,
    traffic: traffic.progress(),
    replayed: null,
  });
  try {
    await Promise.race([failure, followUntilEnd(look, run)]);
  } finally {
    stop.abort();
  }
  const endedAtMs = Date.now();
  await sending;
  const last = await look();
  if (last.status === 'running') await client.perform(id, 'abort', 'out of mails and time');
  const replayed = await replayAll(client, id);
  const state: CanaryState = { ...last, endedAtMs, replayed };
  run.onChange(state);
  return state;
}

async function followUntilEnd(look: () => Promise<CanaryState>, run: CanaryRun): Promise<void> {
  const deadlineMs = Date.now() + run.spec.maxRuntimeMs + OVERTIME_MS;
  for (;;) {
    const state = await look();
    run.onChange(state);
    if (state.status !== 'running' || Date.now() > deadlineMs) return;
    await sleep(POLL_MS);
  }
}

type Observed = Pick<CanaryState, 'status' | 'coverage' | 'assessment' | 'decisions' | 'verdict'>;

async function lookAt(client: SluiceClient, id: string): Promise<Observed> {
  const [experiment, report, decisions] = await Promise.all([
    client.experiment(id),
    client.report(id),
    client.decisions(id),
  ]);
  const kinds = decisions.map((decision) => decision.kind);
  return {
    status: experiment.status,
    coverage: report?.evidence.phases.at(-1)?.coverage ?? 0,
    assessment: report?.assessment ?? null,
    decisions,
    verdict: kinds.includes('promote')
      ? 'promote'
      : kinds.includes('rollback')
        ? 'rollback'
        : 'none',
  };
}

/** Every decision of an experiment, computed again from what it was stored with. */
export async function replayAll(
  client: SluiceClient,
  id: string,
): Promise<{ readonly identical: number; readonly of: number }> {
  const decisions = await client.decisions(id);
  let identical = 0;
  for (const { number } of decisions) {
    if (await client.replay(id, number)) identical += 1;
  }
  return { identical, of: decisions.length };
}

/** The metric that the demo is about; null before the first report. */
export function mistakesOf(state: CanaryState): MetricAssessment | null {
  return state.assessment?.metrics.find((metric) => metric.metric === MISTAKES) ?? null;
}
