import type { EntityManager } from 'typeorm';
import { SluiceError } from '../kernel/errors.js';
import { CapsStore } from './caps.store.js';
import type { MetricDefinition } from './metric.js';
import { QUERY_CANCELED } from './rollup.store.js';

/** Fewer units make a percentile a matter of a few of them. */
const MIN_UNITS = 1_000;

/**
 * Takes the caps that were asked for as percentiles from the time just before `nowMs`: of the same number per
 * unit, as if each unit of the model had been exposed when it was first seen in the look-back. Metrics without
 * such a cap, or with one that is frozen already, come back as they are.
 *
 * @throws SluiceError `invalid_input` when less than 1,000 units are known, when the cap would not be positive, or
 *   when there is too much data to look through in time; naming `winsorize.at` as the way out
 */
export async function freezeCaps(
  tx: EntityManager,
  metrics: readonly MetricDefinition[],
  { model, nowMs }: { readonly model: string; readonly nowMs: number },
): Promise<MetricDefinition[]> {
  const open = metrics.filter(isOpen);
  const caps = new Map<string, number>();
  const store = new CapsStore(tx);
  if (open.length > 0) await store.limit();
  const lookbacks = new Set(open.map(({ winsorizePercentile: cap }) => cap?.lookbackMs ?? 0));
  for (const lookbackMs of lookbacks) {
    const some = open.filter(({ winsorizePercentile: cap }) => cap?.lookbackMs === lookbackMs);
    for (const [name, cap] of await capsOf(store, some, { model, nowMs, lookbackMs })) {
      caps.set(name, cap);
    }
  }
  return metrics.map((metric) => ({
    ...metric,
    winsorizeAt: caps.get(metric.name) ?? metric.winsorizeAt,
  }));
}

function isOpen({ winsorizeAt, winsorizePercentile }: MetricDefinition): boolean {
  return winsorizePercentile !== null && winsorizeAt === null;
}

interface Past {
  readonly model: string;
  readonly nowMs: number;
  readonly lookbackMs: number;
}

async function capsOf(
  store: CapsStore,
  metrics: readonly MetricDefinition[],
  { model, nowMs, lookbackMs }: Past,
): Promise<Map<string, number>> {
  const to = new Date(nowMs);
  const caps = new Map<string, number>();
  try {
    const units = await store.units(model, new Date(nowMs - lookbackMs), to);
    const found = await store.percentiles(metrics, units, { model, to });
    for (const { name } of metrics) {
      const { units: known = 0, value = null } = found.find(({ metric }) => metric === name) ?? {};
      if (known < MIN_UNITS || value === null) {
        throw refusal(name, `${known.toString()} units`, `at least ${MIN_UNITS.toString()} units`);
      }
      if (value <= 0) throw refusal(name, `a percentile of ${value.toString()}`, 'more than 0');
      caps.set(name, value);
    }
    return caps;
  } catch (error) {
    if ((error as { code?: unknown }).code !== QUERY_CANCELED) throw error;
    const names = metrics.map(({ name }) => name).join(', ');
    throw refusal(names, 'too many events to look through in time', 'a shorter look-back');
  }
}

function refusal(metric: string, given: string, expected: string): SluiceError {
  return new SluiceError('invalid_input', `no cap for ${metric} can be taken from its past`, [
    {
      field: 'winsorize.percentile',
      given,
      expected: `${expected} with a finished window in the look-back`,
      advice: 'give the cap as a number with winsorize {"at": ...}',
    },
  ]);
}
