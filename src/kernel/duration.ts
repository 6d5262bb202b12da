import { SluiceError } from './errors.js';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Ten years: longer spans are typing errors, and their sum with any date stays a valid date. */
export const MAX_DURATION_MS = 3_653 * 86_400_000;

const DURATION = /^(\d{1,12})(ms|s|m|h|d|w)$/;

/**
 * Milliseconds of a duration such as `250ms`, `60s`, `30m`, `1h`, `7d`, `2w`: a whole number and one unit.
 *
 * @param field where the text came from, named in the error
 * @returns an integer in [0, MAX_DURATION_MS]
 * @throws SluiceError `invalid_input` when the text is not a duration or is longer than ten years
 */
export function parseDuration(text: string, field = 'duration'): number {
  const match = DURATION.exec(text);
  const ms =
    match === null ? Number.NaN : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN);
  if (ms <= MAX_DURATION_MS) return ms;
  throw new SluiceError('invalid_input', `${field} is not a duration`, [
    {
      field,
      given: text,
      expected: 'a whole number and a unit (ms, s, m, h, d, w), at most ten years',
      advice: 'write for example "30m", "24h" or "7d"',
    },
  ]);
}
