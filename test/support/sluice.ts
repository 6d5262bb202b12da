import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceClient } from '../../demo/sluice-client.js';
import { startSluice } from '../../src/app/start.js';
import type { Config } from '../../src/config/config.js';
import { testConfig } from './config.js';

export interface Upstream {
  readonly url: string;
  close(): Promise<void>;
}

/** What a toy version answers: a status and a JSON body, from the posted JSON body. */
export type Answer = (body: Record<string, unknown>) => {
  readonly status?: number;
  readonly body: unknown;
};

/** A real HTTP server on loopback that answers POSTs like a model server. */
export async function startUpstream(answer: Answer): Promise<Upstream> {
  const server = createServer((request, response) => {
    void reply(answer, request, response);
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function reply(
  answer: Answer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  const { status = 200, body } = answer(
    JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>,
  );
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export interface TestSluice {
  readonly client: SluiceClient;
  readonly dataDir: string;
  close(): Promise<void>;
}

const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';

/** The whole product in this process on free ports, with a data-plane key for outcomes. */
export async function startTestSluice(
  changes: Partial<Config> & Pick<Config, 'databaseUrl'>,
): Promise<TestSluice> {
  const dataDir = changes.dataDir ?? (await mkdtemp(join(tmpdir(), 'sluice-test-')));
  const config = testConfig({ adminKey: ADMIN_KEY, ...changes, dataDir });
  const running = await startSluice(config);
  const address = {
    gatewayUrl: running.gatewayUrl ?? '',
    controlUrl: running.controlUrl,
    adminKey: ADMIN_KEY,
  };
  const admin = new SluiceClient(address);
  const client = admin.withDataKey(await admin.createKey('tests', ['outcomes:write']));
  return {
    client,
    dataDir,
    close: async () => {
      await running.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Waits until `probe` gives something other than null; throws with `what` after the deadline. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | null>,
  deadlineMs = 30_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  while (Date.now() < end) {
    const found = await probe();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not happen within ${String(deadlineMs)} ms`);
}
