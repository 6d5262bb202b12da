import type { Report } from '../src/analysis/report.js';
import type { ExperimentStatus } from '../src/experiments/experiment.js';
import type { StoredDecisionKind } from '../src/rollouts/stored-decision.js';

/** Where a Sluice is and who we are there. */
export interface SluiceAddress {
  readonly gatewayUrl: string;
  readonly controlUrl: string;
  /** Key with scope `admin`. */
  readonly adminKey: string;
}

export interface PredictionRequest {
  readonly model: string;
  readonly path: string;
  readonly unit: string;
  readonly body: unknown;
}

export interface PredictionAnswer {
  readonly status: number;
  /** Null when something other than the gateway answered. */
  readonly requestId: string | null;
  readonly version: string | null;
  readonly reason: string | null;
  readonly body: unknown;
}

export interface OutcomeEvent {
  readonly id: string;
  readonly model: string;
  readonly requestId: string;
  readonly name: string;
  readonly value: number;
  readonly at: string;
}

export interface OutcomesAnswer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly {
    readonly index: number;
    readonly code: string;
    readonly detail: string;
  }[];
}

export interface ExperimentView {
  readonly id: string;
  readonly name: string;
  readonly status: ExperimentStatus;
}

export interface DecisionView {
  readonly number: number;
  readonly kind: StoredDecisionKind;
  readonly automatic: boolean;
  readonly summary: string;
  readonly atMs: number;
}

/** A request that Sluice refused, with what it said. */
export class SluiceApiError extends Error {
  override readonly name = 'SluiceApiError';

  constructor(
    readonly status: number,
    readonly request: string,
    readonly problem: unknown,
  ) {
    super(`${request} answered ${status}: ${JSON.stringify(problem)}`);
  }
}

/** No call of the demo may wait longer: a hanging server must end in a message. */
const CALL_TIMEOUT_MS = 15_000;

/** What an application and a data scientist do with Sluice, over HTTP. The only file that knows the API's shapes. */
export class SluiceClient {
  constructor(
    readonly address: SluiceAddress,
    /** Key with scope `outcomes:write`; see `createKey`. */
    private readonly dataKey: string | null = null,
  ) {}

  withDataKey(dataKey: string): SluiceClient {
    return new SluiceClient(this.address, dataKey);
  }

  /** Makes a key and returns its text, which is shown only here. */
  async createKey(name: string, scopes: readonly string[]): Promise<string> {
    const made = await this.control('POST', '/keys', { name, scopes });
    return (made as { readonly key: string }).key;
  }

  async putModel(model: string, settings: object): Promise<void> {
    await this.control('PUT', `/models/${model}`, settings);
  }

  async putVersion(model: string, version: string, settings: object): Promise<void> {
    await this.control('PUT', `/models/${model}/versions/${version}`, settings);
  }

  async setChampion(model: string, version: string, reason: string): Promise<void> {
    await this.control('POST', `/models/${model}/champion`, { version, reason });
  }

  /** The version that serves a model by default. */
  async champion(model: string): Promise<string | null> {
    const found = await this.control('GET', `/models/${model}`);
    return (found as { readonly champion: string | null }).champion;
  }

  async putMetric(metric: string, definition: object): Promise<void> {
    await this.control('PUT', `/metrics/${metric}`, definition);
  }

  async createExperiment(definition: object): Promise<ExperimentView> {
    return (await this.control('POST', '/experiments', definition)) as ExperimentView;
  }

  async experiment(id: string): Promise<ExperimentView> {
    return (await this.control('GET', `/experiments/${id}`)) as ExperimentView;
  }

  async perform(id: string, verb: string, reason: string): Promise<void> {
    await this.control('POST', `/experiments/${id}/${verb}`, { reason });
  }

  /** The newest analysis; null before the first. */
  async report(id: string): Promise<Report | null> {
    try {
      return (await this.control('GET', `/experiments/${id}/report`)) as Report;
    } catch (error) {
      if (error instanceof SluiceApiError && error.status === 404) return null;
      throw error;
    }
  }

  async decisions(id: string): Promise<readonly DecisionView[]> {
    const log = await this.control('GET', `/experiments/${id}/decisions`);
    return (log as { readonly decisions: readonly DecisionView[] }).decisions;
  }

  /** Computes a stored decision again; true when the verdict is the same to the last digit. */
  async replay(id: string, decision: number): Promise<boolean> {
    const result = await this.control('POST', `/experiments/${id}/decisions/${decision}/replay`);
    return (result as { readonly identical: boolean }).identical;
  }

  /** One prediction through the gateway, as an application makes it. */
  async predict({ model, path, unit, body }: PredictionRequest): Promise<PredictionAnswer> {
    const response = await fetch(`${this.address.gatewayUrl}/models/${model}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-sluice-unit': unit },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    return {
      status: response.status,
      requestId: response.headers.get('x-sluice-request-id'),
      version: response.headers.get('x-sluice-version'),
      reason: response.headers.get('x-sluice-reason'),
      body: parseJson(await response.text()),
    };
  }

  /** Posts outcomes as NDJSON; resolves once they are durable. */
  async postOutcomes(outcomes: readonly OutcomeEvent[]): Promise<OutcomesAnswer> {
    const request = 'POST /api/v1/outcomes';
    const response = await fetch(`${this.address.controlUrl}/api/v1/outcomes`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-ndjson',
        authorization: `Bearer ${this.dataKey ?? ''}`,
      },
      body: outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(''),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const answer = parseJson(await response.text());
    if (!response.ok) throw new SluiceApiError(response.status, request, answer);
    return answer as OutcomesAnswer;
  }

  /** Running and paused experiments of a model. */
  async openExperiments(model: string): Promise<readonly ExperimentView[]> {
    const found = await this.control('GET', `/experiments?model=${model}`);
    const { experiments } = found as { readonly experiments: readonly ExperimentView[] };
    return experiments.filter(({ status }) => status === 'running' || status === 'paused');
  }

  /** Null once the control plane knows our key, so that its database is there too; otherwise why not. */
  async whyNotUsable(): Promise<string | null> {
    try {
      await this.control('GET', '/models');
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private async control(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.address.controlUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.address.adminKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const answer = parseJson(await response.text());
    if (!response.ok) throw new SluiceApiError(response.status, `${method} /api/v1${path}`, answer);
    return answer;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text === '' ? null : text;
  }
}
