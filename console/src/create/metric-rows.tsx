import type { ReactNode } from 'react';
import type { MetricDefinition } from '../api/types.js';
import { type DraftMetric, emptyMetric, type PartProps } from './draft.js';
import { ChoiceField, nameOptions, Rows, TextField } from './fields.js';

interface MetricsProps extends PartProps {
  readonly known: readonly MetricDefinition[];
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

export function MetricRows({ draft, known, onChange }: MetricsProps): ReactNode {
  return (
    <fieldset>
      <legend>Metrics</legend>
      <p className="muted form-note">
        Promotion needs one success metric that is better and every guardrail within its margin:
        absolute in the metric’s unit (0.01 is one percentage point), relative as a share of the
        control. Diagnostics decide nothing.
      </p>
      <Rows
        rows={draft.metrics}
        at="/metrics"
        what="metric"
        make={() => emptyMetric('guardrail')}
        onChange={(metrics) => onChange({ metrics })}
      >
        {(row, index, change) => (
          <MetricFields row={row} at={`/metrics/${index}`} known={known} onChange={change} />
        )}
      </Rows>
    </fieldset>
  );
}

interface FieldsProps {
  readonly row: DraftMetric;
  readonly at: string;
  readonly known: readonly MetricDefinition[];
  readonly onChange: (to: Partial<DraftMetric>) => void;
}

function MetricFields({ row, at, known, onChange }: FieldsProps): ReactNode {
  return (
    <>
      <ChoiceField
        label="Metric"
        at={`${at}/metric`}
        value={row.metric}
        options={nameOptions(known.map(({ name }) => name))}
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
            label="Margin"
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
          hint="in the control"
          value={row.assumed}
          isNumber
          onChange={(assumed) => onChange({ assumed })}
        />
      )}
    </>
  );
}
