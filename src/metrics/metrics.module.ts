import { Module } from '@nestjs/common';
import { ErasureController } from './erasure.controller.js';
import { ErasureService } from './erasure.service.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';
import { MetricsStore } from './metrics.store.js';
import { PairedService } from './paired.service.js';
import { RollupService } from './rollup.service.js';

/** Needs the Database from its global module. */
@Module({
  controllers: [MetricsController, ErasureController],
  providers: [ErasureService, MetricsService, MetricsStore, PairedService, RollupService],
  exports: [MetricsService, PairedService, RollupService],
})
export class MetricsModule {}
