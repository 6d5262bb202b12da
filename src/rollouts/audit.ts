import { type Checkpoint, checkpointText } from './checkpoint.js';
import type { ReplayResult } from './replay.js';
import { decisionHash, FIRST_PREVIOUS_HASH, type StoredDecision } from './stored-decision.js';

/** What can be wrong with a decision log. */
export type Problem =
  /** A number is missing. */
  | 'gap'
  /** A decision does not follow from the one before it. */
  | 'link'
  /** A decision does not say what was hashed. */
  | 'content'
  /** A decision is not the one that was signed under its number. */
  | 'forged'
  /** A signature does not fit. */
  | 'signature'
  /** A signed decision is missing at the end. */
  | 'truncated'
  /** The end of the log is not signed. */
  | 'unsigned'
  /** The experiment has changed without a decision, or a decision without a trace is missing. */
  | 'behind'
  /** Computed again, the decision comes out differently. */
  | 'replay';

export interface Finding {
  /** Number of the decision; null: the log as a whole. */
  readonly number: number | null;
  readonly problem: Problem;
  readonly detail: string;
}

/** A transaction, TypeORM's manager, or a plain connection: the auditor also works beside a running product. */
export interface Querying {
  query<T>(sql: string, parameters?: unknown[]): Promise<T>;
}

/** How signatures are checked: by the public key of the installation. */
export interface Verifier {
  readonly id: string;
  verifies(text: string, signature: string): boolean;
}

/** What one experiment's log is compared with. */
export interface AuditBasis {
  readonly key: Verifier;
  /** Of this experiment, from the database. */
  readonly checkpoints: readonly Checkpoint[];
  /** Of this experiment, kept where whoever writes to this database cannot change them. */
  readonly anchors: readonly Checkpoint[];
  /** Of the experiment's row: it grows with every decision. */
  readonly revision: number;
  /** Decisions before this time were made when nothing was signed yet. */
  readonly signedSinceMs: number;
  /** Null: nothing is computed again. */
  readonly replay: ((decision: StoredDecision) => ReplayResult) | null;
}

export interface ChainResult {
  readonly decisions: number;
  readonly signed: number;
  readonly replayed: number;
  /** In the order of the log. */
  readonly findings: readonly Finding[];
}

/** Enough to see what happened; a log that was replaced as a whole would fill pages. */
const MAX_FINDINGS = 20;

/**
 * Goes through one experiment's log once, in order of numbers, and collects everything that does not fit. After a
 * broken link it goes on from what is stored, so that one change is one finding and not as many as come after it.
 */
export class ChainAudit {
  private readonly findings: Finding[] = [];
  private readonly checkpoints: ReadonlyMap<number, Checkpoint>;
  private readonly anchors: ReadonlyMap<number, Checkpoint>;
  private last: StoredDecision | null = null;
  private decisions = 0;
  private signed = 0;
  private replayed = 0;

  constructor(private readonly basis: AuditBasis) {
    this.checkpoints = byNumber(basis.checkpoints);
    this.anchors = byNumber(basis.anchors);
  }

  /** The next decision of the log. */
  add(decision: StoredDecision): void {
    const { number } = decision;
    const due = (this.last?.number ?? 0) + 1;
    if (number !== due) this.found(due, 'gap', `it is missing; decision ${number} comes next`);
    else if (decision.previousHash !== (this.last?.hash ?? FIRST_PREVIOUS_HASH)) {
      this.found(number, 'link', `it does not point to the hash of decision ${number - 1}`);
    }
    if (decision.hash !== decisionHash(decision)) {
      this.found(number, 'content', 'its content is not what was hashed');
    }
    this.compare(decision, this.anchors.get(number), 'elsewhere');
    if (this.compare(decision, this.checkpoints.get(number), 'here')) this.signed += 1;
    this.compute(decision);
    this.last = decision;
    this.decisions += 1;
  }

  /** What was found, once every decision has been added. */
  end(): ChainResult {
    const { last, decisions, signed, replayed, basis } = this;
    const number = last?.number ?? 0;
    const isBeyond = (one: Checkpoint): boolean => one.number > number;
    const beyond = byNumber([...basis.checkpoints, ...basis.anchors].filter(isBeyond));
    for (const checkpoint of beyond.values()) this.missingAtEnd(checkpoint);
    if (last !== null && beyond.size === 0 && !this.checkpoints.has(number)) {
      const isOlder = last.atMs < basis.signedSinceMs;
      if (!isOlder)
        this.found(number, 'unsigned', 'the log ends with a decision without signature');
    }
    if (last === null) {
      if (beyond.size === 0) this.found(1, 'gap', 'it is missing; the log is empty');
    } else if (basis.revision !== last.fromRevision + 1) {
      const led = last.fromRevision + 1;
      const detail = `the experiment is at revision ${basis.revision}, its last decision led to ${led}`;
      this.found(null, 'behind', detail);
    }
    return { decisions, signed, replayed, findings: this.findings.slice(0, MAX_FINDINGS) };
  }

  /** True when the checkpoint is there and vouches for the decision. */
  private compare(
    decision: StoredDecision,
    checkpoint: Checkpoint | undefined,
    where: 'here' | 'elsewhere',
  ): boolean {
    if (checkpoint === undefined) return false;
    const defect = signatureDefect(checkpoint, this.basis.key);
    if (defect !== null) {
      this.found(decision.number, 'signature', defect);
      return false;
    }
    if (checkpoint.hash === decision.hash && checkpoint.atMs === decision.atMs) return true;
    const kept = where === 'here' ? '' : ', says a checkpoint from elsewhere';
    this.found(decision.number, 'forged', `another decision was signed under this number${kept}`);
    return false;
  }

  private compute(decision: StoredDecision): void {
    const { replay } = this.basis;
    if (replay === null || !decision.automatic) return;
    const { identical, replayed } = replay(decision);
    this.replayed += 1;
    if (identical || replayed === null) return;
    const detail = `${decision.kind} (${decision.summary}) comes out as ${replayed.kind} (${replayed.summary})`;
    this.found(decision.number, 'replay', detail);
  }

  private missingAtEnd(checkpoint: Checkpoint): void {
    const { number, atMs } = checkpoint;
    const defect = signatureDefect(checkpoint, this.basis.key);
    if (defect !== null) this.found(number, 'signature', defect);
    const detail = `it was signed at ${new Date(atMs).toISOString()} and is missing`;
    this.found(number, 'truncated', detail);
  }

  private found(number: number | null, problem: Problem, detail: string): void {
    this.findings.push({ number, problem, detail });
  }
}

function byNumber(checkpoints: readonly Checkpoint[]): ReadonlyMap<number, Checkpoint> {
  return new Map(checkpoints.map((checkpoint) => [checkpoint.number, checkpoint]));
}

function signatureDefect(checkpoint: Checkpoint, key: Verifier): string | null {
  if (checkpoint.keyId !== key.id) {
    return `it is signed with key ${checkpoint.keyId}, this installation's is ${key.id}`;
  }
  const fits = key.verifies(checkpointText(checkpoint), checkpoint.signature);
  return fits ? null : 'the signature of its checkpoint does not fit';
}
