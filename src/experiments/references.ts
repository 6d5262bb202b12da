import type { Defect } from '../kernel/errors.js';
import type { MetricDefinition, MetricSource } from '../metrics/metric.js';
import { whyNotPaired } from '../metrics/paired.js';
import { nearestName } from '../kernel/nearest-name.js';
import type { CapturePlan } from '../routing/plan.js';
import type { ExperimentDefinition } from './experiment.contract.js';

/** What a definition is checked against: the model as registered and every known metric. */
export interface KnownNames {
  readonly model: {
    readonly champion: string | null;
    readonly versions: readonly { readonly name: string }[];
    readonly capture: CapturePlan;
    readonly attributes?: Readonly<Record<string, unknown>> | undefined;
    readonly holdout?: object | undefined;
  };
  readonly metrics: readonly MetricDefinition[];
}

const CAPTURED = 'captured:';

/** Everything that a definition names and that is not there, or not as it needs to be. Pure. */
export function referenceDefects(
  definition: ExperimentDefinition,
  known: KnownNames,
): readonly Defect[] {
  return [
    ...versionDefects(definition, known),
    ...metricDefects(definition, known),
    ...audienceDefects(definition, known),
    ...holdoutDefects(definition, known),
  ];
}

function audienceDefects({ audience }: ExperimentDefinition, { model }: KnownNames): Defect[] {
  const names = Object.keys(model.attributes ?? {});
  return audience.flatMap(({ attribute }, index): Defect[] => {
    if (names.includes(attribute)) return [];
    const field = `/audience/${index}/attribute`;
    return [unknownName(field, attribute, names, 'an attribute that the model is registered with')];
  });
}

function holdoutDefects(definition: ExperimentDefinition, { model }: KnownNames): Defect[] {
  const { kind, rollout } = definition;
  if (kind === 'holdout' && model.holdout === undefined) {
    const advice = `PUT /api/v1/models/${definition.model} with holdout: {share, version} first`;
    return [
      { field: '/model', given: definition.model, expected: 'a model with a holdout', advice },
    ];
  }
  if (rollout?.reverseHoldout === undefined || model.holdout === undefined) return [];
  return [
    {
      field: '/rollout/reverseHoldout',
      given: rollout.reverseHoldout,
      expected: 'nothing: the model has a holdout already',
      advice: 'that holdout shows what the promotion did; release it first to begin another',
    },
  ];
}

function versionDefects(definition: ExperimentDefinition, { model }: KnownNames): Defect[] {
  const names = model.versions.map(({ name }) => name);
  const defects: Defect[] = [];
  definition.variants.forEach(({ version, control }, index) => {
    const field = `/variants/${index}/version`;
    if (!names.includes(version)) {
      defects.push(
        unknownName(field, version, names, `a registered version of ${definition.model}`),
      );
    } else if (isOfChampion(definition.kind) && control && version !== model.champion) {
      defects.push({
        field,
        given: version,
        expected: `the champion, ${model.champion ?? 'none yet'}`,
        advice: `the control of a ${definition.kind} is what serves by default`,
      });
    }
  });
  return defects;
}

function isOfChampion(kind: ExperimentDefinition['kind']): boolean {
  return kind === 'canary' || kind === 'shadow';
}

function metricDefects(definition: ExperimentDefinition, known: KnownNames): Defect[] {
  const names = known.metrics.map(({ name }) => name);
  return definition.metrics.flatMap(({ metric, role }, index): Defect[] => {
    const field = `/metrics/${index}/metric`;
    const found = known.metrics.find(({ name }) => name === metric);
    if (found === undefined) return [unknownName(field, metric, names, 'a defined metric')];
    if (found.kind === 'quantile' && role !== 'diagnostic') {
      return [
        {
          field: `/metrics/${index}/role`,
          given: role,
          expected: 'diagnostic: a quantile is shown, nothing is decided on it',
          advice: 'a proportion above a threshold is watched at every look instead',
        },
      ];
    }
    const unpaired = definition.kind === 'shadow' ? whyNotPaired(found) : null;
    if (unpaired !== null) {
      const expected = 'a number of single requests: a label or a prediction';
      return [{ field, given: metric, expected, advice: unpaired }];
    }
    const sources = [found.numerator.source, found.denominator?.source];
    const outputs = sources.flatMap((source) => capturedOutput(source));
    return outputs
      .filter((output) => !Object.hasOwn(known.model.capture.output, output))
      .map((output) => ({
        field,
        given: metric,
        expected: `capture.output.${output} on model ${definition.model}`,
        advice: `${metric} needs the answer field ${output}; PUT /api/v1/models/${definition.model} says where it is`,
      }));
  });
}

function capturedOutput(source: MetricSource | undefined): string[] {
  if (source?.kind === 'label') return [source.output];
  if (source?.kind === 'prediction' && source.measure.startsWith(CAPTURED)) {
    return [source.measure.slice(CAPTURED.length)];
  }
  return [];
}

/** A name that is not there, with the known one that was most likely meant. */
export function unknownName(
  field: string,
  given: string,
  names: readonly string[],
  expected: string,
): Defect {
  const nearest = nearestName(given, names);
  const advice =
    nearest === null ? `known: ${names.join(', ') || 'none'}` : `did you mean ${nearest}?`;
  return { field, given, expected, advice };
}
