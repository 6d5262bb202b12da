import type { Operation } from './compare.js';
import { bayesOperations } from './operations.bayes.js';
import { distributionOperations } from './operations.distributions.js';
import { designOperations } from './operations.design.js';
import { effectOperations } from './operations.effects.js';
import { furtherOperations } from './operations.further.js';
import { groupSequentialOperations } from './operations.group-sequential.js';
import { nonparametricOperations } from './operations.nonparametric.js';
import { sequentialOperations } from './operations.sequential.js';

/** Every operation of the vector files that the engine has, by its name there. */
export const operations: Readonly<Record<string, Operation>> = {
  ...distributionOperations,
  ...effectOperations,
  ...sequentialOperations,
  ...designOperations,
  ...furtherOperations,
  ...nonparametricOperations,
  ...bayesOperations,
  ...groupSequentialOperations,
};
