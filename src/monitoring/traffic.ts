/** Requests that one version served in a stretch of time. */
export interface ServedCounts {
  readonly version: string;
  readonly requests: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly fallbacks: number;
  /** Null without a request. */
  readonly latencyMs: { readonly p50: number; readonly p95: number } | null;
}

/** `failing`: one request in twenty fails; `down`: every second one; `quiet`: nobody asks. */
export type Health = 'ok' | 'failing' | 'down' | 'quiet';

const FAILING_SHARE = 0.05;
const DOWN_SHARE = 0.5;

export interface VersionTraffic extends ServedCounts {
  /** Share of the model's requests, in [0, 1]. */
  readonly share: number;
  readonly health: Health;
}

export interface ModelTraffic {
  readonly model: string;
  readonly requests: number;
  /** The worst of its versions that serve anything. */
  readonly health: Health;
  readonly versions: readonly VersionTraffic[];
}

/** How many of a version's requests fail, in words that people on call act on. No decision looks at it. */
export function healthOf({ requests, errors }: Pick<ServedCounts, 'requests' | 'errors'>): Health {
  if (requests === 0) return 'quiet';
  const share = errors / requests;
  if (share >= DOWN_SHARE) return 'down';
  return share >= FAILING_SHARE ? 'failing' : 'ok';
}

const WORST_FIRST: readonly Health[] = ['down', 'failing', 'ok', 'quiet'];

/** The counts of a model's versions with their shares, the busiest first. */
export function modelTraffic(model: string, counts: readonly ServedCounts[]): ModelTraffic {
  const requests = counts.reduce((sum, version) => sum + version.requests, 0);
  const versions = counts
    .map((version) => ({
      ...version,
      share: requests === 0 ? 0 : version.requests / requests,
      health: healthOf(version),
    }))
    .sort((left, right) => right.requests - left.requests);
  const health =
    WORST_FIRST.find((known) => versions.some((version) => version.health === known)) ?? 'quiet';
  return { model, requests, health, versions };
}

/** One version in one stretch of a series. */
export interface SeriesPoint extends ServedCounts {
  /** Begin of the stretch. */
  readonly atMs: number;
}

/** How requests of one variant were served: not always by its own version. */
export interface ServedCell {
  readonly variant: string;
  readonly assigned: string;
  readonly served: string;
  readonly requests: number;
  readonly errors: number;
}
