import type { SluiceClient } from '../../demo/sluice-client.js';
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

/** Answers right in all but one of `oneWrongIn` mails; which ones is fixed by the mail. */
function scorer(oneWrongIn: number) {
  return (body: Record<string, unknown>) => {
    const truth = body['truth'] === true;
    return { body: { spam: Number(body['mail']) % oneWrongIn === 0 ? !truth : truth } };
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

async function send(client: SluiceClient, tag: string, units: number): Promise<void> {
  const outcomes = await Promise.all(
    Array.from({ length: units }, async (_, mail) => {
      const truth = mail % 3 === 0;
      const unit = `${tag}-${String(mail)}`;
      const country = ['DE', 'IN', 'BR'][mail % 3];
      const body = { mail, truth, country };
      const { requestId } = await client.predict({ model: 'spam', path: '/score', unit, body });
      return {
        ...{ id: `truth-${unit}`, model: 'spam', requestId: requestId ?? '', name: 'truth' },
        ...{ value: truth ? 1 : 0, at: new Date().toISOString() },
      };
    }),
  );
  await client.postOutcomes(outcomes);
}

async function untilEnded(client: SluiceClient, experiment: string): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    await send(client, `${experiment}-${String(round)}`, UNITS_PER_ROUND);
    if ((await client.experiment(experiment)).status !== 'running') return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`${experiment} did not end`);
}

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
  return {
    ...{ sluice, client, readKey },
    send: (tag, units) => send(client, tag, units),
    close: async () => {
      await sluice.close();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}

async function tell(client: SluiceClient, body: object, name: string): Promise<void> {
  await client.createExperiment(body);
  await client.perform(name, 'start', 'a story for the console');
  await untilEnded(client, name);
}
