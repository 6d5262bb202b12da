import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { IsNull } from 'typeorm';
import { ApiKeyRow } from './api-key.row.js';

/** The largest list that is returned; an instance with more keys than this has another problem. */
const LIST_LIMIT = 1_000;

export type NewApiKeyRow = Pick<ApiKeyRow, 'id' | 'name' | 'prefix' | 'hash' | 'scopes'>;

@Injectable()
export class ApiKeysStore {
  async insert(tx: EntityManager, key: NewApiKeyRow): Promise<ApiKeyRow> {
    await tx.insert(ApiKeyRow, key);
    return tx.findOneByOrFail(ApiKeyRow, { id: key.id });
  }

  findActiveByHash(tx: EntityManager, hash: string): Promise<ApiKeyRow | null> {
    return tx.findOneBy(ApiKeyRow, { hash, revokedAt: IsNull() });
  }

  existsHash(tx: EntityManager, hash: string): Promise<boolean> {
    return tx.existsBy(ApiKeyRow, { hash });
  }

  list(tx: EntityManager): Promise<ApiKeyRow[]> {
    return tx.find(ApiKeyRow, { order: { createdAt: 'ASC', id: 'ASC' }, take: LIST_LIMIT });
  }

  isEmpty(tx: EntityManager): Promise<boolean> {
    return tx.exists(ApiKeyRow).then((some) => !some);
  }

  /** The row as it was before, or null when there is none; revoking twice keeps the first time. */
  async revoke(tx: EntityManager, id: string): Promise<ApiKeyRow | null> {
    const row = await tx.findOne(ApiKeyRow, {
      where: { id },
      lock: { mode: 'pessimistic_write' },
    });
    if (row === null || row.revokedAt !== null) return row;
    await tx.query('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [id]);
    return row;
  }

  /** How many keys could still administer the instance. */
  async countActiveAdmins(tx: EntityManager): Promise<number> {
    const rows: { readonly n: number }[] = await tx.query(
      `SELECT count(*)::int AS n FROM api_keys WHERE revoked_at IS NULL AND 'admin' = ANY (scopes)`,
    );
    return rows[0]?.n ?? 0;
  }

  /** Serialises starts and revocations of several processes; released at the end of the transaction. */
  async lock(tx: EntityManager): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('sluice.api_keys'))`);
  }
}
