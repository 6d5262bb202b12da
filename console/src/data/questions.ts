import { api, unwrap } from '../api/client.js';
import type {
  Decision,
  DecisionLog,
  Experiment,
  MetricDefinition,
  Model,
  PairShapes,
  Path,
  RecentDecision,
  Report,
  Segments,
  Served,
  Standing,
  Traffic,
  TrafficSeries,
} from '../api/types.js';
import type { Question } from './resource.js';

const TRAFFIC_MINUTES = 15;
const PATH_POINTS = 300;
/** Most are holds of a few experiments: what matters lies further back. */
const RECENT_DECISIONS = 100;

export const models: Question<readonly Model[]> = {
  key: 'models',
  topics: ['plan'],
  load: async () => (await unwrap(api.GET('/api/v1/models'))).models,
};

export const metrics: Question<readonly MetricDefinition[]> = {
  key: 'metrics',
  topics: ['metrics'],
  load: async () => (await unwrap(api.GET('/api/v1/metrics'))).metrics,
};

export const experiments: Question<readonly Experiment[]> = {
  key: 'experiments',
  topics: ['decisions'],
  load: async () => (await unwrap(api.GET('/api/v1/experiments'))).experiments,
};

export const traffic: Question<Traffic> = {
  key: 'traffic',
  topics: ['traffic'],
  load: () =>
    unwrap(api.GET('/api/v1/traffic', { params: { query: { minutes: TRAFFIC_MINUTES } } })),
};

export const recentDecisions: Question<readonly RecentDecision[]> = {
  key: 'recent-decisions',
  topics: ['decisions'],
  load: async () => {
    const query = { limit: RECENT_DECISIONS };
    return (await unwrap(api.GET('/api/v1/decisions', { params: { query } }))).decisions;
  },
};

export function experiment(ref: string): Question<Experiment> {
  return {
    key: `experiment ${ref}`,
    topics: ['decisions'],
    load: () => unwrap(api.GET('/api/v1/experiments/{id}', { params: { path: { id: ref } } })),
  };
}

/** Null where there is no report yet: that is a state, not a failure. */
export function report(id: string): Question<Report | null> {
  return {
    key: `report ${id}`,
    topics: [`experiment:${id}`],
    load: async () => {
      const answer = await api.GET('/api/v1/experiments/{experiment}/report', at(id));
      if (answer.response.status === 404) return null;
      return unwrap(Promise.resolve(answer));
    },
  };
}

export function path(id: string): Question<Path> {
  return {
    key: `path ${id}`,
    topics: [`experiment:${id}`],
    load: () =>
      unwrap(
        api.GET('/api/v1/experiments/{experiment}/path', {
          params: { path: { experiment: id }, query: { points: PATH_POINTS } },
        }),
      ),
  };
}

export function standing(id: string): Question<Standing> {
  return {
    key: `standing ${id}`,
    topics: [`experiment:${id}`],
    load: () => unwrap(api.GET('/api/v1/experiments/{experiment}/standing', at(id))),
  };
}

export function decisionLog(id: string): Question<DecisionLog> {
  return {
    key: `decisions ${id}`,
    topics: [`experiment:${id}`, 'decisions'],
    load: () =>
      unwrap(
        api.GET('/api/v1/experiments/{experiment}/decisions', {
          params: { path: { experiment: id }, query: { inputs: 'false' } },
        }),
      ),
  };
}

export function decision(id: string, number: number): Question<Decision> {
  return {
    key: `decision ${id} ${number}`,
    topics: [],
    load: () =>
      unwrap(
        api.GET('/api/v1/experiments/{experiment}/decisions/{number}', {
          params: { path: { experiment: id, number } },
        }),
      ),
  };
}

export function served(id: string): Question<Served> {
  return {
    key: `served ${id}`,
    topics: [`experiment:${id}`],
    load: () => unwrap(api.GET('/api/v1/experiments/{experiment}/served', at(id))),
  };
}

export function pairShapes(id: string): Question<PairShapes> {
  return {
    key: `pairs ${id}`,
    topics: [`experiment:${id}`],
    load: () => unwrap(api.GET('/api/v1/experiments/{experiment}/pairs', at(id))),
  };
}

export function segments(id: string, attribute: string, metric: string): Question<Segments> {
  return {
    key: `segments ${id} ${attribute} ${metric}`,
    topics: [`experiment:${id}`],
    load: () =>
      unwrap(
        api.GET('/api/v1/experiments/{experiment}/segments', {
          params: { path: { experiment: id }, query: { attribute, metric } },
        }),
      ),
  };
}

export function model(name: string): Question<Model> {
  return {
    key: `model ${name}`,
    topics: ['plan'],
    load: () => unwrap(api.GET('/api/v1/models/{model}', { params: { path: { model: name } } })),
  };
}

export function series(name: string, minutes: number): Question<TrafficSeries> {
  return {
    key: `series ${name} ${minutes}`,
    topics: ['traffic'],
    load: () =>
      unwrap(
        api.GET('/api/v1/models/{model}/traffic', {
          params: { path: { model: name }, query: { minutes, points: 60 } },
        }),
      ),
  };
}

function at(experimentId: string): { readonly params: { readonly path: { experiment: string } } } {
  return { params: { path: { experiment: experimentId } } };
}
