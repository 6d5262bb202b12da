import type { Defect, ExperimentBody, PlanBody } from '../api/types.js';

export type Kind = 'canary' | 'ab';
export type Role = 'success' | 'guardrail' | 'diagnostic';
export type MarginKind = 'absolute' | 'relative';

/** Numbers are kept as they are typed: what is not a number yet is for the API to refuse. */
export interface DraftVariant {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly weight: string;
}

export interface DraftMetric {
  readonly id: number;
  readonly metric: string;
  readonly role: Role;
  readonly marginKind: MarginKind;
  readonly margin: string;
  /** Value in the control, where the API has too few events to know it. */
  readonly assumed: string;
}

export interface DraftStep {
  readonly id: number;
  readonly coverage: string;
  readonly duration: string;
  readonly minUnits: string;
  readonly approval: boolean;
}

/** The form as it stands. */
export interface Draft {
  readonly name: string;
  readonly model: string;
  readonly kind: Kind;
  readonly hypothesis: string;
  readonly control: string;
  readonly controlWeight: string;
  readonly variants: readonly DraftVariant[];
  readonly coverage: string;
  readonly metrics: readonly DraftMetric[];
  readonly method: 'sequential' | 'group_sequential' | 'fixed';
  readonly alpha: string;
  readonly power: string;
  readonly effectKind: MarginKind;
  readonly effect: string;
  readonly plannedUnits: string;
  readonly minUnits: string;
  readonly minRuntime: string;
  readonly interval: string;
  readonly maxRuntime: string;
  readonly steps: readonly DraftStep[];
  readonly onSuccess: 'promote' | 'recommend';
  readonly onDeterioration: 'rollback' | 'recommend';
  readonly dryRun: boolean;
}

let lastId = 0;

/** Tells rows of a list apart while they are added and removed. */
export function nextId(): number {
  lastId += 1;
  return lastId;
}

export function emptyVariant(): DraftVariant {
  return { id: nextId(), name: '', version: '', weight: '1' };
}

export function emptyMetric(role: Role): DraftMetric {
  const marginKind = 'absolute';
  return { id: nextId(), metric: '', role, marginKind, margin: '', assumed: '' };
}

export function emptyStep(coverage: string, duration: string): DraftStep {
  return { id: nextId(), coverage, duration, minUnits: '0', approval: false };
}

/** A careful canary, to be filled in. */
export function emptyDraft(): Draft {
  return {
    ...{ name: '', model: '', kind: 'canary', hypothesis: '' },
    ...{ control: '', controlWeight: '1', variants: [emptyVariant()], coverage: '1' },
    metrics: [
      emptyMetric('success'),
      { ...emptyMetric('guardrail'), metric: 'error_rate', margin: '0.01' },
    ],
    ...{
      method: 'sequential',
      alpha: '0.05',
      power: '0.8',
      effectKind: 'relative',
      effect: '0.05',
    },
    ...{
      plannedUnits: '20000',
      minUnits: '100',
      minRuntime: '1d',
      interval: '60s',
      maxRuntime: '14d',
    },
    steps: [
      emptyStep('0.01', '1h'),
      emptyStep('0.1', '6h'),
      emptyStep('0.5', '12h'),
      emptyStep('1', '0s'),
    ],
    ...{ onSuccess: 'promote', onDeterioration: 'rollback', dryRun: false },
  };
}

/** The body that is posted. Fields that are empty are left out, so that the API says what it needs. */
export function bodyOf(draft: Draft): ExperimentBody {
  const isCanary = draft.kind === 'canary';
  const weight = (text: string) => (isCanary ? {} : { weight: numberOf(text) });
  return {
    name: draft.name,
    model: draft.model,
    kind: draft.kind,
    hypothesis: draft.hypothesis,
    variants: [
      { name: 'control', version: draft.control, control: true, ...weight(draft.controlWeight) },
      ...draft.variants.map((variant) => ({
        name: variant.name === '' ? variant.version : variant.name,
        version: variant.version,
        ...weight(variant.weight),
      })),
    ],
    ...(isCanary ? {} : { coverage: numberOf(draft.coverage) }),
    metrics: draft.metrics.map(({ metric, role, marginKind, margin }) => ({
      metric,
      role,
      ...(role === 'guardrail' ? { nonInferiorityMargin: { [marginKind]: numberOf(margin) } } : {}),
    })),
    analysis: {
      method: draft.method,
      alpha: numberOf(draft.alpha),
      power: numberOf(draft.power),
      minimumDetectableEffect: { [draft.effectKind]: numberOf(draft.effect) },
      plannedUnits: numberOf(draft.plannedUnits),
      minUnits: numberOf(draft.minUnits),
      minRuntime: draft.minRuntime,
      interval: draft.interval,
      maxRuntime: draft.maxRuntime,
    },
    ...(isCanary ? { rollout: { steps: draft.steps.map(stepOf) } } : {}),
    decision: {
      onSuccess: draft.onSuccess,
      onDeterioration: draft.onDeterioration,
      dryRun: draft.dryRun,
    },
  };
}

/** The same with what is assumed of the control, and under a name that a plan does not need. */
export function planBodyOf(draft: Draft): PlanBody {
  const assume = Object.fromEntries(
    draft.metrics
      .filter(({ metric, assumed }) => metric !== '' && assumed !== '')
      .map(({ metric, assumed }) => [metric, { control: numberOf(assumed) }]),
  );
  const { name, ...body } = bodyOf(draft);
  return { ...body, ...(name === '' ? {} : { name }), assume };
}

function stepOf({ coverage, duration, minUnits, approval }: DraftStep) {
  const hold = { duration, minUnits: numberOf(minUnits), approval };
  return { coverage: numberOf(coverage), hold };
}

/** What is typed as a number; a text that is none is refused by the API, with the field's name. */
function numberOf(text: string): number {
  const trimmed = text.trim();
  return trimmed === '' ? Number.NaN : Number(trimmed);
}

/** What the API says about a field or anything inside of it. */
export function defectsAt(defects: readonly Defect[], pointer: string): readonly Defect[] {
  return defects.filter(({ field }) => field === pointer || field?.startsWith(`${pointer}/`));
}

/** What belongs to no field of the form: shown together above it. */
export function homelessDefects(defects: readonly Defect[]): readonly Defect[] {
  const homes = ['/name', '/model', '/kind', '/hypothesis', '/variants', '/coverage', '/metrics'];
  const known = [...homes, '/analysis', '/rollout', '/assume'];
  return defects.filter(({ field }) => !known.some((home) => field?.startsWith(home)));
}
