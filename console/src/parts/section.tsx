import type { ReactNode } from 'react';

interface SectionProps {
  readonly id: string;
  readonly title: string;
  /** One sentence that says how to read it. */
  readonly lead?: ReactNode;
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}

export function Section({ id, title, lead, tools, children }: SectionProps): ReactNode {
  return (
    <section className="section" aria-labelledby={`${id}-title`} id={id}>
      <header className="section-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {tools !== undefined && <div className="section-tools">{tools}</div>}
      </header>
      {lead !== undefined && <p className="lead">{lead}</p>}
      {children}
    </section>
  );
}
