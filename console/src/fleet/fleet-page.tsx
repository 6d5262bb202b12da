import { type ReactNode, useState } from 'react';
import type { Experiment, Model, RecentDecision, Traffic } from '../api/types.js';
import { trafficRows } from '../charts/traffic-bar.js';
import * as ask from '../data/questions.js';
import { useResource } from '../data/resource.js';
import { ago, moment } from '../format/time.js';
import { Chip } from '../parts/chip.js';
import { ExportMenu } from '../parts/export-menu.js';
import { Section } from '../parts/section.js';
import { Empty, Shown } from '../parts/states.js';
import { useNow } from '../parts/use-now.js';
import { Link, setParameter, useParameter } from '../router/route.js';
import { toneOfKind } from '../experiment/decisions-log.js';
import { ModelCard } from './model-card.js';

const FILTERS = ['all', 'running', 'failing', 'quiet'] as const;

/** Everything that serves, at a glance: who answers, what is being tried, what was decided lately. */
export function FleetPage(): ReactNode {
  const models = useResource(ask.models);
  const experiments = useResource(ask.experiments);
  const traffic = useResource(ask.traffic);
  const recent = useResource(ask.recentDecisions);
  return (
    <article>
      <title>Fleet · Sluice</title>
      <header className="page-head">
        <div className="page-title">
          <h1>Fleet</h1>
          <span className="muted">traffic of the last 15 minutes</span>
          <ExportMenu name="fleet-traffic" rows={() => trafficRows(traffic.data?.models ?? [])} />
        </div>
      </header>
      <div className="fleet">
        <Shown of={models} what="models" lines={6}>
          {(found) => (
            <Models models={found} experiments={experiments.data ?? []} traffic={traffic.data} />
          )}
        </Shown>
        <Section id="recent" title="Last decisions">
          <Shown of={recent} what="decisions" lines={6}>
            {(found) => <Recent decisions={found} />}
          </Shown>
        </Section>
      </div>
    </article>
  );
}

interface ModelsProps {
  readonly models: readonly Model[];
  readonly experiments: readonly Experiment[];
  readonly traffic: Traffic | null;
}

function Models({ models, experiments, traffic }: ModelsProps): ReactNode {
  const [search, setSearch] = useState('');
  const filter = useParameter('show') ?? 'all';
  const rows = models.map((model) => ({
    model,
    running: experiments.filter(
      (known) => known.model === model.name && ['running', 'paused'].includes(known.status),
    ),
    traffic: traffic?.models.find((known) => known.model === model.name) ?? null,
  }));
  const shown = rows.filter(({ model, running, traffic: seen }) => {
    const words = [model.name, model.champion ?? '', ...running.map(({ name }) => name)].join(' ');
    return (
      words.includes(search.trim().toLowerCase()) && passes(filter, running.length, seen?.health)
    );
  });
  if (models.length === 0) return <NoModels />;
  return (
    <div>
      <div className="filters">
        <input
          type="search"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          placeholder="Search models, versions, experiments"
          aria-label="Search models, versions, experiments"
        />
        <div role="group" aria-label="Show" className="segmented">
          {FILTERS.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={filter === name}
              onClick={() => setParameter('show', name === 'all' ? null : name)}
            >
              {name}
            </button>
          ))}
        </div>
      </div>
      {shown.length === 0 && <p className="muted">No model fits.</p>}
      {shown.map((row) => (
        <ModelCard key={row.model.name} {...row} />
      ))}
    </div>
  );
}

function passes(filter: string, running: number, health: string | undefined): boolean {
  switch (filter) {
    case 'running':
      return running > 0;
    case 'failing':
      return health === 'failing' || health === 'down';
    case 'quiet':
      return health === undefined || health === 'quiet';
    default:
      return true;
  }
}

function NoModels(): ReactNode {
  return (
    <Empty title="No model is registered yet">
      <p>
        A model is what applications call by name: <code>PUT /api/v1/models/{'{model}'}</code>, then
        its versions. The README walks through it in two minutes, and{' '}
        <a href="/api/docs">the API is documented here</a>.
      </p>
    </Empty>
  );
}

/** What only says that all goes on; many of them in a row are one line. */
const ROUTINE: readonly RecentDecision['kind'][] = ['hold', 'advance'];

interface Lately {
  readonly newest: RecentDecision;
  /** Routine decisions of the same experiment before it. */
  readonly more: number;
}

/** The newest first; what is routine of one experiment is said once, so that the rest stays in sight. */
function latelyOf(decisions: readonly RecentDecision[]): readonly Lately[] {
  const lines: Lately[] = [];
  for (const decision of decisions) {
    const same = lines.findIndex(
      ({ newest }) =>
        newest.experimentId === decision.experimentId && ROUTINE.includes(newest.kind),
    );
    const line = lines[same];
    if (ROUTINE.includes(decision.kind) && line !== undefined) {
      lines[same] = { ...line, more: line.more + 1 };
    } else {
      lines.push({ newest: decision, more: 0 });
    }
  }
  return lines.slice(0, SHOWN_DECISIONS);
}

const SHOWN_DECISIONS = 10;

function Recent({ decisions }: { readonly decisions: readonly RecentDecision[] }): ReactNode {
  const nowMs = useNow();
  if (decisions.length === 0) return <p className="muted">Nothing has been decided yet.</p>;
  return (
    <ol className="recent">
      {latelyOf(decisions).map(({ newest, more }) => {
        const { experimentId, experiment, number, kind, summary, atMs } = newest;
        return (
          <li key={`${experimentId} ${number}`}>
            <p>
              <Chip tone={toneOfKind(kind)}>{kind}</Chip>{' '}
              <Link to={`/experiments/${experiment}?why=${number}`}>{experiment}</Link>
              <time className="muted" dateTime={new Date(atMs).toISOString()} title={moment(atMs)}>
                {ago(atMs, nowMs)}
              </time>
            </p>
            <p className="recent-text">
              {summary}
              {more > 0 && ` · ${more} routine ${more === 1 ? 'one' : 'ones'} before`}
            </p>
          </li>
        );
      })}
    </ol>
  );
}
