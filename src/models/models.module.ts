import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { KeyPublisher } from './key-publisher.js';
import { ModelRow } from './model.row.js';
import { ModelsController } from './models.controller.js';
import { ModelsService } from './models.service.js';
import { ModelsStore } from './models.store.js';
import { PlanService } from './plan.service.js';
import { PlanStore } from './plan.store.js';
import { UpstreamGuard } from './upstream-guard.js';
import { VersionRow } from './version.row.js';

@Module({
  imports: [AuthModule, DatabaseModule.rows([ModelRow, VersionRow])],
  controllers: [ModelsController],
  providers: [ModelsStore, ModelsService, PlanStore, PlanService, UpstreamGuard, KeyPublisher],
  exports: [ModelsService, PlanService, UpstreamGuard],
})
export class ModelsModule {}
