import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { EventsModule } from '../events/events.module.js';
import { ModelsModule } from '../models/models.module.js';
import { Door } from './door.service.js';
import { Fleet } from './fleet.service.js';
import { Forwarder } from './forwarder.service.js';
import { Gatekeeper } from './gatekeeper.service.js';
import { GatewayServer } from './gateway-server.service.js';
import { GatewayTelemetry } from './gateway-telemetry.service.js';
import { LivePlanService } from './live-plan.service.js';
import { Mirrors } from './mirrors.service.js';
import { DatabasePlanSource } from './database-plan-source.service.js';
import { PLAN_SOURCE } from './plan-source.js';
import { Upstreams } from './upstreams.service.js';

/** The data plane. Needs the configuration (CONFIG), the Load and the Database from global modules. */
@Module({
  imports: [AuthModule, ModelsModule, EventsModule],
  providers: [
    { provide: PLAN_SOURCE, useClass: DatabasePlanSource },
    Fleet,
    LivePlanService,
    Upstreams,
    GatewayTelemetry,
    Gatekeeper,
    Mirrors,
    Forwarder,
    Door,
    GatewayServer,
  ],
  exports: [Fleet, GatewayServer, LivePlanService, Mirrors],
})
export class GatewayModule {}
