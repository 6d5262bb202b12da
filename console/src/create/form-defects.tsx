import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react';
import type { Defect } from '../api/types.js';

interface FormDefects {
  readonly defects: readonly Defect[];
  /** JSON pointers that a field on the page speaks for. */
  readonly homes: ReadonlySet<string>;
  readonly settle: (at: string) => () => void;
}

const Context = createContext<FormDefects>({
  defects: [],
  homes: new Set(),
  settle: () => () => undefined,
});

/** What the API says of the whole form; every field inside finds its own part. */
export function FormDefectsProvider({
  defects,
  children,
}: {
  readonly defects: readonly Defect[];
  readonly children: ReactNode;
}): ReactNode {
  const [homes, setHomes] = useState<ReadonlySet<string>>(new Set());
  const settle = useCallback((at: string) => {
    setHomes((before) => new Set([...before, at]));
    return () => setHomes((before) => new Set([...before].filter((known) => known !== at)));
  }, []);
  const value = useMemo(() => ({ defects, homes, settle }), [defects, homes, settle]);
  return <Context value={value}>{children}</Context>;
}

/** What is said about a field or anything inside of it; it is then not said again above the form. */
export function useDefectsAt(at: string, depth: 'exact' | 'inside' = 'inside'): readonly Defect[] {
  const { defects, settle } = useContext(Context);
  const home = depth === 'exact' ? `${at}$` : at;
  useEffect(() => settle(home), [settle, home]);
  return defects.filter(({ field }) => isAt(home, field));
}

/** What belongs to no field on the page. */
export function useHomelessDefects(): readonly Defect[] {
  const { defects, homes } = useContext(Context);
  return defects.filter(({ field }) => ![...homes].some((home) => isAt(home, field)));
}

function isAt(home: string, field: string | undefined): boolean {
  if (home.endsWith('$')) return field === home.slice(0, -1);
  return field === home || field?.startsWith(`${home}/`) === true;
}

export function wordsOf({ expected, advice }: Defect): string {
  return [expected, advice].filter((text) => text !== undefined).join(': ');
}
