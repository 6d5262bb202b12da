import pg from 'pg';
import type { OutcomeEvent, PredictionAnswer, SluiceClient } from '../../demo/sluice-client.js';
import { freshDatabase, type TestDatabase } from './postgres.js';
import { Product } from './product.js';
import { type Answer, startUpstream, until, type Upstream } from './sluice.js';

/** Requests of all scenarios of a file that are under way at once. */
const MAX_IN_FLIGHT = 48;
/** Units between two looks at how the experiment stands. */
const UNITS_PER_ROUND = 60;
const END_MS = 90_000;

/** The seeds of this run. Others: SLUICE_SEEDS=11,12,13 npm run test:scenarios */
export function seedsOf(defaults: readonly number[]): readonly number[] {
  const given = process.env['SLUICE_SEEDS'];
  return given === undefined ? defaults : given.split(',').map(Number);
}

/** One visit of a unit: what is asked, and what turns out about it later. */
export interface Visit {
  readonly unit: string;
  readonly body: object;
  readonly outcomes?: (answer: PredictionAnswer) => readonly { name: string; value: number }[];
}

export interface Play {
  readonly model: string;
  readonly experiment: string;
  /** The visits of a unit, in order; null: it never comes. */
  readonly visits: (unit: number) => readonly Visit[] | null;
  readonly maxUnits: number;
}

export interface LoggedDecision {
  readonly number: number;
  readonly kind: string;
  readonly summary: string;
  readonly reasons: { readonly code?: string };
}

export interface StoredExperiment {
  readonly id: string;
  readonly status: string;
  readonly salt: string;
  readonly rollout: { readonly phases: readonly { readonly coverage: number }[] } | null;
}

/** The product as a process of its own with a database, model servers beside it, and callers that come in rounds. */
export class Stage {
  private readonly upstreams: Upstream[] = [];
  private inFlight = 0;
  private readonly waiting: (() => void)[] = [];

  private constructor(
    private readonly database: TestDatabase,
    private readonly product: Product,
    private readonly pool: pg.Pool,
    readonly client: SluiceClient,
  ) {}

  static async open(): Promise<Stage> {
    const database = await freshDatabase();
    const product = await Product.in(database.url);
    await product.start();
    const pool = new pg.Pool({ connectionString: database.url, max: 2 });
    const key = await product.admin.createKey('scenarios', ['outcomes:write']);
    return new Stage(database, product, pool, product.admin.withDataKey(key));
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.product.dispose();
    await Promise.all(this.upstreams.map((upstream) => upstream.close()));
    await this.database.close();
  }

  /** A model server; its URL. */
  async serve(answer: Answer): Promise<string> {
    const upstream = await startUpstream(answer);
    this.upstreams.push(upstream);
    return upstream.url;
  }

  /** Another salt of a draft, so that who gets what is the same in every run. */
  async salt(experiment: string, salt: string): Promise<void> {
    await this.pool.query('UPDATE experiments SET salt = $2 WHERE name = $1', [experiment, salt]);
  }

  async experiment(name: string): Promise<StoredExperiment> {
    return (await this.client.experiment(name)) as unknown as StoredExperiment;
  }

  async log(name: string): Promise<readonly LoggedDecision[]> {
    return (await this.client.decisions(name)) as unknown as readonly LoggedDecision[];
  }

  /** A call of the control plane that must be accepted. */
  async post(path: string, body: object): Promise<void> {
    const { controlUrl, adminKey } = this.client.address;
    const response = await fetch(`${controlUrl}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path} answered ${await response.text()}`);
  }

  /** Lets units come until the experiment has ended or all of them were there. */
  async play({ model, experiment, visits, maxUnits }: Play): Promise<void> {
    for (let from = 0; from < maxUnits; from += UNITS_PER_ROUND) {
      const round = Array.from({ length: Math.min(UNITS_PER_ROUND, maxUnits - from) }, (_, index) =>
        this.unit(model, visits(from + index) ?? []),
      );
      const outcomes = (await Promise.all(round)).flat();
      if (outcomes.length > 0) await this.client.postOutcomes(outcomes);
      if ((await this.experiment(experiment)).status !== 'running') return;
    }
  }

  /** Waits for a decision; the error tells the whole log. */
  async decision(
    experiment: string,
    isIt: (decision: LoggedDecision) => boolean,
  ): Promise<LoggedDecision> {
    const probe = async () => (await this.log(experiment)).find(isIt) ?? null;
    return until(`the decision on ${experiment}`, probe, END_MS).catch(async (error: unknown) => {
      const told = (await this.log(experiment)).map(({ kind, summary }) => [kind, summary]);
      throw new Error(`${String(error)}: ${JSON.stringify(told)}`);
    });
  }

  /** Waits until everything that happened so far was analysed, by watching the analyses go on. */
  async analysedAgain(experiment: string, times = 2): Promise<void> {
    const { id } = await this.experiment(experiment);
    const due = async (): Promise<string> => {
      const { rows } = await this.pool.query<{ at: Date | null }>(
        'SELECT next_analysis_at AS at FROM experiments WHERE id = $1',
        [id],
      );
      return String(rows[0]?.at?.toISOString());
    };
    for (let turn = 0; turn < times; turn += 1) {
      const before = await due();
      await until('an analysis', async () => ((await due()) === before ? null : true), END_MS);
    }
  }

  /** All visits of a unit, one after the other. */
  private async unit(model: string, visits: readonly Visit[]): Promise<readonly OutcomeEvent[]> {
    const told: OutcomeEvent[] = [];
    for (const { unit, body, outcomes } of visits) {
      const answer = await this.bounded(() =>
        this.client.predict({ model, path: '/score', unit, body }),
      );
      const requestId = answer.requestId ?? '';
      for (const { name, value } of outcomes?.(answer) ?? []) {
        const at = new Date().toISOString();
        told.push({ id: `${name}-${requestId}`, model, requestId, name, value, at });
      }
    }
    return told;
  }

  private async bounded<T>(work: () => Promise<T>): Promise<T> {
    while (this.inFlight >= MAX_IN_FLIGHT) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    this.inFlight += 1;
    try {
      return await work();
    } finally {
      this.inFlight -= 1;
      this.waiting.shift()?.();
    }
  }
}
