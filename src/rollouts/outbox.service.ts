import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { DecisionsStore } from './decisions.store.js';

/** Messages told per relay; the rest waits a second. */
const RELAY_BATCH = 100;

/**
 * Tells the outside what was decided, at least once, from rows that were written in the decision's transaction.
 * People on call read it in the log; other receivers join here.
 */
@Injectable()
export class OutboxService {
  private readonly logger = new Logger('Decision');

  constructor(
    private readonly database: Database,
    private readonly decisions: DecisionsStore,
  ) {}

  relay(): Promise<number> {
    return this.database.transaction(async (tx) => {
      const messages = await this.decisions.takeUnsent(tx, RELAY_BATCH);
      if (messages.length === 0) return 0;
      for (const message of messages) this.logger.log(message.payload);
      await this.decisions.markSent(
        tx,
        messages.map((message) => message.id),
      );
      return messages.length;
    });
  }
}
