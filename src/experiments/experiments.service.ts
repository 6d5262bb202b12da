import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.service.js';
import { systemClock } from '../kernel/clock.js';
import { type Defect, SluiceError } from '../kernel/errors.js';
import { uuidV7 } from '../kernel/ids.js';
import type { MetricDefinition } from '../metrics/metric.js';
import { MetricsService } from '../metrics/metrics.service.js';
import type { Model } from '../models/model.js';
import { ModelsService } from '../models/models.service.js';
import {
  type ExperimentDefinition,
  type ExperimentFilter,
  type ExperimentPatch,
  parseDefinition,
  successorOf,
} from './experiment.contract.js';
import type { Experiment, FrozenDesign } from './experiment.js';
import { type ExperimentChanges, ExperimentsStore, takenIndex } from './experiments.store.js';
import { designHash, freeze, type ModelFacts } from './freeze.js';
import {
  changedFields,
  dealsOutAnew,
  patched,
  redesignDefects,
  wasDealtOutAnew,
} from './redesign.js';
import { referenceDefects, unknownName } from './references.js';

/** 64 random bits: two experiments never enrol the same units by accident. */
const SALT_BYTES = 8;

/** A name is at most 63 characters; a second one of the same stem ends in the last digits of an id. */
const SUFFIX_DIGITS = 8;
const MAX_STEM = 63 - SUFFIX_DIGITS - 1;

/*
 * Made before the transaction that carries it out: the past may take half a minute to read, and a transaction that idles
 * meanwhile keeps everybody from its locks.
 */

/** What a draft is frozen to, if it is still at this revision. */
export interface PreparedStart {
  readonly revision: number;
  readonly design: FrozenDesign;
}

/** The next design of a started experiment, if it is still in this epoch: its definition changes with that alone. */
export interface PreparedRedesign {
  readonly epoch: number;
  readonly definition: ExperimentDefinition;
  readonly design: FrozenDesign;
}

/** What a redesign did. */
export interface Redesign {
  readonly experiment: Experiment;
  /** JSON pointers into the definition. */
  readonly changed: readonly string[];
  readonly hasNewSalt: boolean;
}

/** Experiments while they are drafted, and the row of one that runs; what happens to it then is decided by rollouts. */
@Injectable()
export class ExperimentsService {
  constructor(
    private readonly database: Database,
    private readonly experiments: ExperimentsStore,
    private readonly models: ModelsService,
    private readonly metrics: MetricsService,
  ) {}

  /** Makes a draft. Throws `invalid_input` or `conflict` (the name is taken). */
  async create(definition: ExperimentDefinition): Promise<Experiment> {
    await this.check(definition);
    const created = await this.insert(this.database.manager, definition, null);
    if (created === null) throw nameTaken(definition.name);
    return created;
  }

  /**
   * Makes the draft of what follows an experiment, in the transaction that ends that one. A name that somebody took
   * meanwhile gets the parent's last digits: what was announced happens all the same.
   */
  async createAfter(
    tx: EntityManager,
    parent: Experiment,
    definition: ExperimentDefinition,
  ): Promise<Experiment> {
    const created = await this.insert(tx, definition, parent.id);
    if (created !== null) return created;
    const name = `${definition.name.slice(0, MAX_STEM)}-${parent.id.slice(-SUFFIX_DIGITS)}`;
    const renamed = await this.insert(tx, { ...definition, name }, parent.id);
    if (renamed === null) throw nameTaken(name);
    return renamed;
  }

  private insert(
    tx: EntityManager,
    definition: ExperimentDefinition,
    parentId: string | null,
  ): Promise<Experiment | null> {
    const { name, model, kind } = definition;
    const id = uuidV7(systemClock.nowMs(), randomBytes(10));
    const salt = freshSalt();
    return this.experiments.insert(tx, { id, name, model, kind, definition, salt, parentId });
  }

  /** The design that a definition would be frozen to now; nothing is stored. Throws `invalid_input`. */
  async preview(definition: ExperimentDefinition): Promise<FrozenDesign> {
    const { model, metrics } = await this.check(definition);
    return freeze(definition, metrics, model);
  }

  /** Replaces fields of a draft. Throws `conflict` once it has started: its design is frozen. */
  async patch(idOrName: string, patch: ExperimentPatch): Promise<Experiment> {
    const read = patchable(await this.get(idOrName), patch);
    const definition = parseDefinition(patched(read.definition as ExperimentDefinition, patch));
    await this.check(definition);
    const { name, model, kind } = definition;
    return this.database.transaction(async (tx) => {
      const locked = patchable(await this.lock(tx, read.id), patch);
      if (locked.revision !== read.revision) throw changedMeanwhile(locked);
      const changed = await this.experiments
        .redefine(tx, read.id, { name, model, kind, definition })
        .catch((error: unknown) => rethrow(error, name));
      return changed ?? this.missing(read.id);
    });
  }

  /** Throws `not_found`. */
  async get(idOrName: string): Promise<Experiment> {
    const found = await this.experiments.find(this.database.manager, idOrName);
    return found ?? this.missing(idOrName);
  }

  /** Captured fields of the request; one that the answer has too holds what the answer said, and is left out. */
  async capturedInputs({ model }: Pick<Experiment, 'model'>): Promise<readonly string[]> {
    const { input, output } = (await this.models.get(model)).capture;
    return Object.keys(input)
      .filter((name) => !Object.hasOwn(output, name))
      .sort();
  }

  /** Newest first. */
  list(filter: ExperimentFilter = {}): Promise<readonly Experiment[]> {
    return this.experiments.list(this.database.manager, filter);
  }

  /** When the next analysis is due; null for a draft or one that has ended. */
  nextAnalysisAtMs(id: string): Promise<number | null> {
    return this.experiments.nextAnalysisAtMs(this.database.manager, id);
  }

  /** Id and revision of everything that is running or paused. */
  revisions(): Promise<readonly { readonly id: string; readonly revision: number }[]> {
    return this.experiments.revisions(this.database.manager);
  }

  /** The row, locked until the transaction ends. Throws `not_found`. */
  async lock(tx: EntityManager, id: string): Promise<Experiment> {
    return (await this.experiments.lock(tx, id)) ?? this.missing(id);
  }

  /**
   * The design that a definition is frozen to when it starts now. Everything that was checked when it was defined is
   * checked again, because models and metrics may have changed since. Throws `invalid_input`.
   */
  async designFor(definition: unknown, nowMs: number): Promise<FrozenDesign> {
    const parsed = parseDefinition(definition as ExperimentDefinition);
    const { model, metrics } = await this.check(parsed);
    return this.designOf(parsed, { metrics, model, nowMs });
  }

  /** Throws `conflict` for what is no draft, `invalid_input` for one that does not fit any more. */
  async prepareStart(draft: Experiment, nowMs: number): Promise<PreparedStart> {
    const { definition, revision } = draftOnly(draft);
    return { revision, design: await this.designFor(definition, nowMs) };
  }

  /**
   * Freezes the design of a locked draft that is about to start; the caller saves its new status.
   * Throws `conflict` when it changed since that was prepared.
   */
  async freeze(
    tx: EntityManager,
    locked: Experiment,
    { revision, design }: PreparedStart,
    nowMs: number,
  ): Promise<Experiment> {
    if (draftOnly(locked).revision !== revision) throw changedMeanwhile(locked);
    const frozen = await this.experiments.freeze(tx, locked.id, {
      design,
      hash: designHash(design),
      startedAtMs: nowMs,
    });
    return frozen ?? this.missing(locked.id);
  }

  /** Throws `invalid_input` for a change of what the experiment is, or for none. */
  async prepareRedesign(
    started: Experiment,
    changes: ExperimentPatch,
    nowMs: number,
  ): Promise<PreparedRedesign> {
    const present = started.definition as ExperimentDefinition;
    const definition = parseDefinition(patched(present, changes));
    const defects = redesignDefects(present, definition);
    if (defects.length > 0) throw notARedesign(started, defects);
    const design = await this.designFor(definition, nowMs);
    return { epoch: started.epoch, definition, design };
  }

  /**
   * Freezes another design of a locked experiment that has started: the next epoch, whose evidence begins with
   * nothing and whose alpha is its own. The caller saves the rollout that begins anew.
   * Throws `conflict` when another epoch began since that was prepared.
   */
  async redesign(
    tx: EntityManager,
    locked: Experiment,
    { epoch, definition, design }: PreparedRedesign,
    nowMs: number,
  ): Promise<Redesign> {
    if (locked.epoch !== epoch) throw changedMeanwhile(locked);
    const present = locked.definition as ExperimentDefinition;
    const hasNewSalt = dealsOutAnew(present, definition) || wasDealtOutAnew(locked);
    const redesigned = await this.experiments.redesign(tx, locked.id, {
      definition,
      design,
      hash: designHash(design),
      salt: hasNewSalt ? freshSalt() : locked.salt,
      nowMs,
    });
    const experiment = redesigned ?? this.missing(locked.id);
    return { experiment, changed: changedFields(present, definition), hasNewSalt };
  }

  /**
   * Compare-and-set on the revision of `experiment`, which grows by one.
   * Throws `conflict` when somebody else changed the row since it was read.
   */
  async save(
    tx: EntityManager,
    experiment: Experiment,
    changes: ExperimentChanges,
  ): Promise<Experiment> {
    const saved = await this.experiments
      .save(tx, experiment, changes)
      .catch((error: unknown) => rethrow(error, experiment.name));
    if (saved === null) throw changedMeanwhile(experiment);
    return saved;
  }

  /** Why a draft that should have begun by itself did not. */
  noteFailure(tx: EntityManager, id: string, failure: string): Promise<void> {
    return this.experiments.noteFailure(tx, id, failure);
  }

  /** Caps that are percentiles of the past become numbers, once and for all. */
  private async designOf(
    definition: ExperimentDefinition,
    known: {
      readonly metrics: readonly MetricDefinition[];
      readonly model: ModelFacts;
      readonly nowMs: number;
    },
  ): Promise<FrozenDesign> {
    const { metrics, model, nowMs } = known;
    const named = metrics.filter(({ name }) =>
      definition.metrics.some(({ metric }) => metric === name),
    );
    const isCapped = named.some(({ winsorizePercentile }) => winsorizePercentile !== null);
    const frozen = isCapped ? await this.metrics.freezeCaps(named, definition.model, nowMs) : named;
    return freeze(definition, frozen, model);
  }

  private async check(
    definition: ExperimentDefinition,
  ): Promise<{ readonly model: Model; readonly metrics: readonly MetricDefinition[] }> {
    const model = await this.knownModel(definition.model);
    const metrics = await this.metrics.list();
    const next = successorOf(definition);
    const defects = [
      ...referenceDefects(definition, { model, metrics }),
      ...(next === null ? [] : referenceDefects(next, { model, metrics }).map(ofSuccessor)),
    ];
    if (defects.length === 0) return { model, metrics };
    const fields = defects.map(({ field }) => field).join(', ');
    throw new SluiceError('invalid_input', `${definition.name} does not fit: ${fields}`, defects);
  }

  private async knownModel(name: string): Promise<Model> {
    if (await this.models.exists(name)) return this.models.get(name);
    const known = (await this.models.list()).map((model) => model.name);
    const defect = unknownName('/model', name, known, 'a registered model');
    throw new SluiceError('invalid_input', `there is no model ${name}`, [defect]);
  }

  private missing(idOrName: string): never {
    throw new SluiceError('not_found', `there is no experiment ${idOrName}`, [
      { field: 'id', given: idOrName, expected: 'id or name of an experiment' },
    ]);
  }
}

function draftOnly(experiment: Experiment): Experiment {
  if (experiment.status === 'draft') return experiment;
  const { name, status } = experiment;
  throw new SluiceError('conflict', `${name} is ${status}; only a draft can be changed`, [
    { field: 'status', given: status, expected: 'draft', advice: 'define a new experiment' },
  ]);
}

/** A draft; of a started experiment, the fields that a patch would change are named. */
function patchable(experiment: Experiment, patch: ExperimentPatch): Experiment {
  const { name, status, definition } = experiment;
  if (status === 'draft') return experiment;
  const fields = changedFields(definition, patch);
  const ended = status !== 'running' && status !== 'paused';
  const advice = ended
    ? 'define a new experiment'
    : `POST /api/v1/experiments/${name}/redesign begins a new epoch with another design`;
  throw new SluiceError(
    'conflict',
    `${name} is ${status}; its design is frozen: ${fields.join(', ') || 'nothing can be changed'}`,
    [
      { field: 'status', given: status, expected: 'draft', advice },
      ...fields.map((field) => ({ field, expected: 'what was frozen at the start', advice })),
    ],
  );
}

function notARedesign({ name }: Experiment, defects: readonly Defect[]): SluiceError {
  const fields = defects.map(({ field }) => field).join(', ');
  return new SluiceError('invalid_input', `${name} cannot be redesigned: ${fields}`, [...defects]);
}

function freshSalt(): string {
  return randomBytes(SALT_BYTES).toString('hex');
}

function rethrow(error: unknown, name: string): never {
  const taken = takenIndex(error);
  if (taken === 'experiments_one_running') throw modelBusy(name);
  throw taken === 'experiments_name' ? nameTaken(name) : error;
}

/** The plan refuses this first, and says which experiment it is. */
function modelBusy(name: string): SluiceError {
  return new SluiceError('conflict', `another experiment takes the units of the model of ${name}`, [
    {
      field: '/layer',
      expected: 'no other experiment without a layer',
      advice: 'end that one first; experiments of one layer can run beside each other',
    },
  ]);
}

function nameTaken(name: string): SluiceError {
  return new SluiceError('conflict', `there is an experiment ${name} already`, [
    { field: '/name', given: name, expected: 'a name that no experiment has' },
  ]);
}

function ofSuccessor(defect: Defect): Defect {
  return { ...defect, field: `/next/canary${defect.field}` };
}

function changedMeanwhile({ name, revision }: Experiment): SluiceError {
  return new SluiceError('conflict', `${name} was changed by somebody else meanwhile`, [
    {
      field: 'revision',
      given: revision,
      expected: 'the present one',
      advice: 'read it and retry',
    },
  ]);
}
