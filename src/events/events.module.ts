import { Module } from '@nestjs/common';
import type { FactoryProvider } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { ModelsModule } from '../models/models.module.js';
import { AssignmentsController } from './assignments.controller.js';
import { AssignmentsService } from './assignments.service.js';
import { EventStore } from './event.store.js';
import { EventsService } from './events.service.js';
import { ExposureStore } from './exposure.store.js';
import { OutcomeStore } from './outcome.store.js';
import { OutcomesController } from './outcomes.controller.js';
import { OutcomesService } from './outcomes.service.js';
import { RetentionController } from './retention.controller.js';
import { RetentionService } from './retention.service.js';
import { RetentionStore } from './retention.store.js';
import { ShipmentStore } from './shipment.store.js';
import type { PoolOwner } from './shipment.store.js';
import { Shipper } from './shipper.service.js';
import { Spool } from './spool.service.js';

@Module({
  imports: [ModelsModule],
  controllers: [OutcomesController, AssignmentsController, RetentionController],
  providers: [
    Spool,
    Shipper,
    onPool(ShipmentStore),
    onPool(OutcomeStore),
    onPool(ExposureStore),
    onPool(EventStore),
    onPool(RetentionStore),
    RetentionService,
    OutcomesService,
    AssignmentsService,
    EventsService,
  ],
  exports: [Spool, Shipper, OutcomesService, EventsService, RetentionService],
})
export class EventsModule {}

/** Stores of hot paths use the pool only, so that a spool can be shipped and tested without an application. */
function onPool<T>(store: new (database: PoolOwner) => T): FactoryProvider<T> {
  return {
    provide: store,
    inject: [Database],
    useFactory: (database: Database) => new store(database),
  };
}
