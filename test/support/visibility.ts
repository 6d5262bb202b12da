import type { Product } from './product.js';
import { until } from './sluice.js';

/** P20: whoever watches metrics and logs knows of a fault this soon. */
export const SEEN_WITHIN_MS = 5_000;
/** A machine that does other things too gets this much longer before the test fails; the figure is printed. */
const SLACK_MS = 2_500;

export interface Sign {
  readonly metric: string;
  /** Whether this value of the metric tells of the fault. */
  readonly isTelling: (value: number) => boolean;
  readonly log: RegExp;
  readonly where?: 'gateway' | 'control';
}

/**
 * Waits until a metric and a line of the log both tell of a fault that began at `sinceMs` (`performance.now()`).
 * Throws with what is missing when they do not in time; resolves with the milliseconds.
 */
export async function isVisible(product: Product, sign: Sign, sinceMs: number): Promise<number> {
  let value: number | null = null;
  let line: string | undefined;
  const seen = async (): Promise<true | null> => {
    value = await product.metric(sign.metric, sign.where).catch(() => value);
    line = product.saidSince(sinceMs).find((said) => sign.log.test(said));
    return value !== null && sign.isTelling(value) && line !== undefined ? true : null;
  };
  const leftMs = SEEN_WITHIN_MS + SLACK_MS - (performance.now() - sinceMs);
  await until('the fault is visible', seen, leftMs).catch((error: unknown) => {
    const said = product.saidSince(sinceMs).join('\n');
    throw new Error(
      `${String(error)}: ${sign.metric} is ${value}, a line ${sign.log} ${line === undefined ? 'is missing' : 'is there'} in:\n${said}`,
    );
  });
  return performance.now() - sinceMs;
}
