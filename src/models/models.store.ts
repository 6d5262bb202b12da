import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Holdout } from './holdout.js';
import type { ChampionChanged } from './model.js';
import type { ModelSettings } from './model.contract.js';
import { ModelRow } from './model.row.js';
import { VersionRow } from './version.row.js';

export type VersionValues = Omit<VersionRow, 'createdAt' | 'updatedAt'>;

@Injectable()
export class ModelsStore {
  exists(db: EntityManager, name: string): Promise<boolean> {
    return db.existsBy(ModelRow, { name });
  }

  find(db: EntityManager, name: string): Promise<ModelRow | null> {
    return db.findOneBy(ModelRow, { name });
  }

  /** The model's row, locked to the end of the transaction, so that changes of one model come one by one. */
  lock(tx: EntityManager, name: string): Promise<ModelRow | null> {
    return tx.findOne(ModelRow, { where: { name }, lock: { mode: 'pessimistic_write' } });
  }

  list(db: EntityManager): Promise<ModelRow[]> {
    return db.find(ModelRow, { order: { name: 'ASC' } });
  }

  versionsOf(db: EntityManager, model: string): Promise<VersionRow[]> {
    return db.find(VersionRow, { where: { model }, order: { createdAt: 'ASC', name: 'ASC' } });
  }

  allVersions(db: EntityManager): Promise<VersionRow[]> {
    return db.find(VersionRow, { order: { createdAt: 'ASC', name: 'ASC' } });
  }

  findVersion(db: EntityManager, model: string, name: string): Promise<VersionRow | null> {
    return db.findOneBy(VersionRow, { model, name });
  }

  async put(tx: EntityManager, name: string, settings: ModelSettings): Promise<void> {
    await tx.query(
      `INSERT INTO models (name, settings) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, updated_at = now()`,
      [name, JSON.stringify(settings)],
    );
  }

  async putVersion(tx: EntityManager, version: VersionValues): Promise<void> {
    await tx.query(
      `INSERT INTO versions (model, name, url, sealed_headers, header_names, timeout_ms, metadata, urls,
                             max_concurrency)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       ON CONFLICT (model, name) DO UPDATE SET
         url = excluded.url, sealed_headers = excluded.sealed_headers,
         header_names = excluded.header_names, timeout_ms = excluded.timeout_ms,
         metadata = excluded.metadata, urls = excluded.urls,
         max_concurrency = excluded.max_concurrency, updated_at = now()`,
      [
        version.model,
        version.name,
        version.url,
        version.sealedHeaders,
        version.headerNames,
        version.timeoutMs,
        JSON.stringify(version.metadata),
        version.urls,
        version.maxConcurrency,
      ],
    );
  }

  async setHoldout(tx: EntityManager, model: string, holdout: Holdout | null): Promise<void> {
    const value = holdout === null ? null : JSON.stringify(holdout);
    await tx.query(`UPDATE models SET holdout = $2, updated_at = now() WHERE name = $1`, [
      model,
      value,
    ]);
  }

  championChanges(
    db: EntityManager,
    model: string,
    sinceMs: number,
  ): Promise<readonly ChampionChanged[]> {
    return db.query(
      `SELECT previous, version, (extract(epoch FROM at) * 1000)::float8 AS "atMs" FROM champion_changes
       WHERE model = $1 AND at >= to_timestamp($2::float8 / 1000) ORDER BY id`,
      [model, sinceMs],
    );
  }

  async setChampion(tx: EntityManager, model: string, version: string): Promise<void> {
    await tx.query(`UPDATE models SET champion = $2, updated_at = now() WHERE name = $1`, [
      model,
      version,
    ]);
  }
}
