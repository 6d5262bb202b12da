import { Injectable } from '@nestjs/common';
import type { Experiment, FrozenDesign } from '../experiments/experiment.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { type ManualVerb, nextStatus } from '../experiments/life-cycle.js';
import { SluiceError } from '../kernel/errors.js';
import { type Action, changeOf, nextStep, restartOf } from './change.js';
import { ExecutorService, type DecisionRecord } from './executor.service.js';
import { POLICY_VERSION } from './policy/policy.js';
import type { RedesignBody, Verb, VerbBody } from './rollouts.contract.js';
import type { StoredDecision } from './stored-decision.js';

/** What people do to experiments by hand: the same transaction, log and fence as automatic decisions. */
@Injectable()
export class VerbsService {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly executor: ExecutorService,
  ) {}

  /** Carries a verb out. Throws `not_found`, `conflict` (not from this status) or `invalid_input`. */
  async perform(
    idOrName: string,
    verb: Verb,
    body: VerbBody,
    actor: string,
  ): Promise<StoredDecision> {
    const { id } = await this.experiments.get(idOrName);
    return this.executor.decideInTransaction(async (tx, nowMs) => {
      const locked = await this.experiments.lock(tx, id);
      refuseFromStatus(locked, verb);
      if (verb === 'start') {
        const { reason: summary } = body;
        return this.executor.start(tx, locked, { automatic: false, actor, summary, atMs: nowMs });
      }
      const change = changeOf(locked, actionOf(locked, verb, body), nowMs);
      const record: DecisionRecord = {
        kind: verb,
        automatic: false,
        actor,
        summary: body.reason,
        reasons: { code: `manual_${verb}`, variant: body.variant ?? null },
        inputs: {
          rollout: locked.rollout,
          status: locked.status,
          designHash: locked.designHash,
        },
        policyVersion: POLICY_VERSION,
        reportNumber: null,
        atMs: nowMs,
      };
      return this.executor.apply(tx, locked, change, record);
    });
  }

  /**
   * Changes the design of a running or paused experiment: a new epoch, in which nothing of the evidence so far
   * counts, with phases and error rates of its own. Throws `not_found`, `conflict` or `invalid_input`.
   */
  async redesign(
    idOrName: string,
    { changes, reason }: RedesignBody,
    actor: string,
  ): Promise<StoredDecision> {
    const { id } = await this.experiments.get(idOrName);
    return this.executor.decideInTransaction(async (tx, nowMs) => {
      const locked = await this.experiments.lock(tx, id);
      refuseFromStatus(locked, 'redesign');
      const redesign = await this.experiments.redesign(tx, locked, { changes, nowMs });
      const { experiment, changed, hasNewSalt } = redesign;
      const { epoch, designHash } = experiment;
      const change = restartOf(designOf(experiment), experiment.status, nowMs);
      return this.executor.apply(tx, experiment, change, {
        kind: 'redesign',
        automatic: false,
        actor,
        summary: reason,
        reasons: { code: 'manual_redesign', variant: null, changed, epoch, hasNewSalt },
        inputs: {
          rollout: locked.rollout,
          status: locked.status,
          epoch: locked.epoch,
          designHash: locked.designHash,
          nextDesignHash: designHash,
          changes,
        },
        policyVersion: POLICY_VERSION,
        reportNumber: null,
        atMs: nowMs,
      });
    });
  }
}

function refuseFromStatus(experiment: Experiment, verb: ManualVerb): void {
  const next = nextStatus(experiment.status, verb);
  if (next.kind === 'allowed') return;
  throw new SluiceError('conflict', `${verb} is not possible while ${experiment.status}`, [
    {
      field: 'verb',
      given: verb,
      expected:
        next.allowed.length > 0 ? `one of ${next.allowed.join(', ')}` : 'no verb: it has ended',
    },
  ]);
}

function designOf(experiment: Experiment): FrozenDesign {
  if (experiment.design !== null) return experiment.design;
  throw new SluiceError('internal', `${experiment.name} has no frozen design`);
}

function actionOf(experiment: Experiment, verb: Verb, body: VerbBody): Action {
  switch (verb) {
    case 'advance':
      return { kind: 'advance', toStep: manualStep(experiment) };
    case 'promote':
      return { kind: 'promote', variant: manualVariant(experiment, body) };
    case 'start':
      throw new SluiceError('internal', 'start is not a change of a started experiment');
    default:
      return { kind: verb };
  }
}

/** A shadow has no steps: to advance it is to say that it is ready. */
function manualStep(experiment: Experiment): number | null {
  const { rollout, kind } = experiment;
  if (kind === 'shadow') return null;
  const next = rollout === null ? null : nextStep(designOf(experiment), rollout);
  if (next !== null) return next;
  throw new SluiceError('conflict', 'there is no further step with a control', [
    { field: 'verb', given: 'advance', expected: 'promote', advice: 'promote ends the rollout' },
  ]);
}

function manualVariant(experiment: Experiment, body: VerbBody): string {
  if (experiment.kind === 'shadow' || experiment.kind === 'holdout')
    throw promotesNothing(experiment);
  const candidates = designOf(experiment)
    .variants.filter((variant) => !variant.control)
    .map((variant) => variant.name);
  const wanted = body.variant ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (wanted !== undefined && candidates.includes(wanted)) return wanted;
  throw new SluiceError('invalid_input', 'which variant is to be promoted?', [
    { field: 'variant', given: body.variant ?? null, expected: `one of ${candidates.join(', ')}` },
  ]);
}

function promotesNothing({ name, kind }: Experiment): SluiceError {
  const advice =
    kind === 'shadow'
      ? 'advance says that it is ready, and begins the canary that follows it'
      : 'abort ends the comparison; the holdout of the model stays until it is released';
  return new SluiceError('conflict', `${name} is a ${kind}: it promotes nothing`, [
    { field: 'verb', given: 'promote', expected: 'an ab or a canary', advice },
  ]);
}
