import { optionsOf, refuse, spanOf } from './metric-options.js';
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
  return spanOf(text, 'window', 'leave it out to count outcomes without a limit');
}

/** Numbers of single events: nothing is aggregated per unit, and a unit without events has none. */
function quantileMeasure(body: MetricBody): Measure {
  const source = sourceOf(body.source);
  const isFlag = source.kind === 'prediction' && FLAGS.includes(source.measure);
  if (source.kind === 'label' || isFlag) {
    refuse('source', body.source, 'an outcome, latency_ms or a captured number', 'name a number');
  }
  if (body.aggregation !== undefined) {
    refuse(
      'aggregation',
      body.aggregation,
      'no aggregation',
      'a quantile is taken over events, not over totals of units',
    );
  }
  if (body.missing === 'zero') {
    refuse('missing', 'zero', 'exclude', 'a unit without events has nothing to rank: leave it out');
  }
  return { source, aggregation: 'mean' };
}

function defaultMissing({ source }: Measure, kind: Kind): 'zero' | 'exclude' {
  return source.kind === 'outcome' && kind !== 'quantile' ? 'zero' : 'exclude';
}

/**
 * A metric as defined over HTTP, with every default filled in.
 *
 * @throws SluiceError `invalid_input` naming the field that makes no sense together with the others
 */
export function defineMetric(name: string, body: MetricBody): MetricDefinition {
  const { kind } = body;
  const numerator = kind === 'quantile' ? quantileMeasure(body) : measureOf(kind, body, '');
  const basis = {
    name,
    kind,
    numerator,
    denominator: denominatorOf(body, kind),
    direction: body.direction,
    windowMs: windowOf(body.window),
    missing: body.missing ?? defaultMissing(numerator, kind),
  };
  return { ...basis, ...optionsOf(body, basis) };
}
