import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { championAtStart, type Experiment } from '../experiments/experiment.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import type { ManualVerb } from '../experiments/life-cycle.js';
import { SluiceError } from '../kernel/errors.js';
import { ModelsService } from '../models/models.service.js';
import { type Action, changeOf, restartOf } from './change.js';
import { ExecutorService } from './executor.service.js';
import {
  actionOf,
  closeAction,
  designOf,
  refuseFromStatus,
  reweighAction,
} from './manual-action.js';
import { POLICY_VERSION } from './policy/policy.js';
import type { CloseBody, RedesignBody, Verb, VerbBody, WeightsBody } from './rollouts.contract.js';
import type { StoredDecision } from './stored-decision.js';

/** What people do to experiments by hand: the same transaction, log and fence as automatic decisions. */
@Injectable()
export class VerbsService {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly executor: ExecutorService,
    private readonly models: ModelsService,
  ) {}

  /** Carries a verb out. Throws `not_found`, `conflict` (not from this status) or `invalid_input`. */
  async perform(
    idOrName: string,
    verb: Verb,
    body: VerbBody,
    actor: string,
  ): Promise<StoredDecision> {
    if (verb === 'start') return this.start(idOrName, body, actor);
    return this.change(idOrName, verb, {
      ...{ actor, reason: body.reason },
      action: (experiment) => actionOf(experiment, verb, body),
      reasons: { variant: body.variant ?? null },
    });
  }

  private async start(
    idOrName: string,
    { reason: summary }: VerbBody,
    actor: string,
  ): Promise<StoredDecision> {
    const draft = await this.experiments.get(idOrName);
    refuseFromStatus(draft, 'start');
    const prepared = await this.experiments.prepareStart(draft, await this.executor.nowMs());
    return this.executor.decideInTransaction(async (tx, nowMs) => {
      const locked = await this.experiments.lock(tx, draft.id);
      refuseFromStatus(locked, 'start');
      const record = { automatic: false, actor, summary, atMs: nowMs };
      return this.executor.start(tx, locked, prepared, record);
    });
  }

  /** Closes one arm of an `ab`; the others go on. Throws like `perform`. */
  close(idOrName: string, body: CloseBody, actor: string): Promise<StoredDecision> {
    const { variant, reason } = body;
    return this.change(idOrName, 'close', {
      ...{ actor, reason },
      action: (experiment) => closeAction(experiment, variant),
      reasons: { variant },
    });
  }

  /** Deals out units that are not enrolled yet by other weights. Throws like `perform`. */
  reweigh(idOrName: string, body: WeightsBody, actor: string): Promise<StoredDecision> {
    const { weights, coverage, reason } = body;
    return this.change(idOrName, 'reweigh', {
      ...{ actor, reason },
      action: (experiment) => reweighAction(experiment, { weights, coverage }),
      reasons: { variant: null, weights, coverage },
    });
  }

  private async change(
    idOrName: string,
    kind: Exclude<ManualVerb, 'start' | 'redesign'>,
    wanted: {
      readonly actor: string;
      readonly reason: string;
      readonly action: (experiment: Experiment) => Action;
      readonly reasons: object;
    },
  ): Promise<StoredDecision> {
    const started = await this.experiments.get(idOrName);
    const next = kind === 'advance' ? await this.executor.prepareNext(started) : null;
    return this.executor.decideInTransaction(async (tx, nowMs) => {
      const locked = await this.experiments.lock(tx, started.id);
      refuseFromStatus(locked, kind);
      if (kind === 'advance') refuseOtherEpoch(started, locked);
      const change = changeOf(locked, wanted.action(locked), nowMs);
      const { rollout, status, designHash } = locked;
      const noted = kind === 'promote' ? await this.notedChampion(tx, locked) : '';
      const summary = `${wanted.reason}${noted}`;
      return this.executor.apply(tx, locked, change, {
        ...{ kind, automatic: false, actor: wanted.actor, summary },
        reasons: { code: `manual_${kind}`, ...wanted.reasons },
        inputs: { rollout, status, designHash },
        policyVersion: POLICY_VERSION,
        reportNumber: null,
        atMs: nowMs,
        ...(next === null ? {} : { next }),
      });
    });
  }

  /** A person may replace a champion that nothing was compared with; the log says so. */
  private async notedChampion(tx: EntityManager, experiment: Experiment): Promise<string> {
    const atStart = championAtStart(experiment);
    const present = await this.models.lockedChampion(tx, experiment.model);
    if (atStart === null || present === atStart) return '';
    return ` (replaces ${present ?? 'no champion'}; the champion was ${atStart} when this began)`;
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
    const started = await this.experiments.get(idOrName);
    refuseFromStatus(started, 'redesign');
    const preparedMs = await this.executor.nowMs();
    const prepared = await this.experiments.prepareRedesign(started, changes, preparedMs);
    return this.executor.decideInTransaction(async (tx, nowMs) => {
      const locked = await this.experiments.lock(tx, started.id);
      refuseFromStatus(locked, 'redesign');
      const redesign = await this.experiments.redesign(tx, locked, prepared, nowMs);
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

/** What follows a shadow was prepared from the design that was there before the lock. */
function refuseOtherEpoch(prepared: Experiment, locked: Experiment): void {
  if (prepared.epoch === locked.epoch) return;
  throw new SluiceError('conflict', `${locked.name} was redesigned meanwhile`, [
    {
      field: 'epoch',
      given: prepared.epoch,
      expected: `epoch ${locked.epoch}`,
      advice: 'read it and retry',
    },
  ]);
}
