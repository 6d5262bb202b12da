import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.service.js';
import { PlanningStore } from '../../src/rollouts/planning.store.js';
import { insertEvents, outcome, prediction, requestIdAt } from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';
import { openedDays } from '../support/scans.js';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 6, 20, 12);
const MODEL = 'spam';

let database: Database;
let close: () => Promise<void>;

const dayOf = (daysAgo: number): string =>
  new Date(NOW - daysAgo * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');

/** One request and one payment of a unit so many days ago. */
function eventsOf(daysAgo: number) {
  const atMs = NOW - daysAgo * DAY_MS;
  const unitKey = 'u1';
  const requestId = requestIdAt(atMs, daysAgo);
  return {
    predictions: [prediction({ requestId, atMs, unitKey, experimentId: null, model: MODEL })],
    outcomes: [
      outcome({
        id: `o${String(daysAgo)}`,
        atMs,
        model: MODEL,
        unit: unitKey,
        name: 'paid',
        value: 1,
      }),
    ],
  };
}

beforeAll(async () => {
  const started = await startRollups();
  ({ database, close } = started);
  for (const daysAgo of [1, 5, 12, 40]) await insertEvents(database.pool, eventsOf(daysAgo));
});

afterAll(async () => {
  await close();
});

it.each([
  { what: 'the look-back', pastMs: 0, outcomes: 2, opened: [1, 5], closed: [12, 40] },
  {
    what: 'it and the past of its units',
    pastMs: 7 * DAY_MS,
    outcomes: 3,
    opened: [1, 5, 12],
    closed: [40],
  },
])('the recent events of a model are read from the days of $what only', async (expected) => {
  const sinceMs = NOW - 7 * DAY_MS;
  const query = { model: MODEL, nowMs: NOW, sinceMs, pastMs: expected.pastMs, outcomes: ['paid'] };
  const { answer, days } = await database.transaction((tx) =>
    openedDays(tx, () => new PlanningStore().recent(tx, query)),
  );
  expect(answer.requests).toHaveLength(2);
  expect(answer.outcomes).toHaveLength(expected.outcomes);
  for (const daysAgo of expected.opened) expect(days).toContain(dayOf(daysAgo));
  for (const daysAgo of expected.closed) expect(days).not.toContain(dayOf(daysAgo));
});
