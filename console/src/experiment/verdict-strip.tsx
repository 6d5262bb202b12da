import type { ReactNode } from 'react';
import type { Decision, Design, Experiment, Report, Standing } from '../api/types.js';
import { level } from '../format/number.js';
import { ago, clock, moment, span } from '../format/time.js';
import { Figure } from '../parts/figure.js';
import { useNow } from '../parts/use-now.js';
import { KeyFigure } from './key-figure.js';
import { verdictOf } from './verdict.js';

interface VerdictStripProps {
  readonly experiment: Experiment;
  readonly report: Report | null;
  readonly standing: Standing | null;
  readonly decisions: readonly Decision[];
  readonly onWhy: (number: number) => void;
}

/** What is the case, in words, before any number. */
export function VerdictStrip(props: VerdictStripProps): ReactNode {
  const { experiment, report, standing, decisions, onWhy } = props;
  const { tone, headline, reason, decision, next } = verdictOf(experiment, decisions, standing);
  return (
    <section className={`verdict verdict-${tone}`} aria-label="Verdict">
      <div className="verdict-words">
        <p className="verdict-headline">{headline}</p>
        {experiment.design !== null && report !== null && (
          <KeyFigure
            design={experiment.design}
            report={report}
            decision={decisions.at(-1) ?? null}
          />
        )}
        <p className="verdict-reason">{reason}</p>
        <p className="verdict-next">{next}</p>
        {decision !== null && (
          <button type="button" className="button" onClick={() => onWhy(decision)}>
            Why?
          </button>
        )}
      </div>
      <Facts {...props} />
    </section>
  );
}

/** What alpha bounds. */
const ERROR_OF: Readonly<Record<Experiment['kind'], string>> = {
  ab: 'Chance of a false promotion',
  canary: 'Chance of a false promotion',
  shadow: 'Chance of being ready falsely',
  holdout: 'Chance of a false alarm',
};

function Facts({ experiment, report, standing }: VerdictStripProps): ReactNode {
  const nowMs = useNow();
  const design = experiment.design;
  if (design === null) return null;
  const watermark = report?.evidence.watermarkMs ?? null;
  const isGoing = experiment.status === 'running' || experiment.status === 'paused';
  return (
    <dl className="facts">
      <div>
        <dt>{ERROR_OF[experiment.kind]}</dt>
        <dd>
          at most{' '}
          <Figure
            value={design.analysis.alpha}
            text={level(design.analysis.alpha)}
            source="experiment#/design/analysis/alpha"
          />{' '}
          <span className="muted">over all looks</span>
        </dd>
      </div>
      <Spent report={report} design={design} />
      <div>
        <dt>Evidence up to</dt>
        <dd>
          {watermark === null ? (
            'no event yet'
          ) : (
            <time dateTime={new Date(watermark).toISOString()} title={moment(watermark)}>
              {isGoing ? ago(watermark, nowMs) : moment(watermark)}
            </time>
          )}
        </dd>
      </div>
      <div>
        <dt>{isGoing ? 'Next look' : 'Looks taken'}</dt>
        <dd>
          {isGoing ? nextLook(standing, nowMs) : null}
          {report !== null && (
            <span className={isGoing ? 'muted' : ''}>
              {isGoing ? ' after ' : ''}
              <Figure value={report.number} text={String(report.number)} source="report#/number" />
              {isGoing ? ' so far' : ''}, every {span(design.analysis.intervalMs)}
            </span>
          )}
        </dd>
      </div>
      {experiment.endedAt !== null && (
        <div>
          <dt>Ended</dt>
          <dd>
            <time dateTime={experiment.endedAt}>{moment(Date.parse(experiment.endedAt))}</time>
          </dd>
        </div>
      )}
    </dl>
  );
}

/** Group-sequential tests spend their error look by look; a sequence has all of it at every look. */
function Spent({
  report,
  design,
}: {
  readonly report: Report | null;
  readonly design: Design;
}): ReactNode {
  return (
    <div>
      <dt>Error spent by looking</dt>
      <dd>
        <SpentSoFar report={report} method={design.analysis.method} />
      </dd>
    </div>
  );
}

function SpentSoFar({
  report,
  method,
}: {
  readonly report: Report | null;
  readonly method: Design['analysis']['method'];
}): ReactNode {
  if (method === 'sequential') {
    return (
      <>
        none: <span className="muted">a sequence holds at every look</span>
      </>
    );
  }
  const index = report?.assessment.metrics.findIndex(({ looks }) => looks.length > 0) ?? -1;
  const looks = report?.assessment.metrics[index]?.looks ?? [];
  const last = looks.at(-1);
  if (last === undefined) return 'nothing yet';
  const source = `report#/assessment/metrics/${index}/looks/${looks.length - 1}/spent`;
  return (
    <>
      <Figure value={last.spent} text={level(last.spent)} source={source} />{' '}
      <span className="muted">after {looks.length} planned looks</span>
    </>
  );
}

function nextLook(standing: Standing | null, nowMs: number): string {
  const dueMs = standing?.nextAnalysisAtMs ?? null;
  if (dueMs === null) return 'not planned';
  return dueMs <= nowMs ? 'now' : `in ${span(dueMs - nowMs)} (${clock(dueMs)})`;
}
