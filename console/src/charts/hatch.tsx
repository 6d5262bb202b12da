import type { ReactNode } from 'react';

/** Diagonal lines for what is harmful: told without colour too. Inside each picture, so that an export has it. */
export function Hatch({ id }: { readonly id: string }): ReactNode {
  return (
    <defs>
      <pattern
        id={id}
        width={6}
        height={6}
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <rect className="hatch-ground" width={6} height={6} />
        <line className="hatch-line" x1={0} x2={0} y1={0} y2={6} />
      </pattern>
    </defs>
  );
}
