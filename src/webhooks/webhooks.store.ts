import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { GateKind, Webhook, WebhookEvent } from './webhook.js';

interface WebhookTuple {
  readonly name: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly models: readonly string[] | null;
  readonly gate: GateKind | null;
  readonly sealed_secret: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A receiver with what its messages are signed with. */
export interface SealedWebhook {
  readonly webhook: Webhook;
  readonly sealedSecret: string;
}

export interface NewWebhook extends Pick<Webhook, 'name' | 'url' | 'events' | 'models' | 'gate'> {
  readonly sealedSecret: string;
}

const COLUMNS = 'name, url, events, models, gate, sealed_secret, created_at, updated_at';

@Injectable()
export class WebhooksStore {
  async put(tx: EntityManager, webhook: NewWebhook): Promise<void> {
    const { name, url, events, models, gate, sealedSecret } = webhook;
    await tx.query(
      `INSERT INTO webhooks (name, url, events, models, gate, sealed_secret)
       VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (name) DO UPDATE SET url = excluded.url, events = excluded.events, models = excluded.models,
         gate = excluded.gate, sealed_secret = excluded.sealed_secret, updated_at = now()`,
      [name, url, events, models, gate, sealedSecret],
    );
  }

  /** Serialises changes of receivers, so that their number stays within its limit. */
  async lock(tx: EntityManager): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('sluice.webhooks'))`);
  }

  async count(tx: EntityManager): Promise<number> {
    const rows = await tx.query<{ n: number }[]>('SELECT count(*)::int AS n FROM webhooks');
    return rows[0]?.n ?? 0;
  }

  async find(db: EntityManager, name: string): Promise<SealedWebhook | null> {
    const rows = await db.query<WebhookTuple[]>(`SELECT ${COLUMNS} FROM webhooks WHERE name = $1`, [
      name,
    ]);
    return rows[0] === undefined ? null : sealedOf(rows[0]);
  }

  async list(db: EntityManager): Promise<readonly Webhook[]> {
    const rows = await db.query<WebhookTuple[]>(`SELECT ${COLUMNS} FROM webhooks ORDER BY name`);
    return rows.map((row) => sealedOf(row).webhook);
  }

  async gates(db: EntityManager, gate: GateKind, model: string): Promise<readonly SealedWebhook[]> {
    const rows = await db.query<WebhookTuple[]>(
      `SELECT ${COLUMNS} FROM webhooks WHERE gate = $1 AND (models IS NULL OR $2 = ANY (models)) ORDER BY name`,
      [gate, model],
    );
    return rows.map(sealedOf);
  }

  /** True when there was one; what waited for it goes with it. */
  async remove(tx: EntityManager, name: string): Promise<boolean> {
    const [, removed] = await tx.query<[unknown, number]>('DELETE FROM webhooks WHERE name = $1', [
      name,
    ]);
    return removed === 1;
  }
}

function sealedOf(row: WebhookTuple): SealedWebhook {
  const { name, url, events, models, gate } = row;
  const createdAt = row.created_at.toISOString();
  const updatedAt = row.updated_at.toISOString();
  return {
    webhook: { name, url, events, models, gate, createdAt, updatedAt },
    sealedSecret: row.sealed_secret,
  };
}
