import type { ExperimentStatus } from './experiment.js';

/** What a person may do to an experiment. */
export type ManualVerb =
  | 'start'
  | 'pause'
  | 'resume'
  | 'advance'
  | 'approve'
  | 'close'
  | 'reweigh'
  | 'redesign'
  | 'promote'
  | 'rollback'
  | 'abort';

/** What the policy may do to an experiment. */
export type AutomaticVerb = 'promote' | 'rollback' | 'advance' | 'hold' | 'inconclusive' | 'error';

export type NextStatus<Verb extends string> =
  | { readonly kind: 'allowed'; readonly status: ExperimentStatus }
  | { readonly kind: 'refused'; readonly allowed: readonly Verb[] };

type Table<Verb extends string> = Readonly<
  Record<ExperimentStatus, Readonly<Partial<Record<Verb, ExperimentStatus>>>>
>;

const BY_PERSON: Table<ManualVerb> = {
  draft: { start: 'running' },
  running: {
    pause: 'paused',
    advance: 'running',
    approve: 'running',
    close: 'running',
    reweigh: 'running',
    redesign: 'running',
    promote: 'completed',
    rollback: 'rolled_back',
    abort: 'aborted',
  },
  paused: {
    resume: 'running',
    approve: 'paused',
    close: 'paused',
    redesign: 'paused',
    promote: 'completed',
    rollback: 'rolled_back',
    abort: 'aborted',
  },
  completed: {},
  rolled_back: {},
  aborted: {},
};

// A pause stops what would expose more units; it never stops the way back.
const BY_POLICY: Table<AutomaticVerb> = {
  draft: {},
  running: {
    promote: 'completed',
    rollback: 'rolled_back',
    advance: 'running',
    hold: 'running',
    inconclusive: 'completed',
    error: 'running',
  },
  paused: { rollback: 'rolled_back', hold: 'paused', inconclusive: 'completed', error: 'paused' },
  completed: {},
  rolled_back: {},
  aborted: {},
};

/** The status that a person's verb leads to, or the verbs that are possible instead. */
export function nextStatus(status: ExperimentStatus, verb: ManualVerb): NextStatus<ManualVerb> {
  return look(BY_PERSON, status, verb);
}

/** The status that an automatic decision leads to, or the decisions that are possible instead. */
export function nextStatusByPolicy(
  status: ExperimentStatus,
  verb: AutomaticVerb,
): NextStatus<AutomaticVerb> {
  return look(BY_POLICY, status, verb);
}

function look<Verb extends string>(
  table: Table<Verb>,
  status: ExperimentStatus,
  verb: Verb,
): NextStatus<Verb> {
  const row = table[status];
  const next = row[verb];
  if (next !== undefined) return { kind: 'allowed', status: next };
  return { kind: 'refused', allowed: Object.keys(row) as Verb[] };
}
