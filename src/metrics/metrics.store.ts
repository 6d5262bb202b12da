import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { MetricDefinition } from './metric.js';

/** One page holds them all; a listing that is longer than this helps nobody. */
const MAX_LISTED = 1_000;

interface Row {
  /** Written by `put` only, so it is a definition of ours. */
  readonly definition: MetricDefinition;
}

@Injectable()
export class MetricsStore {
  async put(db: EntityManager, metric: MetricDefinition): Promise<void> {
    await db.query(
      `INSERT INTO metrics (name, definition) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, updated_at = now()`,
      [metric.name, JSON.stringify(metric)],
    );
  }

  async list(db: EntityManager): Promise<MetricDefinition[]> {
    const rows = await db.query<Row[]>(
      'SELECT definition FROM metrics ORDER BY name COLLATE "C" LIMIT $1',
      [MAX_LISTED],
    );
    return rows.map((row) => row.definition);
  }

  async find(db: EntityManager, names: readonly string[]): Promise<MetricDefinition[]> {
    const rows = await db.query<Row[]>(
      'SELECT definition FROM metrics WHERE name = ANY ($1::text[])',
      [names],
    );
    return rows.map((row) => row.definition);
  }
}
