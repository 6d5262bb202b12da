import type { ReactNode, RefObject } from 'react';
import { type Cell, csvOf } from '../charts/csv.js';
import { savePng, saveSvg, saveText } from '../charts/export.js';

interface ExportMenuProps {
  /** Name of the files, without an ending. */
  readonly name: string;
  readonly rows: () => readonly (readonly Cell[])[];
  /** A chart to save as a picture; none for tables. */
  readonly chart?: RefObject<SVGSVGElement | null>;
}

export function ExportMenu({ name, rows, chart }: ExportMenuProps): ReactNode {
  const withChart = (use: (svg: SVGSVGElement) => void) => () => {
    if (chart?.current) use(chart.current);
  };
  return (
    <div className="export" role="group" aria-label={`Export ${name}`}>
      <button type="button" onClick={() => saveText(`${name}.csv`, 'text/csv', csvOf(rows()))}>
        CSV
      </button>
      {chart !== undefined && (
        <>
          <button type="button" onClick={withChart((svg) => saveSvg(name, svg))}>
            SVG
          </button>
          <button type="button" onClick={withChart((svg) => void savePng(name, svg))}>
            PNG
          </button>
        </>
      )}
    </div>
  );
}
