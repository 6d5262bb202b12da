import type { ReactNode } from 'react';
import type { Design, MetricAssessment, RuleOutcome } from '../api/types.js';
import { level, pValue } from '../format/number.js';
import { Figure } from '../parts/figure.js';
import { entriesOf, NumberList } from './rule-numbers.js';
import { engineWords, insufficientWords, isPassed } from './test-words.js';

const TITLES: Readonly<Record<RuleOutcome['rule'], string>> = {
  analysis: 'The analysis works',
  limits: 'Failures are within their limits',
  deterioration: 'No harm is shown',
  control_health: 'The control is well',
  sample_ratio: 'Units are split as intended',
  crossover: 'Units stay with one variant',
  completeness: 'No event is missing',
  no_data: 'Units are enrolled',
  champion: 'The champion is the one of the start',
  paused: 'Not paused',
  minimum_evidence: 'Enough units in each arm',
  step: 'Steps of the rollout are done',
  minimum_runtime: 'It ran long enough',
  non_inferiority: 'Every guardrail is within its margin',
  superiority: 'A success metric is better',
  lift: 'What was shipped is still better',
  period: 'The period is over',
  final_verdict: 'The final verdict is not in',
  gate: 'The gate lets it pass',
  time_limit: 'Within the time limit',
};

/** What a rule that does not pass means, where its condition alone would read as the opposite. */
const OPEN_TITLES: Readonly<Partial<Record<RuleOutcome['rule'], string>>> = {
  analysis: 'The analysis fails',
  limits: 'Failures exceed their limit',
  deterioration: 'Harm is shown',
  control_health: 'The control is not well',
  final_verdict: 'The final verdict is in',
  sample_ratio: 'Units are not split as intended',
  crossover: 'Units met two variants',
  completeness: 'Events are missing',
  no_data: 'Nobody is enrolled',
  champion: 'Another champion took over',
  paused: 'Paused by a person',
  time_limit: 'The time limit is reached',
};

const SIGNS = { pass: '✓', hold: '○', act: '▸' } as const;
const WORDS = { pass: 'met', hold: 'open', act: 'acts' } as const;

interface ChecklistProps {
  /** Where the rules are: document and JSON pointer. */
  readonly source: string;
  readonly kind: Design['kind'];
  readonly rules: readonly RuleOutcome[];
  readonly metrics: readonly MetricAssessment[];
  /** A decision's trace ends at the rule that stopped it. */
  readonly isTrace: boolean;
}

/** What promotion needs, rule by rule, with the evidence behind each. */
export function Checklist({ rules, metrics, isTrace, kind, source }: ChecklistProps): ReactNode {
  const open = rules.filter(({ outcome }) => outcome === 'hold').length;
  return (
    <>
      {!isTrace && (
        <p className="lead">
          {open === 0
            ? 'Nothing is open: the next look decides.'
            : `${open} of ${rules.length} conditions are open.`}
        </p>
      )}
      <ol className="checklist">
        {rules.map((rule, index) => (
          <li key={`${rule.rule} ${index}`} className={`check check-${toneOf(rule)}`}>
            <span className="check-sign" aria-hidden="true">
              {SIGNS[rule.outcome]}
            </span>
            <div>
              <span className="check-title">{titleOf(rule, kind)}</span>
              <span className="visually-hidden">: {WORDS[rule.outcome]}</span>
              <span className="check-text">{rule.text}</span>
              <RuleEvidence rule={rule} metrics={metrics} source={`${source}/${index}`} />
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

function titleOf({ rule, outcome }: RuleOutcome, kind: Design['kind']): string {
  // of a shadow, the same rule is about its copies
  if (rule === 'completeness' && kind === 'shadow') {
    return outcome === 'pass' ? 'Its copies can be compared' : 'Its copies are incomplete';
  }
  return outcome === 'pass' ? TITLES[rule] : (OPEN_TITLES[rule] ?? TITLES[rule]);
}

/** Superiority that acts is good news, harm that acts is not. */
function toneOf({ rule, outcome }: RuleOutcome): string {
  if (outcome !== 'act') return outcome;
  return rule === 'superiority' || rule === 'step' ? 'done' : 'harm';
}

type TestName = 'superiority' | 'nonInferiority' | 'deterioration';

/** Which test of which metrics a rule looks at. */
const TESTS: Readonly<Partial<Record<RuleOutcome['rule'], TestName>>> = {
  superiority: 'superiority',
  non_inferiority: 'nonInferiority',
  deterioration: 'deterioration',
};

interface RuleEvidenceProps {
  readonly rule: RuleOutcome;
  readonly metrics: readonly MetricAssessment[];
  readonly source: string;
}

/** The tests behind a rule, and the numbers that it met. */
function RuleEvidence({ rule, metrics, source }: RuleEvidenceProps): ReactNode {
  const name = TESTS[rule.rule];
  const meant = name === undefined ? [] : metrics.filter((metric) => metric[name] !== null);
  if (meant.length === 0 && entriesOf(rule).length === 0) return null;
  return (
    <details>
      <summary>Show evidence</summary>
      {name !== undefined && meant.length > 0 && (
        <ul className="evidence">
          {meant.map((metric) => (
            <li key={`${metric.metric} ${metric.variant}`}>
              <TestLine metric={metric} name={name} index={metrics.indexOf(metric)} />
            </li>
          ))}
        </ul>
      )}
      {meant.length === 0 && (
        <div className="evidence">
          <NumberList rule={rule} source={source} />
        </div>
      )}
    </details>
  );
}

const OPEN_WORDS: Readonly<Record<TestName, readonly [string, string]>> = {
  superiority: ['shown better', 'not shown better'],
  nonInferiority: ['within its margin', 'not shown within its margin'],
  deterioration: ['shown worse', 'not shown worse'],
};

interface TestLineProps {
  readonly metric: MetricAssessment;
  readonly name: TestName;
  readonly index: number;
}

function TestLine({ metric, name, index }: TestLineProps): ReactNode {
  const test = metric[name];
  const source = `report#/assessment/metrics/${index}/${name}`;
  const [shown, open] = OPEN_WORDS[name];
  return (
    <>
      <strong>{metric.metric}</strong> of {metric.variant}: {isPassed(test) ? shown : open}.{' '}
      {test?.kind === 'insufficient' && insufficientWords(test)}
      {test?.kind === 'tested' && (
        <>
          <Figure value={test.pValue} text={pValue(test.pValue)} source={`${source}/pValue`} />{' '}
          against level{' '}
          <Figure value={test.alpha} text={level(test.alpha)} source={`${source}/alpha`} />{' '}
          <span className="muted">({engineWords(test.engine)})</span>
        </>
      )}
    </>
  );
}
