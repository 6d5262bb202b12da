import type { VersionTraffic } from '../gateway/fleet.service.js';
import type { TargetStatus } from '../gateway/mirror-target.js';
import type { GatewayState } from './gateway-messages.js';

type Counts = Readonly<Partial<Record<string, number>>>;
type Replica = VersionTraffic['replicas'][number];

/** Each process copies its part of the requests: counts add up, and one open breaker is worth knowing. */
export function shadowsOfAll(states: readonly GatewayState[]): readonly TargetStatus[] {
  return merged(
    states.flatMap(({ shadows }) => shadows),
    ({ model, experiment, version }) => `${model} ${experiment} ${version}`,
    (a, b) => ({
      ...a,
      inFlight: a.inFlight + b.inFlight,
      sent: a.sent + b.sent,
      connections: a.connections + b.connections,
      drops: sums(a.drops, b.drops),
      breaker: a.breaker === 'open' ? 'open' : b.breaker,
    }),
  );
}

/** Each process has its part of the calls and its own cap; a replica that one of them leaves out is worth knowing. */
export function trafficOfAll(states: readonly GatewayState[]): readonly VersionTraffic[] {
  return merged(
    states.flatMap(({ traffic }) => traffic),
    ({ model, version }) => `${model} ${version}`,
    (a, b) => ({
      ...a,
      inFlight: a.inFlight + b.inFlight,
      maxConcurrency: a.maxConcurrency + b.maxConcurrency,
      replicas: merged([...a.replicas, ...b.replicas], ({ url }) => url, replicaOfBoth),
    }),
  );
}

function replicaOfBoth(a: Replica, b: Replica): Replica {
  return {
    ...a,
    inFlight: a.inFlight + b.inFlight,
    ejected: a.ejected || b.ejected,
    ejections: sums(a.ejections, b.ejections),
  };
}

function merged<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  together: (a: T, b: T) => T,
): readonly T[] {
  const byName = new Map<string, T>();
  for (const one of all) {
    const name = nameOf(one);
    const before = byName.get(name);
    byName.set(name, before === undefined ? one : together(before, one));
  }
  return [...byName.values()];
}

function sums(a: Counts, b: Counts): Record<string, number> {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}
