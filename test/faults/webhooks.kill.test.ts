import { spawn } from 'node:child_process';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { Product } from '../support/product.js';
import { FINE, isSignedWith, type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/sluice.js';

const EXPERIMENT = {
  name: 'killed',
  model: 'eta',
  kind: 'canary',
  variants: [
    { name: 'control', version: 'v1', control: true },
    { name: 'v2', version: 'v2' },
  ],
  metrics: [{ metric: 'error_rate', role: 'success' }],
  analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1000, interval: '1h' },
  rollout: { steps: [{ coverage: 0.1 }, { coverage: 0.5 }, { coverage: 1 }] },
};

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- asserted by each test
async function call(product: Product, method: string, path: string, body: object): Promise<any> {
  const { controlUrl, adminKey } = product.admin.address;
  const response = await fetch(`${controlUrl}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return response.json();
}

async function model(product: Product): Promise<void> {
  await product.admin.putModel('eta', {});
  for (const version of ['v1', 'v2']) {
    await product.admin.putVersion('eta', version, { url: 'http://127.0.0.1:9' });
  }
  await product.admin.createExperiment(EXPERIMENT);
}

describe('a message that was sent and not noted, because the process was killed in between', () => {
  let database: TestDatabase;
  let product: Product;
  let receiver: Receiver;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await freshDatabase();
    pool = new pg.Pool({ connectionString: database.url, max: 1 });
    receiver = await startReceiver();
    product = await Product.in(database.url);
    await product.start();
    await model(product);
  });

  afterAll(async () => {
    await product.dispose();
    await receiver.close();
    await pool.end();
    await database.close();
  });

  it('is delivered again under the same id, and is never lost', async () => {
    const hook = { url: receiver.url, events: ['start'] };
    const { secret } = await call(product, 'PUT', '/webhooks/ops', hook);
    const killed = new Promise<void>((resolve) => {
      // the message has arrived; its sender dies before it hears so
      receiver.treat(() => void product.end('SIGKILL').then(() => resolve()));
    });
    await product.admin.perform('killed', 'start', 'a test');
    await killed;
    const { rows } = await pool.query('SELECT delivered_at, attempts FROM webhook_deliveries');
    expect(rows).toEqual([{ delivered_at: null, attempts: 1 }]);
    receiver.treat(FINE);
    await product.start();
    // whoever held it has a minute to report back; the test need not wait for it
    await pool.query('UPDATE webhook_deliveries SET next_at = now()');
    await until('it is delivered', async () => {
      const found = await pool.query(
        'SELECT 1 FROM webhook_deliveries WHERE delivered_at IS NOT NULL',
      );
      return found.rowCount === 1 ? true : null;
    });
    expect(receiver.messages).toHaveLength(2);
    const [first, second] = receiver.messages;
    expect(second).toMatchObject({ id: first!.id, body: first!.body });
    for (const message of receiver.messages) expect(isSignedWith(secret, message)).toBe(true);
  });
});

describe('sluice audit verify on an embedded database', () => {
  let product: Product;

  beforeAll(async () => {
    product = await Product.in(null);
    await product.start();
    await model(product);
    await product.admin.perform('killed', 'start', 'a test');
  });

  afterAll(() => product.dispose());

  const audit = (): Promise<{ readonly code: number | null; readonly text: string }> => {
    const top = join(import.meta.dirname, '..', '..');
    const script = [
      '--import',
      join(top, 'test/support/run-typescript.mjs'),
      join(top, 'src/cli.ts'),
    ];
    return new Promise((resolve) => {
      const env = { PATH: process.env['PATH'], SLUICE_DATA_DIR: product.dataDir };
      const child = spawn(process.execPath, [...script, 'audit', 'verify', '--replay'], { env });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.on('close', (code) => resolve({ code, text }));
    });
  };
  const INTACT = { code: 0, text: expect.stringContaining(' of 1 experiments are intact') };

  it('reads it beside the running product, and on its own after it has stopped', async () => {
    expect(await audit()).toEqual(INTACT);
    expect((await product.end('SIGTERM')).code).toBe(0);
    expect(await audit()).toEqual(INTACT);
    // it gave the folder back
    await product.start();
    expect((await product.admin.decisions('killed')).length).toBeGreaterThan(0);
  });

  it('reads it after the product was killed, whose mark is stale', async () => {
    await product.end('SIGKILL');
    expect(await audit()).toEqual(INTACT);
  });
});
