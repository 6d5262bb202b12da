import { Module } from '@nestjs/common';
import { MonitoringController } from './monitoring.controller.js';
import { TrafficService } from './traffic.service.js';
import { TrafficStore } from './traffic.store.js';

@Module({
  controllers: [MonitoringController],
  providers: [TrafficStore, TrafficService],
})
export class MonitoringModule {}
