import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.service.js';
import { systemClock } from '../kernel/clock.js';
import { SluiceError } from '../kernel/errors.js';
import { uuidV7 } from '../kernel/ids.js';
import { isPlausibleKey, newKey, shownPrefix } from './api-key.js';
import type { ApiKeyRow } from './api-key.row.js';
import { ApiKeysStore } from './api-keys.store.js';
import type { NewKey } from './keys.contract.js';
import { grants, isControlScope, isDataScope } from './scope.js';
import type { Principal, Scope } from './scope.js';
import { SecretsService } from './secrets.service.js';

/**
 * How long an answer about a key is remembered. A revocation must act within 1 s in every process; the rest of
 * that second is for the query.
 */
const CACHE_TTL_MS = 750;
/** Bounds the memory that a stranger with random keys can take. */
const CACHE_LIMIT = 2_000;

/** A key as it may be shown: never the key itself. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

/** A data-plane key as gateways hold it in memory. */
export interface DataPlaneKey {
  readonly id: string;
  readonly hash: string;
  readonly scopes: readonly string[];
}

export interface KeyChange {
  readonly actor: string;
  readonly reason: string;
  readonly edit: (keys: readonly DataPlaneKey[]) => readonly DataPlaneKey[];
}

/** Puts a change of the data-plane keys into the traffic plan, inside the transaction that changes the keys. */
export type KeyPublisher = (tx: EntityManager, change: KeyChange) => Promise<void>;

interface CacheEntry {
  readonly principal: Principal | null;
  readonly untilMs: number;
}

/** Keys: making, checking and revoking them. */
@Injectable()
export class AuthService {
  readonly #cache = new Map<string, CacheEntry>();
  #publish: KeyPublisher | null = null;

  constructor(
    private readonly database: Database,
    private readonly keys: ApiKeysStore,
    private readonly secrets: SecretsService,
  ) {}

  /** The folder that owns the traffic plan lies above this one, so it brings the publisher when it starts. */
  publishThrough(publish: KeyPublisher): void {
    this.#publish = publish;
  }

  /** HMAC-SHA-256 of a key as hex, as the traffic plan carries it. */
  hashKey(key: string): string {
    return this.secrets.hash(key);
  }

  /** Who a key belongs to; null for an unknown, revoked or malformed one. Throws `unavailable` without a database. */
  async authenticate(key: string): Promise<Principal | null> {
    if (!isPlausibleKey(key)) return null;
    const hash = this.hashKey(key);
    const startedMs = systemClock.nowMs();
    const cached = this.#cache.get(hash);
    if (cached !== undefined && cached.untilMs > startedMs) return cached.principal;
    const row = await this.keys.findActiveByHash(this.database.manager, hash);
    const principal = row !== null && sameHash(row.hash, hash) ? principalOf(row) : null;
    this.#remember(hash, { principal, untilMs: startedMs + CACHE_TTL_MS });
    return principal;
  }

  /** A new key; the only time that its text is seen. */
  async create(
    request: NewKey,
    caller: Principal,
  ): Promise<{ readonly key: string; readonly apiKey: ApiKey }> {
    refuseEscalation(request, caller);
    const key = newKey();
    const stored = { ...request, actor: caller.name };
    const apiKey = await this.database.transaction((tx) => this.store(tx, key, stored));
    return { key, apiKey };
  }

  /** Stores a given key inside a transaction; used for the first admin key too. */
  async store(
    tx: EntityManager,
    key: string,
    request: NewKey & { readonly actor: string },
  ): Promise<ApiKey> {
    const scopes = [...new Set(request.scopes)];
    const row = await this.keys.insert(tx, {
      id: uuidV7(systemClock.nowMs(), randomBytes(10)),
      name: request.name,
      prefix: shownPrefix(key),
      hash: this.hashKey(key),
      scopes,
    });
    if (scopes.every(isDataScope)) {
      const added: DataPlaneKey = { id: row.id, hash: row.hash, scopes };
      await this.#publishChange(tx, {
        actor: request.actor,
        reason: `key ${request.name} created`,
        edit: (keys) => [...keys.filter(({ id }) => id !== row.id), added],
      });
    }
    this.#cache.delete(row.hash);
    return apiKeyOf(row);
  }

  async list(): Promise<readonly ApiKey[]> {
    return (await this.keys.list(this.database.manager)).map(apiKeyOf);
  }

  /** Ends a key: this process at once, the others within a second. The last admin key stays. */
  async revoke(id: string, caller: Principal): Promise<void> {
    const row = await this.database.transaction(async (tx) => {
      await this.keys.lock(tx);
      const found = await this.keys.revoke(tx, id);
      if (found === null) throw unknownKey(id);
      if (found.revokedAt !== null) return found;
      if (found.scopes.includes('admin') && !caller.scopes.includes('admin')) {
        throw new SluiceError('forbidden', 'only an admin key revokes an admin key');
      }
      if (found.scopes.includes('admin') && (await this.keys.countActiveAdmins(tx)) === 0) {
        throw lastAdmin(found);
      }
      if (found.scopes.every(isDataScope)) {
        await this.#publishChange(tx, {
          actor: caller.name,
          reason: `key ${found.name} revoked`,
          edit: (keys) => keys.filter((key) => key.id !== id),
        });
      }
      return found;
    });
    this.#cache.delete(row.hash);
  }

  async #publishChange(tx: EntityManager, change: KeyChange): Promise<void> {
    if (this.#publish === null) {
      throw new SluiceError('internal', 'no publisher puts data-plane keys into the traffic plan');
    }
    await this.#publish(tx, change);
  }

  #remember(hash: string, entry: CacheEntry): void {
    if (this.#cache.size >= CACHE_LIMIT) this.#cache.clear();
    this.#cache.set(hash, entry);
  }
}

/** A key that makes keys hands on only what it holds itself; data-plane scopes it may hand on freely. */
function refuseEscalation(request: NewKey, caller: Principal): void {
  const excess = request.scopes.filter(
    (scope) => isControlScope(scope) && !grants(caller.scopes, scope),
  );
  if (excess.length === 0) return;
  throw new SluiceError('forbidden', 'a key cannot grant scopes that it does not hold', [
    {
      field: 'scopes',
      given: excess,
      expected: caller.scopes.join(', '),
      advice: 'create this key with an admin key',
    },
  ]);
}

function sameHash(stored: string, given: string): boolean {
  const left = Buffer.from(stored, 'utf8');
  const right = Buffer.from(given, 'utf8');
  return left.length === right.length && timingSafeEqual(left, right);
}

function principalOf(row: ApiKeyRow): Principal {
  return { id: row.id, name: row.name, scopes: row.scopes as Scope[] };
}

function apiKeyOf(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes as Scope[],
    createdAt: row.createdAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

function unknownKey(id: string): SluiceError {
  return new SluiceError('not_found', 'there is no such key', [
    { field: 'id', given: id, expected: 'the id of a key', advice: 'GET /api/v1/keys lists them' },
  ]);
}

function lastAdmin(key: ApiKeyRow): SluiceError {
  return new SluiceError('conflict', 'the last admin key cannot be revoked', [
    {
      field: 'id',
      given: key.id,
      expected: 'a key that is not the only one with scope admin',
      advice: 'create another admin key first',
    },
  ]);
}
