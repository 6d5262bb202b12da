import { Module } from '@nestjs/common';
import type { DynamicModule, Type } from '@nestjs/common';
import { APP_FILTER, APP_PIPE, RouterModule } from '@nestjs/core';
import { AnalysisModule } from '../analysis/analysis.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConfigModule } from '../config/config.module.js';
import type { Config } from '../config/config.js';
import { DatabaseModule } from '../database/database.module.js';
import { EventsModule } from '../events/events.module.js';
import { ExperimentsModule } from '../experiments/experiments.module.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { LoadModule } from '../load/load.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { ModelsModule } from '../models/models.module.js';
import { MonitoringModule } from '../monitoring/monitoring.module.js';
import { QueueModule } from '../queue/queue.module.js';
import { RolloutsModule } from '../rollouts/rollouts.module.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';
import { DocsController } from './docs.controller.js';
import { GatewayProcesses } from './gateway-processes.service.js';
import { HealthController } from './health.controller.js';
import { ProblemFilter } from './problem.filter.js';
import { StatusService } from './status.service.js';
import { TelemetryController } from './telemetry.controller.js';
import { ContractPipe } from './validation.js';

/** Folders whose controllers make up the API. */
const API: readonly Type[] = [
  AuthModule,
  ModelsModule,
  EventsModule,
  MonitoringModule,
  MetricsModule,
  ExperimentsModule,
  AnalysisModule,
  RolloutsModule,
  WebhooksModule,
];

/** The whole product, wired for the roles of this process. */
@Module({})
export class AppModule {
  static of(config: Config): DynamicModule {
    const isGateway = config.roles.includes('gateway');
    const isAlone = config.gatewayProcesses === 1;
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        LoadModule,
        DatabaseModule,
        QueueModule,
        ...API,
        // a gateway listens as soon as it is wired, so other roles leave it out
        ...(isGateway && isAlone ? [GatewayModule] : []),
        RouterModule.register(API.map((module) => ({ path: 'api/v1', module }))),
      ],
      controllers: [HealthController, TelemetryController, DocsController],
      providers: [
        StatusService,
        ...(isGateway && !isAlone ? [GatewayProcesses] : []),
        { provide: APP_PIPE, useClass: ContractPipe },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
