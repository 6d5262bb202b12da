import { setTimeout as sleep } from 'node:timers/promises';
import type { OutcomeEvent, PredictionAnswer, SluiceClient } from '../../demo/sluice-client.js';

const TICK_MS = 20;
/** Above this the generator waits: it measures the product, it must not become the fault itself. */
const MAX_IN_FLIGHT = 96;
const OUTCOMES_PER_POST = 100;
const OUTCOME_PAUSE_MS = 50;
/** Refused outcomes are sent again, with the same ids, after this. */
const RETRY_PAUSE_MS = 150;

export interface Answered {
  readonly unit: string;
  readonly requestId: string;
  readonly version: string;
  readonly reason: string;
  readonly atMs: number;
  readonly latencyMs: number;
}

/** A prediction without a good answer: a status, or what the connection said. */
export interface Unanswered {
  readonly unit: string;
  readonly why: string;
  readonly atMs: number;
}

/** What an application knows: what it was answered, and what was acknowledged to it. */
export interface Ledger {
  sent: number;
  readonly answered: Answered[];
  readonly unanswered: Unanswered[];
  /** Every outcome that was ever sent, acknowledged or not. */
  readonly posted: Map<string, { readonly value: number }>;
  readonly acknowledged: Set<string>;
  /** Outcome posts that were refused or broke off, and were sent again. */
  refusedPosts: number;
  /** Outcomes that the product called wrong; must stay empty. */
  readonly rejected: string[];
}

export interface LoadOptions {
  readonly client: SluiceClient;
  readonly model: string;
  readonly ratePerSecond: number;
  /** Units come again and again, so that a changed assignment is seen. */
  readonly units: number;
  /** Another way to send a prediction than the client's, such as a cheaper one for a high rate. */
  readonly send?: (mail: number) => Promise<PredictionAnswer>;
  /** Which answers are good ones; by default those of status 200. */
  readonly isGood?: (status: number) => boolean;
  readonly maxInFlight?: number;
}

/** An application under a steady stream of its own callers: predictions, and later the truth about each. */
export class Load {
  readonly ledger: Ledger = {
    sent: 0,
    answered: [],
    unanswered: [],
    posted: new Map(),
    acknowledged: new Set(),
    refusedPosts: 0,
    rejected: [],
  };
  private readonly waiting: OutcomeEvent[] = [];
  private readonly inFlight = new Set<Promise<void>>();
  private sending: Promise<void> | null = null;
  private telling: Promise<void> | null = null;
  private isSending = false;
  private isTelling = false;

  constructor(private readonly options: LoadOptions) {}

  start(): void {
    this.isSending = this.isTelling = true;
    this.sending = this.send();
    this.telling = this.tell();
  }

  /** Outcomes that nobody has acknowledged yet. */
  get untold(): number {
    return this.ledger.posted.size - this.ledger.acknowledged.size + this.waiting.length;
  }

  /** No new predictions; those under way end. Outcomes go on until `close`. */
  async pause(): Promise<void> {
    this.isSending = false;
    await this.sending;
    await Promise.all(this.inFlight);
  }

  async close(): Promise<void> {
    await this.pause();
    this.isTelling = false;
    await this.telling;
  }

  private async send(): Promise<void> {
    const { ratePerSecond, maxInFlight = MAX_IN_FLIGHT } = this.options;
    let dueMs = performance.now();
    while (this.isSending) {
      const nowMs = performance.now();
      for (; dueMs <= nowMs; dueMs += 1_000 / ratePerSecond) {
        if (this.inFlight.size >= maxInFlight) continue;
        const one: Promise<void> = this.predict().finally(() => this.inFlight.delete(one));
        this.inFlight.add(one);
      }
      await sleep(TICK_MS);
    }
  }

  private async predict(): Promise<void> {
    // 7,919 is prime: every unit comes equally often, neighbours in time are far apart
    await this.predictFor((this.ledger.sent * 7_919) % this.options.units);
  }

  /** One prediction for a unit, in the ledger like all others; null when it was not answered well. */
  async predictFor(mail: number): Promise<Answered | null> {
    const { ledger } = this;
    const { client, model, send, isGood = (status) => status === 200 } = this.options;
    const unit = unitName(mail);
    ledger.sent += 1;
    const sentMs = performance.now();
    try {
      const answer = await (send === undefined
        ? client.predict({ model, path: '/score', unit, body: { mail } })
        : send(mail));
      const atMs = Date.now();
      const { requestId, version, reason, status } = answer;
      if (!isGood(status) || requestId === null || version === null || reason === null) {
        ledger.unanswered.push({ unit, why: `status ${status}`, atMs });
        return null;
      }
      const latencyMs = performance.now() - sentMs;
      const answered: Answered = { unit, requestId, version, reason, atMs, latencyMs };
      ledger.answered.push(answered);
      this.waiting.push({
        ...{ id: `truth-${requestId}`, model, requestId, name: 'truth', value: mail % 2 },
        at: new Date(atMs).toISOString(),
      });
      return answered;
    } catch (error) {
      ledger.unanswered.push({ unit, why: whyOf(error), atMs: Date.now() });
      return null;
    }
  }

  /** One batch at a time; the same batch until it is acknowledged. */
  private async tell(): Promise<void> {
    while (this.isTelling) {
      const batch = this.waiting.splice(0, OUTCOMES_PER_POST);
      for (const outcome of batch) this.ledger.posted.set(outcome.id, outcome);
      if (batch.length > 0) await this.tellUntilHeard(batch);
      await sleep(OUTCOME_PAUSE_MS);
    }
  }

  private async tellUntilHeard(batch: readonly OutcomeEvent[]): Promise<void> {
    const { ledger } = this;
    while (this.isTelling) {
      try {
        const receipt = await this.options.client.postOutcomes(batch);
        const wrong = new Set(receipt.rejected.map(({ index }) => index));
        ledger.rejected.push(...receipt.rejected.map(({ detail }) => detail));
        for (const [index, { id }] of batch.entries()) {
          if (!wrong.has(index)) ledger.acknowledged.add(id);
        }
        return;
      } catch {
        ledger.refusedPosts += 1;
        await sleep(RETRY_PAUSE_MS);
      }
    }
  }
}

export function unitName(mail: number): string {
  return `unit-${mail}`;
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : error.name;
}
