import { modelIn } from '../routing/plan-change.js';
import type { CapturePlan, ModelPlan, PlanKey, TrafficPlan, VersionPlan } from '../routing/plan.js';
import { prepareAttributes, type LiveAttributes } from './attributes.js';
import { pointerTokens, type PointerTokens } from './json-pointer.js';
import type { ReplicaSet } from './replica-set.js';

/** A traffic plan prepared for the hot path: looked up by maps, URLs taken apart, secrets unsealed, pointers split. */
export interface LivePlan {
  readonly version: number;
  readonly models: ReadonlyMap<string, LiveModel>;
  /** By HMAC of the key. */
  readonly keys: ReadonlyMap<string, PlanKey>;
  /** Every upstream origin in use. */
  readonly origins: ReadonlySet<string>;
}

export interface LiveModel {
  readonly plan: ModelPlan;
  readonly versions: ReadonlyMap<string, LiveVersion>;
  readonly unitPointer: PointerTokens | null;
  readonly attributes: LiveAttributes;
  readonly captureInput: readonly CaptureField[];
  readonly captureOutput: readonly CaptureField[];
}

export interface LiveVersion {
  readonly name: string;
  /** Where calls go. Shared by all plans that have the version. */
  readonly replicas: ReplicaSet;
  /** Upstream headers as name, value, name, value …; they replace the caller's of the same name. */
  readonly headers: readonly string[];
  readonly headerNames: ReadonlySet<string>;
  readonly timeoutMs: number;
}

export interface CaptureField {
  readonly name: string;
  readonly tokens: PointerTokens;
}

export interface PreparedPlan {
  readonly plan: LivePlan;
  /** Versions left out because they cannot be called, each with the reason: they must not take the others down. */
  readonly defects: readonly string[];
}

/** What a plan is prepared with. */
export interface Preparation {
  /** Unseals upstream headers; throws when it cannot. */
  readonly unseal: (sealed: string) => Readonly<Record<string, string>>;
  /** The replicas of a version; throws when its URLs cannot be read. */
  readonly replicasOf: (model: string, version: VersionPlan) => ReplicaSet;
}

/**
 * Prepares a plan. A version that cannot be prepared is left out and named in `defects`.
 *
 * @param before the plan in force: models that are the same objects in both are prepared already
 */
export function preparePlan(
  plan: TrafficPlan,
  preparation: Preparation,
  before: LivePlan | null = null,
): PreparedPlan {
  const defects: string[] = [];
  const models = new Map<string, LiveModel>();
  const origins = new Set<string>();
  for (const name of Object.keys(plan.models)) {
    const model = modelIn(plan, name);
    if (model === null) continue;
    const known = before?.models.get(name);
    if (known?.plan === model && isWhole(known)) {
      models.set(name, known);
      for (const version of known.versions.values()) addOrigins(version, origins);
      continue;
    }
    const versions = new Map<string, LiveVersion>();
    for (const version of Object.values(model.versions)) {
      try {
        const live = prepareVersion(model, version, preparation);
        versions.set(version.name, live);
        addOrigins(live, origins);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        defects.push(`${name}/${version.name}: ${reason}`);
      }
    }
    models.set(name, prepareModel(model, versions));
  }
  const keys = new Map(plan.keys.map((key) => [key.hash, key]));
  return { plan: { version: plan.version, models, keys, origins }, defects };
}

/** One that lacks a version is tried again: what it lacked may be there now. */
function isWhole({ plan, versions }: LiveModel): boolean {
  return versions.size === Object.keys(plan.versions).length;
}

function addOrigins({ replicas }: LiveVersion, origins: Set<string>): void {
  for (const { address } of replicas.replicas) origins.add(address.origin);
}

function prepareModel(plan: ModelPlan, versions: ReadonlyMap<string, LiveVersion>): LiveModel {
  return {
    plan,
    versions,
    unitPointer: 'pointer' in plan.unit ? pointerTokens(plan.unit.pointer) : null,
    attributes: prepareAttributes(plan),
    captureInput: captureFields(plan.capture.input),
    captureOutput: captureFields(plan.capture.output),
  };
}

function captureFields(fields: CapturePlan['input']): readonly CaptureField[] {
  return Object.entries(fields).map(([name, pointer]) => ({
    name,
    tokens: pointerTokens(pointer),
  }));
}

function prepareVersion(
  model: ModelPlan,
  version: VersionPlan,
  { unseal, replicasOf }: Preparation,
): LiveVersion {
  const headers = version.sealedHeaders === null ? {} : unseal(version.sealedHeaders);
  return {
    name: version.name,
    replicas: replicasOf(model.name, version),
    headers: Object.entries(headers).flat(),
    headerNames: new Set(Object.keys(headers).map((name) => name.toLowerCase())),
    timeoutMs: version.timeoutMs ?? model.timeoutMs,
  };
}
