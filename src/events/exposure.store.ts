import { dayText, eventDay } from './copy-line.js';
import { DurableInsert } from './durable-insert.store.js';
import type { Exposure } from './event.js';
import type { PoolOwner } from './shipment.store.js';

/** What is stored of an exposure, as far as its assignment goes. */
export type StoredExposure = Pick<
  Exposure,
  'requestId' | 'experimentId' | 'variant' | 'version' | 'configVersion'
>;

/** In the order of the ids, so that two calls with the same batch wait for each other instead of locking up. */
const INSERT = `
  INSERT INTO exposures (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version,
                         config_version)
  SELECT day, unit_key, request_id, to_timestamp(at_ms / 1000), model, experiment_id, epoch, phase, variant, version,
         config_version
  FROM unnest($1::date[], $2::text[], $3::uuid[], $4::float8[], $5::text[], $6::uuid[], $7::integer[], $8::integer[],
              $9::text[], $10::text[], $11::bigint[])
    AS t (day, unit_key, request_id, at_ms, model, experiment_id, epoch, phase, variant, version, config_version)
  ORDER BY request_id
  ON CONFLICT DO NOTHING
  RETURNING request_id AS "requestId"`;

const FIND = `
  SELECT request_id AS "requestId", experiment_id AS "experimentId", variant, version,
         config_version::float8 AS "configVersion"
  FROM exposures WHERE day = $1 AND request_id = ANY ($2::uuid[])`;

/** Exposures that do not come through a gateway's spool. */
export class ExposureStore {
  readonly #durable: DurableInsert;

  constructor(private readonly database: PoolOwner) {
    this.#durable = new DurableInsert(database, {
      message: 'exposures cannot be stored right now',
      advice: 'send the same batch again, with the same batchId',
    });
  }

  /** Stores exposures unless they are there; durable when it returns. Gives the request ids that were new. */
  async insert(exposures: readonly Exposure[]): Promise<ReadonlySet<string>> {
    if (exposures.length === 0) return new Set();
    const days = exposures.map((one) => eventDay(one.requestId, one.atMs));
    const columns = [
      days.map(dayText),
      exposures.map((one) => one.unitKey),
      exposures.map((one) => one.requestId),
      exposures.map((one) => one.atMs),
      exposures.map((one) => one.model),
      exposures.map((one) => one.experimentId),
      exposures.map((one) => one.epoch),
      exposures.map((one) => one.phase),
      exposures.map((one) => one.variant),
      exposures.map((one) => one.version),
      exposures.map((one) => one.configVersion),
    ];
    return this.#durable.run(new Set(days), async () => {
      const { rows } = await this.database.pool.query<{ requestId: string }>(INSERT, columns);
      return new Set(rows.map(({ requestId }) => requestId));
    });
  }

  /** Those of the request ids (all of one day) that are stored, by request id. */
  async find(requestIds: readonly string[]): Promise<ReadonlyMap<string, StoredExposure>> {
    const first = requestIds[0];
    if (first === undefined) return new Map();
    const rows = await this.#durable.run(new Set(), async () => {
      const values = [dayText(eventDay(first, 0)), requestIds];
      return (await this.database.pool.query<StoredExposure>(FIND, values)).rows;
    });
    return new Map(rows.map((row) => [row.requestId, row]));
  }
}
