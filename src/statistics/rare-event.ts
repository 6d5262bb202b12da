import { count, openUnit, positive, refuse } from './estimable.js';
import type { Alternative } from './inference.js';
import { logRegularisedBeta } from './numerics.js';
import { logBetaKernel } from './saddle-point.js';

/** Events of the two compared arms inside one ramp phase. */
export interface EventCounts {
  readonly controlEvents: number;
  readonly treatmentEvents: number;
}

/** How the treatment arm's share of the events is tested within a phase. */
export interface EventShareTest {
  /** Treatment's share of the exposure of the two compared arms in this phase, in (0, 1). */
  readonly share: number;
  /** Weight k of the prior Beta(k share, k (1 - share)); 10 by default in this engine. */
  readonly concentration: number;
  /** `greater`: more events in treatment than its share (harm, for errors). */
  readonly alternative: Alternative;
}

/**
 * ln of the e-value of one phase: given an event, it falls in the treatment arm with probability `share` if
 * there is no effect. Beta-binomial marginal likelihood over null likelihood, restricted to harm by the
 * ratio of posterior to prior tail (Johnson's restricted mixture; Robbins 1970). Exact under optional
 * stopping, with no minimum of events. Both likelihood terms are taken through the same saddle-point
 * kernel, so counts of 1e9 lose nothing.
 */
export function eventShareLogE(test: EventShareTest, counts: EventCounts): number {
  const { share, concentration, alternative } = test;
  const priorT = positive('concentration', concentration) * openUnit('share', share);
  const priorC = concentration * (1 - share);
  const postT = priorT + count('treatmentEvents', counts.treatmentEvents);
  const postC = priorC + count('controlEvents', counts.controlEvents);
  const logE =
    logBetaKernel(share, 1 - share, priorT, priorC) - logBetaKernel(share, 1 - share, postT, postC);
  if (alternative === 'two-sided') return logE;
  const prior = logRegularisedBeta(share, priorT, priorC);
  const posterior = logRegularisedBeta(share, postT, postC);
  return alternative === 'greater'
    ? logE + posterior.logUpper - prior.logUpper
    : logE + posterior.logLower - prior.logLower;
}

/** One ramp phase: its looks are cumulative inside the phase. */
export interface EventPhase {
  readonly share: number;
  readonly looks: readonly EventCounts[];
}

export interface EventShareLook {
  /** ln of the product of the e-values of this and all earlier phases. */
  readonly logE: number;
  /** min over looks so far of min(1, 1/e): always valid (Ville's inequality). */
  readonly runningP: number;
  readonly logRunningP: number;
}

export interface EventShareProcess {
  readonly looks: readonly EventShareLook[];
  /** Whether the running p-value reached alpha at any look. */
  readonly reject: boolean;
}

/**
 * The e-process over consecutive phases: e-values multiply, because each phase starts a new test on new events
 * whose null share is known. Counts may not fall inside a phase.
 */
export function eventShareEProcess(input: {
  readonly phases: readonly EventPhase[];
  readonly concentration: number;
  readonly alternative: Alternative;
  readonly alpha: number;
}): EventShareProcess {
  const logAlpha = Math.log(openUnit('alpha', input.alpha));
  positive('concentration', input.concentration);
  const { concentration, alternative } = input;
  const looks: EventShareLook[] = [];
  let logEarlier = 0;
  let logRunningP = 0;
  for (const [index, phase] of input.phases.entries()) {
    checkGrowing(`phases[${String(index)}]`, phase);
    let logPhase = 0;
    for (const counts of phase.looks) {
      logPhase = eventShareLogE({ share: phase.share, concentration, alternative }, counts);
      const logE = logEarlier + logPhase;
      logRunningP = Math.min(logRunningP, -logE);
      looks.push({ logE, runningP: Math.exp(logRunningP), logRunningP });
    }
    logEarlier += logPhase;
  }
  return { looks, reject: looks.length > 0 && logRunningP <= logAlpha };
}

function checkGrowing(field: string, { looks }: EventPhase): void {
  for (const [index, look] of looks.entries()) {
    const before = looks[index - 1];
    if (before === undefined) continue;
    if (
      look.controlEvents < before.controlEvents ||
      look.treatmentEvents < before.treatmentEvents
    ) {
      refuse(`${field}.looks[${String(index)}]`, look, 'cumulative counts that never fall');
    }
  }
}
