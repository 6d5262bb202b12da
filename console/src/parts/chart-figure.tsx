import { type ReactNode, type RefObject, useRef } from 'react';
import type { Cell } from '../charts/csv.js';
import { ExportMenu } from './export-menu.js';

interface ChartFigureProps {
  readonly title: ReactNode;
  /** Name of the files, without an ending. */
  readonly file: string;
  readonly rows: () => readonly (readonly Cell[])[];
  readonly note?: ReactNode;
  readonly children: (svg: RefObject<SVGSVGElement | null>) => ReactNode;
}

/** A chart with its title, its figures to take away and how to read it. */
export function ChartFigure({ title, file, rows, note, children }: ChartFigureProps): ReactNode {
  const svg = useRef<SVGSVGElement>(null);
  return (
    <figure className="chart">
      <figcaption>
        {title}
        <ExportMenu name={file} rows={rows} chart={svg} />
      </figcaption>
      {children(svg)}
      {note !== undefined && <p className="chart-note">{note}</p>}
    </figure>
  );
}
