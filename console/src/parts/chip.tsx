import type { ReactNode } from 'react';

/** Meanings that have a colour, and always a sign and a word beside it. */
export type Tone = 'good' | 'bad' | 'caution' | 'calm' | 'accent';

const SIGNS: Readonly<Record<Tone, string>> = {
  good: '✓',
  bad: '✕',
  caution: '!',
  calm: '·',
  accent: '▸',
};

interface ChipProps {
  readonly tone: Tone;
  readonly children: ReactNode;
}

export function Chip({ tone, children }: ChipProps): ReactNode {
  return (
    <span className={`chip chip-${tone}`}>
      <span aria-hidden="true" className="chip-sign">
        {SIGNS[tone]}
      </span>
      {children}
    </span>
  );
}
