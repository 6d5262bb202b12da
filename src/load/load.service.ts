import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { AdmittedShare } from './admitted-share.js';
import { LoadGauge } from './load-gauge.js';
import { SHED_ABOVE, SHED_ORDER, type Sheddable } from './shed-order.js';

/** Turns of the event loop are measured this often: twenty in an interval of the gauge, for a few microseconds each. */
const SAMPLE_MS = 25;
/** Average turn above which copies for shadows are dropped even if no queue stands: their callers get the time. */
const COPIES_AVERAGE_MS = 50;
/**
 * With fewer predictions under way a wait for the event loop is not theirs: a machine that others keep busy makes it, and
 * refusing them would not shorten it. By Little's law 200 ms of waiting are this many at 160 a second.
 */
const MIN_OWN_CALLS = 32;
/** Load that is over for this long is told as over. */
const CALM_MS = 5_000;

/** How busy a process is, and what it gives up. */
export interface LoadStatus {
  /** 1 is all that the process is allowed to take on. */
  readonly value: number;
  /** Predictions under way. */
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Wait for the event loop that stood through the last 500 ms. */
  readonly queueMs: number;
  readonly maxQueueMs: number;
  /** Share of predictions that are let in, in (0, 1]. */
  readonly admittedShare: number;
  /** What is given up at the moment. */
  readonly sheds: readonly Sheddable[];
  /** Requests that were given up so far. */
  readonly shed: Readonly<Record<Sheddable, number>>;
}

/** The load of this process: one gauge, from which every kind of work learns whether it is given up. */
@Injectable()
export class Load implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger('Load');
  readonly #gauge = new LoadGauge();
  readonly #share = new AdmittedShare();
  readonly #maxInFlight: number;
  readonly #maxQueueMs: number;
  readonly #shed: Record<Sheddable, number> = { shadows: 0, outcomes: 0, reads: 0, predictions: 0 };
  #inFlight = 0;
  /** Most predictions under way since the last turn, and in the turn before. */
  #peak = 0;
  #peakBefore = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Kinds that the log knows to be given up. */
  #told = 0;
  #refusedBefore = 0;
  #calmSinceMs = 0;

  constructor(@Inject(CONFIG) config: Pick<Config, 'maxInFlight' | 'maxQueueMs'>) {
    this.#maxInFlight = config.maxInFlight;
    this.#maxQueueMs = config.maxQueueMs;
  }

  onModuleInit(): void {
    let lastMs = performance.now();
    this.#timer ??= setInterval(() => {
      const startMs = performance.now();
      const lateMs = startMs - lastMs - SAMPLE_MS;
      lastMs = startMs;
      // from one check phase to the next: everything that was ready ran in between, and nothing was waited for
      setImmediate(() => {
        const turnMs = performance.now();
        setImmediate(() => {
          const nowMs = performance.now();
          this.turned(Math.max(lateMs, nowMs - turnMs), nowMs);
        });
      });
    }, SAMPLE_MS).unref();
  }

  onApplicationShutdown(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Takes in one turn of the event loop. */
  turned(ms: number, nowMs: number): void {
    this.#gauge.turned(ms, nowMs);
    this.#peakBefore = this.#peak;
    this.#peak = this.#inFlight;
    this.#share.observe(this.#ownWaitMs > this.#maxQueueMs, nowMs);
    this.#tell(nowMs);
  }

  /** 1 is all that the process is allowed to take on: of requests under way, or of waiting for the event loop. */
  get value(): number {
    return Math.max(this.#inFlight / this.#maxInFlight, this.#ownWaitMs / this.#maxQueueMs);
  }

  /** The standing wait, as far as predictions of this process make it. */
  get #ownWaitMs(): number {
    const calls = Math.max(this.#inFlight, this.#peak, this.#peakBefore);
    return calls < Math.min(MIN_OWN_CALLS, this.#maxInFlight) ? 0 : this.#gauge.standingMs;
  }

  /** Whether a kind of work is given up at this moment. */
  sheds(what: Exclude<Sheddable, 'predictions'>): boolean {
    if (what === 'shadows' && this.#gauge.averageMs > COPIES_AVERAGE_MS) return true;
    return this.value > SHED_ABOVE[what];
  }

  /** The same for a request that is there; one that is refused counts as given up. */
  refuses(what: 'outcomes' | 'reads'): boolean {
    if (!this.sheds(what)) return false;
    this.#shed[what] += 1;
    return true;
  }

  /** Whether a prediction that comes in is refused: too many are under way, or the event loop cannot follow. */
  refusesPrediction(): boolean {
    if (this.#inFlight < this.#maxInFlight && this.#share.admits()) return false;
    this.#shed.predictions += 1;
    return true;
  }

  /** Counts a prediction as under way; false, and it is not, when there are as many as there may be. */
  enter(): boolean {
    if (this.#inFlight >= this.#maxInFlight) {
      this.#shed.predictions += 1;
      return false;
    }
    this.#inFlight += 1;
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
    return true;
  }

  /** The end of a prediction that entered. */
  readonly leave = (): void => {
    this.#inFlight -= 1;
  };

  /** Counts a copy for a shadow that was dropped because of the load. */
  droppedCopy(): void {
    this.#shed.shadows += 1;
  }

  get status(): LoadStatus {
    return {
      value: this.value,
      inFlight: this.#inFlight,
      maxInFlight: this.#maxInFlight,
      queueMs: this.#gauge.standingMs,
      maxQueueMs: this.#maxQueueMs,
      admittedShare: this.#share.value,
      sheds: SHED_ORDER.slice(0, this.#level),
      shed: { ...this.#shed },
    };
  }

  /** How many kinds of work are given up, in their order. */
  get #level(): number {
    if (this.#share.value < 1 || this.#inFlight >= this.#maxInFlight) return SHED_ORDER.length;
    const kept = SHED_ORDER.findIndex((what) => what === 'predictions' || !this.sheds(what));
    return kept;
  }

  /** One line when more is given up than before, one when all of it is over for a while. */
  #tell(nowMs: number): void {
    const refused = this.#shed.predictions > this.#refusedBefore;
    this.#refusedBefore = this.#shed.predictions;
    const level = refused ? SHED_ORDER.length : this.#level;
    if (level > 0) this.#calmSinceMs = nowMs;
    if (level > this.#told) {
      this.#told = level;
      const { value, inFlight, queueMs } = this.status;
      this.#logger.warn(
        `gives up ${SHED_ORDER.slice(0, level).join(', ')}: load ${value.toFixed(2)}, ${inFlight} predictions under way, ${queueMs.toFixed(0)} ms wait`,
      );
    } else if (this.#told > 0 && nowMs - this.#calmSinceMs > CALM_MS) {
      this.#told = 0;
      this.#logger.log('gives up nothing any more');
    }
  }
}
