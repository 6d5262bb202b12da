import { Global, Module } from '@nestjs/common';
import { DatabaseModule } from '../database/database.module.js';
import { QueueService } from './queue.service.js';

@Global()
@Module({ imports: [DatabaseModule], providers: [QueueService], exports: [QueueService] })
export class QueueModule {}
