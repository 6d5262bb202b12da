import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { GatewayMetrics } from '../../../src/app/gateway-metrics.js';
import { restartPauseMs } from '../../../src/app/gateway-slot.js';
import { metricOf } from '../../support/processes.js';

/** What a gateway process counts, and what it says about itself. */
class Gateway {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: 'sluice_gateway_requests_total',
    help: 'r',
    labelNames: ['model'],
    registers: [this.#registry],
  });
  readonly #latency = new Histogram({
    name: 'sluice_gateway_latency_seconds',
    help: 'l',
    buckets: [0.1, 1],
    registers: [this.#registry],
  });
  readonly #plan = new Gauge({
    name: 'sluice_gateway_plan_version',
    help: 'p',
    registers: [this.#registry],
  });
  readonly #unshipped = new Gauge({
    name: 'sluice_spool_unshipped_bytes',
    help: 'u',
    registers: [this.#registry],
  });
  readonly #heap = new Gauge({ name: 'nodejs_heap', help: 'h', registers: [this.#registry] });

  constructor(index: number) {
    this.#registry.setDefaultLabels({ gateway: String(index) });
  }

  serve(model: string, count: number): this {
    this.#requests.inc({ model }, count);
    for (let at = 0; at < count; at += 1) this.#latency.observe(0.5);
    return this;
  }

  is(plan: number, unshipped: number, heap: number): this {
    this.#plan.set(plan);
    this.#unshipped.set(unshipped);
    this.#heap.set(heap);
    return this;
  }

  /** As it comes over the channel: as JSON. */
  async json() {
    return JSON.parse(JSON.stringify(await this.#registry.getMetricsAsJSON())) as never;
  }
}

const alive = (index: number) => ({ index, isListening: true, restarts: 0 });
const dead = (index: number) => ({ index, isListening: false, restarts: 0 });

// Mutants that this kills: the sums without the dead; the dead counted twice once their slot has a successor; gauges
// of the dead still shown; versions of plans added up; numbers of Node of two processes made into one.
describe('metrics of several gateway processes', () => {
  it('adds up what they count, and says the least plan and the most that waits', async () => {
    const metrics = new GatewayMetrics();
    metrics.heard(1, 11, await new Gateway(1).serve('a', 3).serve('b', 1).is(7, 100, 5).json());
    metrics.heard(2, 12, await new Gateway(2).serve('a', 4).is(6, 20, 6).json());
    const text = await metrics.render([], [alive(1), alive(2)]);
    expect(metricOf(text, 'sluice_gateway_requests_total', 'model="a"')).toBe(7);
    expect(metricOf(text, 'sluice_gateway_requests_total', 'model="b"')).toBe(1);
    expect(metricOf(text, 'sluice_gateway_latency_seconds_count')).toBe(8);
    expect(metricOf(text, 'sluice_gateway_latency_seconds_bucket', 'le="0.1"')).toBe(0);
    expect(metricOf(text, 'sluice_gateway_plan_version')).toBe(6);
    expect(metricOf(text, 'sluice_spool_unshipped_bytes')).toBe(120);
    expect(metricOf(text, 'nodejs_heap', 'gateway="1"')).toBe(5);
    expect(metricOf(text, 'nodejs_heap', 'gateway="2"')).toBe(6);
  });

  it('keeps what a dead process had counted, once, and forgets what it was', async () => {
    const metrics = new GatewayMetrics();
    metrics.heard(1, 11, await new Gateway(1).serve('a', 3).is(7, 100, 5).json());
    metrics.heard(2, 12, await new Gateway(2).serve('a', 4).is(7, 20, 6).json());
    const count = async (...lives: Parameters<GatewayMetrics['render']>[1][number][]) =>
      metricOf(await metrics.render([], lives), 'sluice_gateway_requests_total');
    expect(await count(alive(1), alive(2))).toBe(7);
    expect(await count(dead(1), alive(2))).toBe(7);
    const text = await metrics.render([], [dead(1), alive(2)]);
    expect(metricOf(text, 'sluice_spool_unshipped_bytes')).toBe(20);
    expect(metricOf(text, 'nodejs_heap')).toBe(6);
    expect(metricOf(text, 'sluice_gateway_process_up')).toBe(1);
    for (const pid of [21, 31]) {
      metrics.heard(1, pid, await new Gateway(1).serve('a', 2).is(7, 0, 5).json());
    }
    metrics.heard(1, 31, await new Gateway(1).serve('a', 5).is(7, 0, 5).json());
    expect(await count(alive(1), alive(2))).toBe(3 + 2 + 5 + 4);
    const latencies = await metrics.render([], [alive(1), alive(2)]);
    expect(metricOf(latencies, 'sluice_gateway_latency_seconds_count')).toBe(14);
  });

  it('adds what the main process has of its own', async () => {
    const metrics = new GatewayMetrics();
    metrics.heard(1, 11, await new Gateway(1).is(7, 100, 5).json());
    const own = await new Gateway(0).is(9, 3, 8).json();
    const text = await metrics.render(own, [alive(1)]);
    expect(metricOf(text, 'sluice_spool_unshipped_bytes')).toBe(103);
  });
});

describe('the pause before a process is started again', () => {
  it('grows from 100 ms to 5 s and no further', () => {
    expect([0, 1, 2, 5, 6, 1_000].map(restartPauseMs)).toEqual([
      100, 200, 400, 3_200, 5_000, 5_000,
    ]);
  });
});
