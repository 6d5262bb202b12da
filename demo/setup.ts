import { setTimeout as sleep } from 'node:timers/promises';
import { accuracyOf } from './classifiers/classifier.js';
import type { Versions } from './classifiers/train.js';
import { trainVersions } from './classifiers/train.js';
import { METRICS, MODEL_SETTINGS, SCORE_PATH } from './design.js';
import type { Mail } from './mails.js';
import { balanced, loadMails, splitMails, withShuffledLabels } from './mails.js';
import type { ModelServer } from './model-server.js';
import { startModelServer } from './model-server.js';
import type { SluiceClient } from './sluice-client.js';

export type VersionName = keyof Versions;

export interface Material {
  readonly train: number;
  readonly heldOut: number;
  /** The mails that will be sent, with the labels that will be posted. */
  readonly mails: readonly Mail[];
  readonly versions: Versions;
  /** Share of held-out mails labelled right, before any shuffling. */
  readonly accuracy: Readonly<Record<VersionName, number>>;
}

export interface MaterialOptions {
  readonly seed: number;
  readonly shuffleLabels: boolean;
  /** Serve a copy of the first version as the second. */
  readonly aa: boolean;
}

/** Loads the mails and trains the versions. Takes about two seconds and depends on the seed alone. */
export function prepareMaterial({ seed, shuffleLabels, aa }: MaterialOptions): Material {
  const { train, heldOut } = splitMails(loadMails(), seed);
  const trained = trainVersions(train, seed);
  const versions = aa ? { ...trained, v2: trained.v1 } : trained;
  const accuracy = {
    v1: accuracyOf(versions.v1, heldOut),
    v2: accuracyOf(versions.v2, heldOut),
    v3: accuracyOf(versions.v3, heldOut),
  };
  const mails = shuffleLabels ? withShuffledLabels(balanced(heldOut), seed) : heldOut;
  return { train: train.length, heldOut: heldOut.length, mails, versions, accuracy };
}

export type VersionServers = Readonly<Record<VersionName, ModelServer>>;

/** One HTTP server per version. */
export async function serveVersions(versions: Versions): Promise<VersionServers> {
  return {
    v1: await startModelServer(versions.v1),
    v2: await startModelServer(versions.v2),
    v3: await startModelServer(versions.v3),
  };
}

export async function closeServers(servers: VersionServers): Promise<void> {
  await Promise.all(Object.values(servers).map((server) => server.close()));
}

/** The application's own key: it may post outcomes and nothing else. */
export async function withOutcomeKey(admin: SluiceClient): Promise<SluiceClient> {
  return admin.withDataKey(await admin.createKey('demo application', ['outcomes:write']));
}

export async function defineMetrics(client: SluiceClient): Promise<void> {
  for (const [name, definition] of Object.entries(METRICS))
    await client.putMetric(name, definition);
}

/** Registers a model with its versions; `v1` serves. Ends what an interrupted demo may have left running. */
export async function registerModel(
  client: SluiceClient,
  model: string,
  servers: VersionServers,
): Promise<void> {
  await client.putModel(model, MODEL_SETTINGS);
  for (const { id } of await client.openExperiments(model)) {
    await client.perform(id, 'abort', 'left over from an earlier demo');
  }
  for (const [version, server] of Object.entries(servers)) {
    await client.putVersion(model, version, { url: server.url });
  }
  if ((await client.champion(model)) !== 'v1') {
    await client.setChampion(model, 'v1', 'the demo starts from v1');
  }
  await untilServed(client, model);
}

/** A gateway adopts a new plan within half a second; this is how long the demo believes in it. */
const ADOPTION_TIMEOUT_MS = 15_000;
const POLL_MS = 100;

async function untilServed(client: SluiceClient, model: string): Promise<void> {
  const deadlineMs = Date.now() + ADOPTION_TIMEOUT_MS;
  for (;;) {
    const body = { subject: 'hello', body: 'is anybody there?' };
    const answer = await client.predict({ model, path: SCORE_PATH, unit: 'smoke-test', body });
    if (answer.status === 200 && answer.version === 'v1') return;
    if (Date.now() > deadlineMs) {
      throw new Error(`the gateway does not serve ${model}: ${JSON.stringify(answer)}`);
    }
    await sleep(POLL_MS);
  }
}
