import type pg from 'pg';
import type { Evidence } from '../../src/analysis/evidence.js';
import type { RolloutState } from '../../src/experiments/experiment.js';
import { canonicalJson } from '../../src/kernel/json.js';
import { replay } from '../../src/rollouts/replay.js';
import { firstBrokenLink, type StoredDecision } from '../../src/rollouts/stored-decision.js';

/**
 * Triggers that write down who did what, in the transaction that does it: a process cannot be mistaken about that,
 * because each connects under a name of its own.
 */
const TRIGGERS = `
CREATE TABLE witness_grants (
  id bigint GENERATED ALWAYS AS IDENTITY, experiment_id uuid, was bigint, epoch bigint, granted_to text,
  prior_until timestamptz, at timestamptz DEFAULT clock_timestamp());
CREATE INDEX ON witness_grants (experiment_id, epoch);
CREATE TABLE witness_revisions (experiment_id uuid, was integer, revision integer);
CREATE TABLE witness_decisions (
  experiment_id uuid, number integer, decided_by text, granted_to text, epoch integer, rollout jsonb);

CREATE FUNCTION witness_experiment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.lease_epoch <> OLD.lease_epoch THEN
    INSERT INTO witness_grants (experiment_id, was, epoch, granted_to, prior_until)
    VALUES (NEW.id, OLD.lease_epoch, NEW.lease_epoch, session_user, OLD.lease_until);
    PERFORM pg_notify('witness_granted', NEW.id::text);
  END IF;
  IF NEW.revision <> OLD.revision THEN
    INSERT INTO witness_revisions VALUES (NEW.id, OLD.revision, NEW.revision);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER witness AFTER UPDATE ON experiments FOR EACH ROW EXECUTE FUNCTION witness_experiment();

CREATE FUNCTION witness_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO witness_decisions
  SELECT NEW.experiment_id, NEW.number, session_user,
         (SELECT granted_to FROM witness_grants AS g WHERE g.experiment_id = e.id AND g.epoch = e.lease_epoch),
         e.epoch, e.rollout
  FROM experiments AS e WHERE e.id = NEW.experiment_id;
  RETURN NEW;
END $$;
CREATE TRIGGER witness AFTER INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION witness_decision();`;

/** Where the id of an experiment is told the moment that somebody gets its lease. */
export const GRANTED_CHANNEL = 'witness_granted';

export async function installWitness(client: pg.Client): Promise<void> {
  await client.query(TRIGGERS);
}

/** What must be 0 when exactly one acts at a time; see {@link HONEST}. */
export interface Findings {
  /** Automatic decisions of a process that was not the one with the newest lease. */
  readonly byOthers: number;
  /** Automatic decisions on evidence of another epoch or other phases than the experiment was in. */
  readonly onOldEvidence: number;
  /** Leases whose fence is not one more than the one before. */
  readonly fenceJumps: number;
  /** Changes of an experiment that did not raise its revision by one. */
  readonly revisionJumps: number;
  /** Experiments with another number of decisions than of states that they left. */
  readonly unbalanced: number;
  /** Plans made for an experiment that no decision names, or that two do, and decisions whose plan is not there. */
  readonly plansAstray: number;
  /** Decisions that were told outside not exactly once, and messages about none. */
  readonly toldWrong: number;
  readonly brokenChains: number;
  /** Decisions that come out differently when they are computed again. */
  readonly replayedDifferently: number;
}

export const HONEST: Findings = {
  byOthers: 0,
  onOldEvidence: 0,
  fenceJumps: 0,
  revisionJumps: 0,
  unbalanced: 0,
  plansAstray: 0,
  toldWrong: 0,
  brokenChains: 0,
  replayedDifferently: 0,
};

export interface Testimony {
  readonly findings: Findings;
  readonly decisions: number;
  readonly automatic: number;
  readonly plans: number;
  readonly messages: number;
  readonly grants: number;
  /** From the end of a lease that was never given back to the next grant, milliseconds, sorted. */
  readonly takeoverMs: readonly number[];
}

const REVISION_JUMPS = `SELECT 1 FROM witness_revisions WHERE revision <> was + 1
  UNION ALL SELECT 1 FROM witness_revisions GROUP BY experiment_id, revision HAVING count(*) > 1`;
const FENCE_JUMPS = `SELECT 1 FROM (
    SELECT was, epoch, lag(epoch, 1, 0::bigint) OVER (PARTITION BY experiment_id ORDER BY id) AS before
    FROM witness_grants) AS g
  WHERE epoch <> was + 1 OR epoch <= before`;
const UNBALANCED = `SELECT 1 FROM experiments AS e
  LEFT JOIN (SELECT experiment_id, count(*) AS decided FROM decisions GROUP BY 1) AS d ON d.experiment_id = e.id
  WHERE e.revision <> coalesce(decided, 0)`;
const PLANS_ASTRAY = `SELECT 1 FROM (SELECT config_version FROM decisions WHERE config_version IS NOT NULL) AS d
  FULL JOIN (SELECT t.version FROM traffic_plans AS t
             JOIN experiments AS e ON starts_with(t.reason, e.name || ': ')) AS p ON p.version = d.config_version
  GROUP BY coalesce(config_version, version)
  HAVING count(*) <> 1 OR count(config_version) <> 1 OR count(version) <> 1`;
const TOLD_WRONG = `SELECT 1 FROM (SELECT experiment_id::text || ' ' || number AS of FROM decisions) AS d
  FULL JOIN (SELECT (payload->>'experimentId') || ' ' || (payload->>'number') AS about
             FROM outbox WHERE topic = 'decision') AS o ON o.about = d.of
  GROUP BY coalesce(of, about) HAVING count(*) <> 1 OR count(of) <> 1 OR count(about) <> 1`;

/** Call it when no process works any more. */
export async function hear(client: pg.Client): Promise<Testimony> {
  const count = async (sql: string): Promise<number> => (await client.query(sql)).rows.length;
  const seen = await decisionsOf(client);
  const chains = [...Map.groupBy(seen, ({ decision }) => decision.experimentId).values()];
  const automatic = seen.filter(({ decision }) => decision.automatic);
  return {
    findings: {
      byOthers: automatic.filter(({ by, grantedTo }) => by !== grantedTo).length,
      onOldEvidence: automatic.filter(isOnOldEvidence).length,
      fenceJumps: await count(FENCE_JUMPS),
      revisionJumps: await count(REVISION_JUMPS),
      unbalanced: await count(UNBALANCED),
      plansAstray: await count(PLANS_ASTRAY),
      toldWrong: await count(TOLD_WRONG),
      brokenChains: chains.filter((links) => {
        return firstBrokenLink(links.map(({ decision }) => decision)) !== null;
      }).length,
      replayedDifferently: seen.filter(({ decision }) => !replay(decision).identical).length,
    },
    decisions: seen.length,
    automatic: automatic.length,
    plans: await count('SELECT 1 FROM decisions WHERE config_version IS NOT NULL'),
    messages: await count(`SELECT 1 FROM outbox WHERE topic = 'decision'`),
    grants: await count('SELECT 1 FROM witness_grants'),
    takeoverMs: await takeovers(client),
  };
}

interface Seen {
  readonly decision: StoredDecision;
  readonly by: string;
  readonly grantedTo: string | null;
  readonly epoch: number;
  readonly rollout: Partial<RolloutState>;
}

const DECISIONS = `
SELECT json_build_object('experimentId', d.experiment_id, 'number', d.number, 'kind', d.kind,
    'automatic', d.automatic, 'actor', d.actor, 'summary', d.summary, 'reasons', d.reasons, 'inputs', d.inputs,
    'policyVersion', d.policy_version, 'reportNumber', d.report_number, 'fromRevision', d.from_revision,
    'configVersion', d.config_version, 'previousHash', d.previous_hash, 'hash', d.hash,
    'atMs', round(extract(epoch FROM d.at) * 1000)) AS decision,
  w.decided_by AS by, w.granted_to AS "grantedTo", w.epoch, w.rollout
FROM decisions AS d JOIN witness_decisions AS w USING (experiment_id, number)
ORDER BY d.experiment_id, d.number`;

async function decisionsOf(client: pg.Client): Promise<readonly Seen[]> {
  return (await client.query<Seen>(DECISIONS)).rows;
}

function isOnOldEvidence({ decision, epoch, rollout }: Seen): boolean {
  const { evidence } = decision.inputs as { readonly evidence: Evidence | null };
  if (evidence === null) return false;
  const phases = canonicalJson(evidence.phases);
  return evidence.epoch !== epoch || phases !== canonicalJson(rollout.phases ?? []);
}

async function takeovers(client: pg.Client): Promise<readonly number[]> {
  const { rows } = await client.query<{ ms: number }>(
    `SELECT extract(epoch FROM at - prior_until)::float8 * 1000 AS ms
     FROM witness_grants WHERE prior_until IS NOT NULL ORDER BY 1`,
  );
  return rows.map(({ ms }) => ms);
}
