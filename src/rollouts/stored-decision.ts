import { hashOf } from '../kernel/hash.js';

export type StoredDecisionKind =
  | 'start'
  | 'promote'
  | 'rollback'
  | 'advance'
  | 'hold'
  | 'inconclusive'
  | 'error'
  | 'pause'
  | 'resume'
  | 'approve'
  | 'abort'
  | 'redesign'
  | 'close'
  | 'reweigh'
  | 'release';

/** One entry of an experiment's decision log, with everything it looked at. */
export interface StoredDecision {
  readonly experimentId: string;
  /** 1, 2, 3 … within the experiment. */
  readonly number: number;
  readonly kind: StoredDecisionKind;
  /** True when the policy decided, false when a person did. */
  readonly automatic: boolean;
  readonly actor: string;
  readonly summary: string;
  readonly reasons: object;
  readonly inputs: object;
  readonly policyVersion: string;
  readonly reportNumber: number | null;
  readonly fromRevision: number;
  /** The traffic plan it produced; null when traffic did not change. */
  readonly configVersion: number | null;
  readonly previousHash: string;
  readonly hash: string;
  readonly atMs: number;
}

/** What the first decision of an experiment points back to. */
export const FIRST_PREVIOUS_HASH = '0'.repeat(64);

/** SHA-256 over the whole content of a decision, the hash of its predecessor included. */
export function decisionHash(decision: Omit<StoredDecision, 'hash'>): string {
  return hashOf({
    experimentId: decision.experimentId,
    number: decision.number,
    kind: decision.kind,
    automatic: decision.automatic,
    actor: decision.actor,
    summary: decision.summary,
    reasons: decision.reasons,
    inputs: decision.inputs,
    policyVersion: decision.policyVersion,
    reportNumber: decision.reportNumber,
    fromRevision: decision.fromRevision,
    configVersion: decision.configVersion,
    previousHash: decision.previousHash,
    atMs: decision.atMs,
  });
}

/** The number of the first decision that does not fit its own hash or its predecessor; null: the chain is intact. */
export function firstBrokenLink(decisions: readonly StoredDecision[]): number | null {
  let previousHash = FIRST_PREVIOUS_HASH;
  let number = 1;
  for (const decision of decisions) {
    const fits =
      decision.number === number &&
      decision.previousHash === previousHash &&
      decision.hash === decisionHash(decision);
    if (!fits) return decision.number;
    previousHash = decision.hash;
    number += 1;
  }
  return null;
}
