import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.service.js';
import { DeliveriesService } from '../webhooks/deliveries.service.js';
import { DeliveryService } from '../webhooks/delivery.service.js';
import { AuditStore } from './audit.store.js';
import { eventData, eventOf, messageIdOf, noticeIn } from './decision-event.js';
import { DecisionsStore, type OutboxMessage } from './decisions.store.js';

/** Messages told per relay; the rest waits a second. */
const RELAY_BATCH = 100;

/**
 * Tells the outside what was decided, at least once, from rows that were written in the decision's transaction.
 * People on call read it in the log; webhooks get a delivery each, put in together with the mark that it was told.
 */
@Injectable()
export class OutboxService {
  private readonly logger = new Logger('Decision');

  constructor(
    private readonly database: Database,
    private readonly decisions: DecisionsStore,
    private readonly audit: AuditStore,
    private readonly deliveries: DeliveriesService,
    private readonly delivery: DeliveryService,
  ) {}

  async relay(): Promise<number> {
    const told = await this.database.transaction(async (tx) => {
      const messages = await this.decisions.takeUnsent(tx, RELAY_BATCH);
      if (messages.length === 0) return 0;
      for (const message of messages) {
        if (!message.isLogged) this.logger.log(message.payload);
        await this.announce(tx, message);
      }
      await this.decisions.markSent(
        tx,
        messages.map((message) => message.id),
      );
      return messages.length;
    });
    // only a hint: what is due is found every second anyway
    if (told > 0) void this.delivery.look();
    return told;
  }

  private async announce(tx: EntityManager, { payload }: OutboxMessage): Promise<void> {
    const notice = noticeIn(payload);
    if (notice === null) return;
    const { experimentId, number } = notice;
    const decision = await this.decisions.get(experimentId, number, tx);
    if (decision === null) return;
    const checkpoint = await this.audit.checkpoint(tx, experimentId, number);
    await this.deliveries.announce(tx, {
      event: eventOf(decision),
      model: notice.model,
      content: {
        id: messageIdOf(notice),
        subject: notice.experiment,
        atMs: decision.atMs,
        data: eventData(notice, decision, checkpoint),
      },
    });
  }
}
