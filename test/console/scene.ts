import { SluiceApiError, type SluiceClient } from '../../demo/sluice-client.js';
import {
  startTestSluice,
  startUpstream,
  type TestSluice,
  type Upstream,
} from '../support/sluice.js';

export const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';

/** Two stories that have ended, a third that waits for a person, and the traffic to tell more. */
export interface Scene {
  readonly sluice: TestSluice;
  readonly client: SluiceClient;
  readonly readKey: string;
  /** Sends mails and their truth. */
  readonly send: (tag: string, units: number) => Promise<void>;
  close(): Promise<void>;
}

const UNITS_PER_ROUND = 120;
const MAX_ROUNDS = 60;
const AT_ONCE = 50;

/** Answers right in all but one of `oneWrongIn` mails; which ones is fixed by the mail. */
function scorer(oneWrongIn: number) {
  return (body: Record<string, unknown>) => {
    const truth = body['truth'] === true;
    const spam = Number(body['mail']) % oneWrongIn === 0 ? !truth : truth;
    // a score beside the answer: surer where the version is better, and never the same twice
    const doubt = ((Number(body['mail']) * 37) % 100) / (40 * Math.sqrt(oneWrongIn));
    return { body: { spam, score: spam ? 1 - doubt : doubt } };
  };
}

export const definition = (
  name: string,
  control: string,
  variant: string,
  changes = {},
): object => ({
  name,
  model: 'spam',
  kind: 'canary',
  hypothesis: 'reading the body puts fewer mails into the wrong folder',
  variants: [
    { name: 'control', version: control, control: true },
    { name: variant, version: variant },
  ],
  metrics: [
    { metric: 'mistakes', role: 'success' },
    { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.03 } },
    { metric: 'latency_ms', role: 'guardrail', nonInferiorityMargin: { absolute: 200 } },
  ],
  analysis: {
    minimumDetectableEffect: { absolute: 0.05 },
    plannedUnits: 1200,
    minRuntime: '1s',
    interval: '1s',
  },
  rollout: {
    steps: [{ coverage: 0.25, hold: { minUnits: 50 } }, { coverage: 0.5 }, { coverage: 1 }],
  },
  ...changes,
});

async function send(
  client: SluiceClient,
  tag: string,
  units: number,
  { model = 'spam', first = 0 } = {},
): Promise<void> {
  const outcomes = await Promise.all(
    Array.from({ length: units }, async (_, index) => {
      const mail = first + index;
      const truth = mail % 3 === 0;
      const unit = `${tag}-${String(mail)}`;
      const country = ['DE', 'IN', 'BR'][mail % 3];
      const body = { mail, truth, country };
      const { requestId } = await client.predict({ model, path: '/score', unit, body });
      return {
        ...{ id: `truth-${unit}`, model, requestId: requestId ?? '', name: 'truth' },
        ...{ value: truth ? 1 : 0, at: new Date().toISOString() },
      };
    }),
  );
  await patiently(() => client.postOutcomes(outcomes));
}

const ATTEMPTS = 20;

/** A busy machine sheds load (503): the same outcomes again change nothing, so they are sent again. */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await work();
      return;
    } catch (error) {
      const isBusy = error instanceof SluiceApiError && error.status === 503;
      if (!isBusy || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function untilEnded(client: SluiceClient, experiment: string): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    await send(client, `${experiment}-${String(round)}`, UNITS_PER_ROUND);
    if ((await client.experiment(experiment)).status !== 'running') return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`${experiment} did not end`);
}

/** Long enough to be looked at while it goes on. */
const LONG = {
  analysis: {
    minimumDetectableEffect: { absolute: 0.05 },
    ...{ plannedUnits: 1200, minRuntime: '1d', interval: '1s' },
  },
};

export async function startScene(databaseUrl: string | null): Promise<Scene> {
  const sluice = await startTestSluice({ databaseUrl });
  const upstreams: readonly Upstream[] = await Promise.all([
    startUpstream(scorer(6)),
    startUpstream(scorer(50)),
    startUpstream(scorer(4)),
  ]);
  const { client } = sluice;
  await client.putModel('spam', {
    unit: { header: 'x-sluice-unit' },
    capture: { output: { spam: '/spam' }, input: { country: '/country' } },
  });
  for (const [index, upstream] of upstreams.entries()) {
    await client.putVersion('spam', `v${String(index + 1)}`, { url: upstream.url });
  }
  await client.putMetric('mistakes', {
    kind: 'mean',
    source: { label: { outcome: 'truth', output: 'spam', loss: 'zero_one' } },
    direction: 'decrease',
  });
  const readKey = await client.createKey('reader', [
    ...['models:read', 'metrics:read', 'experiments:read'],
  ]);
  await tell(client, definition('better', 'v1', 'v2'), 'better');
  await tell(client, definition('worse', 'v2', 'v3'), 'worse');
  const urls = upstreams.map(({ url }) => url);
  await shadow(client, urls);
  await holdout(client, urls);
  return {
    ...{ sluice, client, readKey },
    send: async (tag, units) => {
      // no more at once than a busy machine answers in time
      for (let first = 0; first < units; first += AT_ONCE) {
        await send(client, tag, Math.min(AT_ONCE, units - first), { first });
      }
    },
    close: async () => {
      await sluice.close();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}

const VERSIONS = ['v1', 'v2'] as const;

/** Copies of every mail go to `v2`; the experiment goes on. */
async function shadow(client: SluiceClient, urls: readonly string[]): Promise<void> {
  await client.putModel('dark', {
    capture: { output: { spam: '/spam', score: '/score' } },
    idempotent: true,
  });
  for (const [index, version] of VERSIONS.entries()) {
    await client.putVersion('dark', version, { url: urls[index] });
  }
  const kind = { kind: 'shadow', model: 'dark', mirror: { timeoutMs: 2_000 }, rollout: undefined };
  await client.createExperiment(definition('in-the-dark', 'v1', 'v2', { ...kind, ...LONG }));
  await client.perform('in-the-dark', 'start', 'before anybody sees it');
  // no more at once than are copied; then a few more, which are dropped
  for (let first = 0; first < 500; first += 25) {
    await send(client, 'dark', 25, { model: 'dark', first });
  }
  await send(client, 'dark', 40, { model: 'dark', first: 500 });
}

/** A third of the units stays on `v1` while `v2` is shipped. */
async function holdout(client: SluiceClient, urls: readonly string[]): Promise<void> {
  const capture = { output: { spam: '/spam' } };
  await client.putModel('kept', { capture });
  for (const [index, version] of VERSIONS.entries()) {
    await client.putVersion('kept', version, { url: urls[index] });
  }
  await client.putModel('kept', { capture, holdout: { share: 0.3, version: 'v1' } });
  await client.createExperiment({
    ...{ kind: 'holdout', name: 'status-quo', model: 'kept', period: '3s' },
    metrics: [{ metric: 'mistakes', role: 'success' }],
    analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1_000, interval: '1s' },
  });
  await client.perform('status-quo', 'start', 'to see what shipping brings');
  for (let round = 0; round < 3; round += 1)
    await send(client, `kept-${round}`, 150, { model: 'kept' });
  await client.setChampion('kept', 'v2', 'it was better');
  for (let round = 3; round < 8; round += 1) {
    await send(client, `kept-${round}`, 150, { model: 'kept' });
    await new Promise((resolve) => setTimeout(resolve, 800));
  }
}

async function tell(client: SluiceClient, body: object, name: string): Promise<void> {
  await client.createExperiment(body);
  await client.perform(name, 'start', 'a story for the console');
  await untilEnded(client, name);
}
