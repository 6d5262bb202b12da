import type { Design } from '../api/types.js';

export type Kind = Design['kind'];
export type Role = 'success' | 'guardrail' | 'diagnostic';
export type MarginKind = 'absolute' | 'relative';
export type Condition = 'equals' | 'in' | 'prefix' | 'range' | 'semver';

/** Rows of a list are told apart while they are added and removed. */
export interface Row {
  readonly id: number;
}

/** Numbers are kept as they are typed: what is not a number yet is for the API to refuse. */
export interface DraftVariant extends Row {
  readonly name: string;
  readonly version: string;
  readonly weight: string;
}

export interface DraftPredicate extends Row {
  readonly attribute: string;
  readonly condition: Condition;
  readonly not: boolean;
  /** The value, values between commas, the prefix; of ranges the lower end. */
  readonly value: string;
  /** The end of a range. */
  readonly end: string;
}

export interface DraftMetric extends Row {
  readonly metric: string;
  readonly role: Role;
  readonly marginKind: MarginKind;
  readonly margin: string;
  /** Value in the control, where the API has too few events to know it. */
  readonly assumed: string;
}

export interface DraftStep extends Row {
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
  readonly audience: readonly DraftPredicate[];
  readonly layer: string;
  readonly layerShare: string;
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
  readonly bake: string;
  readonly reverseShare: string;
  readonly mirrorPercent: string;
  readonly mirrorTimeoutMs: string;
  readonly mirrorUnsafe: boolean;
  /** A canary with the steps of the form begins when the shadow is ready. */
  readonly hasNext: boolean;
  readonly nextName: string;
  readonly period: string;
  readonly onSuccess: 'promote' | 'recommend';
  readonly onDeterioration: 'rollback' | 'recommend';
  readonly onSampleRatioMismatch: 'hold' | 'rollback';
  readonly onNoData: 'hold' | 'rollback';
  readonly noDataGrace: string;
  readonly errorLimit: string;
  readonly timeoutLimit: string;
  readonly dryRun: boolean;
}

export type Change = (change: Partial<Draft>) => void;

/** What every part of the form is given. */
export interface PartProps {
  readonly draft: Draft;
  readonly onChange: Change;
}

/** Ties a field of the form to one of the draft. */
export function binderOf({ draft, onChange }: PartProps) {
  return <Key extends keyof Draft>(key: Key) => ({
    value: draft[key],
    onChange: (value: Draft[Key]) => onChange({ [key]: value }),
  });
}

let lastId = 0;

function nextId(): number {
  lastId += 1;
  return lastId;
}

export function emptyVariant(): DraftVariant {
  return { id: nextId(), name: '', version: '', weight: '1' };
}

export function emptyPredicate(): DraftPredicate {
  const condition = 'equals';
  return { id: nextId(), attribute: '', condition, not: false, value: '', end: '' };
}

export function emptyMetric(role: Role): DraftMetric {
  const marginKind = 'absolute';
  return { id: nextId(), metric: '', role, marginKind, margin: '', assumed: '' };
}

export function emptyStep(coverage: string, duration: string): DraftStep {
  return { id: nextId(), coverage, duration, minUnits: '0', approval: false };
}

/** A careful canary, to be filled in. */
export function emptyDraft(model = ''): Draft {
  return {
    ...{ name: '', model, kind: 'canary', hypothesis: '' },
    ...{ control: '', controlWeight: '1', variants: [emptyVariant()], coverage: '1' },
    ...{ audience: [], layer: '', layerShare: '' },
    metrics: [
      emptyMetric('success'),
      { ...emptyMetric('guardrail'), metric: 'error_rate', margin: '0.01' },
    ],
    ...{ method: 'sequential', alpha: '0.05', power: '0.8', effectKind: 'relative' },
    ...{ effect: '0.05', plannedUnits: '20000', minUnits: '100', minRuntime: '1d' },
    ...{ interval: '60s', maxRuntime: '14d' },
    steps: [
      emptyStep('0.01', '1h'),
      emptyStep('0.1', '6h'),
      emptyStep('0.5', '12h'),
      emptyStep('1', '0s'),
    ],
    ...{ bake: '', reverseShare: '', mirrorPercent: '100', mirrorTimeoutMs: '1000' },
    ...{ mirrorUnsafe: false, hasNext: false, nextName: '', period: '30d' },
    ...{ onSuccess: 'promote', onDeterioration: 'rollback', onSampleRatioMismatch: 'hold' },
    ...{ onNoData: 'hold', noDataGrace: '24h', errorLimit: '', timeoutLimit: '', dryRun: false },
  };
}
