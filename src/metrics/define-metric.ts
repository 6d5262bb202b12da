import { parseDuration } from '../kernel/duration.js';
import { SluiceError } from '../kernel/errors.js';
import type { MeasureBody, MetricBody } from './metric.contract.js';
import type {
  Aggregation,
  Measure,
  MetricDefinition,
  MetricSource,
  PredictionMeasure,
} from './metric.js';

type Kind = MetricDefinition['kind'];

const FLAGS: readonly string[] = ['error', 'timeout', 'fallback'];

function refuse(field: string, given: unknown, expected: string, advice: string): never {
  throw new SluiceError('invalid_input', `${field} does not fit the rest of the metric`, [
    { field, given, expected, advice },
  ]);
}

function sourceOf(body: MeasureBody['source']): MetricSource {
  if (body.outcome !== undefined) return { kind: 'outcome', outcome: body.outcome };
  if (body.label !== undefined) return { kind: 'label', ...body.label };
  const name = body.prediction ?? '';
  const known = name === 'latency_ms' || FLAGS.includes(name);
  const measure = (known ? name : `captured:${name}`) as PredictionMeasure;
  return { kind: 'prediction', measure };
}

/** What an aggregation left out means: the number that people usually want from such a source. */
function defaultAggregation(kind: Kind, source: MetricSource): Aggregation {
  if (source.kind !== 'outcome') return kind === 'ratio' ? 'sum' : 'mean';
  return kind === 'proportion' ? 'any' : 'sum';
}

/** Which aggregations make sense; everything else is refused rather than given a surprising meaning. */
function allowedAggregations(kind: Kind, source: MetricSource): readonly Aggregation[] {
  if (kind === 'ratio') return source.kind === 'label' ? [] : ['sum', 'count', 'any'];
  if (source.kind === 'label') return ['mean'];
  if (kind === 'proportion') return source.kind === 'outcome' ? ['any'] : ['mean', 'any'];
  return ['mean', 'sum', 'count'];
}

function checkSource(kind: Kind, source: MetricSource, field: string): void {
  if (kind === 'ratio' && source.kind === 'label') {
    refuse(
      `${field}.label`,
      source,
      'an outcome or a prediction',
      'a label metric already is a ratio: loss per labelled request; define it with kind "mean"',
    );
  }
  if (kind !== 'proportion') return;
  if (source.kind === 'label' && source.loss !== 'zero_one') {
    refuse(
      `${field}.label.loss`,
      source.loss,
      'zero_one',
      'other losses are numbers: use kind "mean"',
    );
  }
  if (source.kind === 'prediction' && source.measure === 'latency_ms') {
    refuse(
      `${field}.prediction`,
      'latency_ms',
      'something that is true or false',
      'use kind "mean"',
    );
  }
}

function measureOf(kind: Kind, body: MeasureBody, prefix: string): Measure {
  const source = sourceOf(body.source);
  checkSource(kind, source, `${prefix}source`);
  const aggregation = body.aggregation ?? defaultAggregation(kind, source);
  const allowed = allowedAggregations(kind, source);
  if (!allowed.includes(aggregation)) {
    refuse(
      `${prefix}aggregation`,
      aggregation,
      allowed.join(', '),
      `a ${kind} of ${source.kind} events cannot be made by "${aggregation}"`,
    );
  }
  return { source, aggregation };
}

function denominatorOf(body: MetricBody, kind: Kind): Measure | null {
  if (kind === 'ratio') {
    if (body.denominator !== undefined) return measureOf(kind, body.denominator, 'denominator.');
    return refuse(
      'denominator',
      undefined,
      '{source, aggregation?}',
      'a ratio needs a denominator, for example {"source":{"outcome":"session"},"aggregation":"count"}',
    );
  }
  if (body.denominator === undefined) return null;
  return refuse(
    'denominator',
    body.denominator,
    'no denominator',
    `use kind "ratio" instead of "${kind}"`,
  );
}

function windowOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const windowMs = parseDuration(text, 'window');
  if (windowMs > 0) return windowMs;
  return refuse(
    'window',
    text,
    'longer than zero',
    'leave it out to count outcomes without a limit',
  );
}

function notYet(field: string, given: unknown): never {
  throw new SluiceError('not_yet', `${field} is not supported yet`, [
    { field, given, advice: 'not yet: use another kind, or leave it out' },
  ]);
}

/**
 * A metric as defined over HTTP, with every default filled in.
 *
 * @throws SluiceError `not_yet` for quantiles and winsorising, `invalid_input` naming the field that makes
 * no sense together with the others
 */
export function defineMetric(name: string, body: MetricBody): MetricDefinition {
  if (body.kind === 'quantile') return notYet('kind', body.kind);
  if (body.winsorize !== undefined) return notYet('winsorize', body.winsorize);
  const numerator = measureOf(body.kind, body, '');
  return {
    name,
    kind: body.kind,
    numerator,
    denominator: denominatorOf(body, body.kind),
    direction: body.direction,
    windowMs: windowOf(body.window),
    missing: body.missing ?? (numerator.source.kind === 'outcome' ? 'zero' : 'exclude'),
    winsorizeAt: null,
    winsorizePercentile: null,
    threshold: null,
    covariate: null,
    quantile: null,
  };
}
