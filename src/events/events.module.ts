import { Module } from '@nestjs/common';
import { Spool } from './spool.service.js';

/** Needs the configuration (CONFIG) and the Database from global modules. */
@Module({ providers: [Spool], exports: [Spool] })
export class EventsModule {}
