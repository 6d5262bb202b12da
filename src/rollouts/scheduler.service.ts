import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.service.js';
import { type Lease, LeasesService } from '../experiments/leases.service.js';
import { QueueService } from '../queue/queue.service.js';
import { EvaluationService } from './evaluation.service.js';
import { OutboxService } from './outbox.service.js';

const JOB = 'evaluate';

/** How often the sweeper looks for due experiments that no job has claimed: often enough to take over within a second. */
const SWEEP_INTERVAL_MS = 500;

/** Jobs get this head start; after it the sweeper takes over, so a dead queue delays a turn by two ticks at most. */
const SWEEP_GRACE_MS = 500;

/** Turns under way in one process; what else is due waits for the next sweep, or for another process. */
const MAX_TURNS = 6;

/** Turns that jobs start; the rest is left for what the sweeper finds. */
const JOB_TURNS = 2;

/** How long shutdown waits for the turns under way. */
const DRAIN_MS = 8_000;

/** The parts of a turn, gathered so that the scheduler itself stays about time. */
@Injectable()
export class TurnParts {
  constructor(
    readonly leases: LeasesService,
    readonly evaluation: EvaluationService,
    readonly outbox: OutboxService,
  ) {}
}

/**
 * Finds due analyses and runs them. Queue jobs are hints that make it prompt; the truth about what is due is in
 * PostgreSQL, and the sweeper finds it even if the queue is dead.
 */
@Injectable()
export class SchedulerService
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  private readonly logger = new Logger(SchedulerService.name);
  private readonly holder = randomUUID();
  private readonly turns = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | null = null;
  private isSweeping = false;
  private isStopping = false;
  private stoppedAtMs = 0;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly queue: QueueService,
    private readonly turn: TurnParts,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.roles.includes('worker')) return;
    this.queue.process(JOB, (data) => this.onJob(data), { concurrency: JOB_TURNS });
    this.timer = setInterval(() => void this.sweep(), SWEEP_INTERVAL_MS);
  }

  /** Before a gateway in this process drains: both wait at the same time, or a frozen database would use up the deadline. */
  onModuleDestroy(): void {
    this.isStopping = true;
    if (this.timer !== null) clearInterval(this.timer);
    this.stoppedAtMs = performance.now();
  }

  async beforeApplicationShutdown(): Promise<void> {
    const leftMs = Math.max(0, DRAIN_MS - (performance.now() - this.stoppedAtMs));
    const drained = Promise.allSettled([...this.turns]);
    const deadline = new Promise((resolve) => setTimeout(resolve, leftMs).unref());
    await Promise.race([drained, deadline]);
  }

  /** Tells the workers that an experiment may be due; it does no harm when it is not. */
  async hint(experimentId: string, delayMs = 0): Promise<void> {
    await this.queue.add(JOB, { experimentId }, { delayMs });
  }

  private async onJob(data: unknown): Promise<void> {
    const experimentId = experimentIdIn(data);
    if (experimentId === null || this.isStopping || !this.database.isReady) return;
    const { leaseMs } = this.config;
    const lease = await this.turn.leases.claim(experimentId, this.holder, leaseMs);
    if (lease !== null) await this.run(lease);
  }

  /** Starts turns and does not wait for them: one that takes long must not keep others from being taken over. */
  private async sweep(): Promise<void> {
    if (this.isSweeping || this.isStopping || !this.database.isReady) return;
    this.isSweeping = true;
    try {
      const { leases, outbox } = this.turn;
      const free = Math.max(0, MAX_TURNS - this.turns.size);
      const due = await leases.claimDue(this.holder, this.config.leaseMs, SWEEP_GRACE_MS, free);
      for (const lease of due) void this.run(lease);
      await outbox.relay();
    } catch (error) {
      this.logger.warn(`sweep failed, tried again in a second: ${String(error)}`);
    } finally {
      this.isSweeping = false;
    }
  }

  private async run(lease: Lease): Promise<void> {
    const turn = this.evaluateAndHint(lease);
    this.turns.add(turn);
    try {
      await turn;
    } finally {
      this.turns.delete(turn);
    }
  }

  private async evaluateAndHint(lease: Lease): Promise<void> {
    try {
      const { leases, evaluation } = this.turn;
      const { leaseMs } = this.config;
      const nextInMs = await leases.keep(lease, leaseMs, () => evaluation.evaluate(lease));
      if (nextInMs !== null) await this.hint(lease.experimentId, nextInMs);
    } catch (error) {
      // The lease runs out and another turn is taken; nothing was changed.
      this.logger.error(`turn of ${lease.experimentId} failed: ${String(error)}`);
    }
  }
}

function experimentIdIn(data: unknown): string | null {
  if (typeof data !== 'object' || data === null || !('experimentId' in data)) return null;
  return typeof data.experimentId === 'string' ? data.experimentId : null;
}
