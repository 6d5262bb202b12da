import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SluiceError } from '../kernel/errors.js';
import { uuidV7, uuidV7TimeMs } from '../kernel/ids.js';
import type { RequestId } from '../kernel/ids.js';
import { PlanService } from '../models/plan.service.js';
import { assign } from '../routing/assign.js';
import type { AttributeReader } from '../routing/audience.js';
import { modelIn } from '../routing/plan-change.js';
import { HOLDOUT_ARMS } from '../routing/plan.js';
import type {
  Assignment,
  AssignmentReason,
  AttributeValue,
  ModelPlan,
  TrafficPlan,
} from '../routing/plan.js';
import type { AssignmentBody } from './assignment.contract.js';
import { batchRequestId, MAX_BATCH_AGE_MS } from './assignment.js';
import type { AssignmentReceipt, UnitAssignment } from './assignment.js';
import type { Exposure } from './event.js';
import { ExposureStore } from './exposure.store.js';
import type { StoredExposure } from './exposure.store.js';
import { MAX_FUTURE_MS } from './outcome.js';
import { unitKeyOf } from './unit-key.js';

/** A unit at its place in the batch. */
interface Placed {
  readonly unit: string;
  readonly unitKey: string;
  readonly requestId: RequestId;
  /** By the newest plan; of a unit that is sent twice, as it was sent first. */
  readonly assignment: Assignment;
}

/** What is known of an experiment that stored exposures belong to. */
interface Known {
  readonly name: string;
  readonly isHoldout: boolean;
}

interface Batch {
  readonly model: ModelPlan;
  readonly configVersion: number;
  readonly atMs: number;
}

const NONE: ReadonlyMap<string, StoredExposure> = new Map();

/** Assignment without a gateway, for batch jobs that score offline. */
@Injectable()
export class AssignmentsService {
  constructor(
    private readonly plans: PlanService,
    private readonly exposures: ExposureStore,
  ) {}

  /**
   * Assigns units by the newest plan and stores an exposure for each that is enrolled; durable when it returns. A
   * unit that the batch has exposed before is answered as it was then, whatever the plan says today, so that what
   * the job does and what is on record cannot differ. Throws `unavailable` when it is not known whether it is stored.
   */
  async assign(body: AssignmentBody, nowMs: number = Date.now()): Promise<AssignmentReceipt> {
    const { atMs, batchId } = timesOf(body, nowMs);
    const plan = await this.plans.current();
    const batch: Batch = {
      model: servingModel(plan, body.model),
      configVersion: plan.version,
      atMs,
    };
    const placed = placedIn(batch.model, batchId, body.units);
    const before = body.batchId === undefined ? NONE : await this.#find(placed);
    const rows = exposuresOf(placed, before, batch);
    const fresh = await this.exposures.insert([...rows.values()]);
    // Whoever else stored them has committed: a retry that runs beside us, with its own view of the plan.
    const missed = placed.filter(({ requestId }) => rows.has(requestId) && !fresh.has(requestId));
    const known = new Map([...before, ...(await this.#find(missed))]);
    const experiments = await this.#experimentsOf(body.model, known);
    return {
      configVersion: plan.version,
      batchId,
      recorded: fresh.size,
      duplicates: known.size,
      assignments: placed.map((one) => answerOf(one, known.get(one.requestId), experiments)),
    };
  }

  #find(placed: readonly Placed[]): Promise<ReadonlyMap<string, StoredExposure>> {
    return this.exposures.find(placed.map(({ requestId }) => requestId));
  }

  /** The experiments that stored exposures belong to, by id, from the plans that were in force. */
  async #experimentsOf(
    model: string,
    known: ReadonlyMap<string, StoredExposure>,
  ): Promise<ReadonlyMap<string, Known>> {
    const found = new Map<string, Known>();
    const versions = new Set([...known.values()].map(({ configVersion }) => configVersion));
    for (const version of versions) {
      const plan = await this.plans.at(version);
      const { experiments = [], holdout } = (plan === null ? null : modelIn(plan, model)) ?? {};
      for (const { id, name } of experiments) found.set(id, { name, isHoldout: false });
      const compared = holdout?.experiment;
      if (compared !== undefined) found.set(compared.id, { name: compared.name, isHoldout: true });
    }
    return found;
  }
}

function timesOf(
  body: AssignmentBody,
  nowMs: number,
): { readonly atMs: number; readonly batchId: RequestId } {
  const atMs = body.at === undefined ? nowMs : Date.parse(body.at);
  const batchId = (body.batchId as RequestId | undefined) ?? uuidV7(nowMs, randomBytes(10));
  const times = [
    {
      field: '/at',
      given: body.at,
      timeMs: atMs,
      advice: 'units are assigned by the plan of today',
    },
    {
      field: '/batchId',
      given: body.batchId,
      timeMs: uuidV7TimeMs(batchId),
      advice: 'make a new UUIDv7 for a new batch',
    },
  ];
  const defects = times.flatMap(({ field, given, timeMs, advice }) =>
    timeMs >= nowMs - MAX_BATCH_AGE_MS && timeMs <= nowMs + MAX_FUTURE_MS
      ? []
      : [{ field, given, expected: 'a time of the last 7 days', advice }],
  );
  if (defects.length > 0)
    throw new SluiceError('invalid_input', 'the batch is not of these days', defects);
  return { atMs, batchId };
}

function servingModel(plan: TrafficPlan, name: string): ModelPlan {
  const model = modelIn(plan, name);
  if (model === null) {
    throw new SluiceError('not_found', `there is no model '${name}'`, [
      { field: '/model', given: name, expected: 'a registered model' },
    ]);
  }
  if (model.champion !== null) return model;
  throw new SluiceError('conflict', `the model '${name}' has no version yet`, [
    { field: '/model', given: name, advice: 'register a version of it first' },
  ]);
}

function placedIn(
  model: ModelPlan,
  batchId: RequestId,
  units: AssignmentBody['units'],
): readonly Placed[] {
  const first = new Map<string, Assignment>();
  return units.map((given): Placed => {
    const { unit, attributes } =
      typeof given === 'string' ? { unit: given, attributes: {} } : given;
    const unitKey = unitKeyOf(unit);
    const requestId = batchRequestId(batchId, model.name, unitKey);
    const assignment = first.get(requestId) ?? assignIn(model, unit, attributes);
    first.set(requestId, assignment);
    return { unit, unitKey, requestId, assignment };
  });
}

function assignIn(
  model: ModelPlan,
  unit: string,
  attributes: Readonly<Record<string, AttributeValue>>,
): Assignment {
  const read: AttributeReader = (name) => {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    return value === '' ? undefined : value;
  };
  const assignment = assign(model, unit, null, read);
  if (assignment !== null) return assignment;
  throw new SluiceError('internal', `${model.name} has a champion and assigns nothing`);
}

/** What is to be stored, by request id: a unit that is sent twice is exposed once. */
function exposuresOf(
  placed: readonly Placed[],
  before: ReadonlyMap<string, StoredExposure>,
  { model, configVersion, atMs }: Batch,
): ReadonlyMap<string, Exposure> {
  const rows = new Map<string, Exposure>();
  for (const { assignment, unitKey, requestId } of placed) {
    if (before.has(requestId) || rows.has(requestId)) continue;
    const { version, enrolment } = assignment;
    if (enrolment === null) continue;
    const { experimentId, epoch, phase, variant } = enrolment;
    const design = { experimentId, epoch, phase, variant, version };
    rows.set(requestId, { requestId, atMs, model: model.name, unitKey, configVersion, ...design });
  }
  return rows;
}

function answerOf(
  { unit, requestId, assignment }: Placed,
  stored: StoredExposure | undefined,
  experiments: ReadonlyMap<string, Known>,
): UnitAssignment {
  if (stored !== undefined) {
    const { version, variant } = stored;
    const known = experiments.get(stored.experimentId);
    const reason = known?.isHoldout === true ? cohortReason(variant) : 'experiment';
    return { unit, version, variant, experiment: known?.name ?? null, reason, requestId };
  }
  const { version, reason, enrolment } = assignment;
  const variant = enrolment?.variant ?? null;
  const experiment = enrolment?.experimentName ?? null;
  return { unit, version, variant, experiment, reason, requestId };
}

function cohortReason(variant: string): AssignmentReason {
  return variant === HOLDOUT_ARMS.pinned ? 'holdout' : 'champion';
}
