import type { ReactNode } from 'react';
import type { Model, TrafficSeries } from '../api/types.js';
import type { Cell } from '../charts/csv.js';
import { SeriesChart, type SeriesLine } from '../charts/series-chart.js';
import { TrafficBar, trafficRows } from '../charts/traffic-bar.js';
import * as ask from '../data/questions.js';
import { useResource } from '../data/resource.js';
import { statusTone } from '../experiment/experiment-page.js';
import { HealthChip } from '../fleet/model-card.js';
import { count, type Unit } from '../format/number.js';
import { moment } from '../format/time.js';
import { Chip } from '../parts/chip.js';
import { ExportMenu } from '../parts/export-menu.js';
import { ChartFigure } from '../parts/chart-figure.js';
import { Section } from '../parts/section.js';
import { Shown } from '../parts/states.js';
import { HoldoutOf } from './release-holdout.js';
import { Link, setParameter, useParameter } from '../router/route.js';

const WINDOWS: Readonly<Record<string, number>> = {
  '15 min': 15,
  '1 h': 60,
  '6 h': 360,
  '24 h': 1440,
};

export function ModelPage({ name }: { readonly name: string }): ReactNode {
  const model = useResource(ask.model(name));
  const traffic = useResource(ask.traffic);
  const seen = traffic.data?.models.find((known) => known.model === name) ?? null;
  return (
    <article>
      <title>{`${name} · Sluice`}</title>
      <header className="page-head">
        <p className="crumbs">
          <Link to="/">Fleet</Link>
        </p>
        <div className="page-title">
          <h1>{name}</h1>
          <HealthChip health={seen?.health ?? 'quiet'} />
          <span className="muted">
            champion <strong>{model.data?.champion ?? 'none yet'}</strong>
          </span>
        </div>
      </header>
      <Section
        id="traffic"
        title="Who serves it"
        lead="The last 15 minutes."
        tools={
          <ExportMenu
            name={`${name}-traffic`}
            rows={() => trafficRows(seen === null ? [] : [seen])}
          />
        }
      >
        <TrafficBar traffic={seen} champion={model.data?.champion ?? null} />
        {model.data !== null && <HoldoutOf model={model.data} />}
      </Section>
      <OverTime name={name} champion={model.data?.champion ?? null} />
      <Section id="versions" title="Versions">
        <Shown of={model} what="the model" lines={5}>
          {(found) => <Versions model={found} />}
        </Shown>
      </Section>
      <Section
        id="experiments"
        title="Experiments"
        tools={
          <Link to={`/new?model=${name}`} className="button">
            New experiment
          </Link>
        }
      >
        <Experiments model={name} />
      </Section>
    </article>
  );
}

function OverTime({
  name,
  champion,
}: {
  readonly name: string;
  readonly champion: string | null;
}): ReactNode {
  const minutes = Number(useParameter('minutes') ?? '60');
  const series = useResource(ask.series(name, minutes));
  return (
    <Section
      id="over-time"
      title="Over time"
      tools={
        <div role="group" aria-label="Stretch of time" className="segmented">
          {Object.entries(WINDOWS).map(([label, length]) => (
            <button
              key={label}
              type="button"
              aria-pressed={minutes === length}
              onClick={() => setParameter('minutes', String(length))}
            >
              {label}
            </button>
          ))}
        </div>
      }
    >
      <Shown of={series} what="traffic over time" lines={8}>
        {(data) => <Charts name={name} series={data} champion={champion} />}
      </Shown>
    </Section>
  );
}

interface ChartsProps {
  readonly name: string;
  readonly series: TrafficSeries;
  readonly champion: string | null;
}

function Charts({ name, series, champion }: ChartsProps): ReactNode {
  const versions = [...new Set(series.points.map(({ version }) => version))].sort(
    (left, right) =>
      Number(right === champion) - Number(left === champion) || left.localeCompare(right),
  );
  const perMinute = 60_000 / series.stretchMs;
  const lines = (
    of: (point: TrafficSeries['points'][number]) => number | null,
  ): readonly SeriesLine[] =>
    versions.map((version) => ({
      name: version,
      points: series.points.flatMap((point) => {
        const number = point.version === version ? of(point) : null;
        return number === null ? [] : [{ atMs: point.atMs, value: number }];
      }),
    }));
  const shared = { series, versions };
  return (
    <>
      <ul className="legend">
        {versions.map((version, index) => (
          <li key={version}>
            <span className={`swatch series-fill-${index % 5}`} aria-hidden="true" />
            {version}
          </li>
        ))}
        {versions.length === 0 && <li className="muted">No request in this stretch of time.</li>}
      </ul>
      <div className="columns columns-three">
        <Chart
          {...shared}
          title="Requests per minute"
          file={`${name}-requests`}
          lines={lines(({ requests }) => requests * perMinute)}
          unit="plain"
          least={1}
        />
        <Chart
          {...shared}
          title="Errors"
          file={`${name}-errors`}
          lines={lines(({ requests, errors }) => (requests === 0 ? null : errors / requests))}
          unit="share"
          least={0.01}
        />
        <Chart
          {...shared}
          title="Latency, 95th percentile"
          file={`${name}-latency`}
          lines={lines(({ latencyMs }) => latencyMs?.p95 ?? null)}
          unit="milliseconds"
          least={1}
        />
      </div>
      {!series.complete && (
        <p className="muted">
          Too many requests to read them all: these begin at {moment(series.fromMs)}.
        </p>
      )}
    </>
  );
}

interface ChartProps {
  readonly title: string;
  readonly file: string;
  readonly lines: readonly SeriesLine[];
  readonly series: TrafficSeries;
  readonly unit: Unit;
  readonly least: number;
}

function Chart({ title, file, lines, series, unit, least }: ChartProps): ReactNode {
  const rows = (): readonly (readonly Cell[])[] => [
    ['at', 'version', 'value'],
    ...lines.flatMap(({ name, points }) =>
      points.map((point): readonly Cell[] => [
        new Date(point.atMs).toISOString(),
        name,
        point.value,
      ]),
    ),
  ];
  return (
    <ChartFigure title={title} file={file} rows={rows}>
      {(svg) => (
        <SeriesChart
          svg={svg}
          lines={lines}
          fromMs={series.fromMs}
          toMs={series.toMs}
          unit={unit}
          least={least}
          label={`${title} per version`}
          gapMs={series.stretchMs * 1.5}
        />
      )}
    </ChartFigure>
  );
}

/** What the API says of a version without a limit of its own. */
const MAX_CONCURRENCY = 512;

function Versions({ model }: { readonly model: Model }): ReactNode {
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label="Table of versions">
      <table className="list">
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Served from</th>
            <th scope="col" className="number">
              Calls at once
            </th>
            <th scope="col">Registered</th>
            <th scope="col">Notes</th>
          </tr>
        </thead>
        <tbody>
          {model.versions.map(({ name, urls, maxConcurrency, createdAt, metadata }) => (
            <tr key={name}>
              <th scope="row">
                {name} {name === model.champion && <Chip tone="good">champion</Chip>}{' '}
                {name === model.fallback && <Chip tone="calm">fallback</Chip>}
              </th>
              <td>
                {urls.map((url) => (
                  <code key={url} className="line">
                    {url}
                  </code>
                ))}
              </td>
              <td className="number">{count(maxConcurrency ?? MAX_CONCURRENCY)}</td>
              <td>{moment(Date.parse(createdAt))}</td>
              <td className="muted">
                {Object.entries(metadata)
                  .map(
                    ([key, text]) =>
                      `${key}: ${typeof text === 'string' ? text : JSON.stringify(text)}`,
                  )
                  .join(', ') || '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Experiments({ model }: { readonly model: string }): ReactNode {
  const experiments = useResource(ask.experiments);
  return (
    <Shown of={experiments} what="experiments" lines={3}>
      {(found) => {
        const own = found.filter((known) => known.model === model);
        if (own.length === 0) return <p className="muted">None yet.</p>;
        return (
          <ul className="plain-list">
            {own.map(({ id, name, status }) => (
              <li key={id}>
                <Chip tone={statusTone(status)}>{status.replace('_', ' ')}</Chip>{' '}
                <Link to={`/experiments/${name}`}>{name}</Link>
              </li>
            ))}
          </ul>
        );
      }}
    </Shown>
  );
}
