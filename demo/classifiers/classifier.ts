import type { Mail } from '../mails.js';
import type { MailContent } from '../mime.js';

export interface Classifier {
  /** The probability that a mail is spam, in (0, 1). */
  probability(mail: MailContent): number;
}

/** Probabilities stay away from 0 and 1: a logarithmic loss of one mail must stay finite. */
const MIN_PROBABILITY = 1e-6;

export function clampProbability(probability: number): number {
  return Math.min(1 - MIN_PROBABILITY, Math.max(MIN_PROBABILITY, probability));
}

export function isSpam(probability: number): boolean {
  return probability >= 0.5;
}

/** Share of mails that a classifier labels as the truth does, in [0, 1]. */
export function accuracyOf(classifier: Classifier, mails: readonly Mail[]): number {
  const right = mails.filter((mail) => isSpam(classifier.probability(mail)) === mail.spam);
  return right.length / mails.length;
}
