import type { Server } from 'node:net';
import { Controller, Get, Header } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { Public } from '../auth/scope.js';
import { gaugeOf } from '../load/gauge.js';
import { countRefusedConnections, watchLoad } from '../load/load-metrics.js';
import { Load } from '../load/load.service.js';
import { QueueService } from '../queue/queue.service.js';
import { DeliveryService } from '../webhooks/delivery.service.js';
import { StatusService } from './status.service.js';

/**
 * Process numbers for Prometheus. A gateway in this process has its own on its own port; those of several gateway
 * processes are added up here.
 */
@Controller('metrics')
@Public()
export class TelemetryController {
  readonly #registry = new Registry();

  constructor(
    private readonly statuses: StatusService,
    webhooks: DeliveryService,
    load: Load,
    queue: QueueService,
    host: HttpAdapterHost,
  ) {
    watchLoad(this.#registry, () => load.status);
    collectDefaultMetrics({ register: this.#registry });
    // the product without HTTP has no adapter, whatever the type says
    const adapter = host.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    const server = adapter?.getHttpServer() as Server | undefined;
    if (server !== undefined) countRefusedConnections(this.#registry, server);
    this.#gauge('sluice_ready', '1 when the process can do its work.', () =>
      Number(statuses.isReady),
    );
    this.#gauge('sluice_database_ready', '1 while the database answers.', () =>
      Number(statuses.isDatabaseReady),
    );
    this.#watchSpool(statuses);
    if (queue.isUsed) this.#watchQueue(queue);
    this.#watchWebhooks(webhooks);
    this.#gauge(
      'sluice_retention_dropped_partitions',
      'Days of event tables that this process has dropped.',
      () => statuses.retention.droppedPartitions,
    );
  }

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  async read(): Promise<string> {
    const { processes } = this.statuses;
    if (processes === null) return this.#registry.metrics();
    return processes.metrics(await this.#registry.getMetricsAsJSON());
  }

  #watchSpool(statuses: StatusService): void {
    this.#gauge(
      'sluice_spool_unshipped_bytes',
      'Written and not yet in the database.',
      () => statuses.spoolCounters.unshippedBytes,
    );
    this.#gauge(
      'sluice_spool_orphan_bytes',
      'Left behind by processes that have ended, not yet in the database.',
      () => statuses.shipperStatus.orphanBytes,
    );
    this.#gauge('sluice_spool_catching_up', '1 while a backlog is being shipped.', () =>
      Number(statuses.shipperStatus.isCatchingUp),
    );
    this.#gauge(
      'sluice_spool_lag_seconds',
      'Age of the oldest event that is not in the database.',
      () => statuses.spoolCounters.oldestUnshippedMs / 1000,
    );
    this.#gauge(
      'sluice_spool_dropped_events',
      'Events that could not be written down.',
      () => statuses.spoolCounters.dropped,
    );
  }

  #watchQueue(queue: QueueService): void {
    this.#gauge(
      'sluice_queue_ready',
      '1 while the queue is connected; without it ticks do its work.',
      () => Number(queue.isReady),
    );
    this.#gauge(
      'sluice_queue_rebuilds',
      'How often the queue was thrown away and made anew.',
      () => queue.rebuildCount,
    );
    this.#gauge(
      'sluice_queue_failed_adds',
      'Jobs that could not be added; ticks do their work.',
      () => queue.failedAdds,
    );
  }

  #watchWebhooks(webhooks: DeliveryService): void {
    this.#gauge(
      'sluice_webhook_delivered',
      'Messages that webhooks have taken from this process.',
      () => webhooks.counters.delivered,
    );
    this.#gauge(
      'sluice_webhook_failed',
      'Attempts at webhooks that failed; they are tried again.',
      () => webhooks.counters.failed,
    );
    this.#gauge(
      'sluice_webhook_given_up',
      'Messages that were given up after the last attempt.',
      () => webhooks.counters.givenUp,
    );
  }

  #gauge(name: string, help: string, value: () => number): void {
    gaugeOf(this.#registry, { name, help }, value);
  }
}
