import { Counter, Gauge, type Registry } from 'prom-client';
import type { VersionTraffic } from './fleet.service.js';

/** What is known of versions and replicas, read when somebody asks for the metrics: calls pay nothing for it. */
export function watchFleet(registry: Registry, traffic: () => readonly VersionTraffic[]): void {
  const perVersion = (
    name: string,
    help: string,
    value: (version: VersionTraffic) => number,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames: ['model', 'version'],
      registers: [registry],
      collect() {
        this.reset();
        for (const one of traffic()) {
          this.set({ model: one.model, version: one.version }, value(one));
        }
      },
    });
  };
  perVersion('sluice_version_in_flight', 'Calls under way.', ({ inFlight }) => inFlight);
  perVersion(
    'sluice_version_max_concurrency',
    'Calls that may be under way; more go to the fallback or are refused.',
    ({ maxConcurrency }) => maxConcurrency,
  );
  const labelNames = ['model', 'version', 'url'] as const;
  new Gauge({
    name: 'sluice_replica_in_flight',
    help: 'Calls under way at one replica of a version.',
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { model, version, replicas } of traffic()) {
        for (const { url, inFlight } of replicas) this.set({ model, version, url }, inFlight);
      }
    },
  });
  new Gauge({
    name: 'sluice_replica_ejected',
    help: '1 while a replica gets no calls because it failed too often in a row.',
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { model, version, replicas } of traffic()) {
        for (const { url, ejected } of replicas) this.set({ model, version, url }, Number(ejected));
      }
    },
  });
  new Counter({
    name: 'sluice_replica_ejections_total',
    help: 'Ejections of a replica by reason: consecutive_5xx, consecutive_gateway_failure.',
    labelNames: [...labelNames, 'reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { model, version, replicas } of traffic()) {
        for (const { url, ejections } of replicas) {
          for (const [reason, count] of Object.entries(ejections)) {
            this.inc({ model, version, url, reason }, count);
          }
        }
      }
    },
  });
}
