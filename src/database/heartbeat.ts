import { setTimeout as sleep } from 'node:timers/promises';

/** With the deadline of a ping: a database that has gone silent is known within 4 s, whoever uses it. */
const PAUSE_MS = 1_500;

/** What a heartbeat asks, and whom it tells. */
export interface HeartbeatHost {
  /** Milliseconds of a round trip; null when there was no answer in time. */
  ping(): Promise<number | null>;
  /** No answer, for the first time since the last one. */
  onSilent(): void;
  onBack(silentMs: number): void;
}

/**
 * Asks the database every few seconds whether it still answers. Whoever waits for a query learns of a frozen server
 * only after half a minute, and a process without queries not at all; metrics and the log must tell at once.
 */
export class Heartbeat {
  readonly #stop = new AbortController();
  #silentSinceMs: number | null = null;

  constructor(private readonly host: HeartbeatHost) {
    void this.#run();
  }

  get isAnswering(): boolean {
    return this.#silentSinceMs === null;
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#note((await this.host.ping()) !== null, signal);
      await sleep(PAUSE_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  #note(answers: boolean, { aborted }: AbortSignal): void {
    if (aborted || answers === this.isAnswering) return;
    const nowMs = performance.now();
    const since = this.#silentSinceMs;
    this.#silentSinceMs = answers ? null : nowMs;
    if (since === null) this.host.onSilent();
    else this.host.onBack(nowMs - since);
  }
}
