import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ModelsModule } from '../models/models.module.js';
import { DeliveriesService } from './deliveries.service.js';
import { DeliveriesStore } from './deliveries.store.js';
import { DeliveryService } from './delivery.service.js';
import { GatesService } from './gates.service.js';
import { WebhookSender } from './sender.service.js';
import { WebhooksController } from './webhooks.controller.js';
import { WebhooksService } from './webhooks.service.js';
import { WebhooksStore } from './webhooks.store.js';

@Module({
  imports: [AuthModule, DatabaseModule, ModelsModule],
  controllers: [WebhooksController],
  providers: [
    DeliveriesService,
    DeliveriesStore,
    DeliveryService,
    GatesService,
    WebhookSender,
    WebhooksService,
    WebhooksStore,
  ],
  exports: [DeliveriesService, DeliveryService, GatesService],
})
export class WebhooksModule {}
