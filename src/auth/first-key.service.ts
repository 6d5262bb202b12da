import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.service.js';
import { SluiceError } from '../kernel/errors.js';
import { isPlausibleKey, MAX_KEY_LENGTH, MIN_GIVEN_KEY_LENGTH, newKey } from './api-key.js';
import { ApiKeysStore } from './api-keys.store.js';
import { AuthService } from './auth.service.js';

const NAME = 'first-admin';

/** What the start found out about the first admin key. */
export type FirstKey =
  | { readonly kind: 'present' }
  | { readonly kind: 'given'; readonly key: string }
  /** Shown once, by whoever starts the process; nobody can ask for it again. */
  | { readonly kind: 'made'; readonly key: string };

/** An empty database gets one admin key, however many processes start at once. */
@Injectable()
export class FirstKeyService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly keys: ApiKeysStore,
    private readonly auth: AuthService,
  ) {
    checkGivenKey(config.adminKey);
  }

  /**
   * A key given by SLUICE_ADMIN_KEY that the database does not know is stored at any start: this is the way back
   * in for whoever lost every admin key, and setting it takes control of the process anyway.
   */
  async ensure(): Promise<FirstKey> {
    const given = this.config.adminKey;
    return this.database.transaction(async (tx) => {
      await this.keys.lock(tx);
      const isFirst = await this.keys.isEmpty(tx);
      if (given !== null) {
        if (!(await this.keys.existsHash(tx, this.auth.hashKey(given)))) {
          const name = isFirst ? NAME : 'admin-from-environment';
          await this.auth.store(tx, given, { name, scopes: ['admin'], actor: 'start' });
        }
        return { kind: 'given', key: given };
      }
      if (!isFirst) return { kind: 'present' };
      const key = newKey();
      await this.auth.store(tx, key, { name: NAME, scopes: ['admin'], actor: 'start' });
      return { kind: 'made', key };
    });
  }
}

function checkGivenKey(key: string | null): void {
  if (key === null || (isPlausibleKey(key) && !/\s/.test(key))) return;
  throw new SluiceError('invalid_input', 'SLUICE_ADMIN_KEY cannot be an admin key', [
    {
      field: 'SLUICE_ADMIN_KEY',
      expected: `${MIN_GIVEN_KEY_LENGTH} to ${MAX_KEY_LENGTH} characters without blanks; a key that begins with sl_ must be whole`,
      advice: 'unset it: the first start then makes a key and prints it once',
    },
  ]);
}
