import type { ReactNode } from 'react';
import type { Experiment, Model, Traffic } from '../api/types.js';
import { TrafficBar } from '../charts/traffic-bar.js';
import { statusTone } from '../experiment/experiment-page.js';
import { roundPercent } from '../format/number.js';
import { Chip, type Tone } from '../parts/chip.js';
import { Link } from '../router/route.js';
import { kindWords } from '../experiment/kind-words.js';

type ModelTraffic = Traffic['models'][number];

const HEALTH: Readonly<Record<ModelTraffic['health'], readonly [Tone, string]>> = {
  ok: ['good', 'healthy'],
  failing: ['caution', '5 % or more fail'],
  down: ['bad', 'half or more fail'],
  quiet: ['calm', 'no traffic'],
};

interface ModelCardProps {
  readonly model: Model;
  readonly running: readonly Experiment[];
  readonly traffic: ModelTraffic | null;
}

export function ModelCard({ model, running, traffic }: ModelCardProps): ReactNode {
  return (
    <section className="card" aria-label={`Model ${model.name}`}>
      <header className="card-head">
        <h2>
          <Link to={`/models/${model.name}`}>{model.name}</Link>
        </h2>
        <HealthChip health={traffic?.health ?? 'quiet'} />
        <span className="muted">
          champion <strong>{model.champion ?? 'none yet'}</strong>
        </span>
        {model.holdout !== undefined && (
          <span className="muted">
            holdout {roundPercent(model.holdout.share)} on {model.holdout.version}
          </span>
        )}
      </header>
      <TrafficBar traffic={traffic} champion={model.champion} />
      {running.map((experiment) => (
        <p key={experiment.id} className="card-experiment">
          <Chip tone={statusTone(experiment.status)}>{experiment.status}</Chip>{' '}
          <Link to={`/experiments/${experiment.name}`}>{experiment.name}</Link>{' '}
          <span className="muted">{inShort(experiment)}</span>
        </p>
      ))}
      {running.length === 0 && <p className="card-experiment muted">no experiment runs</p>}
    </section>
  );
}

export function HealthChip({ health }: { readonly health: ModelTraffic['health'] }): ReactNode {
  const [tone, word] = HEALTH[health];
  return <Chip tone={tone}>{word}</Chip>;
}

function inShort({ design, rollout, kind }: Experiment): string {
  const versions = design?.variants.map(({ version }) => version) ?? [];
  const coverage = rollout?.phases.at(-1)?.coverage;
  switch (kind) {
    case 'shadow':
      return `shadow: copies of what ${versions[0] ?? ''} answers go to ${versions[1] ?? ''}`;
    case 'holdout':
      return 'holdout: the status quo against what is shipped';
    case 'ab':
    case 'canary': {
      const enrolled = coverage === undefined ? '' : `, ${roundPercent(coverage)}`;
      return `${kindWords(kind)} of ${versions.join(' against ')}${enrolled}`;
    }
  }
}
