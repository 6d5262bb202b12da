import { count, refuse } from './estimable.js';
import { eventShareLogE } from './rare-event.js';

/** Units of one arm, and those of them that met a failure. */
export interface FailureCounts {
  readonly units: number;
  readonly failures: number;
}

/**
 * ln e-value against "a unit fails with probability at most `limit`", by how many units have failed so far.
 *
 * For a probability p above the limit L the likelihood ratio of p against L is a supermartingale whatever
 * probability p0 <= L is the true one, because p0 (p/L) + (1 - p0) (1 - p)/(1 - L) is 1 at p0 = L and falls with p0.
 * A mixture over p in (L, 1) - here Beta(k L, k (1 - L)) restricted to it - is one too (Robbins 1970), so that
 * P(e >= 1/alpha at any look) <= alpha (Ville 1939), exactly, from the first unit on.
 *
 * Looks may come at any time: a unit that fails only later makes an earlier look smaller, never larger, because the
 * e-value grows with `failures`. How often one unit comes back therefore does not matter.
 *
 * @param test limit in (0, 1); concentration k > 0 of the prior
 * @throws SluiceError for counts that are no counts
 */
export function shareLimitLogE(
  test: { readonly limit: number; readonly concentration: number },
  { units, failures }: FailureCounts,
): number {
  count('units', units);
  count('failures', failures);
  if (failures > units) refuse('failures', failures, 'at most the number of units');
  return eventShareLogE(
    { share: test.limit, concentration: test.concentration, alternative: 'greater' },
    { treatmentEvents: failures, controlEvents: units - failures },
  );
}
