import type { ReactNode } from 'react';
import type { MetricDefinition } from '../api/types.js';
import { type Draft, type DraftMetric, emptyMetric } from './draft.js';
import { ChoiceField, TextField } from './fields.js';

interface RowsProps {
  readonly draft: Draft;
  readonly known: readonly MetricDefinition[];
  readonly onChange: (change: Partial<Draft>) => void;
}

const ROLES = [
  ['success', 'success'],
  ['guardrail', 'guardrail'],
  ['diagnostic', 'diagnostic'],
] as const;

const MARGINS = [
  ['absolute', 'absolute'],
  ['relative', 'relative'],
] as const;

export function MetricRows({ draft, known, onChange }: RowsProps): ReactNode {
  const { metrics } = draft;
  const change = (id: number, to: Partial<DraftMetric>): void =>
    onChange({ metrics: metrics.map((row) => (row.id === id ? { ...row, ...to } : row)) });
  return (
    <fieldset>
      <legend>Metrics</legend>
      <p className="muted">
        Promotion needs one success metric that is better and every guardrail within its margin:
        absolute in the metric’s unit (0.01 is one percentage point), relative as a share of the
        control. Diagnostics decide nothing.
      </p>
      {metrics.map((row, index) => (
        <MetricRow
          key={row.id}
          row={row}
          at={`/metrics/${index}`}
          known={known}
          onChange={(to) => change(row.id, to)}
          onRemove={() => onChange({ metrics: metrics.filter(({ id }) => id !== row.id) })}
        />
      ))}
      <button
        type="button"
        className="button"
        onClick={() => onChange({ metrics: [...metrics, emptyMetric('guardrail')] })}
      >
        Add a metric
      </button>
    </fieldset>
  );
}

interface RowProps {
  readonly row: DraftMetric;
  readonly at: string;
  readonly known: readonly MetricDefinition[];
  readonly onChange: (to: Partial<DraftMetric>) => void;
  readonly onRemove: () => void;
}

function MetricRow({ row, at, known, onChange, onRemove }: RowProps): ReactNode {
  const names = known.map(({ name }) => [name, name] as const);
  return (
    <div className="form-row">
      <ChoiceField
        label="Metric"
        at={`${at}/metric`}
        value={row.metric}
        options={[['', 'choose'], ...names]}
        onChange={(metric) => onChange({ metric })}
      />
      <ChoiceField
        label="Role"
        at={`${at}/role`}
        value={row.role}
        options={ROLES}
        onChange={(role) => onChange({ role })}
      />
      {row.role === 'guardrail' && (
        <>
          <TextField
            label="May be worse by"
            at={`${at}/nonInferiorityMargin`}
            value={row.margin}
            isNumber
            onChange={(margin) => onChange({ margin })}
          />
          <ChoiceField
            label="Margin is"
            at={`${at}/marginKind`}
            value={row.marginKind}
            options={MARGINS}
            onChange={(marginKind) => onChange({ marginKind })}
          />
        </>
      )}
      {row.role !== 'diagnostic' && (
        <TextField
          label="Assumed value"
          at={`/assume/${row.metric}`}
          hint="control; for the plan"
          value={row.assumed}
          isNumber
          onChange={(assumed) => onChange({ assumed })}
        />
      )}
      <button
        type="button"
        className="plain-button row-end"
        onClick={onRemove}
        aria-label={`Remove metric ${row.metric}`}
      >
        Remove
      </button>
    </div>
  );
}
