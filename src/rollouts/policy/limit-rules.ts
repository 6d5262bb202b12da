import type { Assessment, LimitAssessment } from '../../statistics/assessment.js';
import type { Numbers } from './policy.js';
import { hold, pass, type RuleContext, type RuleResult, variantsOf, withdraw } from './rule.js';
import { inWords, pInWords } from './words.js';

const WHAT = { errorRate: 'errors', timeoutRate: 'time-outs' } as const;
const CODES = { errorRate: 'error_limit_exceeded', timeoutRate: 'timeout_limit_exceeded' } as const;

/**
 * A hard limit is absolute: a variant above it goes at the first look that shows it, before any minimum of evidence,
 * also while paused, baking or awaiting approval, and whatever the control does (docs/decisions/0012-hard-limits.md).
 */
export function limits(context: RuleContext): RuleResult | null {
  const { design, state, assessment } = context;
  if (assessment.limits === undefined) return null;
  const open = variantsOf(design, state);
  const above = exceeded(assessment).filter(({ variant }) => open.includes(variant));
  const worst = above[0];
  if (worst === undefined) return pass('limits', 'no variant is above a limit');
  const text = `${said(worst)}${ofTarget(context)}`;
  const gone = new Set(above.map(({ variant }) => variant));
  const { kind, variant } = worst;
  const withdrawal = {
    rule: 'limits',
    code: CODES[kind],
    variant,
    text,
    numbers: numbersOf(worst),
  } as const;
  return withdraw(context, withdrawal, gone.size === open.length);
}

/**
 * What a rollback leads to is watched too. A control above a limit is an alarm of its own: nothing is measured against
 * it, so no step is taken and nothing promoted until a person has looked, and it excuses nobody, because rollbacks come
 * before this rule.
 */
export function controlHealth(context: RuleContext): RuleResult | null {
  if (context.assessment.limits === undefined) return null;
  const worst = ofControl(context)[0];
  if (worst === undefined) return pass('control_health', 'the control is within every limit');
  const text = `the control is unhealthy: ${said(worst)}; nothing can be measured against it`;
  return hold('control_health', 'control_unhealthy', text, numbersOf(worst));
}

/** What a rollback leads to, to be said with it; nothing while the control is within every limit. */
export function ofTarget(context: RuleContext): string {
  const worst = ofControl(context)[0];
  return worst === undefined ? '' : `; ${aboutControl(worst)}`;
}

function ofControl({ design, assessment }: RuleContext): readonly LimitAssessment[] {
  const control = design.variants.find((variant) => variant.control)?.name;
  return exceeded(assessment).filter(({ variant }) => variant === control);
}

/** Limits that are exceeded, the surest first. */
function exceeded({ limits: all = [] }: Assessment): readonly LimitAssessment[] {
  return all.filter((one) => one.exceeded).sort((left, right) => left.pValue - right.pValue);
}

function said({
  variant,
  kind,
  failedUnits,
  units,
  share,
  limit,
  pValue,
  recent,
}: LimitAssessment): string {
  const lately =
    recent === undefined
      ? ''
      : `; since an earlier look ${inWords(recent.failedUnits)} units met one while ${inWords(recent.successes)} requests succeeded`;
  return (
    `${variant} is above the limit of ${WHAT[kind]}, ${inWords(limit)}: ${inWords(failedUnits)} of ` +
    `${inWords(units)} units met one, ${inWords(share)} of the requests, ${pInWords(pValue)}${lately}`
  );
}

function aboutControl(limit: LimitAssessment): string {
  return `the control is unhealthy too: ${said(limit)}`;
}

function numbersOf(one: LimitAssessment): Numbers {
  const { variant, metric, limit, units, failedUnits, share, pValue, alpha } = one;
  return { variant, metric, limit, units, failedUnits, share, pValue, alpha };
}
