import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILT_IN_METRICS } from '../../src/metrics/built-in.js';
import type { MetricBody } from '../../src/metrics/metric.contract.js';
import { MetricsService } from '../../src/metrics/metrics.service.js';
import { MetricsStore } from '../../src/metrics/metrics.store.js';
import { startRollups } from '../support/rollups.js';

const BUY: MetricBody = { kind: 'proportion', source: { outcome: 'buy' }, direction: 'increase' };

let metrics: MetricsService;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startRollups();
  metrics = new MetricsService(started.database, new MetricsStore());
  close = () => started.close();
});

afterAll(async () => {
  await close();
});

describe('metrics', () => {
  it('are listed with the built-in ones first', async () => {
    await metrics.define('conversion', BUY);
    expect((await metrics.list()).map((metric) => metric.name)).toEqual([
      ...BUILT_IN_METRICS.map((metric) => metric.name),
      'conversion',
    ]);
  });

  it('are read back as they were resolved, in the order asked for', async () => {
    const defined = await metrics.define('conversion', { ...BUY, window: '7d' });
    const [first, second] = await metrics.resolve(['latency_ms', 'conversion']);
    expect(first?.name).toBe('latency_ms');
    expect(second).toEqual(defined);
    expect(await metrics.get('conversion')).toEqual(defined);
  });

  it('can be replaced', async () => {
    await metrics.define('conversion', { ...BUY, direction: 'decrease' });
    expect(await metrics.get('conversion')).toMatchObject({
      direction: 'decrease',
      windowMs: null,
    });
  });

  it('cannot take a built-in name', async () => {
    await expect(metrics.define('latency_ms', BUY)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('that are unknown are named together with what was probably meant', async () => {
    await expect(metrics.resolve(['conversion', 'latency', 'zzzzzzzz'])).rejects.toMatchObject({
      code: 'not_found',
      defects: [
        { given: 'latency', advice: 'did you mean "latency_ms"?' },
        { given: 'zzzzzzzz', advice: 'define it with PUT /api/v1/metrics/{metric}' },
      ],
    });
  });
});
