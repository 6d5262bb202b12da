import { Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';
import { MetricsStore } from './metrics.store.js';
import { RollupService } from './rollup.service.js';

/** Needs the Database from its global module. */
@Module({
  controllers: [MetricsController],
  providers: [MetricsService, MetricsStore, RollupService],
  exports: [MetricsService, RollupService],
})
export class MetricsModule {}
