import { expect, it } from 'vitest';
import type { GatewayState } from '../../../src/app/gateway-messages.js';
import { shadowsOfAll, trafficOfAll } from '../../../src/app/gateway-totals.js';

const NAME = { model: 'm', experiment: 'e', variant: 'b', version: 'v2' };

function stateOf(
  shadows: GatewayState['shadows'],
  traffic: GatewayState['traffic'] = [],
): GatewayState {
  const counters = { exposures: 0, predictions: 0, mirrors: 0, dropped: 0, writtenBytes: 0 };
  return {
    ...{ uptimeSeconds: 1, databaseReady: true, shippingFailure: null, shadows, traffic },
    spool: { ...counters, unshippedBytes: 0, oldestUnshippedMs: 0 },
  };
}

it('adds up the copies of all processes, and shows a breaker that one of them opened', () => {
  const one = { ...NAME, inFlight: 1, sent: 10, connections: 2, breaker: 'closed' as const };
  const other = { ...NAME, inFlight: 2, sent: 5, connections: 1, breaker: 'open' as const };
  const third = { ...one, version: 'v3', drops: {} };
  expect(
    shadowsOfAll([
      stateOf([{ ...one, drops: { in_flight: 3 } }, third]),
      stateOf([{ ...other, drops: { in_flight: 1, breaker: 4 } }]),
    ]),
  ).toEqual([
    {
      ...NAME,
      ...{ inFlight: 3, sent: 15, connections: 3, breaker: 'open' },
      drops: { in_flight: 4, breaker: 4 },
    },
    third,
  ]);
});

it('adds up calls and caps of a version and of its replicas, and shows one that any of them leaves out', () => {
  const replica = (url: string, inFlight: number, ejected: boolean, count: number) => ({
    ...{ url, inFlight, ejected },
    ejections: { consecutive_5xx: count, consecutive_gateway_failure: 0 },
  });
  const version = { model: 'm', version: 'v1', maxConcurrency: 100 };
  expect(
    trafficOfAll([
      stateOf([], [{ ...version, inFlight: 2, replicas: [replica('a', 2, false, 1)] }]),
      stateOf([], [{ ...version, inFlight: 3, replicas: [replica('a', 3, true, 2)] }]),
    ]),
  ).toEqual([
    { ...version, maxConcurrency: 200, inFlight: 5, replicas: [replica('a', 5, true, 3)] },
  ]);
});
