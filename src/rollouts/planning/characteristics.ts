import type { FrozenDesign } from '../../experiments/experiment.js';
import { armAt, marginOf, type PlannedMetric, sizeOf } from './baseline.js';
import type { ArmModel } from './arm.js';
import { type Ending, simulatedDesign, type Verdict, type World } from './simulate.js';
import { looksOf } from './timeline.js';

export type ScenarioName =
  'no_effect' | 'mde' | 'twice_mde' | 'harm_at_margin' | 'harm_at_twice_margin';

/** What is true in a scenario, the same for every variant besides the control. */
export interface Scenario {
  readonly name: ScenarioName;
  readonly description: string;
  readonly values: readonly {
    readonly metric: string;
    readonly control: number;
    readonly treatment: number;
  }[];
  readonly world: World;
}

/** A simulated probability and its Monte Carlo standard error. */
export interface Probability {
  readonly probability: number;
  readonly standardError: number;
}

/** How often a scenario ends in which verdict, and after how many units. */
export interface Characteristics {
  readonly scenario: ScenarioName;
  readonly description: string;
  readonly values: Scenario['values'];
  readonly promote: Probability;
  readonly rollback: Probability;
  readonly inconclusive: Probability;
  /** Units enrolled in all arms when the median run is promoted or rolled back; null: half of the runs never are. */
  readonly medianUnitsToVerdict: number | null;
  readonly medianDaysToVerdict: number | null;
}

/** How much better, in multiples: of the smallest effect for success metrics, of its margin for guardrails. */
interface Gains {
  readonly name: ScenarioName;
  readonly description: string;
  readonly success: number;
  readonly guardrail: number;
}

const WITH_GUARDRAILS: readonly Gains[] = [
  {
    ...{ name: 'harm_at_margin', success: 1, guardrail: -1 },
    description: 'guardrails are worse by exactly their margin; success metrics improve by the MDE',
  },
  {
    ...{ name: 'harm_at_twice_margin', success: 1, guardrail: -2 },
    description: 'guardrails are worse by twice their margin; success metrics improve by the MDE',
  },
];

const WITHOUT_GUARDRAILS: readonly Gains[] = [
  {
    ...{ name: 'harm_at_margin', success: -1, guardrail: 0 },
    description: 'no guardrail has a margin: success metrics are worse by the MDE',
  },
  {
    ...{ name: 'harm_at_twice_margin', success: -2, guardrail: 0 },
    description: 'no guardrail has a margin: success metrics are worse by twice the MDE',
  },
];

function gainsOf(metrics: readonly PlannedMetric[]): readonly Gains[] {
  const hasGuardrails = metrics.some(({ designMetric }) => designMetric.role === 'guardrail');
  return [
    { name: 'no_effect', description: 'nothing differs', success: 0, guardrail: 0 },
    {
      ...{ name: 'mde', success: 1, guardrail: 0 },
      description: 'success metrics improve by the MDE, guardrails stay',
    },
    {
      ...{ name: 'twice_mde', success: 2, guardrail: 0 },
      description: 'success metrics improve by twice the MDE, guardrails stay',
    },
    ...(hasGuardrails ? WITH_GUARDRAILS : WITHOUT_GUARDRAILS),
  ];
}

/** The scenarios that a plan is judged by, ready to be replicated. */
export function scenariosOf(
  design: FrozenDesign,
  metrics: readonly PlannedMetric[],
  unitsPerDay: number,
): readonly Scenario[] {
  const simulated = simulatedDesign(design);
  const looks = looksOf(simulated, unitsPerDay);
  return gainsOf(metrics).map(({ name, description, success, guardrail }) => {
    const arms = metrics.map((metric) => {
      const isSuccess = metric.designMetric.role === 'success';
      const margin = isSuccess
        ? design.analysis.minimumDetectableEffect
        : marginOf(metric.designMetric);
      const gain = (isSuccess ? success : guardrail) * sizeOf(margin, metric.baseline.value);
      return { metric, treatment: gain === 0 ? metric.control : armAt(metric, gain) };
    });
    return {
      name,
      description,
      values: arms.map(({ metric, treatment }) => ({
        metric: metric.designMetric.definition.name,
        control: valueOf(metric.control),
        treatment: valueOf(treatment),
      })),
      world: {
        design: simulated,
        unitsPerDay,
        looks,
        metrics: arms.map(({ metric, treatment }) => ({
          name: metric.designMetric.definition.name,
          windowMs: metric.designMetric.definition.windowMs ?? 0,
          control: metric.control,
          treatment,
        })),
      },
    };
  });
}

function valueOf(model: ArmModel): number {
  if (model.kind === 'values') return model.mean;
  return (model.share * model.perAffected) / model.requests;
}

/** What the endings of a scenario amount to. */
export function characteristicsOf(
  { name, description, values }: Scenario,
  endings: readonly Ending[],
  isTimed: boolean,
): Characteristics {
  const decided = endings.map(({ verdict, units, atMs }) =>
    verdict === 'inconclusive' ? { units: Infinity, atMs: Infinity } : { units, atMs },
  );
  const medianMs = median(decided.map(({ atMs }) => atMs));
  return {
    scenario: name,
    description,
    values,
    promote: probabilityOf('promote', endings),
    rollback: probabilityOf('rollback', endings),
    inconclusive: probabilityOf('inconclusive', endings),
    medianUnitsToVerdict: median(decided.map(({ units }) => units)),
    medianDaysToVerdict: isTimed && medianMs !== null ? medianMs / 86_400_000 : null,
  };
}

/** The error of a share that is 0 or 1 in the runs is not 0: it is taken at (hits + 1)/(runs + 2). */
function probabilityOf(verdict: Verdict, endings: readonly Ending[]): Probability {
  const hits = endings.filter((ending) => ending.verdict === verdict).length;
  const runs = endings.length;
  const near = (hits + 1) / (runs + 2);
  return {
    probability: runs === 0 ? 0 : hits / runs,
    standardError: Math.sqrt((near * (1 - near)) / Math.max(1, runs)),
  };
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  return middle === undefined || !Number.isFinite(middle) ? null : middle;
}
