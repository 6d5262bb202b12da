import type { Mutant } from './mutants.js';

const INTERLEAVINGS = 'test/faults/controllers.interleavings.test.ts';
const RANDOM = 'test/faults/controllers.test.ts';
const LEASES = 'test/integration/experiments.leases.test.ts';

const CHECKED = {
  file: 'src/experiments/leases.service.ts',
  from: 'if (await this.leases.isHeld(tx, keyOf(lease))) return;',
  to: 'if ((await this.leases.isHeld(tx, keyOf(lease))) || lease.epoch > 0) return;',
};

const COMPARED = {
  file: 'src/rollouts/evaluation.service.ts',
  from: 'if (current.revision === analysed.revision) return current;',
  to: 'if (current.revision >= analysed.revision) return current;',
};

const SET = {
  file: 'src/experiments/experiments.store.ts',
  from: 'WHERE id = $1 AND revision = $2 RETURNING',
  to: 'WHERE id = $1 AND revision >= $2 RETURNING',
};

const LOCKED_BY_LEASE = {
  file: 'src/experiments/leases.store.ts',
  from: "'SELECT 1 FROM experiments WHERE id = $1 FOR UPDATE'",
  to: "'SELECT 1 FROM experiments WHERE id = $1'",
};

const LOCKED = {
  file: 'src/experiments/experiments.store.ts',
  from: 'FROM experiments WHERE id = $1 FOR UPDATE`',
  to: 'FROM experiments WHERE id = $1`',
};

/** What keeps two workers, or a worker and a person, from acting on one experiment at the same time. */
export const ACTOR_MUTANTS: readonly Mutant[] = [
  {
    name: 'the fence is gone: a lease is not checked before a decision',
    edits: [CHECKED],
    tests: [INTERLEAVINGS, RANDOM],
  },
  {
    name: 'the fence does not look at the epoch',
    edits: [
      {
        file: 'src/experiments/leases.store.ts',
        from: 'SELECT coalesce(lease_holder = $2 AND lease_epoch = $3 AND',
        to: 'SELECT coalesce(lease_holder = $2 AND lease_epoch >= $3 AND',
      },
    ],
    tests: [LEASES],
  },
  {
    name: 'the compare is gone: a decision is taken on a state that was not analysed',
    edits: [COMPARED],
    tests: [INTERLEAVINGS, RANDOM],
  },
  {
    name: 'the set is gone: a change is written over another one',
    edits: [SET],
    tests: [INTERLEAVINGS],
  },
  {
    name: 'compare and set are both gone',
    edits: [COMPARED, SET],
    tests: [INTERLEAVINGS, RANDOM],
  },
  {
    name: 'FOR UPDATE is gone where the lease is checked',
    edits: [LOCKED_BY_LEASE],
    tests: [INTERLEAVINGS, RANDOM, LEASES],
  },
  {
    name: 'FOR UPDATE is gone where an experiment is locked',
    edits: [LOCKED],
    tests: [INTERLEAVINGS, RANDOM],
  },
  {
    name: 'FOR UPDATE is gone everywhere',
    edits: [LOCKED_BY_LEASE, LOCKED],
    tests: [INTERLEAVINGS, RANDOM],
  },
];
