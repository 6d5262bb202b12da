import { describe, expect, it } from 'vitest';
import { healthOf, modelTraffic } from '../../../src/monitoring/traffic.js';

const counts = (version: string, requests: number, errors = 0) => ({
  ...{ version, requests, errors, timeouts: 0, fallbacks: 0 },
  latencyMs: requests === 0 ? null : { p50: 1, p95: 2 },
});

describe('the health of a version', () => {
  it.each([
    [0, 0, 'quiet'],
    [100, 4, 'ok'],
    [100, 5, 'failing'],
    [100, 49, 'failing'],
    [100, 50, 'down'],
    [1, 1, 'down'],
  ])('of %i requests %i failed: %s', (requests, errors, health) => {
    expect(healthOf({ requests, errors })).toBe(health);
  });
});

describe('the traffic of a model', () => {
  it('has shares that sum to one, the busiest version first', () => {
    const { requests, versions } = modelTraffic('spam', [counts('v1', 10), counts('v2', 30)]);
    expect(requests).toBe(40);
    expect(versions.map(({ version, share }) => [version, share])).toEqual([
      ['v2', 0.75],
      ['v1', 0.25],
    ]);
  });

  it('is as unwell as the worst version that serves', () => {
    expect(modelTraffic('spam', [counts('v1', 90), counts('v2', 10, 9)]).health).toBe('down');
    expect(modelTraffic('spam', [counts('v1', 90), counts('v2', 0)]).health).toBe('ok');
    expect(modelTraffic('spam', []).health).toBe('quiet');
  });
});
