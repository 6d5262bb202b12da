import { Module } from '@nestjs/common';
import { MonitoringController } from './monitoring.controller.js';
import { PairSampleService } from './pair-sample.service.js';
import { PairSampleStore } from './pair-sample.store.js';
import { TrafficService } from './traffic.service.js';
import { TrafficStore } from './traffic.store.js';

@Module({
  controllers: [MonitoringController],
  providers: [TrafficStore, TrafficService, PairSampleStore, PairSampleService],
})
export class MonitoringModule {}
