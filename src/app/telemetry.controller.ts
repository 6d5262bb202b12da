import { Controller, Get, Header } from '@nestjs/common';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { Public } from '../auth/scope.js';
import { DeliveryService } from '../webhooks/delivery.service.js';
import { StatusService } from './status.service.js';

/** Process numbers for Prometheus; the gateway has its own on its own port. */
@Controller('metrics')
@Public()
export class TelemetryController {
  readonly #registry = new Registry();

  constructor(statuses: StatusService, webhooks: DeliveryService) {
    collectDefaultMetrics({ register: this.#registry });
    const gauge = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value());
        },
      });
    };
    gauge('sluice_ready', '1 when the process can do its work.', () => Number(statuses.isReady));
    gauge('sluice_database_ready', '1 while the database answers.', () =>
      Number(statuses.status.database.ready),
    );
    gauge(
      'sluice_spool_unshipped_bytes',
      'Written and not yet in the database.',
      () => statuses.status.spool.unshippedBytes,
    );
    gauge(
      'sluice_spool_lag_seconds',
      'Age of the oldest event that is not in the database.',
      () => statuses.status.spool.lagSeconds,
    );
    gauge(
      'sluice_spool_dropped_events',
      'Events that could not be written down.',
      () => statuses.status.spool.dropped,
    );
    gauge(
      'sluice_webhook_delivered',
      'Messages that webhooks have taken from this process.',
      () => webhooks.counters.delivered,
    );
    gauge(
      'sluice_webhook_failed',
      'Attempts at webhooks that failed; they are tried again.',
      () => webhooks.counters.failed,
    );
    gauge(
      'sluice_webhook_given_up',
      'Messages that were given up after the last attempt.',
      () => webhooks.counters.givenUp,
    );
  }

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  read(): Promise<string> {
    return this.#registry.metrics();
  }
}
