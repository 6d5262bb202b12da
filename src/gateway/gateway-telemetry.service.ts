import type { Server } from 'node:net';
import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Registry, type Metric } from 'prom-client';
import { Spool } from '../events/spool.service.js';
import type { Prediction } from '../events/event.js';
import { gaugeOf } from '../load/gauge.js';
import { countRefusedConnections, watchLoad } from '../load/load-metrics.js';
import { Load } from '../load/load.service.js';
import { AnsweredCounters, type RenderedMetric } from './answered-counters.js';
import { watchFleet } from './fleet-metrics.js';
import { Fleet } from './fleet.service.js';
import { LivePlanService } from './live-plan.service.js';
import type { MirrorResult, TargetName, TargetStatus } from './mirror-target.js';

/** Process numbers of this gateway, in Prometheus format. */
@Injectable()
export class GatewayTelemetry {
  readonly #registry = new Registry();
  readonly #answered = new AnsweredCounters();
  readonly #failures = new Counter({
    name: 'sluice_gateway_upstream_failures_total',
    help: 'Failed attempts by version and kind: status (>= 500), timeout, connect, broken, saturated.',
    labelNames: ['model', 'version', 'kind'],
    registers: [this.#registry],
  });
  readonly #retries = new Counter({
    name: 'sluice_gateway_retries_total',
    help: 'Attempts repeated on the same version.',
    labelNames: ['model'],
    registers: [this.#registry],
  });
  readonly #faults = new Counter({
    name: 'sluice_gateway_faults_total',
    help: 'Faults of our own for which the champion answered.',
    labelNames: ['model', 'what'],
    registers: [this.#registry],
  });
  readonly #refusals = new Counter({
    name: 'sluice_gateway_refusals_total',
    help: 'Requests answered with a problem before any version was called.',
    labelNames: ['code'],
    registers: [this.#registry],
  });

  readonly #copies = new Counter({
    name: 'sluice_mirror_copies_total',
    help: 'Requests copied to shadow versions by result: answered, error, timeout.',
    labelNames: ['model', 'experiment', 'version', 'result'],
    registers: [this.#registry],
  });
  readonly #drops = new Counter({
    name: 'sluice_mirror_drops_total',
    help: 'Requests of shadow experiments that were not copied, by reason.',
    labelNames: ['model', 'experiment', 'version', 'reason'],
    registers: [this.#registry],
  });

  constructor(spool: Spool, live: LivePlanService, fleet: Fleet, load: Load) {
    watchLoad(this.#registry, () => load.status);
    watchFleet(this.#registry, () => fleet.status);
    const gauge = (name: string, help: string, value: () => number): void => {
      gaugeOf(this.#registry, { name, help }, value);
    };
    gauge('sluice_gateway_plan_version', 'Plan in force; -1 while none is known.', () =>
      live.current === null ? -1 : live.current.version,
    );
    gauge(
      'sluice_spool_unshipped_bytes',
      'Written and not yet in the database.',
      () => spool.counters().unshippedBytes,
    );
    gauge(
      'sluice_spool_lag_seconds',
      'Age of the oldest event that is not in the database.',
      () => spool.counters().oldestUnshippedMs / 1000,
    );
    gauge(
      'sluice_spool_dropped_events',
      'Events that could not be written down.',
      () => spool.counters().dropped,
    );
    this.#render('sluice_gateway_requests_total', (name) =>
      this.#answered.requests(
        name,
        'Answered requests by served version and status class (0xx: the caller went away).',
      ),
    );
    this.#render('sluice_gateway_latency_seconds', (name) =>
      this.#answered.latencies(
        name,
        'From the whole request received to the whole answer there, by served version.',
      ),
    );
    collectDefaultMetrics({ register: this.#registry });
  }

  answered({ model, servedVersion, status, latencyMs }: Prediction): void {
    this.#answered.add(model, servedVersion, status, latencyMs);
  }

  upstreamFailed(model: string, version: string, kind: string): void {
    this.#failures.inc({ model, version, kind });
  }

  retried(model: string): void {
    this.#retries.inc({ model });
  }

  fault(model: string, what: string): void {
    this.#faults.inc({ model, what });
  }

  refused(code: string): void {
    this.#refusals.inc({ code });
  }

  countRefusedConnections(server: Server): void {
    countRefusedConnections(this.#registry, server);
  }

  mirrored({ model, experiment, version }: TargetName, result: MirrorResult): void {
    if (result.kind === 'dropped') {
      this.#drops.inc({ model, experiment, version, reason: result.reason });
      return;
    }
    const how = result.kind === 'answered' ? 'answered' : result.timeout ? 'timeout' : 'error';
    this.#copies.inc({ model, experiment, version, result: how });
  }

  /** Gauges of the shadows that a gateway copies to, read when somebody asks for the metrics. */
  watchMirrors(targets: () => readonly TargetStatus[]): void {
    const gauge = (name: string, help: string, value: (target: TargetStatus) => number): void => {
      new Gauge({
        name,
        help,
        labelNames: ['model', 'experiment', 'version'],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const target of targets()) {
            const { model, experiment, version } = target;
            this.set({ model, experiment, version }, value(target));
          }
        },
      });
    };
    gauge('sluice_mirror_in_flight', 'Copies under way.', ({ inFlight }) => inFlight);
    gauge('sluice_mirror_breaker_open', '1 while a shadow is left alone.', ({ breaker }) =>
      breaker === 'open' ? 1 : 0,
    );
    gauge(
      'sluice_mirror_connections',
      'Connections opened to a shadow so far.',
      ({ connections }) => connections,
    );
  }

  /** The registry asks a metric for its name and its values, which is all that ours have. */
  #render(name: string, get: (name: string) => RenderedMetric): void {
    const metric = { name, get: () => Promise.resolve(get(name)) };
    this.#registry.registerMetric(metric as unknown as Metric);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Labels on every number from now on: which process it is of, where several share a port. */
  name(labels: Readonly<Record<string, string>>): void {
    this.#registry.setDefaultLabels(labels);
  }

  /** The numbers as values, to be added to those of other processes. */
  json(): ReturnType<Registry['getMetricsAsJSON']> {
    return this.#registry.getMetricsAsJSON();
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
