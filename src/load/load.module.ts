import { Global, Module } from '@nestjs/common';
import { Load } from './load.service.js';

/** One gauge per process, for every folder that gives something up under load. */
@Global()
@Module({ providers: [Load], exports: [Load] })
export class LoadModule {}
