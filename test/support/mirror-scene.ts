import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'undici';
import { expect } from 'vitest';
import type { Mirror } from '../../src/events/event.js';
import type { ExperimentPlan, ModelPlan } from '../../src/routing/plan.js';
import { until } from './events.js';
import {
  bytesOf,
  MemoryPlanSource,
  modelPlan,
  pause,
  startGateway,
  startUpstream,
  trafficPlan,
  versionPlan,
  type TestGateway,
  type TestUpstream,
} from './gateway.js';
import { shadowPlan } from './shadow-scene.js';

/** Long enough for a copy that must not come; a copy comes within a few milliseconds. */
export const NO_COPY_MS = 150;

const closers: (() => Promise<void>)[] = [];

/** Ends everything that was started here. */
export async function closeMirrorScenes(): Promise<void> {
  await Promise.all(closers.splice(0).map((close) => close()));
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Recorder extends TestUpstream {
  readonly seen: Seen[];
}

type Answer = (seen: Seen, res: ServerResponse, req: IncomingMessage) => void;

/** A version that remembers what it was sent. */
export async function version(
  answer: Answer = (_seen, res) => res.end('{"spam":true}'),
): Promise<Recorder> {
  const seen: Seen[] = [];
  const upstream = await startUpstream((req, res) => {
    void bytesOf(req).then((body) => {
      const one = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body };
      seen.push(one);
      answer(one, res, req);
    });
  });
  closers.push(() => upstream.close());
  return { ...upstream, seen };
}

interface Setting {
  readonly control?: Recorder;
  readonly shadow?: Recorder;
  readonly experiment?: Partial<ExperimentPlan>;
  readonly model?: Partial<ModelPlan>;
}

export interface Scene {
  readonly gateway: TestGateway;
  readonly control: Recorder;
  readonly shadow: Recorder;
}

export function modelOf(setting: Setting, control: Recorder, shadow: Recorder): ModelPlan {
  const versions = [versionPlan('v1', `${control.url}/one`), versionPlan('v2', shadow.url)];
  const capture = { output: { spam: '/spam' }, input: { words: '/words' } };
  const experiments = [shadowPlan(setting.experiment)];
  return modelPlan(versions, { capture, experiments, ...setting.model });
}

export async function sceneOf(setting: Setting = {}): Promise<Scene> {
  const control = setting.control ?? (await version((_seen, res) => res.end('{"spam":false}')));
  const shadow = setting.shadow ?? (await version());
  const plan = trafficPlan(1, modelOf(setting, control, shadow));
  const gateway = await startGateway(new MemoryPlanSource(plan));
  closers.push(() => gateway.close());
  return { gateway, control, shadow };
}

export async function call(
  { gateway }: Scene,
  init: { path?: string; unit?: string; method?: string; body?: Buffer | string | null } = {},
): Promise<{ status: number; body: Buffer; headers: IncomingHttpHeaders }> {
  const { statusCode, headers, body } = await request(
    `${gateway.url}/models/m${init.path ?? '/score?x=1'}`,
    {
      method: (init.method ?? 'POST') as 'POST',
      headers: { 'x-sluice-unit': init.unit ?? 'u1', 'content-type': 'application/json' },
      body: init.body === undefined ? '{"words":7}' : init.body,
    },
  );
  return { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) };
}

export async function mirrored({ gateway }: Scene, count = 1): Promise<Mirror> {
  await until(`${count} mirrored requests are written down`, () => {
    return gateway.spool.mirrors.length >= count;
  });
  const mirror = gateway.spool.mirrors[count - 1];
  if (mirror === undefined) throw new Error('there is none');
  return mirror;
}

export async function nothingMirrored({ gateway, shadow }: Scene): Promise<void> {
  await pause(NO_COPY_MS);
  expect(gateway.spool.mirrors).toEqual([]);
  expect(shadow.seen).toEqual([]);
}
