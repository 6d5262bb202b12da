import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { PairShapesView } from './pair-shapes.contract.js';
import { MAX_SAMPLED_REQUESTS, PairSampleStore } from './pair-sample.store.js';
import { distributionOf, type PairedNumbers, scatterOf } from './pair-shapes.js';

/** The newest pairs of a shadow experiment as pictures; for people who look, nothing is decided on them. */
@Injectable()
export class PairSampleService {
  constructor(
    private readonly database: Database,
    private readonly store: PairSampleStore,
  ) {}

  /** Empty for what is no shadow, or not known: there is nothing to draw. */
  async shapes(experimentId: string): Promise<PairShapesView> {
    const { requests, latency, outputs, metrics } = await this.database.transaction(async (tx) => {
      await this.store.limit(tx);
      return {
        requests: await this.store.requests(tx, experimentId),
        latency: await this.store.latency(tx, experimentId),
        outputs: await this.store.outputs(tx, experimentId),
        metrics: await this.store.metrics(tx, experimentId),
      };
    });
    const { read, ...counted } = requests;
    return {
      ...counted,
      complete: read < MAX_SAMPLED_REQUESTS,
      latency: latency.primary.length === 0 ? null : shapesOf(latency, 'log'),
      outputs: outputs.map(({ output, ...numbers }) => ({
        output,
        ...shapesOf(numbers, 'linear'),
      })),
      metrics: metrics.map(({ metric, differences }) => ({
        metric,
        differences: { ...distributionOf(differences) },
      })),
    };
  }
}

type Shapes = NonNullable<PairShapesView['latency']>;

function shapesOf(numbers: PairedNumbers, scale: 'linear' | 'log'): Shapes {
  const { primary, shadow } = numbers;
  const differences = primary.map((left, index) => (shadow[index] ?? 0) - left);
  return { scatter: scatterOf(numbers, scale), differences: distributionOf(differences) };
}
