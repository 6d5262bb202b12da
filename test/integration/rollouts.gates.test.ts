import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { answer, type Receiver, startReceiver } from '../support/receiver.js';
import {
  startTestSluice,
  startUpstream,
  type TestSluice,
  until,
  type Upstream,
} from '../support/sluice.js';

/** Two fifths of them in each arm: far more than this difference between the versions needs. */
const UNITS = 200;

const definition = (
  name: string,
  [control, variant]: readonly [string, string],
  metric: string,
) => ({
  name,
  model: 'spam',
  kind: 'canary',
  variants: [
    { name: 'control', version: control, control: true },
    { name: variant, version: variant },
  ],
  metrics: [{ metric, role: 'success' }],
  analysis: {
    minimumDetectableEffect: { absolute: 0.2 },
    plannedUnits: 200,
    minUnits: 20,
    minRuntime: '1s',
    interval: '1s',
  },
  rollout: { steps: [{ coverage: 0.4 }, { coverage: 0.5 }, { coverage: 1 }] },
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- asserted by each test
type Body = any;

/** Every policy decision of an experiment as `kind:code`. */
type Log = readonly string[];

describe('a gate', () => {
  let database: TestDatabase;
  let sluice: TestSluice;
  let gate: Receiver;
  let upstreams: readonly Upstream[];
  let units = 0;

  const call = async (method: string, path: string, body?: object): Promise<Body> => {
    const { controlUrl, adminKey } = sluice.client.address;
    const response = await fetch(`${controlUrl}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
    return response.status === 204 ? null : response.json();
  };
  const log = async (experiment: string): Promise<Log> =>
    (await call('GET', `/experiments/${experiment}/decisions`)).decisions.map(
      ({ kind, reasons }: { kind: string; reasons: { code: string } }) => `${kind}:${reasons.code}`,
    );
  const predict = () =>
    sluice.client.predict({ model: 'spam', path: '/', unit: `u${(units += 1)}`, body: {} });
  /** Starts an experiment and brings users once the gateway knows of it. */
  const run = async (experiment: string) => {
    await sluice.client.perform(experiment, 'start', 'a test');
    await until('the gateway enrols units', async () =>
      (await predict()).reason === 'experiment' ? true : null,
    );
    await Promise.all(Array.from({ length: UNITS }, predict));
  };
  const logUntil = async (experiment: string, said: (log: Log) => boolean): Promise<Log> => {
    let now: Log = [];
    await until(`the log of ${experiment} says so`, async () => {
      now = await log(experiment);
      return said(now) ? now : null;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; it says ${now.join(', ')}`);
    });
    return now;
  };
  const replaysAll = async (experiment: string) => {
    for (const { number } of await sluice.client.decisions(experiment)) {
      expect(await sluice.client.replay(experiment, number)).toBe(true);
    }
  };

  beforeAll(async () => {
    database = await freshDatabase();
    sluice = await startTestSluice({ databaseUrl: database.url });
    gate = await startReceiver(answer(200, { allow: false, reason: 'change freeze' }));
    let calls = 0;
    upstreams = await Promise.all([
      startUpstream(() => ({ body: { score: (calls += 1) % 2 } })),
      startUpstream(() => ({ body: { score: 1 } })),
      startUpstream(() => ({ status: 500, body: {} })),
    ]);
    await sluice.client.putModel('spam', { capture: { output: { score: '/score' } } });
    await sluice.client.putMetric('score', {
      kind: 'mean',
      source: { prediction: 'score' },
      direction: 'increase',
    });
    for (const [index, { url }] of upstreams.entries()) {
      await sluice.client.putVersion('spam', `v${index + 1}`, { url });
    }
    await sluice.client.putModel('other', {});
    for (const kind of ['confirm-advance', 'confirm-promotion']) {
      await call('PUT', `/webhooks/${kind}`, { url: gate.url, gate: kind, models: ['spam'] });
      // nobody answers there: whoever asked it would never get on
      const other = { url: 'http://127.0.0.1:9/', gate: kind, models: ['other'] };
      await call('PUT', `/webhooks/other-${kind}`, other);
    }
  });

  afterAll(async () => {
    await sluice.close();
    await gate.close();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
    await database.close();
  });

  it('holds back a version that the policy would advance, is asked again, and then lets it on', async () => {
    await sluice.client.createExperiment(definition('better', ['v1', 'v2'], 'score'));
    await run('better');
    await logUntil('better', (now) => now.includes('hold:gate_vetoed'));
    expect(await log('better')).not.toContain('advance:step_complete');
    const { decisions } = await call('GET', '/experiments/better/decisions');
    const veto = decisions.find(
      ({ reasons }: { reasons: { code: string } }) => reasons.code === 'gate_vetoed',
    );
    expect(veto.summary).toContain('gate confirm-advance vetoes: change freeze');
    expect(veto.inputs.gates).toEqual([
      {
        gate: 'confirm-advance',
        kind: 'confirm-advance',
        answer: 'vetoed',
        reason: 'change freeze',
      },
    ]);
    const question = gate.messages[0]!;
    expect(question.event).toMatchObject({
      type: 'sluice.gate.confirm-advance',
      subject: 'better',
      data: { kind: 'advance', model: 'spam', toStep: 1 },
    });
    const asked = gate.messages.length;
    await until('it is asked again', () =>
      Promise.resolve(gate.messages.length > asked ? true : null),
    );
    expect((await log('better')).filter((entry) => entry === 'hold:gate_vetoed')).toHaveLength(1);
    // a person changes the experiment while the gate thinks: what it then allows is not done any more
    gate.treat((message, response) => {
      void sluice.client
        .perform('better', 'pause', 'wait')
        .catch(() => undefined)
        .then(() => answer(200, { allow: true })(message, response));
    });
    const paused = await logUntil('better', (now) => now.includes('hold:paused'));
    expect(paused.slice(-2)).toEqual(['pause:manual_pause', 'hold:paused']);
    // now advances are allowed, and promotions get no answer that can be understood
    gate.treat((message, response) =>
      message.event.type === 'sluice.gate.confirm-advance'
        ? answer(200, { allow: true })(message, response)
        : answer(500)(message, response),
    );
    await sluice.client.perform('better', 'resume', 'go on');
    const held = await logUntil('better', (now) => now.includes('hold:gate_unreachable'));
    expect(held).toContain('advance:step_complete');
    expect(await sluice.client.champion('spam')).toBe('v1');
    gate.treat(answer(200, { allow: true, reason: 'looks good' }));
    const after = await logUntil('better', (now) => now.at(-1)!.startsWith('promote'));
    expect(after.filter((entry) => entry.startsWith('promote'))).toHaveLength(1);
    expect(await sluice.client.champion('spam')).toBe('v2');
  });

  it('is part of what a decision is computed from: replays give the identical verdict', async () => {
    await replaysAll('better');
  });

  it('never stands in the way of a rollback', async () => {
    gate.treat(answer(200, { allow: false, reason: 'nothing may change' }));
    const asked = gate.messages.length;
    await sluice.client.createExperiment(definition('failing', ['v2', 'v3'], 'error_rate'));
    await run('failing');
    const after = await logUntil('failing', (now) => now.at(-1)!.startsWith('rollback'));
    expect(after.at(-1)).toMatch(/^rollback:/);
    const kinds = gate.messages.slice(asked).map(({ event }) => event.data.kind);
    expect(kinds.filter((kind) => kind === 'rollback')).toEqual([]);
  });
});
