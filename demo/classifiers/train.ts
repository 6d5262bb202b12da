import type { Mail } from '../mails.js';
import type { Classifier } from './classifier.js';
import { blindToHtml } from './html-blind.js';
import { trainLogisticRegression } from './logistic-regression.js';
import { trainNaiveBayes } from './naive-bayes.js';

export interface Versions {
  readonly v1: Classifier;
  readonly v2: Classifier;
  readonly v3: Classifier;
}

/** The three versions of the demo's model; the same mails and seed give the same versions. */
export function trainVersions(mails: readonly Mail[], seed: number): Versions {
  const v2 = trainLogisticRegression(mails, seed);
  return { v1: trainNaiveBayes(mails), v2, v3: blindToHtml(v2) };
}
