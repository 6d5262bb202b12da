import { Injectable } from '@nestjs/common';
import { SecretsService } from '../auth/secrets.service.js';
import { Database } from '../database/database.service.js';
import { AuditStore } from './audit.store.js';
import type { Checkpoint } from './checkpoint.js';

export interface AuditKey {
  readonly keyId: string;
  readonly algorithm: 'Ed25519';
  /** SPKI in PEM. */
  readonly publicKey: string;
}

/** What auditors take away, to compare the decision log with it later. */
@Injectable()
export class AuditService {
  constructor(
    private readonly database: Database,
    private readonly store: AuditStore,
    private readonly secrets: SecretsService,
  ) {}

  get key(): AuditKey {
    const { id, pem } = this.secrets.audit.public;
    return { keyId: id, algorithm: 'Ed25519', publicKey: pem };
  }

  heads(): Promise<readonly Checkpoint[]> {
    return this.store.heads(this.database.manager);
  }
}
