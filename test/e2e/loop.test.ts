import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SluiceClient } from '../../demo/sluice-client.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { hasRedis, startRedis, type TestRedis } from '../support/redis.js';
import {
  startTestSluice,
  startUpstream,
  type TestSluice,
  until,
  type Upstream,
} from '../support/sluice.js';

const UNITS_PER_ROUND = 120;
const MAX_ROUNDS = 40;

/** Answers right in all but one of `oneWrongIn` mails; which ones is fixed by the mail. */
function scorer(oneWrongIn: number, oneFailsIn = Number.POSITIVE_INFINITY) {
  return (body: Record<string, unknown>) => {
    const mail = Number(body['mail']);
    if (mail % oneFailsIn === 1) return { status: 500, body: { error: 'broken' } };
    const truth = body['truth'] === true;
    return { body: { spam: mail % oneWrongIn === 0 ? !truth : truth } };
  };
}

const definition = (name: string, control: string, variant: string) => ({
  name,
  model: 'spam',
  kind: 'canary',
  variants: [
    { name: 'control', version: control, control: true },
    { name: variant, version: variant },
  ],
  metrics: [
    { metric: 'mistakes', role: 'success' },
    { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.03 } },
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
});

/** Mails and their truth until the experiment has ended. */
async function traffic(client: SluiceClient, experiment: string): Promise<string> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const mails = Array.from(
      { length: UNITS_PER_ROUND },
      (_, index) => round * UNITS_PER_ROUND + index,
    );
    const outcomes = await Promise.all(
      mails.map(async (mail) => {
        const truth = mail % 3 === 0;
        const unit = `${experiment}-${String(mail)}`;
        const answer = await client.predict({
          model: 'spam',
          path: '/score',
          unit,
          body: { mail, truth },
        });
        return {
          id: `truth-${unit}`,
          model: 'spam',
          requestId: answer.requestId ?? '',
          name: 'truth',
          value: truth ? 1 : 0,
          at: new Date().toISOString(),
        };
      }),
    );
    const told = await client.postOutcomes(outcomes);
    expect(told).toMatchObject({ accepted: UNITS_PER_ROUND, rejected: [] });
    const { status } = await client.experiment(experiment);
    if (status !== 'running') return status;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const log = await client.decisions(experiment);
  return `still running: ${JSON.stringify(log.map(({ kind, summary }) => [kind, summary]))}`;
}

const backends: readonly (readonly [string, boolean])[] = [
  ['PostgreSQL', false],
  ['Redis', true],
];

describe.each(backends)('the loop with its queue on %s', (name, needsRedis) => {
  if (needsRedis && !hasRedis()) {
    process.stderr.write('skipped: the loop with its queue on Redis, there is no redis-server\n');
    it.skip(`${name} is not installed`);
    return;
  }

  let database: TestDatabase;
  let redis: TestRedis | null = null;
  let sluice: TestSluice;
  let upstreams: readonly Upstream[] = [];

  beforeAll(async () => {
    database = await freshDatabase();
    redis = needsRedis ? await startRedis() : null;
    sluice = await startTestSluice({ databaseUrl: database.url, redisUrl: redis?.url ?? null });
    upstreams = await Promise.all([
      startUpstream(scorer(6)),
      startUpstream(scorer(50)),
      startUpstream(scorer(50, 8)),
    ]);
    const { client } = sluice;
    await client.putModel('spam', {
      unit: { header: 'x-sluice-unit' },
      capture: { output: { spam: '/spam' } },
    });
    for (const [index, upstream] of upstreams.entries()) {
      await client.putVersion('spam', `v${String(index + 1)}`, { url: upstream.url });
    }
    await client.putMetric('mistakes', {
      kind: 'mean',
      source: { label: { outcome: 'truth', output: 'spam', loss: 'zero_one' } },
      direction: 'decrease',
    });
  });

  afterAll(async () => {
    await sluice.close();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
    redis?.close();
    await database.close();
  });

  it('promotes a version that makes fewer mistakes, step by step', async () => {
    const { client } = sluice;
    await client.createExperiment(definition('better', 'v1', 'v2'));
    await client.perform('better', 'start', 'a test');
    expect(await traffic(client, 'better')).toBe('completed');
    expect(await client.champion('spam')).toBe('v2');
    const kinds = (await client.decisions('better')).map((decision) => decision.kind);
    expect(kinds[0]).toBe('start');
    expect(kinds.filter((kind) => kind === 'advance')).toHaveLength(1);
    expect(kinds.at(-1)).toBe('promote');
    await until('the gateway serves the new champion', async () => {
      const answer = await client.predict({
        model: 'spam',
        path: '/score',
        unit: 'later',
        body: { mail: 2, truth: true },
      });
      return answer.version === 'v2' && answer.reason === 'champion' ? true : null;
    });
  });

  it('rolls back a version that fails, and the incumbent stays', async () => {
    const { client } = sluice;
    await client.createExperiment(definition('failing', 'v2', 'v3'));
    await client.perform('failing', 'start', 'a test');
    expect(await traffic(client, 'failing')).toBe('rolled_back');
    expect(await client.champion('spam')).toBe('v2');
    const last = (await client.decisions('failing')).at(-1);
    expect(last).toMatchObject({ kind: 'rollback', automatic: true });
    expect(last?.summary).toMatch(/(mistakes|error_rate) of v3 is worse/);
  });

  it('replays every decision with the identical verdict, and the chain is intact', async () => {
    const { client } = sluice;
    for (const experiment of ['better', 'failing']) {
      const decisions = await client.decisions(experiment);
      for (const decision of decisions) {
        expect(await client.replay(experiment, decision.number)).toBe(true);
      }
    }
  });
});
