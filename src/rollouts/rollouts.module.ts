import { Module } from '@nestjs/common';
import { AnalysisModule } from '../analysis/analysis.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ExperimentsModule } from '../experiments/experiments.module.js';
import { ModelsModule } from '../models/models.module.js';
import { QueueModule } from '../queue/queue.module.js';
import { ChangesController } from './changes.controller.js';
import { ChangesService } from './changes.service.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';
import { AuditController } from './audit.controller.js';
import { AuditService } from './audit.service.js';
import { AuditStore } from './audit.store.js';
import { DecisionRow } from './decision.row.js';
import { DecisionsStore } from './decisions.store.js';
import { EvaluationService } from './evaluation.service.js';
import { ExecutorService } from './executor.service.js';
import { HoldoutController } from './holdout.controller.js';
import { HoldoutService } from './holdout.service.js';
import { OutboxService } from './outbox.service.js';
import { PlanningController } from './planning.controller.js';
import { PlanningService } from './planning.service.js';
import { PlanningStore } from './planning.store.js';
import { RolloutsController } from './rollouts.controller.js';
import { RolloutsService } from './rollouts.service.js';
import { SchedulerService, TurnParts } from './scheduler.service.js';
import { StandingController } from './standing.controller.js';
import { StandingService } from './standing.service.js';
import { VerbsService } from './verbs.service.js';
import { VerdictService } from './verdict.service.js';

@Module({
  imports: [
    AuthModule,
    DatabaseModule.rows([DecisionRow]),
    QueueModule,
    ModelsModule,
    ExperimentsModule,
    AnalysisModule,
    WebhooksModule,
  ],
  controllers: [
    AuditController,
    HoldoutController,
    PlanningController,
    StandingController,
    ChangesController,
    RolloutsController,
  ],
  providers: [
    AuditService,
    AuditStore,
    ChangesService,
    DecisionsStore,
    ExecutorService,
    EvaluationService,
    HoldoutService,
    OutboxService,
    PlanningService,
    PlanningStore,
    RolloutsService,
    SchedulerService,
    StandingService,
    TurnParts,
    VerbsService,
    VerdictService,
  ],
})
export class RolloutsModule {}
