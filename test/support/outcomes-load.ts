import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SluiceAddress } from '../../demo/sluice-client.js';
import type { Ledger } from './load.js';

/** As many as a batch may hold: the acknowledgement of one covers a thousand. */
const PER_BATCH = 1_000;
const POST_TIMEOUT_MS = 15_000;
const RETRY_PAUSE_MS = 100;

export interface OutcomesLoadOptions {
  readonly address: SluiceAddress;
  readonly dataKey: string;
  readonly model: string;
  /** Outcomes are told of so many units in turn. */
  readonly units: number;
  /** Between an acknowledgement and the next batch. */
  readonly pauseMs: number;
}

/** An application that tells outcomes of units in large batches, each again and again until it is acknowledged. */
export class OutcomesLoad {
  private isRunning = false;
  private running: Promise<void> | null = null;

  constructor(
    private readonly options: OutcomesLoadOptions,
    /** Of an application that does other things too. */
    private readonly ledger: Ledger,
  ) {}

  start(): void {
    this.isRunning = true;
    this.running = this.run();
  }

  /** The batch under way is still told until it is acknowledged. */
  async stop(): Promise<void> {
    this.isRunning = false;
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.isRunning) {
      const batch = this.batch();
      for (const { id, value } of batch) this.ledger.posted.set(id, { value });
      while (!(await this.tell(batch))) await sleep(RETRY_PAUSE_MS);
      await sleep(this.options.pauseMs);
    }
  }

  private batch() {
    const { model, units } = this.options;
    const name = randomUUID();
    return Array.from({ length: PER_BATCH }, (_, index) => ({
      id: `${name}-${index}`,
      model,
      unit: `unit-${index % units}`,
      name: 'click',
      value: index % 2,
      at: new Date().toISOString(),
    }));
  }

  private async tell(batch: readonly { readonly id: string }[]): Promise<boolean> {
    const { address, dataKey } = this.options;
    try {
      const response = await fetch(`${address.controlUrl}/api/v1/outcomes`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-ndjson',
          authorization: `Bearer ${dataKey}`,
        },
        body: batch.map((outcome) => JSON.stringify(outcome)).join('\n'),
        signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status}: ${text.slice(0, 200)}`);
      const receipt = JSON.parse(text) as { readonly rejected: readonly { detail: string }[] };
      this.ledger.rejected.push(...receipt.rejected.map(({ detail }) => detail));
      for (const { id } of batch) this.ledger.acknowledged.add(id);
      return true;
    } catch {
      this.ledger.refusedPosts += 1;
      return false;
    }
  }
}
