import type { ReactNode } from 'react';
import type { Traffic } from '../api/types.js';
import type { Cell } from './csv.js';
import { count, percent, value } from '../format/number.js';

type ModelTraffic = Traffic['models'][number];

/** Traffic for a spreadsheet, of one model or of many. */
export function trafficRows(models: readonly ModelTraffic[]): readonly (readonly Cell[])[] {
  const head = ['model', 'version', 'share', 'requests', 'errors', 'timeouts', 'fallbacks'];
  return [
    [...head, 'p50_ms', 'p95_ms'],
    ...models.flatMap(({ model, versions }) =>
      versions.map((of): readonly Cell[] => [
        ...[model, of.version, of.share, of.requests, of.errors, of.timeouts, of.fallbacks],
        ...[of.latencyMs?.p50 ?? null, of.latencyMs?.p95 ?? null],
      ]),
    ),
  ];
}

/** Who serves how much of a model, one bar and the figures beside it. The champion has the first colour. */
export function TrafficBar({
  traffic,
  champion,
}: {
  readonly traffic: ModelTraffic | null;
  readonly champion: string | null;
}): ReactNode {
  const versions = ordered(traffic, champion);
  const starts = versions.map((_version, index) =>
    versions.slice(0, index).reduce((sum, { share }) => sum + share, 0),
  );
  return (
    <div className="traffic">
      <svg className="share-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect className="share-rest" width={100} height={6} />
        {versions.map(({ version, share }, index) => (
          <rect
            key={version}
            className={`series-fill-${index % 5}`}
            x={(starts[index] ?? 0) * 100}
            width={share * 100}
            height={6}
          />
        ))}
      </svg>
      <ul className="traffic-versions">
        {versions.map(({ version, share, requests, errors, latencyMs }, index) => (
          <li key={version}>
            <span className={`swatch series-fill-${index % 5}`} aria-hidden="true" />
            <strong>{version}</strong>
            <span>{percent(share)}</span>
            <span className="muted">
              {count(requests)} requests, {percent(requests === 0 ? null : errors / requests)}{' '}
              errors
              {latencyMs === null ? '' : `, p95 ${value(latencyMs.p95, 'milliseconds')}`}
            </span>
          </li>
        ))}
        {versions.length === 0 && <li className="muted">no request in the last 15 minutes</li>}
      </ul>
    </div>
  );
}

function ordered(traffic: ModelTraffic | null, champion: string | null): ModelTraffic['versions'] {
  const versions = traffic?.versions ?? [];
  const first = (version: string): number => (version === champion ? 0 : 1);
  return versions.toSorted(
    (left, right) =>
      first(left.version) - first(right.version) || left.version.localeCompare(right.version),
  );
}
