import type { ReactNode } from 'react';
import type { Decision, Design, Experiment, Model, Report, Standing } from '../api/types.js';
import * as ask from '../data/questions.js';
import { useResource } from '../data/resource.js';
import { Chip } from '../parts/chip.js';
import { ExportMenu } from '../parts/export-menu.js';
import { Section } from '../parts/section.js';
import { Empty, Shown } from '../parts/states.js';
import { Link, setParameter, useParameter } from '../router/route.js';
import { Actions } from './actions.js';
import { Chances } from './chances.js';
import { Checklist } from './checklist.js';
import { Comparison } from './comparison.js';
import { DataQuality, servedRows } from './data-quality.js';
import { DecisionsLog, logRows } from './decisions-log.js';
import { MetricTable, metricRows } from './metric-table.js';
import { PathSection } from './path-section.js';
import { RolloutTimeline } from './rollout-timeline.js';
import { HoldoutSection } from './holdout-section.js';
import { SegmentsSection } from './segments-section.js';
import { ShadowSection } from './shadow-section.js';
import { VerdictStrip } from './verdict-strip.js';
import { WhyDrawer } from './why-drawer.js';
import { kindWords } from './kind-words.js';
import { recommendedVerb } from './verbs.js';

/** One experiment, so that somebody who has never seen the tool can say what is the case. */
export function ExperimentPage({ reference }: { readonly reference: string }): ReactNode {
  const experiment = useResource(ask.experiment(reference));
  return (
    <Shown of={experiment} what="the experiment" lines={8}>
      {(found) => <Loaded experiment={found} />}
    </Shown>
  );
}

function Loaded({ experiment }: { readonly experiment: Experiment }): ReactNode {
  const { id, name, design } = experiment;
  const isStarted = design !== null;
  const report = useResource(isStarted ? ask.report(id) : null);
  const standing = useResource(isStarted ? ask.standing(id) : null);
  const log = useResource(ask.decisionLog(id));
  const model = useResource(ask.model(experiment.model));
  const wanted = useParameter('why');
  const why = (number: number): void => setParameter('why', String(number));
  const decisions = log.data?.decisions ?? [];
  return (
    <article>
      <title>{`${name} · Sluice`}</title>
      <Head experiment={experiment} standing={standing.data} />
      <VerdictStrip
        experiment={experiment}
        report={report.data}
        standing={standing.data}
        decisions={decisions}
        onWhy={why}
      />
      {design === null ? (
        <Draft experiment={experiment} />
      ) : (
        <Started
          {...{ experiment, design, decisions, onWhy: why }}
          model={model.data}
          standing={standing.data}
        />
      )}
      <Section
        id="decisions"
        title="Decisions"
        tools={
          <ExportMenu
            name={`${name}-decisions`}
            rows={() => (log.data === null ? [] : logRows(log.data))}
          />
        }
      >
        <Shown of={log} what="decisions">
          {(data) => <DecisionsLog log={data} onWhy={why} />}
        </Shown>
      </Section>
      {wanted !== null && log.data !== null && (
        <WhyDrawer
          log={log.data}
          kind={experiment.kind}
          number={Number(wanted)}
          onClose={() => setParameter('why', null)}
        />
      )}
    </article>
  );
}

interface HeadProps {
  readonly experiment: Experiment;
  readonly standing: Standing | null;
}

function Head({ experiment, standing }: HeadProps): ReactNode {
  const { name, model, kind, status, design } = experiment;
  const definition = experiment.definition as { readonly hypothesis?: string };
  const hypothesis = design?.hypothesis ?? definition.hypothesis ?? '';
  return (
    <header className="page-head">
      <p className="crumbs">
        <Link to="/">Fleet</Link> <span aria-hidden="true">/</span>{' '}
        <Link to={`/models/${model}`}>{model}</Link>
      </p>
      <div className="page-title">
        <h1>{name}</h1>
        <Chip tone={statusTone(status)}>{status.replace('_', ' ')}</Chip>
        <span className="muted">{kindWords(kind)}</span>
        <Actions experiment={experiment} recommended={recommendedVerb(standing)} />
      </div>
      {hypothesis !== '' && <p className="hypothesis">“{hypothesis}”</p>}
    </header>
  );
}

export function statusTone(
  status: Experiment['status'],
): 'good' | 'bad' | 'caution' | 'calm' | 'accent' {
  switch (status) {
    case 'running':
      return 'accent';
    case 'completed':
      return 'good';
    case 'rolled_back':
      return 'bad';
    case 'paused':
    case 'aborted':
      return 'caution';
    case 'draft':
      return 'calm';
  }
}

function Draft({ experiment }: { readonly experiment: Experiment }): ReactNode {
  return (
    <Section id="definition" title="Definition" lead="As it would be frozen at the start.">
      <pre className="json" tabIndex={0} aria-label="Definition as JSON">
        {JSON.stringify(experiment.definition, null, 2)}
      </pre>
    </Section>
  );
}

interface StartedProps {
  readonly experiment: Experiment;
  readonly design: Design;
  readonly model: Model | null;
  readonly standing: Standing | null;
  readonly decisions: readonly Decision[];
  readonly onWhy: (number: number) => void;
}

function Started(props: StartedProps): ReactNode {
  const { experiment, design, model } = props;
  const report = useResource(ask.report(experiment.id));
  return (
    <>
      <Section id="compared" title="What is compared, and who sees it">
        <Comparison experiment={experiment} design={design} model={model} report={report.data} />
      </Section>
      <Shown of={report} what="the report" lines={8}>
        {(found) => (found === null ? <NoReport /> : <Evidence {...props} report={found} />)}
      </Shown>
      <SegmentsSection id={experiment.id} design={design} model={model} />
    </>
  );
}

function NoReport(): ReactNode {
  return (
    <Empty title="There is no report yet">
      <p>The first look comes one interval after the start. This page will show it by itself.</p>
    </Empty>
  );
}

interface EvidenceProps extends StartedProps {
  readonly report: Report;
}

function Evidence(props: EvidenceProps): ReactNode {
  const { experiment, design, report, decisions, onWhy } = props;
  const { assessment } = report;
  const path = useResource(ask.path(experiment.id));
  return (
    <>
      <Section
        id="metrics"
        title="Is it better?"
        lead={readingOf(report, design.kind)}
        tools={
          <ExportMenu name={`${experiment.name}-metrics`} rows={() => metricRows(assessment)} />
        }
      >
        <MetricTable assessment={assessment} design={design} />
        <Chances report={report} design={design} />
      </Section>
      <Shown of={path} what="the path to the verdict" lines={8}>
        {(data) => (
          <PathSection
            name={experiment.name}
            path={data}
            phases={experiment.rollout?.phases ?? []}
            design={design}
            metrics={assessment.metrics}
            decisions={decisions}
            onDecision={onWhy}
          />
        )}
      </Shown>
      {assessment.paired !== undefined && (
        <ShadowSection
          paired={assessment.paired}
          id={experiment.id}
          name={experiment.name}
          design={design}
        />
      )}
      {assessment.holdout !== undefined && (
        <HoldoutSection holdout={assessment.holdout} name={experiment.name} />
      )}
      {design.steps.length > 0 && (
        <Section id="rollout" title="Rollout">
          <RolloutTimeline experiment={experiment} design={design} decisions={decisions} />
        </Section>
      )}
      <Trust {...props} />
    </>
  );
}

/** What the policy sees, beside whether the data may be believed. */
function Trust(props: EvidenceProps): ReactNode {
  const { experiment, design, report, standing, decisions } = props;
  const { assessment } = report;
  const served = useResource(ask.served(experiment.id));
  const isGoing = experiment.status === 'running' || experiment.status === 'paused';
  const last = decisions.findLast(({ reasons }) => (reasons.trace?.length ?? 0) > 0);
  const rules = isGoing ? (standing?.checklist ?? []) : (last?.reasons.trace ?? []);
  return (
    <div className="columns">
      <Section id="checklist" title={titleOfChecklist(design.kind, isGoing)}>
        <Checklist
          rules={rules}
          metrics={assessment.metrics}
          isTrace={!isGoing}
          kind={design.kind}
          source={
            isGoing
              ? 'standing#/checklist'
              : `log#/decisions/${decisions.findIndex((known) => known === last)}/reasons/trace`
          }
        />
      </Section>
      <Section
        id="quality"
        title="Can the data be trusted?"
        tools={
          <ExportMenu
            name={`${experiment.name}-assigned-and-served`}
            rows={() => servedRows(served.data)}
          />
        }
      >
        <DataQuality
          rules={rules}
          quality={assessment.quality}
          limits={assessment.limits}
          design={design}
          served={served}
        />
      </Section>
    </div>
  );
}

function titleOfChecklist(kind: Design['kind'], isGoing: boolean): string {
  if (!isGoing) return 'What the last decision saw';
  return kind === 'ab' || kind === 'canary'
    ? 'What promotion still needs'
    : 'What the policy sees now';
}

/** What a difference is a difference of. */
const HOW_COMPARED: Readonly<Record<Design['kind'], string>> = {
  ab: 'Units of the same stretch of time are compared with each other.',
  canary: 'Units of the same step of the rollout are compared with each other.',
  shadow: 'Both versions are compared on the same requests, unit by unit.',
  holdout: 'Cohorts are compared as they were dealt, whatever was shipped since.',
};

function readingOf({ assessment }: Report, kind: Design['kind']): string {
  const { horizon, reading } = assessment;
  if (reading === 'not_a_test' && horizon !== null) {
    return `Not a test yet: this experiment is looked at once, at ${horizon.needUnits} units; there are ${horizon.haveUnits}.`;
  }
  return `Intervals and p-values hold at every look: looking often costs nothing. ${HOW_COMPARED[kind]}`;
}
