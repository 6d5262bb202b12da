import type { ReactNode } from 'react';

interface FigureProps {
  /** The number as the API gave it. */
  readonly value: number | null;
  /** How it is written. */
  readonly text: string;
  /** Where it comes from: document and JSON pointer, for example `report#/assessment/metrics/0/effect`. */
  readonly source: string;
}

/** A number of the API on the page: readers see the text, tools and tests the exact value and where it is from. */
export function Figure({ value, text, source }: FigureProps): ReactNode {
  return (
    <data value={value === null ? 'null' : String(value)} data-source={source} className="figure">
      {text}
    </data>
  );
}
