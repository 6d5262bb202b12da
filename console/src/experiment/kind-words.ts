import type { Experiment } from '../api/types.js';

const WORDS: Readonly<Record<Experiment['kind'], string>> = {
  ab: 'A/B test',
  canary: 'canary',
  shadow: 'shadow',
  holdout: 'holdout',
};

/** What a kind of experiment is called on the page. */
export function kindWords(kind: Experiment['kind']): string {
  return WORDS[kind];
}
