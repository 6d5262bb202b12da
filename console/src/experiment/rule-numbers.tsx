import type { ReactNode } from 'react';
import type { RuleOutcome } from '../api/types.js';
import { level, plain, pValue } from '../format/number.js';
import { Figure } from '../parts/figure.js';

/** What the numbers of a rule are, where their names alone do not say it. */
const LABELS: Readonly<Record<string, string>> = {
  pValue: 'p-value',
  alpha: 'its level',
  bound: 'confidence bound',
  threshold: 'must be beyond',
  control: 'value in the control',
  treatment: 'value in the variant',
  effect: 'difference',
  engine: 'kind of test',
  units: 'units',
  have: 'there are',
  need: 'needed',
};

const ENGINES: Readonly<Record<string, string>> = {
  confidence_sequence: 'confidence sequence',
  e_process: 'exact e-process',
  group_sequential: 'group-sequential',
  fixed: 'one look',
};

interface RuleNumbersProps {
  readonly rule: RuleOutcome;
  /** Where the rule is: document and JSON pointer. */
  readonly source: string;
}

/** The numbers that a rule met, and first of all the boundary that decided. */
export function RuleNumbers({ rule, source }: RuleNumbersProps): ReactNode {
  const { pValue: p, alpha, bound, threshold } = rule.numbers;
  if (entriesOf(rule).length === 0) return null;
  return (
    <>
      <h3>{rule.outcome === 'act' ? 'The numbers that crossed' : 'The numbers it looked at'}</h3>
      {typeof p === 'number' && typeof alpha === 'number' && (
        <p className="crossed">
          <strong>{pValue(p)}</strong> {p <= alpha ? '≤' : '>'} {level(alpha)}, its level
          {typeof bound === 'number' && typeof threshold === 'number' && (
            <>
              {'; '}confidence bound <strong>{plain(bound)}</strong> against {plain(threshold)}
            </>
          )}
        </p>
      )}
      <NumberList rule={rule} source={source} />
    </>
  );
}

/** Every number of a rule by its name. */
export function NumberList({ rule, source }: RuleNumbersProps): ReactNode {
  return (
    <dl className="numbers">
      {entriesOf(rule).map(([name, value]) => (
        <div key={name}>
          <dt>{LABELS[name] ?? inWords(name)}</dt>
          <dd>
            {typeof value === 'number' ? (
              <Figure
                value={value}
                text={textOf(name, value)}
                source={`${source}/numbers/${name}`}
              />
            ) : (
              (ENGINES[String(value)] ?? String(value))
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function entriesOf({ numbers }: RuleOutcome): readonly (readonly [string, Known])[] {
  return Object.entries(numbers).flatMap(([name, value]) =>
    value === null ? [] : [[name, value] as const],
  );
}

type Known = string | number | boolean;

function textOf(name: string, value: number): string {
  if (name === 'pValue') return pValue(value);
  if (name === 'alpha') return level(value);
  return name.endsWith('Ms') ? `${plain(value)}\u202fms` : plain(value);
}

/** `failedUnits` as "failed units"; a time keeps its unit in its value. */
function inWords(name: string): string {
  return name
    .replace(/Ms$/, '')
    .replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .replaceAll('_', ' ');
}
