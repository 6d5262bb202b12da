import type { ReactNode } from 'react';
import type { ApiProblem } from '../api/client.js';
import type { Resource } from '../data/resource.js';

interface ShownProps<T> {
  readonly of: Resource<T>;
  /** What is being waited for, in words. */
  readonly what: string;
  /** Height kept free while waiting, so that nothing jumps when the answer comes. */
  readonly lines?: number;
  readonly children: (data: T) => ReactNode;
}

/** The data; before them a quiet placeholder; instead of them what went wrong. Old data stay when asking fails. */
export function Shown<T>({ of, what, lines = 3, children }: ShownProps<T>): ReactNode {
  if (of.atMs !== null) {
    return (
      <>
        {of.problem !== null && <Stale problem={of.problem} />}
        {children(of.data as T)}
      </>
    );
  }
  if (of.problem !== null) return <Failure problem={of.problem} what={what} />;
  return <Waiting what={what} lines={lines} />;
}

const ROWS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];

function Waiting({ what, lines }: { readonly what: string; readonly lines: number }): ReactNode {
  return (
    <div className="waiting" role="status" aria-label={`Loading ${what}`}>
      {ROWS.slice(0, lines).map((row) => (
        <div key={row} className="waiting-line" />
      ))}
    </div>
  );
}

function Stale({ problem }: { readonly problem: ApiProblem }): ReactNode {
  return (
    <p className="stale" role="status">
      These figures may be out of date: {problem.message}.
    </p>
  );
}

export function Failure({
  problem,
  what,
}: {
  readonly problem: ApiProblem;
  readonly what: string;
}): ReactNode {
  return (
    <div className="failure" role="alert">
      <strong>
        {problem.status === 403 ? `You may not see ${what}.` : `Cannot show ${what}.`}
      </strong>
      <p>{problem.message}</p>
    </div>
  );
}

interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
}

export function Empty({ title, children }: EmptyProps): ReactNode {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}
