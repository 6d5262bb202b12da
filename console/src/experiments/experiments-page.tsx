import { type ReactNode, useState } from 'react';
import type { Experiment } from '../api/types.js';
import { statusTone } from '../experiment/experiment-page.js';
import type { Cell } from '../charts/csv.js';
import * as ask from '../data/questions.js';
import { useResource } from '../data/resource.js';
import { useScope } from '../data/session.js';
import { moment } from '../format/time.js';
import { Chip } from '../parts/chip.js';
import { ExportMenu } from '../parts/export-menu.js';
import { Empty, Shown } from '../parts/states.js';
import { Link } from '../router/route.js';
import { kindWords } from '../experiment/kind-words.js';

/** Every experiment, newest first. */
export function ExperimentsPage(): ReactNode {
  const experiments = useResource(ask.experiments);
  const { allowed } = useScope('experiments:write');
  return (
    <article>
      <title>Experiments · Sluice</title>
      <header className="page-head">
        <div className="page-title">
          <h1>Experiments</h1>
          {allowed && (
            <Link to="/new" className="button button-first">
              New experiment
            </Link>
          )}
          <ExportMenu name="experiments" rows={() => rowsOf(experiments.data ?? [])} />
        </div>
      </header>
      <Shown of={experiments} what="experiments" lines={6}>
        {(found) => <List experiments={found} />}
      </Shown>
    </article>
  );
}

function List({ experiments }: { readonly experiments: readonly Experiment[] }): ReactNode {
  const [search, setSearch] = useState('');
  if (experiments.length === 0) {
    return (
      <Empty title="There is no experiment yet">
        <p>An experiment compares versions of one model on its own traffic.</p>
      </Empty>
    );
  }
  const shown = experiments.filter(({ name, model, status, kind }) =>
    [name, model, status, kind].join(' ').includes(search.trim().toLowerCase()),
  );
  return (
    <>
      <div className="filters">
        <input
          type="search"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          placeholder="Search by name, model, status"
          aria-label="Search by name, model, status"
        />
      </div>
      <div className="table-frame" tabIndex={0} role="region" aria-label="Experiments">
        <table className="list">
          <thead>
            <tr>
              <th scope="col">Experiment</th>
              <th scope="col">Status</th>
              <th scope="col">Model</th>
              <th scope="col">Compares</th>
              <th scope="col">Started</th>
              <th scope="col">Ended</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((experiment) => (
              <Row key={experiment.id} experiment={experiment} />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p className="muted">No experiment fits.</p>}
    </>
  );
}

function Row({ experiment }: { readonly experiment: Experiment }): ReactNode {
  const { name, status, model, design, startedAt, endedAt, kind } = experiment;
  return (
    <tr>
      <th scope="row">
        <Link to={`/experiments/${name}`}>{name}</Link>
        <small>{kindWords(kind)}</small>
      </th>
      <td>
        <Chip tone={statusTone(status)}>{status.replace('_', ' ')}</Chip>
      </td>
      <td>
        <Link to={`/models/${model}`}>{model}</Link>
      </td>
      <td>{design?.variants.map(({ version }) => version).join(' against ') ?? 'draft'}</td>
      <td>{startedAt === null ? '–' : moment(Date.parse(startedAt))}</td>
      <td>{endedAt === null ? '–' : moment(Date.parse(endedAt))}</td>
    </tr>
  );
}

function rowsOf(experiments: readonly Experiment[]): readonly (readonly Cell[])[] {
  const head = ['experiment', 'kind', 'status', 'model', 'versions', 'started', 'ended'];
  return [
    head,
    ...experiments.map(({ name, kind, status, model, design, startedAt, endedAt }) => [
      ...[name, kind, status, model],
      design?.variants.map(({ version }) => version).join(' ') ?? null,
      ...[startedAt, endedAt],
    ]),
  ];
}
