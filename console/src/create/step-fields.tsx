import type { ReactNode } from 'react';
import { binderOf, emptyStep, type PartProps } from './draft.js';
import { CheckField, Rows, TextField } from './fields.js';

interface StepProps extends PartProps {
  /** JSON pointer of the rollout. */
  readonly at: string;
}

/** The steps of a canary, how long good evidence must last, and who stays behind afterwards. */
export function StepFields({ at, ...part }: StepProps): ReactNode {
  const { draft, onChange } = part;
  const to = binderOf(part);
  return (
    <>
      <p className="muted form-note">
        Each holds for its time and its units, and for an approval if it asks for one. The last one
        is everybody: it is reached by promotion.
      </p>
      <Rows
        className="rows-aligned"
        rows={draft.steps}
        at={`${at}/steps`}
        what="step"
        make={() => emptyStep('', '1h')}
        least={1}
        onChange={(steps) => onChange({ steps })}
      >
        {({ coverage, duration, minUnits, approval }, index, change) => (
          <>
            <TextField
              label="Coverage"
              at={`${at}/steps/${index}/coverage`}
              value={coverage}
              isNumber
              onChange={(next) => change({ coverage: next })}
            />
            <TextField
              label="Holds"
              at={`${at}/steps/${index}/hold/duration`}
              value={duration}
              onChange={(next) => change({ duration: next })}
            />
            <TextField
              label="Units per arm"
              at={`${at}/steps/${index}/hold/minUnits`}
              value={minUnits}
              isNumber
              onChange={(next) => change({ minUnits: next })}
            />
            <CheckField
              label="needs approval"
              value={approval}
              onChange={(next) => change({ approval: next })}
            />
          </>
        )}
      </Rows>
      <div className="form-row form-gap">
        <TextField
          label="Bake"
          at={`${at}/bake`}
          placeholder="none"
          hint="how long everything must have held before it is promoted, as 12h"
          {...to('bake')}
        />
        <TextField
          label="Reverse holdout"
          at={`${at}/reverseHoldout`}
          placeholder="none"
          hint="share that stays on the old version afterwards, 0.01 to 0.05"
          isNumber
          {...to('reverseShare')}
        />
      </div>
    </>
  );
}
