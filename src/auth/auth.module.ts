import { Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { readSecret } from '../config/data-dir.js';
import { DatabaseModule } from '../database/database.module.js';
import { ApiKeyRow } from './api-key.row.js';
import { ApiKeysStore } from './api-keys.store.js';
import { AuthService } from './auth.service.js';
import { FirstKeyService } from './first-key.service.js';
import { KeysController } from './keys.controller.js';
import { RouteCatalog } from './route-catalog.service.js';
import { ScopeGuard } from './scope.guard.js';
import { INSTANCE_SECRET, SecretsService } from './secrets.service.js';
import { SessionController } from './session.controller.js';
import { SessionService } from './session.service.js';

@Module({
  imports: [DiscoveryModule, DatabaseModule.rows([ApiKeyRow])],
  controllers: [KeysController, SessionController],
  providers: [
    {
      provide: INSTANCE_SECRET,
      inject: [CONFIG],
      useFactory: (config: Config) => readSecret(config),
    },
    SecretsService,
    ApiKeysStore,
    AuthService,
    FirstKeyService,
    SessionService,
    RouteCatalog,
    { provide: APP_GUARD, useClass: ScopeGuard },
  ],
  exports: [AuthService, SecretsService, FirstKeyService, RouteCatalog],
})
export class AuthModule {}
