import type { Mail } from '../mails.js';
import type { Classifier } from './classifier.js';
import { clampProbability } from './classifier.js';
import { wordsOf } from './tokens.js';

interface WordCounts {
  spam: number;
  ham: number;
}

/** Laplace smoothing: a word never seen in a class must not decide alone. */
const SMOOTHING = 1;

/**
 * The first version of the model: multinomial naive Bayes on the words of the subject alone.
 *
 * @param mails labelled mails with at least one of each class
 */
export function trainNaiveBayes(mails: readonly Mail[]): Classifier {
  const counts = new Map<string, WordCounts>();
  const words = { spam: 0, ham: 0 };
  for (const mail of mails) {
    const label = mail.spam ? 'spam' : 'ham';
    for (const word of wordsOf(mail.subject)) {
      const count = counts.get(word) ?? { spam: 0, ham: 0 };
      count[label] += 1;
      words[label] += 1;
      counts.set(word, count);
    }
  }
  const spamMails = mails.filter((mail) => mail.spam).length;
  const prior = Math.log(spamMails / (mails.length - spamMails));
  const vocabulary = counts.size * SMOOTHING;
  return {
    probability(mail) {
      let logOdds = prior;
      for (const word of wordsOf(mail.subject)) {
        const count = counts.get(word);
        if (count === undefined) continue;
        logOdds += Math.log((count.spam + SMOOTHING) / (words.spam + vocabulary));
        logOdds -= Math.log((count.ham + SMOOTHING) / (words.ham + vocabulary));
      }
      return clampProbability(1 / (1 + Math.exp(-logOdds)));
    },
  };
}
