import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module.js';
import { ModelsModule } from '../models/models.module.js';
import { ExperimentsController } from './experiments.controller.js';
import { ExperimentsService } from './experiments.service.js';
import { ExperimentsStore } from './experiments.store.js';
import { LeasesService } from './leases.service.js';
import { LeasesStore } from './leases.store.js';

@Module({
  imports: [MetricsModule, ModelsModule],
  controllers: [ExperimentsController],
  providers: [ExperimentsStore, LeasesStore, ExperimentsService, LeasesService],
  exports: [ExperimentsService, LeasesService],
})
export class ExperimentsModule {}
