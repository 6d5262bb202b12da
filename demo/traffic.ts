import { setTimeout as sleep } from 'node:timers/promises';
import { LABEL, SCORE_PATH } from './design.js';
import type { Mail } from './mails.js';
import type { Random } from './random.js';
import type { OutcomeEvent, SluiceClient } from './sluice-client.js';

export interface TrafficOptions {
  readonly model: string;
  readonly mailsPerSecond: number;
  /** The truth about a mail is known this long after its prediction. */
  readonly labelDelayMs: readonly [number, number];
  readonly random: Random;
}

export interface TrafficCounts {
  /** Mails answered by the gateway with a status below 500. */
  readonly sent: number;
  /** Mails that got no answer, or one of 500 and above. */
  readonly failed: number;
  /** Labels that Sluice has taken durably. */
  readonly labelled: number;
  /** Labels that Sluice has refused: a defect, because all of them are well-formed and new. */
  readonly refused: number;
}

interface Due {
  readonly atMs: number;
  readonly outcome: OutcomeEvent;
}

/** Requests under way; more only queue up in the sender, which would be measured as nobody's latency. */
const MAX_IN_FLIGHT = 32;
/** Labels per request; Sluice takes up to 1,000. */
const MAX_BATCH = 500;
const LABEL_INTERVAL_MS = 250;
/** Posting a batch again is harmless (outcomes are idempotent by id), so a failure is tried again. */
const MAX_ATTEMPTS = 20;
const MAX_PAUSE_MS = 2_000;

/** An application that scores each arriving mail, and its users who later say which were spam. */
export class Traffic {
  private counts = { sent: 0, failed: 0, labelled: 0, refused: 0 };
  private inFlight = 0;
  private due: Due[] = [];

  constructor(
    private readonly client: SluiceClient,
    private readonly options: TrafficOptions,
  ) {}

  progress(): TrafficCounts {
    return { ...this.counts };
  }

  /**
   * Sends mails at the agreed rate until they are all sent or the signal says stop, then posts the labels still due.
   *
   * @param recipients prefix that makes every recipient of this run a unit of its own
   */
  async run(mails: readonly Mail[], recipients: string, signal: AbortSignal): Promise<void> {
    const labels = new AbortController();
    const sending = this.send(mails, recipients, signal).then(() => labels.abort());
    await Promise.all([sending, this.postLabels(labels.signal)]);
  }

  private async send(mails: readonly Mail[], recipients: string, stop: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    const pending = new Set<Promise<void>>();
    for (const [index, mail] of mails.entries()) {
      const dueMs = startedMs + (index * 1000) / this.options.mailsPerSecond;
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await sleep(waitMs);
      while (this.inFlight >= MAX_IN_FLIGHT) await Promise.race(pending);
      if (stop.aborted) break;
      const request = this.score(mail, `${recipients}-${index}`);
      pending.add(request);
      void request.finally(() => pending.delete(request));
    }
    await Promise.all(pending);
  }

  private async score(mail: Mail, unit: string): Promise<void> {
    const { model, labelDelayMs, random } = this.options;
    this.inFlight += 1;
    try {
      const body = { subject: mail.subject, body: mail.body };
      const answer = await this.client.predict({ model, path: SCORE_PATH, unit, body });
      if (answer.status >= 500 || answer.requestId === null) {
        this.counts.failed += 1;
      } else {
        this.counts.sent += 1;
      }
      if (answer.requestId === null) return;
      const [least, most] = labelDelayMs;
      const atMs = Date.now() + least + random() * (most - least);
      this.due.push({ atMs, outcome: labelOf(model, answer.requestId, mail.spam, atMs) });
    } catch {
      this.counts.failed += 1;
    } finally {
      this.inFlight -= 1;
    }
  }

  private async postLabels(lastCall: AbortSignal): Promise<void> {
    while (!lastCall.aborted || this.due.length > 0) {
      await sleep(LABEL_INTERVAL_MS);
      const nowMs = Date.now();
      const ripe = this.due.filter((label) => label.atMs <= nowMs).slice(0, MAX_BATCH);
      if (ripe.length === 0) continue;
      const posted = new Set(ripe);
      this.due = this.due.filter((label) => !posted.has(label));
      await this.post(ripe.map((label) => label.outcome));
    }
  }

  private async post(outcomes: readonly OutcomeEvent[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { accepted, duplicates, rejected } = await this.client.postOutcomes(outcomes);
        this.counts.labelled += accepted + duplicates;
        this.counts.refused += rejected.length;
        return;
      } catch (error) {
        if (attempt === MAX_ATTEMPTS) throw error;
        await sleep(Math.min(MAX_PAUSE_MS, attempt * LABEL_INTERVAL_MS));
      }
    }
  }
}

function labelOf(model: string, requestId: string, spam: boolean, atMs: number): OutcomeEvent {
  return {
    id: `label-${requestId}`,
    model,
    requestId,
    name: LABEL,
    value: spam ? 1 : 0,
    at: new Date(atMs).toISOString(),
  };
}
