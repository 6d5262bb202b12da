import type { WebhookEvent } from '../webhooks/webhook.js';
import type { Checkpoint } from './checkpoint.js';
import type { StoredReasons } from './replay.js';
import type { StoredDecision } from './stored-decision.js';

/** The outbox's message about a decision, as far as it is read here. */
export interface DecisionNotice {
  readonly experimentId: string;
  readonly experiment: string;
  readonly model: string;
  readonly number: number;
}

/** Holds that ask a person to act: the policy would, and may not. */
const RECOMMENDATIONS = /^((promotion|rollback|canary)_recommended|would_.+)$/;

/** What receivers subscribe to: the decision's kind, except that a recommendation is more than a hold. */
export function eventOf({ kind, reasons }: Pick<StoredDecision, 'kind' | 'reasons'>): WebhookEvent {
  return kind === 'hold' && RECOMMENDATIONS.test(codeOf(reasons)) ? 'recommendation' : kind;
}

/** One decision, one id: receivers recognise what they have had. No dots: the id is part of what is signed. */
export function messageIdOf({ experimentId, number }: DecisionNotice): string {
  return `${experimentId}-${String(number)}`;
}

/** What receivers are told: the decision without its inputs, and the checkpoint that anchors the log outside. */
export function eventData(
  { experiment, model }: DecisionNotice,
  decision: StoredDecision,
  checkpoint: Checkpoint | null,
): object {
  const { experimentId, number, kind, reasons, atMs } = decision;
  const { variant = null } = reasons as Partial<StoredReasons>;
  return {
    experiment,
    experimentId,
    model,
    number,
    kind,
    code: codeOf(reasons),
    variant,
    summary: decision.summary,
    automatic: decision.automatic,
    actor: decision.actor,
    reasons,
    reportNumber: decision.reportNumber,
    configVersion: decision.configVersion,
    policyVersion: decision.policyVersion,
    previousHash: decision.previousHash,
    hash: decision.hash,
    at: new Date(atMs).toISOString(),
    checkpoint,
  };
}

/** The notice in an outbox message; null for messages about other things. */
export function noticeIn(payload: unknown): DecisionNotice | null {
  if (typeof payload !== 'object' || payload === null) return null;
  const { experimentId, experiment, model, number } = payload as Partial<DecisionNotice>;
  if (typeof experimentId !== 'string' || typeof experiment !== 'string') return null;
  if (typeof model !== 'string' || typeof number !== 'number') return null;
  return { experimentId, experiment, model, number };
}

function codeOf(reasons: object): string {
  return 'code' in reasons && typeof reasons.code === 'string' ? reasons.code : '';
}
