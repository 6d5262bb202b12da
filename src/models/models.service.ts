import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SecretsService } from '../auth/secrets.service.js';
import { Database } from '../database/database.service.js';
import { SluiceError } from '../kernel/errors.js';
import { canonicalJson } from '../kernel/json.js';
import { withChampion, withHoldout, withModel, withVersion } from '../routing/plan-change.js';
import type { TrafficPlan } from '../routing/plan.js';
import type { ChampionChanged } from './model.js';
import { nextHoldout, refuseTakingUnits, type Holdout } from './holdout.js';
import type {
  ChampionRequest,
  ModelRequest,
  ModelSettings,
  VersionRequest,
} from './model.contract.js';
import type { Model, Version } from './model.js';
import type { ModelRow } from './model.row.js';
import { ModelsStore } from './models.store.js';
import { PlanService } from './plan.service.js';
import {
  championChanged,
  refuseNewMeaning,
  refuseNewUrl,
  refuseWhileRunning,
} from './running-experiments.js';
import { UpstreamGuard } from './upstream-guard.js';
import type { VersionRow } from './version.row.js';

/** 64 random bits: who is held out has nothing to do with who is in an experiment, or was held out before. */
const SALT_BYTES = 8;

/** A new champion; `edit` changes the same plan further, so that one decision makes one plan. */
export interface ChampionChange {
  readonly model: string;
  readonly version: string;
  readonly actor: string;
  readonly reason: string;
  /** The champion that this one was compared with; absent: whichever it is. */
  readonly replaces?: string;
  readonly edit?: (plan: TrafficPlan) => TrafficPlan;
}

export interface VersionChange {
  readonly model: string;
  readonly version: string;
  readonly request: VersionRequest;
  readonly actor: string;
}

/** Models, their versions and champions; every change of them is a change of the traffic plan too. */
@Injectable()
export class ModelsService {
  constructor(
    private readonly database: Database,
    private readonly models: ModelsStore,
    private readonly plans: PlanService,
    private readonly secrets: SecretsService,
    private readonly guard: UpstreamGuard,
  ) {}

  exists(name: string): Promise<boolean> {
    return this.models.exists(this.database.manager, name);
  }

  /** Throws `not_found` for an unknown model. */
  async get(name: string): Promise<Model> {
    const db = this.database.manager;
    const row = await this.models.find(db, name);
    if (row === null) throw unknownModel(name);
    return modelOf(row, await this.models.versionsOf(db, name));
  }

  async list(): Promise<readonly Model[]> {
    const db = this.database.manager;
    const rows = await this.models.list(db);
    const versions = Map.groupBy(await this.models.allVersions(db), ({ model }) => model);
    return rows.map((row) => modelOf(row, versions.get(row.name) ?? []));
  }

  /** Registers a model or replaces its settings; its holdout stays when the request leaves it out. */
  async put(name: string, request: ModelRequest, actor: string): Promise<Model> {
    const { holdout: asked, ...settings } = request;
    await this.database.transaction(async (tx) => {
      await this.models.put(tx, name, settings);
      const present = (await this.models.lock(tx, name))?.holdout ?? null;
      if (settings.fallback !== null) {
        await this.#needVersion(tx, name, { field: 'fallback', version: settings.fallback });
      }
      const salt = randomBytes(SALT_BYTES).toString('hex');
      const holdout = nextHoldout(name, present, { asked, salt });
      const begins = present === null && holdout !== null;
      if (begins) await this.setHoldout(tx, name, holdout);
      const what = begins ? `holdout of ${name} begins` : `model ${name} defined`;
      await this.plans.change(tx, { actor, reason: what }, (plan) => {
        refuseNewMeaning(plan, name, settings);
        if (begins) refuseTakingUnits(plan, name);
        const next = withModel(plan, { name, ...plannedSettings(settings) });
        return holdout === null ? next : withHoldout(next, name, holdout);
      });
    });
    return this.get(name);
  }

  /**
   * Writes down the holdout of a model, or that it has none, inside the caller's transaction; the caller changes the
   * plan with `withHoldout`. Throws `not_found` for an unknown model, `invalid_input` for an unknown version.
   */
  async setHoldout(tx: EntityManager, model: string, holdout: Holdout | null): Promise<void> {
    if ((await this.models.lock(tx, model)) === null) throw unknownModel(model);
    if (holdout !== null) {
      const { version } = holdout;
      await this.#needVersion(tx, model, { field: 'holdout.version', version });
    }
    await this.models.setHoldout(tx, model, holdout);
  }

  /** Registers a version or replaces it; a model's first version becomes its champion. */
  async putVersion({ model, version, request, actor }: VersionChange): Promise<Model> {
    const urls = this.#checkedUrls(request.urls);
    const replicas = replicasOf(urls);
    await this.database.transaction(async (tx) => {
      const row = await this.models.lock(tx, model);
      if (row === null) throw unknownModel(model);
      const known = await this.models.findVersion(tx, model, version);
      const { timeoutMs, metadata, maxConcurrency } = request;
      const headers = this.#sealedHeaders(known, request.headers);
      await this.models.putVersion(tx, {
        model,
        name: version,
        url: replicas.url,
        urls: replicas.urls ?? null,
        maxConcurrency,
        timeoutMs,
        metadata,
        ...headers,
      });
      const isFirst = row.champion === null;
      if (isFirst) await this.models.setChampion(tx, model, version);
      const reason = `version ${version} of ${model} registered`;
      await this.plans.change(tx, { actor, reason }, (plan) => {
        refuseNewUrl(plan, { model, version, urls });
        const { sealedHeaders } = headers;
        const cap = maxConcurrency === null ? {} : { maxConcurrency };
        const planned = { name: version, ...replicas, sealedHeaders, timeoutMs, ...cap };
        const next = withVersion(plan, model, planned);
        return isFirst ? withChampion(next, model, version) : next;
      });
    });
    return this.get(model);
  }

  /** Changes of the champion since a moment, oldest first. */
  championChanges(model: string, sinceMs: number): Promise<readonly ChampionChanged[]> {
    return this.models.championChanges(this.database.manager, model, sinceMs);
  }

  /** A person makes a version the champion; refused while an experiment decides about this model. */
  async chooseChampion(model: string, request: ChampionRequest, actor: string): Promise<Model> {
    await this.database.transaction((tx) =>
      this.setChampion(tx, {
        model,
        version: request.version,
        reason: request.reason,
        actor,
        edit: (plan) => refuseWhileRunning(plan, model),
      }),
    );
    return this.get(model);
  }

  /** The champion, which stays what it is until the transaction ends. Throws `not_found` for an unknown model. */
  async lockedChampion(tx: EntityManager, model: string): Promise<string | null> {
    const row = await this.models.lock(tx, model);
    if (row === null) throw unknownModel(model);
    return row.champion;
  }

  /**
   * Makes a version the champion inside the caller's transaction; returns the plan that says so.
   * Throws `conflict` when the champion is not the one that it `replaces`.
   */
  async setChampion(tx: EntityManager, change: ChampionChange): Promise<TrafficPlan> {
    const { model, version, actor, reason, replaces, edit } = change;
    const present = await this.lockedChampion(tx, model);
    if (replaces !== undefined && present !== replaces)
      throw championChanged({ model, present, replaces });
    await this.#needVersion(tx, model, { field: 'version', version });
    await this.models.setChampion(tx, model, version);
    return this.plans.change(tx, { actor, reason }, (plan) => {
      const next = withChampion(plan, model, version);
      return edit === undefined ? next : edit(next);
    });
  }

  /** The URLs in the form that is stored; throws `invalid_input` for one that is not allowed, or is there twice. */
  #checkedUrls(given: readonly string[]): readonly string[] {
    const fieldOf = (index: number): string => (given.length === 1 ? 'url' : `urls.${index}`);
    const urls = given.map((url, index) => this.guard.checkUrl(url, fieldOf(index)));
    const twice = urls.findIndex((url, index) => urls.indexOf(url) !== index);
    if (twice < 0) return urls;
    throw new SluiceError('invalid_input', 'a replica is given twice', [
      {
        field: fieldOf(twice),
        given: given[twice],
        expected: 'a URL that is not in the list yet',
        advice: 'one replica gets no more calls by being named twice: leave it out',
      },
    ]);
  }

  async #needVersion(
    tx: EntityManager,
    model: string,
    wanted: { readonly field: string; readonly version: string },
  ): Promise<void> {
    if ((await this.models.findVersion(tx, model, wanted.version)) !== null) return;
    throw new SluiceError('invalid_input', `model ${model} has no version ${wanted.version}`, [
      {
        field: wanted.field,
        given: wanted.version,
        expected: `a registered version of ${model}`,
        advice: `PUT /api/v1/models/${model}/versions/${wanted.version} registers it`,
      },
    ]);
  }

  /** Sealing is random, so equal headers keep their seal: registering a version twice changes nothing. */
  #sealedHeaders(
    known: VersionRow | null,
    headers: Readonly<Record<string, string>> | undefined,
  ): { readonly sealedHeaders: string | null; readonly headerNames: string[] } {
    const kept = {
      sealedHeaders: known?.sealedHeaders ?? null,
      headerNames: known?.headerNames ?? [],
    };
    if (headers === undefined) return kept;
    const headerNames = Object.keys(headers).sort();
    if (headerNames.length === 0) return { sealedHeaders: null, headerNames };
    if (kept.sealedHeaders !== null && this.#seals(kept.sealedHeaders, headers)) return kept;
    return { sealedHeaders: this.secrets.seal(headers), headerNames };
  }

  /** A seal that cannot be opened any more (another instance secret) is simply replaced. */
  #seals(sealed: string, headers: Readonly<Record<string, string>>): boolean {
    try {
      return canonicalJson(this.secrets.unseal(sealed)) === canonicalJson(headers);
    } catch {
      return false;
    }
  }
}

function modelOf(row: ModelRow, versions: readonly VersionRow[]): Model {
  return {
    name: row.name,
    ...row.settings,
    attributes: attributesIn(row.settings),
    champion: row.champion,
    ...holdoutIn(row),
    versions: versions.map(versionOf),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

function versionOf(row: VersionRow): Version {
  return {
    name: row.name,
    url: row.url,
    urls: urlsOf(row),
    headerNames: row.headerNames,
    timeoutMs: row.timeoutMs,
    maxConcurrency: row.maxConcurrency,
    metadata: row.metadata,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** A version with one URL is in the plan and in its row as it always was. */
function replicasOf(urls: readonly string[]): { readonly url: string; readonly urls?: string[] } {
  const [url = ''] = urls;
  return urls.length === 1 ? { url } : { url, urls: [...urls] };
}

/** A release that knows one URL replaces it alone; what it left behind does not count. */
function urlsOf({ url, urls }: VersionRow): readonly string[] {
  return urls?.[0] === url ? urls : [url];
}

function unknownModel(name: string): SluiceError {
  return new SluiceError('not_found', `there is no model ${name}`, [
    {
      field: 'model',
      given: name,
      expected: 'a registered model',
      advice: `PUT /api/v1/models/${name} registers it`,
    },
  ]);
}

/** Settings that an earlier release stored have none. */
function attributesIn({ attributes }: Partial<ModelSettings>): ModelSettings['attributes'] {
  return attributes ?? {};
}

function holdoutIn({ holdout }: ModelRow): Pick<Model, 'holdout'> {
  if (holdout === null) return {};
  const { share, version } = holdout;
  return { holdout: { share, version } };
}

/** A model without attributes is in the plan as it always was. */
function plannedSettings(
  settings: ModelSettings,
): Omit<ModelSettings, 'attributes'> & Partial<Pick<ModelSettings, 'attributes'>> {
  const { attributes, ...rest } = settings;
  return Object.keys(attributes).length === 0 ? rest : { ...rest, attributes };
}
