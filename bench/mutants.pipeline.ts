import type { Mutant } from './mutants.js';

const OUTCOMES = 'test/integration/events.outcomes.test.ts';
const STREAM = 'test/integration/events.outcome-stream.test.ts';
const PERMUTED = 'test/property/events.permutations.test.ts';
const SHIPMENT = 'test/integration/events.shipment.test.ts';
const SHIPPING = 'test/integration/events.shipping.test.ts';
const SPOOL = 'test/unit/events/spool.test.ts';
const COPY_LINE = 'test/unit/events/copy-line.test.ts';
const CONCURRENCY = 'test/integration/metrics.concurrency.test.ts';
const RETENTION = 'test/unit/events/retention.test.ts';
const RETENTION_DROPS = 'test/integration/events.retention.test.ts';
const ERASURE = 'test/integration/metrics.erasure.test.ts';

const STORE = 'src/events/shipment.store.ts';
const WORK = 'await insertGaps(client, shipment.spoolId, await work(client));';
const NEXT_TRANSACTION = "await client.query('COMMIT'); await client.query('BEGIN');";
const ADVANCE = `await client.query(
        'UPDATE spool_watermarks SET segment = $2, "offset" = $3, updated_at = now() WHERE spool_id = $1',
        [shipment.spoolId, to.segment, to.offset],
      );`;

/** What keeps an event from being lost, doubled or filed wrongly on its way from a sender to the sums. */
export const PIPELINE_MUTANTS: readonly Mutant[] = [
  {
    name: 'outcomes are acknowledged before they are durable',
    edits: [
      {
        file: 'src/events/outcomes.service.ts',
        from: 'inserted: await this.#groups.insert(rows)',
        to: "inserted: (this.#groups.insert(rows).catch(() => undefined), 'all_new' as const)",
      },
    ],
    tests: [OUTCOMES],
  },
  {
    name: 'exposures are acknowledged before they are written',
    edits: [
      {
        file: 'src/events/spool.service.ts',
        from: 'this.#answer(waiting, blocks.length === 0 || this.#write(blocks));',
        to: 'this.#answer(waiting, true); if (blocks.length > 0) this.#write(blocks);',
      },
    ],
    tests: [SPOOL],
  },
  {
    name: 'new exposures are read beyond the horizon: id > cursor',
    edits: [
      {
        file: 'src/metrics/rollup-sql.ts',
        from: `FROM event_exposures
  WHERE experiment_id = $1 AND (x, request_id) > ($2::xid8, $3::uuid) AND x < $4::xid8`,
        to: `FROM event_exposures
  WHERE experiment_id = $1 AND (x, request_id) > ($2::xid8, $3::uuid) AND $4::xid8 IS NOT NULL`,
      },
    ],
    tests: [CONCURRENCY],
  },
  {
    name: 'outcomes are filed by the day on which they come',
    edits: [
      {
        file: 'src/events/outcomes.service.ts',
        from: 'const day = Math.floor(atMs / DAY_MS);',
        to: 'const day = Math.floor(intake.nowMs / DAY_MS);',
      },
    ],
    tests: [OUTCOMES],
  },
  {
    name: 'exposures are filed by the time of the event, not of their id',
    edits: [
      {
        file: 'src/events/copy-line.ts',
        from: 'isUuidV7(requestId) ? uuidV7TimeMs(requestId) : atMs',
        to: 'isUuidV7(requestId) ? atMs : atMs',
      },
    ],
    tests: [COPY_LINE],
  },
  {
    name: 'the offset is advanced before the rows are committed',
    edits: [{ file: STORE, from: WORK, to: `${ADVANCE} ${NEXT_TRANSACTION} ${WORK}` }],
    tests: [SHIPPING, SHIPMENT],
  },
  {
    name: 'the offset is advanced after the rows are committed',
    edits: [{ file: STORE, from: WORK, to: `${WORK} ${NEXT_TRANSACTION}` }],
    tests: [SHIPMENT],
  },
  {
    name: 'ON CONFLICT is dropped',
    edits: [
      {
        file: 'src/events/outcome.store.ts',
        from: `    ON CONFLICT DO NOTHING
    RETURNING model, id`,
        to: '    RETURNING model, id',
      },
    ],
    tests: [OUTCOMES],
  },
  {
    name: 'an id that comes back with another payload is a duplicate',
    edits: [
      {
        file: 'src/events/outcomes.service.ts',
        from: 'if (digest !== placed.row.digest)',
        to: 'if (digest === undefined)',
      },
    ],
    tests: [PERMUTED, OUTCOMES],
  },
  {
    name: 'the last of two that contradict each other counts',
    edits: [
      {
        file: 'src/events/outcomes.service.ts',
        from: 'if (!firsts.has(key)) firsts.set(key, placed);',
        to: 'firsts.set(key, placed);',
      },
    ],
    tests: [PERMUTED],
  },
  {
    name: 'a stream stores the next batch before it knows of the last',
    edits: [
      {
        file: 'src/events/outcomes.service.ts',
        from: `        await storing;
        storing = this.#take(entries, intake);`,
        to: '        storing = Promise.all([storing, this.#take(entries.toReversed(), intake)]).then(() => undefined);',
      },
      {
        file: 'src/events/outcome-groups.ts',
        from: 'const group = this.#takeGroup();',
        to: 'this.#waiting.reverse(); const group = this.#takeGroup();',
      },
    ],
    tests: [STREAM],
  },
  {
    name: 'retention does not ask what running experiments need',
    edits: [
      {
        file: 'src/events/retention.ts',
        from: 'return needed < wanted',
        to: 'return needed < wanted - 1_000_000',
      },
    ],
    tests: [RETENTION, RETENTION_DROPS],
  },
  {
    name: 'an erased unit stays in the sums',
    edits: [
      {
        file: 'src/metrics/rollup-sql.ts',
        from: 'counted, -1 AS sign FROM gone',
        to: 'counted, 0 AS sign FROM gone',
      },
    ],
    tests: [ERASURE],
  },
];
