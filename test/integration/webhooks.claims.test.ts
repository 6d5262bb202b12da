import type { EntityManager } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/database/database.service.js';
import { DeliveriesStore } from '../../src/webhooks/deliveries.store.js';
import { type ControlPlane, controlPlane } from '../support/control.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

const LEASE_MS = 60_000;

describe('deliveries that are due', () => {
  let database: TestDatabase;
  let plane: ControlPlane;
  let db: EntityManager;
  const store = new DeliveriesStore();

  const claim = (perWebhook: number, except: readonly string[] = []) =>
    store.claim(db, { leaseMs: LEASE_MS, perWebhook, except });
  const fill = async (webhook: string, count: number) => {
    await db.query(
      `INSERT INTO webhooks (name, url, events, sealed_secret) VALUES ($1, 'http://127.0.0.1:9/', '{}', '')
       ON CONFLICT DO NOTHING`,
      [webhook],
    );
    await db.query(
      `INSERT INTO webhook_deliveries (webhook, message_id, type, body)
       SELECT $1, 'm' || n, 't', '{}' FROM generate_series(1, $2::int) AS n`,
      [webhook, count],
    );
  };

  beforeAll(async () => {
    database = await freshDatabase();
    plane = await controlPlane(database.url);
    db = plane.get(Database).manager;
  });

  afterAll(async () => {
    await plane.close();
    await database.close();
  });

  it('are claimed by one of many workers, and a few of each receiver at a time', async () => {
    await fill('busy', 200);
    await fill('calm', 3);
    const claims = await Promise.all(Array.from({ length: 10 }, () => claim(4)));
    for (const claimed of claims) {
      expect(claimed.filter(({ webhook }) => webhook === 'busy').length).toBeLessThanOrEqual(4);
    }
    const all = claims.flat();
    expect(all.filter(({ webhook }) => webhook === 'calm')).toHaveLength(3);
    const keys = all.map(({ webhook, messageId }) => `${webhook} ${messageId}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(all.every(({ attempts }) => attempts === 1)).toBe(true);
  });

  it('are left alone while their receiver is being served', async () => {
    expect(await claim(4, ['busy', 'calm'])).toEqual([]);
  });

  it('are claimed again when their worker stays silent, and its late word counts no more', async () => {
    await fill('slow', 1);
    const [first] = await claim(1, ['busy', 'calm']);
    expect(await claim(1, ['busy', 'calm'])).toEqual([]);
    await db.query(`UPDATE webhook_deliveries SET next_at = now() WHERE webhook = 'slow'`);
    const [second] = await claim(1, ['busy', 'calm']);
    expect(second).toMatchObject({ messageId: first!.messageId, attempts: 2 });
    await store.markDead(db, first!, { status: 500, error: 'late' });
    expect((await store.list(db, 'slow'))[0]).toMatchObject({ state: 'waiting', attempts: 2 });
    await store.markDelivered(db, second!, { status: 200, error: null });
    await store.markAgain(db, second!, { status: 500, error: 'later' }, 0);
    expect((await store.list(db, 'slow'))[0]).toMatchObject({ state: 'delivered' });
  });

  it('are forgotten when they have been over for long, and never while they wait', async () => {
    await db.query(
      `UPDATE webhook_deliveries SET created_at = now() - interval '90 days',
         delivered_at = delivered_at - interval '31 days'`,
    );
    expect(await store.prune(db, 30 * 86_400_000)).toBe(1);
    expect(await store.list(db, 'slow')).toEqual([]);
    expect(await store.list(db, 'calm')).toHaveLength(3);
  });
});
