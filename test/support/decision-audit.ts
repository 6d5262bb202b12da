import { connected } from './audit.js';

/** What the decision log, the traffic plans and the outbox say of each other; all must be 0. */
export interface DecisionAudit {
  /** Two decisions on one and the same state of an experiment. */
  readonly decidedTwice: number;
  /** Experiments whose phases are not those that their start and advances began. */
  readonly phasesWithoutDecision: number;
  /** Plans by the policy that no decision made, and plans of decisions that are not there. */
  readonly effectsWithoutDecision: number;
  readonly decisionsWithoutPlan: number;
  /** Decisions that nobody will be told, or are told of twice. */
  readonly outboxOff: number;
}

export const SOUND: DecisionAudit = {
  decidedTwice: 0,
  phasesWithoutDecision: 0,
  effectsWithoutDecision: 0,
  decisionsWithoutPlan: 0,
  outboxOff: 0,
};

const CHECKS: Readonly<Record<keyof DecisionAudit, string>> = {
  decidedTwice: 'SELECT 1 FROM decisions GROUP BY experiment_id, from_revision HAVING count(*) > 1',
  phasesWithoutDecision: `
    SELECT 1 FROM experiments AS e WHERE jsonb_array_length(e.rollout -> 'phases') <>
      (SELECT count(*) FROM decisions AS d WHERE d.experiment_id = e.id AND kind IN ('start', 'advance', 'approve'))`,
  effectsWithoutDecision: `
    SELECT 1 FROM traffic_plans AS p JOIN experiments AS e ON starts_with(p.reason, e.name || ': ')
    WHERE NOT EXISTS (SELECT 1 FROM decisions AS d WHERE d.config_version = p.version)`,
  decisionsWithoutPlan: `
    SELECT 1 FROM decisions AS d WHERE config_version IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM traffic_plans AS p WHERE p.version = d.config_version)`,
  outboxOff: `
    SELECT 1 FROM decisions AS d WHERE 1 <> (
      SELECT count(*) FROM outbox AS o
      WHERE (o.payload ->> 'number')::int = d.number AND o.payload ->> 'experimentId' = d.experiment_id::text)`,
};

/** Counts what does not fit together. */
export async function auditDecisions(url: string): Promise<DecisionAudit> {
  const client = await connected(url);
  try {
    const counts = new Map<string, number>();
    for (const [name, sql] of Object.entries(CHECKS)) {
      counts.set(name, (await client.query(sql)).rowCount ?? 0);
    }
    return Object.fromEntries(counts) as unknown as DecisionAudit;
  } finally {
    await client.end();
  }
}
