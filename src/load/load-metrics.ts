import type { Server } from 'node:net';
import { Counter, type Registry } from 'prom-client';
import { gaugeOf } from './gauge.js';
import type { LoadStatus } from './load.service.js';
import { SHED_ORDER } from './shed-order.js';

/** The load of the process and what was given up for it, read when somebody asks for the metrics. */
export function watchLoad(registry: Registry, status: () => LoadStatus): void {
  const gauge = (name: string, help: string, value: (load: LoadStatus) => number): void => {
    gaugeOf(registry, { name, help }, () => value(status()));
  };
  gauge('sluice_load', '1 is all that the process is allowed to take on.', ({ value }) => value);
  gauge('sluice_in_flight', 'Predictions under way.', ({ inFlight }) => inFlight);
  gauge(
    'sluice_queue_seconds',
    'Wait for the event loop that stood through the last 500 ms.',
    ({ queueMs }) => queueMs / 1_000,
  );
  gauge(
    'sluice_admitted_share',
    'Share of predictions that are let in while the event loop cannot follow.',
    ({ admittedShare }) => admittedShare,
  );
  new Counter({
    name: 'sluice_shed_total',
    help: 'Given up because of load: shadows, outcomes, reads, predictions.',
    labelNames: ['what'],
    registers: [registry],
    collect() {
      this.reset();
      const { shed } = status();
      for (const what of SHED_ORDER) this.inc({ what }, shed[what]);
    },
  });
}

/** Connections that found no room (connection-room.ts), from now on. */
export function countRefusedConnections(registry: Registry, server: Server): void {
  const counter = new Counter({
    name: 'sluice_connections_refused_total',
    help: 'Connections closed at once, because the descriptors left are kept for versions, database and spool.',
    registers: [registry],
  });
  server.on('drop', () => {
    counter.inc();
  });
}
