import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { assess } from '../../src/analysis/assess.js';
import { parseOutcomeBatch } from '../../src/events/outcome.contract.js';
import type { OutcomeReceipt } from '../../src/events/outcome.js';
import { keyOf } from '../../src/events/outcome.store.js';
import type { Inserted, NewOutcome, OutcomeStore, Stored } from '../../src/events/outcome.store.js';
import { OutcomesService } from '../../src/events/outcomes.service.js';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { ModelsService } from '../../src/models/models.service.js';
import { designOf, evidenceOf, success } from '../support/evidence.js';
import { exposure, outcome, requestIdAt } from '../support/metric-events.js';
import { oracleCells } from '../support/metric-oracle.js';

// P9: duplicated, late, permuted and split outcomes give the identical report. The real intake (parsing, first of each
// id, grouping, verdicts) on a store in memory that keeps what PostgreSQL keeps: one row per id, who comes first.
const RUNS = 2_000;
const T0 = Date.UTC(2026, 0, 5, 12);
const UNITS = 8;
const model = 'spam';
const experimentId = '018f0000-0000-7000-8000-000000000001';
const revenue = defineMetric('revenue', {
  kind: 'mean',
  source: { outcome: 'purchase' },
  direction: 'increase',
});
const target: RollupTarget = { experimentId, epoch: 1, model, metrics: [revenue] };
const exposures = Array.from({ length: UNITS }, (_, index) =>
  exposure({
    requestId: requestIdAt(T0 + index, index),
    atMs: T0 + index,
    unitKey: `u${index}`,
    ...{ experimentId, model, phase: 1, variant: index % 2 === 0 ? 'control' : 'v2' },
  }),
);

interface SentOutcome {
  readonly id: string;
  readonly unit?: string;
  readonly requestId?: string;
  readonly value: number;
  readonly at: string;
}

class MemoryStore {
  readonly rows = new Map<string, NewOutcome>();

  insert(outcomes: readonly NewOutcome[]): Promise<Inserted> {
    const stored = new Map<string, Stored>();
    for (const one of outcomes) {
      const known = this.rows.get(keyOf(one));
      if (known === undefined) this.rows.set(keyOf(one), one);
      stored.set(keyOf(one), {
        isNew: known === undefined,
        digest: known?.digest ?? one.digest,
      });
    }
    const allNew = [...stored.values()].every(({ isNew }) => isNew);
    return Promise.resolve(allNew ? 'all_new' : stored);
  }
}

const models = { exists: () => Promise.resolve(true) } as unknown as ModelsService;

/** Sends batches, all of them at once, and gives what was said and what the report would be. */
async function reportOf(
  batches: readonly (readonly SentOutcome[])[],
): Promise<{ readonly report: string; readonly receipts: readonly OutcomeReceipt[] }> {
  const store = new MemoryStore();
  const service = new OutcomesService(models, store as unknown as OutcomeStore, {
    retentionDays: null,
  });
  const receipts = await Promise.all(
    batches.map((batch) =>
      service.record(
        parseOutcomeBatch({ outcomes: batch.map((one) => ({ ...one, model, name: 'purchase' })) }),
      ),
    ),
  );
  const outcomes = [...store.rows.values()].map(({ id, unitKey, requestId, name, value, atMs }) => {
    const unit = requestId === null ? unitKey : null;
    return outcome({ ...{ id, unit, requestId, name, value, atMs, model } });
  });
  const cells = oracleCells(target, { exposures, outcomes }, T0 + 86_400_000);
  const evidence = evidenceOf(cells.metricCells, {
    design: designOf({ metrics: [success(revenue)] }),
    unitCells: cells.unitCells,
  });
  return { report: JSON.stringify({ cells, assessment: assess(evidence) }), receipts };
}

const subject = fc.oneof(
  fc.nat(UNITS - 1).map((unit) => ({ unit: `u${unit}` })),
  fc.nat(UNITS - 1).map((unit) => ({ requestId: exposures[unit]?.requestId ?? '' })),
);
/** From before the exposures to long after them. */
const sent: fc.Arbitrary<readonly SentOutcome[]> = fc
  .array(
    fc.tuple(
      subject,
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.integer({ min: -100_000, max: 80_000_000 }),
    ),
    { minLength: 1, maxLength: 25 },
  )
  .map((all) =>
    all.map(([of, value, laterMs], index) => ({
      ...{ id: `o${index}`, value, at: new Date(T0 + laterMs).toISOString() },
      ...of,
    })),
  );

/** Each outcome one to three times, in any order, in batches of any sizes. */
const resent = sent.chain((all) =>
  fc.record({
    all: fc.constant(all),
    again: fc.shuffledSubarray([...all, ...all]),
    order: fc.array(fc.nat(1_000_000), { minLength: 3 * all.length, maxLength: 3 * all.length }),
    sizes: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
  }),
);

function split<T>(all: readonly T[], sizes: readonly number[]): readonly (readonly T[])[] {
  const batches: (readonly T[])[] = [];
  for (let at = 0, turn = 0; at < all.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    batches.push(all.slice(at, at + size));
    at += size;
  }
  return batches;
}

describe('outcomes that are repeated, late, permuted and split over batches (P9)', () => {
  it(`give the identical report, ${RUNS} times`, async () => {
    let permutations = 0;
    await fc.assert(
      fc.asyncProperty(resent, async ({ all, again, order, sizes }) => {
        const { report } = await reportOf([all]);
        const shuffled = [...all, ...again]
          .map((one, index) => ({ one, rank: order[index] ?? 0 }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ one }) => one);
        const other = await reportOf(split(shuffled, sizes));
        expect(other.report).toBe(report);
        const sum = (of: (receipt: OutcomeReceipt) => number): number =>
          other.receipts.reduce((total, receipt) => total + of(receipt), 0);
        expect(sum(({ accepted }) => accepted)).toBe(all.length);
        expect(sum(({ duplicates }) => duplicates)).toBe(again.length);
        permutations += 1;
      }),
      { numRuns: RUNS },
    );
    process.stdout.write(`P9: ${permutations} permutations, each with the identical report\n`);
    expect(permutations).toBeGreaterThanOrEqual(RUNS);
  });

  it('refuse an id that comes back with another payload, and stay as they were', async () => {
    await fc.assert(
      fc.asyncProperty(sent, fc.nat(), async (all, pick) => {
        const changed = all[pick % all.length];
        if (changed === undefined) return;
        const contradiction = { ...changed, value: changed.value + 1 };
        const { report } = await reportOf([all]);
        const together = await reportOf([[...all, contradiction]]);
        expect(together.report).toBe(report);
        const codes = together.receipts.flatMap(({ rejected }) => rejected.map(({ code }) => code));
        expect(codes).toEqual(['conflict']);
      }),
      { numRuns: 300 },
    );
  });
});
