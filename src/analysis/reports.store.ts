import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { ThinReport } from './path.js';
import { ReportRow } from './report.row.js';
import type { Report } from './report.js';

/** Reports kept one by one; at the default interval that is the last 16 hours. */
const KEPT_IN_FULL = 1_000;

/** Of older ones every so many stays: one an hour at the default interval. Decisions carry their own evidence. */
const KEPT_EVERY = 60;

type ThinRow = Omit<ThinReport, 'atMs'> & { readonly at: Date };

@Injectable()
export class ReportsStore {
  constructor(private readonly database: Database) {}

  async latest(experimentId: string): Promise<Report | null> {
    const row = await this.database.manager.findOne(ReportRow, {
      where: { experimentId },
      order: { number: 'DESC' },
    });
    return row === null ? null : fromRow(row);
  }

  /** Newest first. */
  async list(experimentId: string, limit: number): Promise<readonly Report[]> {
    const rows = await this.database.manager.find(ReportRow, {
      where: { experimentId },
      order: { number: 'DESC' },
      take: limit,
    });
    return rows.map(fromRow);
  }

  async newestNumbers(experimentIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.database.manager.query<{ id: string; number: number }[]>(
      `SELECT experiment_id AS id, max(number) AS number FROM reports
       WHERE experiment_id = ANY ($1::uuid[]) GROUP BY experiment_id`,
      [experimentIds],
    );
    return new Map(rows.map(({ id, number }) => [id, number]));
  }

  /** Evenly spread over all looks and the newest always among them, oldest first. Numbers are picked by the index. */
  async thinned(experimentId: string, points: number): Promise<readonly ThinReport[]> {
    const rows = await this.database.manager.query<ThinRow[]>(
      `WITH numbered AS (
         SELECT number, row_number() OVER (ORDER BY number DESC) - 1 AS back, count(*) OVER () AS total
         FROM reports WHERE experiment_id = $1)
       SELECT r.number, r.epoch, r.at, r.assessment, r.evidence->'phases' AS phases,
              r.evidence->'watermarkMs' AS "watermarkMs"
       FROM reports r JOIN numbered USING (number)
       WHERE r.experiment_id = $1 AND back % ceil(total::float8 / $2)::bigint = 0
       ORDER BY r.number`,
      [experimentId, points],
    );
    return rows.map(({ at, ...rest }) => ({ ...rest, atMs: at.getTime() }));
  }

  /** A second writer of the same number is refused by the primary key: its turn fails and is taken again. */
  async insert(report: Report): Promise<void> {
    const { atMs, ...rest } = report;
    await this.database.manager.insert(ReportRow, { ...rest, at: new Date(atMs) });
    const thinned = report.number - KEPT_IN_FULL;
    if (thinned <= 0 || thinned % KEPT_EVERY === 0) return;
    const { experimentId } = report;
    await this.database.manager.delete(ReportRow, { experimentId, number: thinned });
  }
}

function fromRow({ at, ...rest }: ReportRow): Report {
  return { ...rest, atMs: at.getTime() };
}
