import type { Mail } from '../mails.js';
import type { MailContent } from '../mime.js';
import { seededRandom, shuffled } from '../random.js';
import type { Classifier } from './classifier.js';
import { clampProbability } from './classifier.js';
import { wordsOf } from './tokens.js';

/** 2^17 weights: collisions are rare enough that more do not raise the accuracy. */
const BUCKETS = 1 << 17;
const EPOCHS = 6;
const LEARNING_RATE = 0.5;
const L2 = 1e-6;

/**
 * The second version: logistic regression on hashed words of subject and body (Weinberger et al. 2009), trained by
 * AdaGrad (Duchi et al. 2011) in an order that the seed fixes.
 *
 * @param mails labelled mails
 * @param seed of the order of training
 */
export function trainLogisticRegression(mails: readonly Mail[], seed: number): Classifier {
  const weights = new Float64Array(BUCKETS);
  const squares = new Float64Array(BUCKETS).fill(1e-8);
  const examples = mails.map((mail) => ({ features: featuresOf(mail), label: mail.spam ? 1 : 0 }));
  const random = seededRandom(seed);
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    for (const { features, label } of shuffled(examples, random)) {
      const error = sigmoid(scoreOf(weights, features)) - label;
      const value = valueOf(features);
      for (const bucket of features) {
        const gradient = error * value + L2 * (weights[bucket] ?? 0);
        squares[bucket] = (squares[bucket] ?? 0) + gradient * gradient;
        weights[bucket] =
          (weights[bucket] ?? 0) - (LEARNING_RATE * gradient) / Math.sqrt(squares[bucket] ?? 1);
      }
    }
  }
  return {
    probability: (mail) => clampProbability(sigmoid(scoreOf(weights, featuresOf(mail)))),
  };
}

/** Buckets of the distinct words of a mail; bucket 0 is the intercept. */
function featuresOf(mail: MailContent): Uint32Array {
  const buckets = new Set<number>([0]);
  for (const word of wordsOf(mail.subject)) buckets.add(bucketOf(`subject ${word}`));
  for (const word of wordsOf(mail.body)) buckets.add(bucketOf(word));
  return Uint32Array.from(buckets);
}

/** Mails of any length weigh the same: every present word counts 1/sqrt(words). */
function valueOf(features: Uint32Array): number {
  return 1 / Math.sqrt(features.length);
}

function scoreOf(weights: Float64Array, features: Uint32Array): number {
  let sum = 0;
  for (const bucket of features) sum += weights[bucket] ?? 0;
  return sum * valueOf(features);
}

function sigmoid(score: number): number {
  return 1 / (1 + Math.exp(-score));
}

/** FNV-1a, 32 bits, folded into the buckets after the intercept. */
function bucketOf(feature: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < feature.length; index += 1) {
    hash = Math.imul(hash ^ feature.charCodeAt(index), 0x01000193);
  }
  return 1 + ((hash >>> 0) % (BUCKETS - 1));
}
