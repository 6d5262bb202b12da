import type { MailContent } from '../mime.js';
import type { Classifier } from './classifier.js';
import { clampProbability } from './classifier.js';

const HTML = /<(html|body|table|font)\b/i;

/** True when a body carries markup. */
export function isHtml(mail: MailContent): boolean {
  return HTML.test(mail.body);
}

/**
 * The third version: a good classifier shipped with a bug of the kind that passes every unit test. Its new HTML cleaner returns an
 * empty text, and an empty text is "not spam", so all HTML mail passes the filter.
 */
export function blindToHtml(classifier: Classifier): Classifier {
  return {
    probability: (mail) => (isHtml(mail) ? clampProbability(0.02) : classifier.probability(mail)),
  };
}
