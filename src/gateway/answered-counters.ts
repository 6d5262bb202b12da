/** Upper bounds of the latency buckets in seconds. */
const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Status classes 0xx (the caller went away) to 9xx. */
const CLASSES = 10;

/** What prom-client asks of a metric; its own look up labels by name for every observation, a tenth of a request. */
export interface RenderedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: readonly {
    readonly value: number;
    readonly metricName?: string;
    readonly labels: Readonly<Record<string, string | number>>;
  }[];
}

/** Answered requests of one version: counts by status class, and their latencies. */
class VersionCounters {
  readonly byClass = new Float64Array(CLASSES);
  /** One more than bounds: the last is beyond all of them. */
  readonly byBucket = new Float64Array(BUCKETS_S.length + 1);
  sumSeconds = 0;

  constructor(
    readonly model: string,
    readonly version: string,
  ) {}

  add(status: number, latencyMs: number): void {
    const seconds = latencyMs / 1_000;
    const index = Math.floor(status / 100);
    this.byClass[index] = (this.byClass[index] ?? 0) + 1;
    let bucket = 0;
    while (bucket < BUCKETS_S.length && seconds > (BUCKETS_S[bucket] ?? 0)) bucket += 1;
    this.byBucket[bucket] = (this.byBucket[bucket] ?? 0) + 1;
    this.sumSeconds += seconds;
  }
}

/** Counts of answered requests, kept as plain numbers and put into words only when somebody asks for the metrics. */
export class AnsweredCounters {
  readonly #versions = new Map<string, Map<string, VersionCounters>>();

  /** @param status HTTP status, 0 when the caller went away before one was known */
  add(model: string, version: string, status: number, latencyMs: number): void {
    const known = this.#versions.get(model)?.get(version);
    (known ?? this.#first(model, version)).add(status, latencyMs);
  }

  #first(model: string, version: string): VersionCounters {
    const versions = this.#versions.get(model) ?? new Map<string, VersionCounters>();
    const counters = new VersionCounters(model, version);
    this.#versions.set(model, versions.set(version, counters));
    return counters;
  }

  requests(name: string, help: string): RenderedMetric {
    const values = this.#all().flatMap(({ model, version, byClass }) =>
      [...byClass].flatMap((value, index) =>
        value === 0 ? [] : [{ value, labels: { model, version, status: `${index}xx` } }],
      ),
    );
    return { name, help, type: 'counter', aggregator: 'sum', values };
  }

  latencies(name: string, help: string): RenderedMetric {
    const values = this.#all().flatMap(({ model, version, byBucket, sumSeconds }) => {
      let below = 0;
      const buckets = [...byBucket].map((count, index) => {
        below += count;
        const le = BUCKETS_S[index] ?? '+Inf';
        return { value: below, metricName: `${name}_bucket`, labels: { le, model, version } };
      });
      return [
        ...buckets,
        { value: sumSeconds, metricName: `${name}_sum`, labels: { model, version } },
        { value: below, metricName: `${name}_count`, labels: { model, version } },
      ];
    });
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  #all(): readonly VersionCounters[] {
    return [...this.#versions.values()].flatMap((versions) => [...versions.values()]);
  }
}
