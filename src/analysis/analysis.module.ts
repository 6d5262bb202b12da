import { Module } from '@nestjs/common';
import { DatabaseModule } from '../database/database.module.js';
import { EventsModule } from '../events/events.module.js';
import { ExperimentsModule } from '../experiments/experiments.module.js';
import { systemClock } from '../kernel/clock.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { ModelsModule } from '../models/models.module.js';
import { AnalysisController } from './analysis.controller.js';
import { AnalysisService } from './analysis.service.js';
import { CLOCK } from './clock.js';
import { EvidenceService } from './evidence.service.js';
import { HoldoutEvidenceService } from './holdout/holdout-evidence.service.js';
import { ReportRow } from './report.row.js';
import { ReportsStore } from './reports.store.js';
import { SegmentsController } from './segments.controller.js';
import { SegmentsService } from './segments.service.js';

@Module({
  imports: [
    DatabaseModule.rows([ReportRow]),
    EventsModule,
    ExperimentsModule,
    MetricsModule,
    ModelsModule,
  ],
  controllers: [AnalysisController, SegmentsController],
  providers: [
    AnalysisService,
    EvidenceService,
    HoldoutEvidenceService,
    ReportsStore,
    SegmentsService,
    { provide: CLOCK, useValue: systemClock },
  ],
  exports: [AnalysisService],
})
export class AnalysisModule {}
