import { Module } from '@nestjs/common';
import { DatabaseModule } from '../database/database.module.js';
import { EventsModule } from '../events/events.module.js';
import { ExperimentsModule } from '../experiments/experiments.module.js';
import { systemClock } from '../kernel/clock.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { AnalysisController } from './analysis.controller.js';
import { AnalysisService } from './analysis.service.js';
import { CLOCK, EvidenceService } from './evidence.service.js';
import { ReportRow } from './report.row.js';
import { ReportsStore } from './reports.store.js';
import { SegmentsController } from './segments.controller.js';
import { SegmentsService } from './segments.service.js';

@Module({
  imports: [DatabaseModule.rows([ReportRow]), EventsModule, ExperimentsModule, MetricsModule],
  controllers: [AnalysisController, SegmentsController],
  providers: [
    AnalysisService,
    EvidenceService,
    ReportsStore,
    SegmentsService,
    { provide: CLOCK, useValue: systemClock },
  ],
  exports: [AnalysisService],
})
export class AnalysisModule {}
