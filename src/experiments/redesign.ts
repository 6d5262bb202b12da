import type { Defect } from '../kernel/errors.js';
import { canonicalJson } from '../kernel/json.js';
import type { ExperimentDefinition, ExperimentPatch } from './experiment.contract.js';
import type { ExperimentKind, RolloutState } from './experiment.js';

/** What an experiment is; another one of these is another experiment. */
const IDENTITY = ['name', 'model', 'kind'] as const;

/** `null` takes a field away, so that its default holds again (RFC 7396, at the top level). */
export function patched(
  present: ExperimentDefinition,
  patch: ExperimentPatch,
): Record<string, unknown> {
  const fields = Object.entries({ ...present, ...patch });
  return Object.fromEntries(fields.filter(([, value]) => value !== null));
}

/**
 * JSON pointers of what differs, as deep as both sides agree on the structure; lists of different length differ as
 * a whole. Fields that `after` does not name are left out.
 */
export function changedFields(before: unknown, after: unknown, at = ''): readonly string[] {
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
  const comparable =
    isObject(before) &&
    isObject(after) &&
    Array.isArray(before) === Array.isArray(after) &&
    (!Array.isArray(before) || Object.keys(before).length === Object.keys(after).length);
  if (!comparable) return [at];
  return Object.entries(after).flatMap(([key, value]) =>
    changedFields(before[key], value, `${at}/${key}`),
  );
}

/** Why a change cannot be made to a started experiment, even in a new epoch; empty when it can. */
export function redesignDefects(
  present: ExperimentDefinition,
  next: ExperimentDefinition,
): readonly Defect[] {
  const identity = IDENTITY.filter((field) => present[field] !== next[field]).map(
    (field): Defect => ({
      field: `/changes/${field}`,
      given: next[field],
      expected: present[field],
      advice: `another ${field} is another experiment`,
    }),
  );
  if (identity.length > 0 || changedFields(present, next).length > 0) return identity;
  const expected = 'at least one field with another value';
  return [{ field: '/changes', expected, advice: 'an epoch begins because something changes' }];
}

/** True when units are dealt out in another way, so that the places of the old epoch must not carry over. */
export function dealsOutAnew(present: ExperimentDefinition, next: ExperimentDefinition): boolean {
  const dealing = ({ variants, coverage, rollout }: ExperimentDefinition): string =>
    canonicalJson({
      variants,
      coverage,
      steps: (rollout?.steps ?? []).map((step) => step.coverage),
    });
  return dealing(present) !== dealing(next);
}

/** True when arms were closed or weights changed while it ran, so that the design no longer says where units are. */
export function wasDealtOutAnew({
  kind,
  rollout,
}: {
  readonly kind: ExperimentKind;
  readonly rollout: RolloutState | null;
}): boolean {
  return kind === 'ab' && (rollout?.phases.length ?? 0) > 1;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
