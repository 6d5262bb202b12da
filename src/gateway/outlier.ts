/**
 * Outlier detection as Envoy does it, under Envoy's names and with its defaults (envoyproxy.io, "Outlier detection",
 * config.cluster.v3.OutlierDetection). Left out: success-rate and failure-percentage ejection, which compare at least
 * five hosts with a hundred requests each per interval; a version has one to sixteen replicas, and what a slow decline
 * of one of them does to answers is what experiments measure.
 */
export interface OutlierSettings {
  /** Answers >= 500 in a row, time-outs and broken connections included, after which a replica is ejected. */
  readonly consecutive5xx: number;
  /** The same for 502, 503, 504 and failures without an answer. */
  readonly consecutiveGatewayFailure: number;
  /** Time between two sweeps: ejected replicas come back in one, and the memory of ejections fades. */
  readonly intervalMs: number;
  /** An ejection lasts this long times the number of ejections in recent memory. */
  readonly baseEjectionTimeMs: number;
  /** The longest ejection. */
  readonly maxEjectionTimeMs: number;
  /** Share of a version's replicas that may be ejected at once; one of several always may. */
  readonly maxEjectionPercent: number;
  /** With a smaller share of replicas in service all of them are called: ejection must not become the outage. */
  readonly panicThresholdPercent: number;
}

/**
 * Envoy's defaults, except that gateway failures eject (Envoy counts them, with `enforcing_consecutive_gateway_failure`
 * 0): each of them is a 5xx as well, so it changes nothing but the reason that is told. `always_eject_one_host` is on,
 * as it was before Envoy made it a setting: with a tenth of at most sixteen replicas nobody would be ejected otherwise.
 */
export const OUTLIER_DEFAULTS: OutlierSettings = {
  consecutive5xx: 5,
  consecutiveGatewayFailure: 5,
  intervalMs: 10_000,
  baseEjectionTimeMs: 30_000,
  maxEjectionTimeMs: 300_000,
  maxEjectionPercent: 10,
  panicThresholdPercent: 50,
};

export type EjectionReason = 'consecutive_gateway_failure' | 'consecutive_5xx';

/** Ejected replicas that a version may have at once. Of one replica none: there would be nobody to answer. */
export function ejectionLimit(replicas: number, settings: OutlierSettings): number {
  if (replicas < 2) return 0;
  return Math.max(1, Math.floor((replicas * settings.maxEjectionPercent) / 100));
}

/** True when so few replicas are in service that ejection is ignored. */
export function isPanic(replicas: number, ejected: number, settings: OutlierSettings): boolean {
  return (replicas - ejected) * 100 < settings.panicThresholdPercent * replicas;
}

/** What is remembered of one replica. Times are milliseconds of a monotonic clock. */
export class Outlier {
  #errors = 0;
  #gatewayErrors = 0;
  /** Ejections in recent memory. */
  #backoff = 0;
  /** Null while in service. */
  #ejectedAtMs: number | null = null;

  constructor(private readonly settings: OutlierSettings) {}

  get isEjected(): boolean {
    return this.#ejectedAtMs !== null;
  }

  /**
   * Takes in how a call ended; returns why the replica should be ejected now, or null. Calls that were under way when
   * it was ejected tell nothing new.
   *
   * @param status of the answer, with 502 for a connection that could not be made or broke and 504 for a time-out
   */
  answered(status: number): EjectionReason | null {
    if (status < 500) {
      this.#errors = 0;
      this.#gatewayErrors = 0;
      return null;
    }
    if (this.#ejectedAtMs !== null) return null;
    this.#errors += 1;
    this.#gatewayErrors = status >= 502 && status <= 504 ? this.#gatewayErrors + 1 : 0;
    if (this.#gatewayErrors >= this.settings.consecutiveGatewayFailure) {
      return this.#detected('consecutive_gateway_failure');
    }
    return this.#errors >= this.settings.consecutive5xx ? this.#detected('consecutive_5xx') : null;
  }

  /** Takes the replica out of service; returns for how long at least. */
  eject(nowMs: number): number {
    const { baseEjectionTimeMs, maxEjectionTimeMs } = this.settings;
    this.#ejectedAtMs = nowMs;
    // once the longest time is reached, counting on would only make the way back longer
    if (this.#backoff * baseEjectionTimeMs < maxEjectionTimeMs) this.#backoff += 1;
    return this.#restMs;
  }

  /** One sweep: true when the replica comes back with it. A sweep in service lets one ejection be forgotten. */
  sweep(nowMs: number): boolean {
    if (this.#ejectedAtMs === null) {
      this.#backoff = Math.max(0, this.#backoff - 1);
      return false;
    }
    if (nowMs - this.#ejectedAtMs < this.#restMs) return false;
    this.readmit();
    return true;
  }

  /** Puts the replica back into service, whatever its time. */
  readmit(): void {
    this.#ejectedAtMs = null;
    this.#errors = 0;
    this.#gatewayErrors = 0;
  }

  get #restMs(): number {
    const { baseEjectionTimeMs, maxEjectionTimeMs } = this.settings;
    // as in Envoy, a base beyond the longest time is the longest time
    const longestMs = Math.max(baseEjectionTimeMs, maxEjectionTimeMs);
    return Math.min(longestMs, this.#backoff * baseEjectionTimeMs);
  }

  /** The count begins anew whether or not the replica can be ejected: it is judged again by what comes. */
  #detected(reason: EjectionReason): EjectionReason {
    this.#errors = 0;
    this.#gatewayErrors = 0;
    return reason;
  }
}
