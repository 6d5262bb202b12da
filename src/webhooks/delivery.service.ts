import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { SecretsService } from '../auth/secrets.service.js';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.service.js';
import { systemClock } from '../kernel/clock.js';
import { SluiceError } from '../kernel/errors.js';
import { type ClaimedDelivery, DeliveriesStore } from './deliveries.store.js';
import { nextStep } from './retry.js';
import { type Sent, WebhookSender } from './sender.service.js';
import { secretsIn } from './webhook-secrets.js';

/** How often due deliveries are looked for. */
const LOOK_EVERY_MS = 1_000;
/** Deliveries to one receiver that are under way at once: its lane. A slow receiver fills its own lane only. */
const LANE_WIDTH = 4;
/** Standard Webhooks advises 15 to 30 s. */
const ATTEMPT_TIMEOUT_MS = 15_000;
/** Longer than an attempt and the note of its end: who is silent for longer has died. */
const LEASE_MS = 60_000;
/** How long deliveries that are over can be looked at. */
const KEEP_MS = 30 * 86_400_000;
const PRUNE_EVERY_MS = 600_000;
/** How long shutdown waits for attempts under way; what is cut off is sent again by another worker. */
const DRAIN_MS = 3_000;

/**
 * Sends what waits, at least once: an attempt is claimed before it is made and noted after it, so a process that
 * dies in between leaves the message to be sent again under the same id. Each receiver has a lane of its own.
 */
@Injectable()
export class DeliveryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Webhooks');
  private readonly lanes = new Map<string, Promise<void>>();
  private timer: NodeJS.Timeout | null = null;
  private isLooking = false;
  private isStopping = false;
  private prunedAtMs = 0;
  private readonly counts = { delivered: 0, failed: 0, givenUp: 0 };

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly deliveries: DeliveriesStore,
    private readonly sender: WebhookSender,
    private readonly secrets: SecretsService,
  ) {}

  /** Attempts of this process since its start, by how they ended; `givenUp` are among the failed. */
  get counters(): {
    readonly delivered: number;
    readonly failed: number;
    readonly givenUp: number;
  } {
    return { ...this.counts };
  }

  onApplicationBootstrap(): void {
    if (!this.config.roles.includes('worker')) return;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.timer !== null) clearInterval(this.timer);
    const drained = Promise.allSettled([...this.lanes.values()]);
    const deadline = new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref());
    await Promise.race([drained, deadline]);
  }

  /** Opens a lane for every receiver with something due; returns before anything is sent. Never throws. */
  async look(): Promise<void> {
    if (this.isLooking || this.isStopping || !this.database.isReady) return;
    this.isLooking = true;
    try {
      const claimed = await this.deliveries.claim(this.database.manager, {
        leaseMs: LEASE_MS,
        perWebhook: LANE_WIDTH,
        except: [...this.lanes.keys()],
      });
      for (const [webhook, batch] of Map.groupBy(claimed, (one) => one.webhook)) {
        this.open(webhook, batch);
      }
      await this.prune();
    } catch (error) {
      this.logger.warn(`deliveries cannot be looked for, tried again: ${String(error)}`);
    } finally {
      this.isLooking = false;
    }
  }

  private open(webhook: string, batch: readonly ClaimedDelivery[]): void {
    const lane = Promise.all(batch.map((delivery) => this.deliver(delivery)))
      .catch((error: unknown) =>
        this.logger.warn(`${webhook}: an attempt was not noted: ${String(error)}`),
      )
      .then(() => {
        this.lanes.delete(webhook);
        if (batch.length === LANE_WIDTH) void this.look();
      });
    this.lanes.set(webhook, lane);
  }

  private async deliver(delivery: ClaimedDelivery): Promise<void> {
    const { status, error, retryAfterMs } = await this.attempt(delivery);
    const next = nextStep({ status, retryAfterMs }, delivery.attempts, Math.random());
    const db = this.database.manager;
    const what = `${delivery.webhook}: message ${delivery.messageId}`;
    const failed = `${what} failed (attempt ${delivery.attempts}): ${error ?? ''}`;
    this.counts[next.kind === 'delivered' ? 'delivered' : 'failed'] += 1;
    switch (next.kind) {
      case 'delivered':
        await this.deliveries.markDelivered(db, delivery, { status, error });
        return;
      case 'again':
        this.logger.warn(`${failed}; again in ${Math.round(next.inMs / 1000)} s`);
        await this.deliveries.markAgain(db, delivery, { status, error }, next.inMs);
        return;
      case 'dead':
        this.counts.givenUp += 1;
        this.logger.error(`${failed}; given up`);
        await this.deliveries.markDead(db, delivery, { status, error });
    }
  }

  private async attempt(delivery: ClaimedDelivery): Promise<Sent> {
    const { url, messageId: id, body, sealedSecret } = delivery;
    try {
      const secrets = secretsIn(this.secrets, sealedSecret, systemClock.nowMs());
      return await this.sender.post({ url, secrets, id, body, timeoutMs: ATTEMPT_TIMEOUT_MS });
    } catch (error) {
      // secrets of another installation: a person can repair it, so it is tried again
      if (!(error instanceof SluiceError)) throw error;
      return { status: null, answer: null, retryAfterMs: null, error: error.message, elapsedMs: 0 };
    }
  }

  private async prune(): Promise<void> {
    const nowMs = systemClock.nowMs();
    if (nowMs - this.prunedAtMs < PRUNE_EVERY_MS) return;
    this.prunedAtMs = nowMs;
    await this.deliveries.prune(this.database.manager, KEEP_MS);
  }
}
