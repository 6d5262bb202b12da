import { SluiceError } from '../kernel/errors.js';
import { ChainAudit, type Finding, type Querying, type Verifier } from './audit.js';
import { type AuditedExperiment, AuditStore } from './audit.store.js';
import type { Checkpoint } from './checkpoint.js';
import { replay } from './replay.js';

/** Reads one state of the database, whatever is written meanwhile. */
export interface Snapshots {
  snapshot<T>(read: (db: Querying) => Promise<T>): Promise<T>;
}

export interface AuditRequest {
  readonly key: Verifier;
  /** Name or id; null: all. */
  readonly experiment: string | null;
  readonly withReplay: boolean;
  /** Checkpoints that were kept elsewhere. */
  readonly anchors: readonly Checkpoint[];
}

export interface AuditedLog {
  readonly experiment: string;
  readonly status: string;
  readonly decisions: number;
  readonly signed: number;
  readonly replayed: number;
  readonly findings: readonly Finding[];
}

export interface AuditReport {
  readonly intact: boolean;
  readonly keyId: string;
  readonly logs: readonly AuditedLog[];
}

/**
 * Checks the decision logs of a database without a word from the product that wrote them: numbers, hashes, chain,
 * signatures, ends, and on request every automatic decision computed again. Reads only.
 */
export async function auditLogs(source: Snapshots, request: AuditRequest): Promise<AuditReport> {
  const store = new AuditStore();
  const { experiments, signedSinceMs } = await source.snapshot(async (db) => ({
    experiments: await store.experiments(db, request.experiment),
    signedSinceMs: await store.signedSinceMs(db),
  }));
  if (signedSinceMs === null) throw tooOld();
  const logs: AuditedLog[] = [];
  for (const experiment of experiments) {
    logs.push(
      await source.snapshot((db) => auditLog({ db, store, signedSinceMs, request }, experiment)),
    );
  }
  logs.push(...vanished(experiments, request));
  const intact = logs.every(({ findings }) => findings.length === 0);
  return { intact, keyId: request.key.id, logs };
}

interface Reading {
  readonly db: Querying;
  readonly store: AuditStore;
  readonly signedSinceMs: number;
  readonly request: AuditRequest;
}

async function auditLog(
  { db, store, signedSinceMs, request }: Reading,
  { id, name, status }: AuditedExperiment,
): Promise<AuditedLog> {
  const audit = new ChainAudit({
    key: request.key,
    checkpoints: await store.checkpoints(db, id),
    anchors: request.anchors.filter(({ experimentId }) => experimentId === id),
    revision: await store.revision(db, id),
    signedSinceMs,
    replay: request.withReplay ? replay : null,
  });
  let after = 0;
  for (;;) {
    const page = await store.decisions(db, id, after);
    for (const decision of page) audit.add(decision);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.number;
  }
  return { experiment: name, status, ...audit.end() };
}

/** Experiments that a checkpoint from elsewhere speaks of and that are not there any more. */
function vanished(
  experiments: readonly AuditedExperiment[],
  { anchors, experiment }: AuditRequest,
): readonly AuditedLog[] {
  if (experiment !== null) return [];
  const gone = anchors.filter(({ experimentId }) =>
    experiments.every(({ id }) => id !== experimentId),
  );
  return gone.map(({ experimentId, number }) => ({
    experiment: experimentId,
    status: 'missing',
    decisions: 0,
    signed: 0,
    replayed: 0,
    findings: [
      { number, problem: 'truncated', detail: 'a checkpoint from elsewhere vouches for it' },
    ],
  }));
}

function tooOld(): SluiceError {
  return new SluiceError('conflict', 'this database has no signed checkpoints yet', [
    {
      field: 'sluice_migrations',
      expected: 'a database that this release has been started on',
      advice: 'start the product once, then audit',
    },
  ]);
}
