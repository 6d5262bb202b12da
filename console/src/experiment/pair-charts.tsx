import type { ReactNode } from 'react';
import type { Design, Distribution, PairShapes } from '../api/types.js';
import { DistributionChart, distributionRows } from '../charts/distribution-chart.js';
import { ScatterChart, scatterRows } from '../charts/scatter-chart.js';
import { pairShapes } from '../data/questions.js';
import { useResource } from '../data/resource.js';
import { count, difference, percent, type Unit } from '../format/number.js';
import { moment } from '../format/time.js';
import { ChartFigure } from '../parts/chart-figure.js';
import { Figure } from '../parts/figure.js';
import { Picker } from '../parts/picker.js';
import { Shown } from '../parts/states.js';
import { useParameter } from '../router/route.js';
import { unitIn } from './metric-units.js';

interface PairChartsProps {
  readonly id: string;
  readonly name: string;
  readonly design: Design;
}

/** The newest pairs as pictures: how the scores, the latencies and the metrics differ. */
export function PairCharts(props: PairChartsProps): ReactNode {
  const shapes = useResource(pairShapes(props.id));
  return (
    <Shown of={shapes} what="pairs" lines={8}>
      {(found) =>
        found.answered === 0 ? (
          <p className="muted">No pair has been answered by both yet, so there is none to draw.</p>
        ) : (
          <Charts {...props} shapes={found} />
        )
      }
    </Shown>
  );
}

interface ChartsProps extends PairChartsProps {
  readonly shapes: PairShapes;
}

function Charts({ name, design, shapes }: ChartsProps): ReactNode {
  const { outputs, latency } = shapes;
  return (
    <>
      <Metrics name={name} design={design} shapes={shapes} />
      {outputs.map(({ output, ...shape }, index) => (
        <Pictures
          key={output}
          title={`Output ${output}`}
          file={`${name}-${output}`}
          source={`pairs#/outputs/${index}`}
          unit="plain"
          shape={shape}
        />
      ))}
      {latency !== null && (
        <Pictures
          title="Latency"
          file={`${name}-latency`}
          source="pairs#/latency"
          unit="milliseconds"
          shape={latency}
        />
      )}
      <p className="muted">
        <Figure value={shapes.answered} text={count(shapes.answered)} source="pairs#/answered" />{' '}
        pairs{shapes.fromMs === null ? '' : ` since ${moment(shapes.fromMs)}`}
        {shapes.complete ? '' : ', the newest ones'}. For display: decisions are taken on all of
        them.
      </p>
    </>
  );
}

interface PicturesProps {
  readonly title: string;
  readonly file: string;
  readonly source: string;
  readonly unit: Unit;
  readonly shape: NonNullable<PairShapes['latency']>;
}

/** One quantity twice: side against side, and the differences by themselves. */
function Pictures({ title, file, source, unit, shape }: PicturesProps): ReactNode {
  const { scatter, differences } = shape;
  return (
    <div className="columns">
      {scatter !== null && (
        <ChartFigure
          title={`${title}: control and shadow`}
          file={`${file}-scatter`}
          rows={() => scatterRows(scatter)}
          note={
            <>
              Stronger colour: more pairs. On the line both give the same, above it the shadow gives
              more.
              {scatter.outside > 0 && ` Outside of the picture: ${count(scatter.outside)}.`}
            </>
          }
        >
          {(svg) => (
            <ScatterChart
              svg={svg}
              of={scatter}
              unit={unit}
              axes={['control', 'shadow']}
              label={`${title} of control and shadow, pair by pair`}
            />
          )}
        </ChartFigure>
      )}
      <Differences
        title={`${title}: shadow − control`}
        file={`${file}-differences`}
        source={`${source}/differences`}
        unit={unit}
        of={differences}
        what="pairs"
      />
    </div>
  );
}

interface DifferencesProps extends Omit<PicturesProps, 'shape'> {
  readonly of: Distribution;
  /** What is counted. */
  readonly what: string;
}

function Differences({ title, file, source, unit, of, what }: DifferencesProps): ReactNode {
  const beyond = of.below + of.above;
  return (
    <ChartFigure
      title={title}
      file={file}
      rows={() => distributionRows(of)}
      note={
        <>
          Exactly the same for{' '}
          <Figure value={of.zero} text={count(of.zero)} source={`${source}/zero`} /> of{' '}
          <Figure value={of.count} text={count(of.count)} source={`${source}/count`} /> {what} (
          {percent(of.count === 0 ? null : of.zero / of.count)}); mean{' '}
          <Figure value={of.mean} text={difference(of.mean, unit)} source={`${source}/mean`} />.
          {beyond > 0 && ` Outside of the picture: ${count(beyond)}.`}
        </>
      }
    >
      {(svg) => (
        <DistributionChart svg={svg} of={of} unit={unit} label={`Distribution of ${title}`} />
      )}
    </ChartFigure>
  );
}

function Metrics({ name, design, shapes }: Omit<ChartsProps, 'id'>): ReactNode {
  const wanted = useParameter('pair-metric');
  const own = design.metrics.map(({ definition }) => definition.name);
  const known = shapes.metrics
    .filter(({ metric }) => own.includes(metric))
    .toSorted((left, right) => own.indexOf(left.metric) - own.indexOf(right.metric));
  const shown = known.find(({ metric }) => metric === wanted) ?? known[0];
  if (shown === undefined) return null;
  const index = shapes.metrics.indexOf(shown);
  return (
    <div className="pair-metric">
      <Picker
        label="Differences of"
        parameter="pair-metric"
        options={known.map(({ metric }) => metric)}
        shown={shown.metric}
      />
      <Differences
        title={`${shown.metric}: shadow − control, per unit`}
        file={`${name}-${shown.metric}-differences`}
        source={`pairs#/metrics/${index}/differences`}
        unit={unitIn(design, shown.metric)}
        of={shown.differences}
        what="units"
      />
    </div>
  );
}
