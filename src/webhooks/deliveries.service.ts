import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.service.js';
import { cloudEvent, type EventContent } from './cloud-event.js';
import { DeliveriesStore } from './deliveries.store.js';
import type { Delivery, WebhookEvent } from './webhook.js';
import { WebhooksService } from './webhooks.service.js';

export interface Announcement {
  readonly event: WebhookEvent;
  readonly model: string;
  /** Its type is set here. */
  readonly content: Omit<EventContent, 'type'>;
}

/** Messages for receivers: put in, looked at, put in again. Sending them is the business of `DeliveryService`. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly database: Database,
    private readonly deliveries: DeliveriesStore,
    private readonly webhooks: WebhooksService,
  ) {}

  /** Puts a message in for everybody who wants it, in the caller's transaction. Twice is once. */
  async announce(tx: EntityManager, { event, model, content }: Announcement): Promise<void> {
    const type = `sluice.decision.${event}`;
    const body = JSON.stringify(cloudEvent({ ...content, type }));
    await this.deliveries.fanOut(tx, { id: content.id, type, body, event, model });
  }

  /** Newest first. Throws `not_found`. */
  async list(webhook: string): Promise<readonly Delivery[]> {
    await this.webhooks.get(webhook);
    return this.deliveries.list(this.database.manager, webhook);
  }

  /** Sends dead messages again, for a receiver that is back after days. Throws `not_found`. */
  async redeliver(webhook: string): Promise<{ readonly revived: number }> {
    await this.webhooks.get(webhook);
    return { revived: await this.deliveries.revive(this.database.manager, webhook) };
  }
}
