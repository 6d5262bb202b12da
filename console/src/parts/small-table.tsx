import type { ReactNode } from 'react';

export interface Column {
  readonly title: ReactNode;
  /** Numbers stand under each other, digit by digit. */
  readonly isNumber?: boolean;
  readonly className?: string;
}

export interface TableRow {
  readonly key: string;
  /** The first one names the row. */
  readonly cells: readonly ReactNode[];
}

interface SmallTableProps {
  readonly columns: readonly Column[];
  readonly rows: readonly TableRow[];
  /** Given, the table has a frame and can be scrolled by itself. */
  readonly label?: string;
  /** False: the columns need no names. */
  readonly hasHead?: boolean;
}

/** A plain table: rows with a name, and what is known of each. */
export function SmallTable({ columns, rows, label, hasHead = true }: SmallTableProps): ReactNode {
  const table = (
    <table className="small-table">
      {hasHead && (
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={keyOf(index)} scope="col" className={classOf(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
      )}
      <tbody>
        {rows.map(({ key, cells: [name, ...cells] }) => (
          <tr key={key}>
            <th scope="row">{name}</th>
            {cells.map((cell, index) => (
              <td key={keyOf(index)} className={classOf(columns[index + 1])}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
  if (label === undefined) return table;
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label={label}>
      {table}
    </div>
  );
}

/** Columns never move, so that their place is their name. */
function keyOf(index: number): string {
  return `column ${index}`;
}

function classOf(column: Column | undefined): string {
  return [column?.isNumber === true ? 'number' : '', column?.className ?? ''].join(' ').trim();
}
