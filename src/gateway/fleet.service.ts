import { Injectable, Logger } from '@nestjs/common';
import type { VersionPlan } from '../routing/plan.js';
import { OUTLIER_DEFAULTS, type OutlierSettings } from './outlier.js';
import {
  DEFAULT_MAX_CONCURRENCY,
  ReplicaSet,
  type Replica,
  type ReplicaAddress,
  type ReplicaChange,
} from './replica-set.js';

/** One URL of a version, as a gateway sees it. */
export interface ReplicaStatus {
  readonly url: string;
  readonly inFlight: number;
  readonly ejected: boolean;
  /** Ejections so far, by reason. */
  readonly ejections: Replica['ejections'];
}

/** Calls of one version under way in a gateway, and its replicas. */
export interface VersionTraffic {
  readonly model: string;
  readonly version: string;
  readonly inFlight: number;
  readonly maxConcurrency: number;
  readonly replicas: readonly ReplicaStatus[];
}

interface Member {
  readonly model: string;
  readonly version: string;
  readonly set: ReplicaSet;
}

/** The replicas of every version, with what this process knows of them; it outlives plans. */
@Injectable()
export class Fleet {
  readonly #logger = new Logger('Fleet');
  readonly #members = new Map<string, Member>();
  #timer: NodeJS.Timeout | null = null;
  #settings = OUTLIER_DEFAULTS;

  /** Other settings than Envoy's defaults, for replicas that are made from now on. */
  configure(settings: Partial<OutlierSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  /** The replicas of a version, at the addresses and with the cap of its plan. */
  setOf(model: string, version: VersionPlan): ReplicaSet {
    const addresses = addressesOf(version);
    const key = keyOf(model, version.name);
    const member = this.#members.get(key) ?? this.#member(model, version.name);
    this.#members.set(key, member);
    member.set.follow(addresses, version.maxConcurrency ?? DEFAULT_MAX_CONCURRENCY);
    return member.set;
  }

  /** Forgets every version but these; calls under way end undisturbed. */
  keepOnly(isKept: (model: string, version: string) => boolean): void {
    for (const [key, { model, version }] of this.#members) {
      if (!isKept(model, version)) this.#members.delete(key);
    }
  }

  /** Begins to let ejected replicas back in. */
  start(): void {
    this.#timer ??= setInterval(() => {
      const nowMs = performance.now();
      for (const { set } of this.#members.values()) set.sweep(nowMs);
    }, this.#settings.intervalMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  get status(): readonly VersionTraffic[] {
    return [...this.#members.values()].map(({ model, version, set }) => ({
      model,
      version,
      inFlight: set.inFlight,
      maxConcurrency: set.maxConcurrency,
      replicas: set.replicas.map(({ address, inFlight, outlier, ejections }) => ({
        url: address.url,
        inFlight,
        ejected: outlier.isEjected,
        ejections: { ...ejections },
      })),
    }));
  }

  #member(model: string, version: string): Member {
    const what = `version ${version} of model ${model}`;
    const set = new ReplicaSet({
      settings: this.#settings,
      nowMs: () => performance.now(),
      onChange: (change) => {
        this.#tell(what, change);
      },
    });
    return { model, version, set };
  }

  #tell(what: string, change: ReplicaChange): void {
    const { url } = change.replica.address;
    if (change.kind === 'returned') this.#logger.log(`${url}, replica of ${what}, is called again`);
    else {
      const { reason, restMs } = change;
      this.#logger.warn(
        `${url}, replica of ${what}, is ejected for at least ${restMs} ms: ${reason}`,
      );
    }
  }
}

/** Every URL of a version's plan, taken apart. Throws TypeError on one that is none. */
export function addressesOf({ url, urls }: VersionPlan): readonly ReplicaAddress[] {
  return (urls ?? [url]).map((one) => {
    const { origin, pathname } = new URL(one);
    return { url: one, origin, basePath: pathname.replace(/\/+$/, '') };
  });
}

function keyOf(model: string, version: string): string {
  return `${model} ${version}`;
}
