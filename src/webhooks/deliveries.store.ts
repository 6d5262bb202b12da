import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Delivery, WebhookEvent } from './webhook.js';

/** A message on its way to everybody who wants it. */
export interface NewMessage {
  readonly id: string;
  readonly type: string;
  /** The very bytes that are sent and signed at every attempt. */
  readonly body: string;
  readonly event: WebhookEvent;
  readonly model: string;
}

/** One message to one receiver, ours for a while. */
export interface ClaimedDelivery {
  readonly webhook: string;
  readonly messageId: string;
  readonly body: string;
  /** This attempt included; also the fence: a later claim has a larger number. */
  readonly attempts: number;
  readonly url: string;
  readonly sealedSecret: string;
}

interface ClaimedTuple {
  readonly webhook: string;
  readonly message_id: string;
  readonly body: string;
  readonly attempts: number;
  readonly url: string;
  readonly sealed_secret: string;
}

interface DeliveryTuple {
  readonly message_id: string;
  readonly type: string;
  readonly attempts: number;
  readonly next_at: Date;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly delivered_at: Date | null;
  readonly dead_at: Date | null;
  readonly created_at: Date;
}

export interface AttemptRecord {
  readonly status: number | null;
  readonly error: string | null;
}

type Key = Pick<ClaimedDelivery, 'webhook' | 'messageId' | 'attempts'>;

/** Newest first; older ones are history. */
const LIST_LIMIT = 100;
/** Rows removed per round, so that no statement holds many locks. */
const PRUNE_BATCH = 1_000;

const WAITING = 'delivered_at IS NULL AND dead_at IS NULL';
const STILL_OURS = `webhook = $1 AND message_id = $2 AND attempts = $3 AND ${WAITING}`;

// Every time here is the database's clock_timestamp(): workers' clocks differ.
@Injectable()
export class DeliveriesStore {
  /** One row per receiver that wants the message; nothing when it has been put in before. */
  async fanOut(tx: EntityManager, { id, type, body, event, model }: NewMessage): Promise<void> {
    await tx.query(
      `INSERT INTO webhook_deliveries (webhook, message_id, type, body)
       SELECT name, $1, $2, $3 FROM webhooks
       WHERE $4 = ANY (events) AND (models IS NULL OR $5 = ANY (models))
       ON CONFLICT DO NOTHING`,
      [id, type, body, event, model],
    );
  }

  /**
   * Due deliveries, a few of each receiver, so that a receiver with thousands of them takes nobody's turn. A claim
   * is a lease: who does not report back before `next_at` is taken for dead, and the message is sent again.
   */
  async claim(
    db: EntityManager,
    how: {
      readonly leaseMs: number;
      readonly perWebhook: number;
      readonly except: readonly string[];
    },
  ): Promise<readonly ClaimedDelivery[]> {
    const [rows] = await db.query<[readonly ClaimedTuple[], number]>(
      `UPDATE webhook_deliveries AS d
       SET attempts = d.attempts + 1, next_at = clock_timestamp() + $1 * interval '1 millisecond'
       FROM webhooks AS w CROSS JOIN LATERAL (
         SELECT message_id FROM webhook_deliveries
         WHERE webhook = w.name AND ${WAITING} AND next_at <= clock_timestamp()
         ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS due
       WHERE d.webhook = w.name AND d.message_id = due.message_id AND w.name <> ALL ($3::text[])
       RETURNING d.webhook, d.message_id, d.body, d.attempts, w.url, w.sealed_secret`,
      [how.leaseMs, how.perWebhook, how.except],
    );
    return rows.map((row) => ({
      webhook: row.webhook,
      messageId: row.message_id,
      body: row.body,
      attempts: row.attempts,
      url: row.url,
      sealedSecret: row.sealed_secret,
    }));
  }

  async markDelivered(db: EntityManager, key: Key, attempt: AttemptRecord): Promise<void> {
    await db.query(
      `UPDATE webhook_deliveries SET delivered_at = clock_timestamp(), last_status = $4, last_error = $5
       WHERE ${STILL_OURS}`,
      [key.webhook, key.messageId, key.attempts, attempt.status, attempt.error],
    );
  }

  async markAgain(
    db: EntityManager,
    key: Key,
    attempt: AttemptRecord,
    inMs: number,
  ): Promise<void> {
    await db.query(
      `UPDATE webhook_deliveries SET last_status = $4, last_error = $5,
         next_at = clock_timestamp() + $6 * interval '1 millisecond'
       WHERE ${STILL_OURS}`,
      [key.webhook, key.messageId, key.attempts, attempt.status, attempt.error, inMs],
    );
  }

  async markDead(db: EntityManager, key: Key, attempt: AttemptRecord): Promise<void> {
    await db.query(
      `UPDATE webhook_deliveries SET dead_at = clock_timestamp(), last_status = $4, last_error = $5
       WHERE ${STILL_OURS}`,
      [key.webhook, key.messageId, key.attempts, attempt.status, attempt.error],
    );
  }

  async list(db: EntityManager, webhook: string): Promise<readonly Delivery[]> {
    const rows = await db.query<DeliveryTuple[]>(
      `SELECT message_id, type, attempts, next_at, last_status, last_error, delivered_at, dead_at, created_at
       FROM webhook_deliveries WHERE webhook = $1 ORDER BY created_at DESC, message_id LIMIT ${LIST_LIMIT}`,
      [webhook],
    );
    return rows.map(deliveryOf);
  }

  /** Dead messages get all their attempts again, at once. */
  async revive(db: EntityManager, webhook: string): Promise<number> {
    const [, revived] = await db.query<[unknown, number]>(
      `UPDATE webhook_deliveries SET dead_at = NULL, attempts = 0, next_at = clock_timestamp()
       WHERE webhook = $1 AND dead_at IS NOT NULL`,
      [webhook],
    );
    return revived;
  }

  /** Removes what has been over for longer; returns how many went. */
  async prune(db: EntityManager, keepMs: number): Promise<number> {
    const [, removed] = await db.query<[unknown, number]>(
      `DELETE FROM webhook_deliveries WHERE (webhook, message_id) IN (
         SELECT webhook, message_id FROM webhook_deliveries
         WHERE coalesce(delivered_at, dead_at) < clock_timestamp() - $1 * interval '1 millisecond'
         LIMIT ${PRUNE_BATCH})`,
      [keepMs],
    );
    return removed;
  }
}

function deliveryOf(row: DeliveryTuple): Delivery {
  const state = row.delivered_at !== null ? 'delivered' : row.dead_at !== null ? 'dead' : 'waiting';
  return {
    messageId: row.message_id,
    type: row.type,
    state,
    attempts: row.attempts,
    nextAt: state === 'waiting' ? row.next_at.toISOString() : null,
    lastStatus: row.last_status,
    lastError: row.last_error,
    deliveredAt: row.delivered_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
