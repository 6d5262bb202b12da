// Made by `npm run console:types` from the API document. Not edited by hand.
export interface paths {
  '/live': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The process runs
     * @description Public.
     */
    get: operations['healthLive'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/ready': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The process can do its work
     * @description Public.
     */
    get: operations['healthReady'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/status': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Roles, version, database, plan and backlog of this process
     * @description Public.
     */
    get: operations['healthStatus'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/metrics': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Telemetry for Prometheus
     * @description Public.
     */
    get: operations['telemetryRead'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/openapi.json': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * This document
     * @description Public.
     */
    get: operations['docsDocument'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/docs': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * This document as a page
     * @description Public.
     */
    get: operations['docsPage'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/keys': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List keys without their texts
     * @description Needs the control-plane scope `keys:write`.
     */
    get: operations['keysList'];
    put?: never;
    /**
     * Make a key; its text appears only in this answer
     * @description Needs the control-plane scope `keys:write`.
     */
    post: operations['keysCreate'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/keys/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /**
     * Revoke a key, everywhere within one second
     * @description Needs the control-plane scope `keys:write`.
     */
    delete: operations['keysRevoke'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/session': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Who this browser is signed in as, and with which scopes
     * @description Public.
     */
    get: operations['sessionShow'];
    put?: never;
    /**
     * Sign a browser in: sets the cookie of the console
     * @description Public.
     */
    post: operations['sessionOpen'];
    /**
     * Sign this browser out
     * @description Public.
     */
    delete: operations['sessionClose'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/models': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List models with their versions
     * @description Needs the control-plane scope `models:read`.
     */
    get: operations['modelsList'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/models/{model}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * One model with its versions
     * @description Needs the control-plane scope `models:read`.
     */
    get: operations['modelsGet'];
    /**
     * Register a model or replace its settings
     * @description Needs the control-plane scope `models:write`.
     */
    put: operations['modelsPut'];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/models/{model}/versions/{version}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    /**
     * Register a version or replace it
     * @description Needs the control-plane scope `models:write`.
     */
    put: operations['modelsPutVersion'];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/models/{model}/champion': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Make a version the champion by hand
     * @description Needs the control-plane scope `models:write`.
     */
    post: operations['modelsChampion'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/outcomes': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Record what happened, as JSON or NDJSON; 202 once it is durable
     * @description Needs the data-plane scope `outcomes:write`.
     */
    post: operations['outcomesPost'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/assignments': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Assign units of a batch job and record them as exposed; 200 once they are durable
     * @description Needs the data-plane scope `assignments:write`.
     */
    post: operations['assignmentsPost'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/events/retention': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Days of events that are kept, and what the next upkeep would drop
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['retentionView'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/traffic': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Traffic, failures and latency per version over the last minutes
     * @description Needs the control-plane scope `models:read`.
     */
    get: operations['monitoringNow'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/models/{model}/traffic': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The same of one model over time
     * @description Needs the control-plane scope `models:read`.
     */
    get: operations['monitoringSeries'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/served': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Requests by assigned variant and by the version that served them
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['monitoringServed'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/pairs': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Pictures of the newest pairs of a shadow: differences, scores and latency side by side
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['monitoringShapes'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/metrics/{metric}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * One metric
     * @description Needs the control-plane scope `metrics:read`.
     */
    get: operations['metricsGet'];
    /**
     * Define a metric or replace it for experiments to come
     * @description Needs the control-plane scope `metrics:write`.
     */
    put: operations['metricsDefine'];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/metrics': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List metrics, the built-in ones first
     * @description Needs the control-plane scope `metrics:read`.
     */
    get: operations['metricsList'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/units': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /**
     * Erase everything that is stored about a unit
     * @description Needs the control-plane scope `admin`.
     */
    delete: operations['erasureErase'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List experiments, newest first
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['experimentsList'];
    put?: never;
    /**
     * Make a draft
     * @description Needs the control-plane scope `experiments:write`.
     */
    post: operations['experimentsCreate'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * One experiment by id or name
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['experimentsGet'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    /**
     * Change a draft
     * @description Needs the control-plane scope `experiments:write`.
     */
    patch: operations['experimentsPatch'];
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/report': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The newest report: evidence and every test on it
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['analysisLatest'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/path': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Effects and intervals of the looks so far
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['analysisPath'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/quantiles': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Quantiles of the arms, ranked now; display only
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['analysisQuantiles'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/reports': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Reports, newest first
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['analysisList'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/segments': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * One metric by the values of a captured request field; display only
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['segmentsShow'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/audit/key': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The public key that checkpoints of the decision log are signed with
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['auditKey'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/audit/checkpoints': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The newest signed checkpoint of every experiment
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['auditCheckpoints'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/models/{model}/holdout/release': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * End the holdout of a model, and the experiment that compares it
     * @description Needs the control-plane scope `models:write`.
     */
    post: operations['holdoutRelease'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/plan': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Say what an experiment needs and how often its verdict is right; nothing is stored
     * @description Needs the control-plane scope `experiments:read`.
     */
    post: operations['planningPlan'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/standing': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What the policy says now, and every rule on the way to promotion
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['standingStanding'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/decisions': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The newest decisions of all experiments
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['standingRecent'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/changes': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Server-sent events that say when to ask again
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['changesWatch'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/decisions': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Every decision with its reasons and hash chain
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['rolloutsDecisions'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/decisions/{number}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * One decision with everything it was computed from
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['rolloutsDecision'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/decisions/{number}/replay': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Decide again from the stored inputs and compare
     * @description Needs the control-plane scope `experiments:read`.
     */
    post: operations['rolloutsReplay'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/assignment': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Why a unit gets its version
     * @description Needs the control-plane scope `experiments:read`.
     */
    get: operations['rolloutsAssignment'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/redesign': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Change a frozen design: a new epoch with its own evidence and alpha
     * @description Needs the control-plane scope `experiments:write`.
     */
    post: operations['rolloutsRedesign'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/close': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Closes one arm of an A/B/n test; nobody else moves
     * @description Needs the control-plane scope `experiments:write`.
     */
    post: operations['rolloutsClose'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/weights': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Other weights for units that are not enrolled yet
     * @description Needs the control-plane scope `experiments:write`.
     */
    post: operations['rolloutsReweigh'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/experiments/{experiment}/{verb}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Start, pause, resume, advance, approve, promote, roll back or abort
     * @description Needs the control-plane scope `experiments:write`.
     */
    post: operations['rolloutsPerform'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/webhooks': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List webhooks without their secrets
     * @description Needs the control-plane scope `webhooks:read`.
     */
    get: operations['webhooksList'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/webhooks/{webhook}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * One webhook
     * @description Needs the control-plane scope `webhooks:read`.
     */
    get: operations['webhooksGet'];
    /**
     * Register a webhook or replace it; a secret that was made appears only in this answer
     * @description Needs the control-plane scope `webhooks:write`.
     */
    put: operations['webhooksPut'];
    post?: never;
    /**
     * Remove a webhook and what waits for it
     * @description Needs the control-plane scope `webhooks:write`.
     */
    delete: operations['webhooksRemove'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/webhooks/{webhook}/test': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Send a test message now and say what came back
     * @description Needs the control-plane scope `webhooks:write`.
     */
    post: operations['webhooksTest'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/webhooks/{webhook}/deliveries': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Deliveries of a webhook, newest first
     * @description Needs the control-plane scope `webhooks:read`.
     */
    get: operations['webhooksHistory'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/v1/webhooks/{webhook}/redeliver': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Send messages again that were given up
     * @description Needs the control-plane scope `webhooks:write`.
     */
    post: operations['webhooksRedeliver'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    /** @description RFC 9457 problem document */
    Problem: {
      type: string;
      title: string;
      status: number;
      /** @description What happened, in words */
      detail: string;
      /** @description Stable; branch on this */
      code: string;
      defects: {
        /** @description JSON pointer into the body, or a parameter */
        field?: string;
        given?: unknown;
        expected?: string;
        advice?: string;
      }[];
      instance?: string;
    };
    keysCreateRequest: {
      /** @description Who uses the key; it appears as the actor in plans and decisions */
      name: string;
      /** @description Scopes of one plane only; `admin` implies every control-plane scope */
      scopes: (
        | 'admin'
        | 'models:read'
        | 'models:write'
        | 'metrics:read'
        | 'metrics:write'
        | 'experiments:read'
        | 'experiments:write'
        | 'webhooks:read'
        | 'webhooks:write'
        | 'keys:write'
        | 'predict'
        | 'predict:override'
        | 'outcomes:write'
        | 'assignments:write'
      )[];
    };
    sessionOpenRequest: {
      /** @description The text of an API key */
      key: string;
    };
    Session:
      | {
          /** @constant */
          signedIn: false;
        }
      | {
          /** @constant */
          signedIn: true;
          /** @description Name of the key: the actor in decisions */
          name: string;
          readonly scopes: (
            | 'admin'
            | 'models:read'
            | 'models:write'
            | 'metrics:read'
            | 'metrics:write'
            | 'experiments:read'
            | 'experiments:write'
            | 'webhooks:read'
            | 'webhooks:write'
            | 'keys:write'
            | 'predict'
            | 'predict:override'
            | 'outcomes:write'
            | 'assignments:write'
          )[];
        };
    Model: {
      name: string;
      /** @description Serves by default; null before the first version */
      champion: string | null;
      unit:
        | {
            header: string;
          }
        | {
            cookie: string;
          }
        | {
            query: string;
          }
        | {
            pointer: string;
          }
        | {
            /** @constant */
            request: true;
          };
      fallback: string | null;
      timeoutMs: number;
      idempotent: boolean;
      capture: {
        output: {
          [key: string]: string;
        };
        input: {
          [key: string]: string;
        };
      };
      attributes: {
        [key: string]:
          | {
              header: string;
            }
          | {
              query: string;
            }
          | {
              pointer: string;
            };
      };
      holdout?: {
        share: number;
        version: string;
      };
      disclose: boolean;
      versions: components['schemas']['Version'][];
      createdAt: string;
      updatedAt: string;
    };
    Version: {
      name: string;
      /** @description The first of urls */
      url: string;
      urls: string[];
      headerNames: string[];
      timeoutMs: number | null;
      /** @description Null: 512 */
      maxConcurrency: number | null;
      metadata: Record<string, never>;
      createdAt: string;
      updatedAt: string;
    };
    modelsPutRequest: {
      /** @description Where the unit of a request comes from: exactly one of the fields */
      unit?: {
        header?: string;
        cookie?: string;
        query?: string;
        pointer?: string;
        /** @constant */
        request?: true;
      };
      /**
       * @description Registered version that answers when the assigned one fails
       * @default null
       */
      fallback?: string | null;
      /** @default 10000 */
      timeoutMs?: number;
      /**
       * @description True allows one retry of any method; false only when nothing was sent yet
       * @default false
       */
      idempotent?: boolean;
      /**
       * @default {
       *       "output": {},
       *       "input": {}
       *     }
       */
      capture?: {
        /**
         * @description Name to JSON pointer into the answer's body
         * @default {}
         */
        output?: {
          [key: string]: string;
        };
        /**
         * @description Name to JSON pointer into the request's body
         * @default {}
         */
        input?: {
          [key: string]: string;
        };
      };
      /** @description Name to where audiences find it: header, query parameter, or pointer into the body */
      attributes?: {
        [key: string]: {
          header?: string;
          query?: string;
          pointer?: string;
        };
      };
      /** @description Once there, it cannot be changed or dropped here: leave it out to keep it; POST …/holdout/release ends it */
      holdout?: {
        /** @description Share of units that stay on the version */
        share: number;
        /** @description Registered version that they stay on through every promotion */
        version: string;
      } | null;
      /**
       * @description Whether answers may name the experiment and the variant
       * @default false
       */
      disclose?: boolean;
    };
    modelsPutVersionRequest: {
      /** @description Base URL of the version; SLUICE_UPSTREAM_ALLOW must allow its host */
      url?: string;
      /** @description Base URLs of its replicas, instead of url; calls go to those that are not failing */
      urls?: string[];
      /** @description Sent with every request; sealed at rest, never returned (names only). Left out: the stored ones stay; {} removes them */
      headers?: {
        [key: string]: string;
      };
      /**
       * @description Overrides the model's time-out
       * @default null
       */
      timeoutMs?: number | null;
      /**
       * @description Anything that helps people: commit, training run, owner
       * @default {}
       */
      metadata?: {
        [key: string]: components['schemas']['modelsPutVersionRequest.__schema0'];
      };
      /**
       * @description Calls under way at once per gateway process; more go to the fallback or get 503. Null: 512
       * @default null
       */
      maxConcurrency?: number | null;
    };
    'modelsPutVersionRequest.__schema0':
      | string
      | number
      | boolean
      | null
      | components['schemas']['modelsPutVersionRequest.__schema0'][]
      | {
          [key: string]: components['schemas']['modelsPutVersionRequest.__schema0'];
        };
    modelsChampionRequest: {
      version: string;
      /** @description Kept with the plan for ever */
      reason: string;
    };
    outcomesPostRequest: {
      outcomes: {
        /** @description Your own id; send it again with the same payload as often as you like */
        id: string;
        model: string;
        /** @description What the outcome happened to */
        unit?: string;
        /** @description x-sluice-request-id of the prediction that the outcome is about */
        requestId?: string;
        /** @description What happened, as the metrics call it */
        name: string;
        value: number | boolean;
        /**
         * Format: date-time
         * @description When it happened (RFC 3339)
         */
        at?: string;
      }[];
    };
    assignmentsPostRequest: {
      model: string;
      /** @description Units, each as a text or as {unit, attributes} */
      units: (
        | string
        | {
            unit: string;
            /**
             * @description What audiences ask for, by name
             * @default {}
             */
            attributes?: {
              [key: string]: string | number | boolean;
            };
          }
      )[];
      /** @description A UUIDv7 that you make once per batch (its time: now) and send again with a retry, which then records nothing twice */
      batchId?: string;
      /**
       * Format: date-time
       * @description When the units are scored (RFC 3339), at most 7 days ago; now if absent
       */
      at?: string;
    };
    Traffic: {
      fromMs: number;
      toMs: number;
      /** @description False: only the newest requests were read */
      complete: boolean;
      models: {
        model: string;
        requests: number;
        /**
         * @description `failing`: 5 % of the requests fail; `down`: half of them; `quiet`: there are none
         * @enum {string}
         */
        health: 'ok' | 'failing' | 'down' | 'quiet';
        versions: {
          version: string;
          requests: number;
          errors: number;
          timeouts: number;
          /** @description Answered by the fallback version */
          fallbacks: number;
          latencyMs: {
            p50: number;
            p95: number;
          } | null;
          share: number;
          /**
           * @description `failing`: 5 % of the requests fail; `down`: half of them; `quiet`: there are none
           * @enum {string}
           */
          health: 'ok' | 'failing' | 'down' | 'quiet';
        }[];
      }[];
    };
    TrafficSeries: {
      fromMs: number;
      toMs: number;
      /** @description False: only the newest requests were read */
      complete: boolean;
      stretchMs: number;
      points: {
        version: string;
        requests: number;
        errors: number;
        timeouts: number;
        /** @description Answered by the fallback version */
        fallbacks: number;
        latencyMs: {
          p50: number;
          p95: number;
        } | null;
        atMs: number;
      }[];
    };
    Served: {
      requests: number;
      complete: boolean;
      cells: {
        variant: string;
        assigned: string;
        served: string;
        requests: number;
        errors: number;
      }[];
    };
    PairShapes: {
      /** @description Null before the first look */
      epoch: number | null;
      /** @description Copies among the newest requests */
      sent: number;
      /** @description Of those, answered by both */
      answered: number;
      fromMs: number | null;
      toMs: number | null;
      /** @description False: only the newest requests were read */
      complete: boolean;
      /** @description Milliseconds of the pairs that both answered */
      latency: {
        scatter: components['schemas']['Scatter'] | null;
        /** @description The shadow less the primary, request by request */
        differences: components['schemas']['Distribution'];
      } | null;
      /** @description Captured outputs that are numbers on both sides */
      outputs: {
        output: string;
        scatter: components['schemas']['Scatter'] | null;
        /** @description The shadow less the primary, request by request */
        differences: components['schemas']['Distribution'];
      }[];
      /** @description Of each unit the mean of its differences, shadow less primary */
      metrics: {
        metric: string;
        differences: components['schemas']['Distribution'];
      }[];
    };
    Scatter: {
      count: number;
      /** @enum {string} */
      scale: 'linear' | 'log';
      from: number;
      to: number;
      /** @description Cells per axis */
      size: number;
      /** @description Column of the primary, row of the shadow; without the empty ones */
      readonly cells: {
        column: number;
        row: number;
        pairs: number;
      }[];
      /** @description Pairs with a side beyond the range */
      outside: number;
    };
    Distribution: {
      count: number;
      mean: number;
      /** @description Exactly 0; in no bin */
      zero: number;
      /** @description Below the first bin */
      below: number;
      /** @description Beyond the last bin */
      above: number;
      /** @description Start of the first bin */
      from: number;
      /** @description 0: there are no bins */
      width: number;
      readonly bins: number[];
    };
    metricsDefineRequest: {
      /** @enum {string} */
      kind: 'proportion' | 'mean' | 'ratio' | 'quantile';
      source: {
        outcome?: string;
        /** @description latency_ms, error, timeout, fallback or the name of a captured field */
        prediction?: string;
        label?: {
          /** @description Name of the outcome that brings the truth for a request */
          outcome: string;
          /** @description Name of the captured answer field that it is compared with */
          output: string;
          /** @enum {string} */
          loss: 'zero_one' | 'log_loss' | 'brier' | 'absolute_error' | 'squared_error';
        };
      };
      /**
       * @description How the events of one unit become one number
       * @enum {string}
       */
      aggregation?: 'mean' | 'sum' | 'count' | 'any';
      /**
       * @description Which way is better
       * @enum {string}
       */
      direction: 'increase' | 'decrease';
      /** @description From the first exposure, for example "7d" */
      window?: string;
      /**
       * @description A unit without events counts as 0, or is left out
       * @enum {string}
       */
      missing?: 'zero' | 'exclude';
      denominator?: {
        source: {
          outcome?: string;
          /** @description latency_ms, error, timeout, fallback or the name of a captured field */
          prediction?: string;
          label?: {
            /** @description Name of the outcome that brings the truth for a request */
            outcome: string;
            /** @description Name of the captured answer field that it is compared with */
            output: string;
            /** @enum {string} */
            loss: 'zero_one' | 'log_loss' | 'brier' | 'absolute_error' | 'squared_error';
          };
        };
        /** @enum {string} */
        aggregation?: 'mean' | 'sum' | 'count' | 'any';
      };
      /** @description proportion of predictions: an event is a value above */
      threshold?: number;
      winsorize?: {
        /** @description Totals of a unit above this count as this */
        at?: number;
        /** @description Cap at this percentile of the time before the start */
        percentile?: number;
        /** @description That time; "14d" unless given */
        lookback?: string;
      };
      /** @description Adjust for what the unit did before its first exposure (CUPED) */
      covariate?: {
        /** @description Time before the first exposure, for example "28d" */
        lookback: string;
      };
      /** @description kind quantile: its level, for example 0.95 */
      quantile?: number;
    };
    Metric: {
      name: string;
      /** @enum {string} */
      kind: 'proportion' | 'mean' | 'ratio' | 'quantile';
      numerator: components['schemas']['Measure'];
      denominator: components['schemas']['Measure'] | null;
      /**
       * @description Which way is better
       * @enum {string}
       */
      direction: 'increase' | 'decrease';
      windowMs: number | null;
      /** @enum {string} */
      missing: 'zero' | 'exclude';
      winsorizeAt: number | null;
      winsorizePercentile: {
        percentile: number;
        lookbackMs: number;
      } | null;
      threshold: number | null;
      covariate: {
        lookbackMs: number;
      } | null;
      quantile: number | null;
    };
    Measure: {
      source:
        | {
            /** @constant */
            kind: 'outcome';
            outcome: string;
          }
        | {
            /** @constant */
            kind: 'prediction';
            measure: string;
          }
        | {
            /** @constant */
            kind: 'label';
            outcome: string;
            output: string;
            /** @enum {string} */
            loss: 'zero_one' | 'log_loss' | 'brier' | 'absolute_error' | 'squared_error';
          };
      /** @enum {string} */
      aggregation: 'mean' | 'sum' | 'count' | 'any';
    };
    experimentsCreateRequest: {
      name: string;
      model: string;
      /** @enum {string} */
      kind: 'ab' | 'canary' | 'shadow' | 'holdout';
      /** @default  */
      hypothesis?: string;
      /**
       * @description `holdout`: none, its arms are the cohorts of the model
       * @default []
       */
      variants?: {
        name: string;
        /** @description A registered version of the model */
        version: string;
        /** @default false */
        control?: boolean;
        /**
         * @description `ab` only
         * @default 1
         */
        weight?: number;
      }[];
      /**
       * @description `ab`: share of units enrolled. `canary`: the steps say it
       * @default 1
       */
      coverage?: number;
      /** @default [] */
      audience?: {
        /** @description An attribute that the model is registered with */
        attribute: string;
        equals?: string | number | boolean;
        in?: (string | number | boolean)[];
        /** @description Numbers in [from, to) */
        range?: {
          from?: number;
          to?: number;
        };
        prefix?: string;
        /** @description Semantic versions in [from, below) */
        semver?: {
          from?: string;
          below?: string;
        };
        /**
         * @description The condition must not hold; the attribute must be there
         * @constant
         */
        not?: true;
      }[];
      /**
       * @description Experiments of one layer share no unit; {name, share} takes a share of its segments
       * @default null
       */
      layer?:
        | (
            | string
            | {
                name: string;
                share: number;
              }
          )
        | null;
      metrics: {
        /** @description A defined or built-in metric */
        metric: string;
        /** @enum {string} */
        role: 'success' | 'guardrail' | 'diagnostic';
        /** @description Guardrails only, and always */
        nonInferiorityMargin?: {
          /** @description In the metric's own unit */
          absolute?: number;
          /** @description Share of the control */
          relative?: number;
        };
      }[];
      analysis: {
        /**
         * @default sequential
         * @enum {string}
         */
        method?: 'sequential' | 'group_sequential' | 'fixed';
        /**
         * @description Bound on a false promotion
         * @default 0.05
         */
        alpha?: number;
        /** @default 0.8 */
        power?: number;
        minimumDetectableEffect: {
          /** @description In the metric's own unit */
          absolute?: number;
          /** @description Share of the control */
          relative?: number;
        };
        plannedUnits: number;
        /**
         * @description Matured units per arm
         * @default 100
         */
        minUnits?: number;
        /** @default 1d */
        minRuntime?: string;
        /** @default 60s */
        interval?: string;
        /** @default 14d */
        maxRuntime?: string;
      };
      /** @description `canary` only */
      rollout?: {
        steps: {
          coverage: number;
          /**
           * @default {
           *       "duration": "0s",
           *       "minUnits": 0,
           *       "approval": false
           *     }
           */
          hold?: {
            /** @default 0s */
            duration?: string;
            /** @default 0 */
            minUnits?: number;
            /** @default false */
            approval?: boolean;
          };
        }[];
        /** @description How long everything that a promotion needs must have held before it happens */
        bake?: string;
        /** @description After the promotion this share stays on the old version, as the holdout of the model */
        reverseHoldout?: {
          share: number;
        };
      };
      /** @description `shadow` only */
      mirror?: {
        /**
         * @description Of the units
         * @default 100
         */
        percent?: number;
        /** @default 1000 */
        timeoutMs?: number;
        /**
         * @description True copies methods that may change something, too
         * @default false
         */
        unsafeMethods?: boolean;
        /** @default 32 */
        maxInFlight?: number;
        /** @default 65536 */
        maxBodyBytes?: number;
      };
      /** @description `shadow` only: the canary that begins when it is ready */
      next?: {
        canary: {
          name: string;
          hypothesis?: string;
          rollout: {
            steps: {
              coverage: number;
              /**
               * @default {
               *       "duration": "0s",
               *       "minUnits": 0,
               *       "approval": false
               *     }
               */
              hold?: {
                /** @default 0s */
                duration?: string;
                /** @default 0 */
                minUnits?: number;
                /** @default false */
                approval?: boolean;
              };
            }[];
            /** @description How long everything that a promotion needs must have held before it happens */
            bake?: string;
            /** @description After the promotion this share stays on the old version, as the holdout of the model */
            reverseHoldout?: {
              share: number;
            };
          };
          /**
           * @description Experiments of one layer share no unit; {name, share} takes a share of its segments
           * @default null
           */
          layer?:
            | (
                | string
                | {
                    name: string;
                    share: number;
                  }
              )
            | null;
          metrics?: {
            /** @description A defined or built-in metric */
            metric: string;
            /** @enum {string} */
            role: 'success' | 'guardrail' | 'diagnostic';
            /** @description Guardrails only, and always */
            nonInferiorityMargin?: {
              /** @description In the metric's own unit */
              absolute?: number;
              /** @description Share of the control */
              relative?: number;
            };
          }[];
          analysis?: {
            /**
             * @default sequential
             * @enum {string}
             */
            method?: 'sequential' | 'group_sequential' | 'fixed';
            /**
             * @description Bound on a false promotion
             * @default 0.05
             */
            alpha?: number;
            /** @default 0.8 */
            power?: number;
            minimumDetectableEffect: {
              /** @description In the metric's own unit */
              absolute?: number;
              /** @description Share of the control */
              relative?: number;
            };
            plannedUnits: number;
            /**
             * @description Matured units per arm
             * @default 100
             */
            minUnits?: number;
            /** @default 1d */
            minRuntime?: string;
            /** @default 60s */
            interval?: string;
            /** @default 14d */
            maxRuntime?: string;
          };
          decision?: {
            /**
             * @default promote
             * @enum {string}
             */
            onSuccess?: 'promote' | 'recommend';
            /**
             * @default rollback
             * @enum {string}
             */
            onDeterioration?: 'rollback' | 'recommend';
            /**
             * @default hold
             * @enum {string}
             */
            onSampleRatioMismatch?: 'hold' | 'rollback';
            /**
             * @default hold
             * @enum {string}
             */
            onNoData?: 'hold' | 'rollback';
            /** @default 24h */
            noDataGrace?: string;
            /**
             * @default inconclusive
             * @constant
             */
            onMaxRuntime?: 'inconclusive';
            /** @default false */
            dryRun?: boolean;
            /** @description Shares that no variant may exceed, whatever the control does */
            limits?: {
              /** @description Default 0.25; null: none */
              errorRate?: number | null;
              /** @description Default 0.25; null: none */
              timeoutRate?: number | null;
            };
          };
        };
      };
      /** @description `holdout` only: length of an entry period, default "30d" */
      period?: string;
      /**
       * @default {
       *       "onSuccess": "promote",
       *       "onDeterioration": "rollback",
       *       "onSampleRatioMismatch": "hold",
       *       "onNoData": "hold",
       *       "noDataGrace": "24h",
       *       "onMaxRuntime": "inconclusive",
       *       "dryRun": false
       *     }
       */
      decision?: {
        /**
         * @default promote
         * @enum {string}
         */
        onSuccess?: 'promote' | 'recommend';
        /**
         * @default rollback
         * @enum {string}
         */
        onDeterioration?: 'rollback' | 'recommend';
        /**
         * @default hold
         * @enum {string}
         */
        onSampleRatioMismatch?: 'hold' | 'rollback';
        /**
         * @default hold
         * @enum {string}
         */
        onNoData?: 'hold' | 'rollback';
        /** @default 24h */
        noDataGrace?: string;
        /**
         * @default inconclusive
         * @constant
         */
        onMaxRuntime?: 'inconclusive';
        /** @default false */
        dryRun?: boolean;
        /** @description Shares that no variant may exceed, whatever the control does */
        limits?: {
          /** @description Default 0.25; null: none */
          errorRate?: number | null;
          /** @description Default 0.25; null: none */
          timeoutRate?: number | null;
        };
      };
    };
    Experiment: {
      id: string;
      name: string;
      model: string;
      /** @enum {string} */
      kind: 'ab' | 'canary' | 'shadow' | 'holdout';
      /** @enum {string} */
      status: 'draft' | 'running' | 'paused' | 'completed' | 'rolled_back' | 'aborted';
      /** @description As it was posted, with defaults filled in */
      definition: unknown;
      /** @description Null while draft */
      design: components['schemas']['Design'] | null;
      designHash: string | null;
      epoch: number;
      salt: string;
      revision: number;
      rollout: {
        step: number;
        stepStartedAtMs: number;
        approvedStep: number | null;
        phases: components['schemas']['Phase'][];
        /** @description Arms that were closed */
        closed?: string[];
        bakingSinceMs?: number;
        champion?: string;
      } | null;
      failedAnalyses: number;
      lastFailure: string | null;
      /** @description The experiment whose evidence it was started on */
      parentId: string | null;
      createdAt: string;
      startedAt: string | null;
      endedAt: string | null;
    };
    Design: {
      /** @enum {string} */
      kind: 'ab' | 'canary' | 'shadow' | 'holdout';
      model: string;
      hypothesis: string;
      unitIsRequest: boolean;
      variants: {
        name: string;
        version: string;
        control: boolean;
        weight: number;
      }[];
      coverage: number;
      metrics: {
        definition: components['schemas']['Metric'];
        /** @enum {string} */
        role: 'success' | 'guardrail' | 'diagnostic';
        nonInferiorityMargin: components['schemas']['Margin'] | null;
      }[];
      analysis: {
        /** @enum {string} */
        method: 'sequential' | 'group_sequential' | 'fixed';
        alpha: number;
        power: number;
        minimumDetectableEffect: components['schemas']['Margin'];
        plannedUnits: number;
        minUnits: number;
        minRuntimeMs: number;
        intervalMs: number;
        maxRuntimeMs: number;
      };
      steps: {
        coverage: number;
        hold: {
          durationMs: number;
          minUnits: number;
          approval: boolean;
        };
      }[];
      decision: {
        /** @enum {string} */
        onSuccess: 'promote' | 'recommend';
        /** @enum {string} */
        onDeterioration: 'rollback' | 'recommend';
        /** @enum {string} */
        onSampleRatioMismatch: 'hold' | 'rollback';
        /** @enum {string} */
        onNoData: 'hold' | 'rollback';
        noDataGraceMs: number;
        /** @constant */
        onMaxRuntime: 'inconclusive';
        dryRun: boolean;
      };
      layer?: {
        name: string;
        share: number;
      };
      bakeMs?: number;
      reverseHoldout?: {
        share: number;
      };
      limits?: {
        errorRate: number | null;
        timeoutRate: number | null;
      };
      periodMs?: number;
    };
    Margin:
      | {
          absolute: number;
        }
      | {
          relative: number;
        };
    Phase: {
      phase: number;
      coverage: number;
      startedAtMs: number;
      shares: {
        [key: string]: number;
      };
    };
    /** @description Fields of an experiment; each replaces the present one as a whole, null takes it away */
    experimentsPatchRequest: {
      [key: string]: components['schemas']['experimentsPatchRequest.__schema0'];
    };
    'experimentsPatchRequest.__schema0':
      | string
      | number
      | boolean
      | null
      | components['schemas']['experimentsPatchRequest.__schema0'][]
      | {
          [key: string]: components['schemas']['experimentsPatchRequest.__schema0'];
        };
    Report: {
      experimentId: string;
      number: number;
      epoch: number;
      atMs: number;
      evidence: {
        experimentId: string;
        epoch: number;
        design: components['schemas']['Design'];
        designHash: string;
        phases: components['schemas']['Phase'][];
        droppedEvents: number;
        caughtUp: boolean;
        watermarkMs: number | null;
      };
      assessment: components['schemas']['Assessment'];
      display: {
        bayesian: {
          metric: string;
          variant: string;
          lift: {
            mean: number;
            lower: number;
            upper: number;
          };
          chanceToWin: number;
          expectedLoss: number;
          expectedLossOfControl: number;
          prior: {
            mean: number;
            standardDeviation: number;
          };
        }[];
      };
    };
    Assessment: {
      units: {
        variant: string;
        units: number;
      }[];
      metrics: components['schemas']['MetricAssessment'][];
      quality: {
        sampleRatio: {
          runningPValue: number;
          chiSquarePValue: number | null;
          alpha: number;
          mismatch: boolean;
          arms: {
            variant: string;
            units: number;
            expected: number;
          }[];
        };
        crossoverUnits: number;
        crossoverShare: number;
        crossoverAlarm: boolean;
        carryOverUnits?: number;
        droppedEvents: number;
        caughtUp: boolean;
      };
      /** @enum {string} */
      reading: 'test' | 'not_a_test';
      horizon: {
        reached: boolean;
        haveUnits: number;
        needUnits: number;
        haveMs: number;
        needMs: number;
      } | null;
      limits?: {
        variant: string;
        /** @enum {string} */
        kind: 'errorRate' | 'timeoutRate';
        metric: string;
        limit: number;
        units: number;
        failedUnits: number;
        share: number | null;
        pValue: number;
        alpha: number;
        exceeded: boolean;
      }[];
      /** @description Shadows only */
      paired?: components['schemas']['Paired'];
      /** @description Holdouts only */
      holdout?: components['schemas']['Holdout'];
    };
    MetricAssessment: {
      metric: string;
      variant: string;
      /** @enum {string} */
      role: 'success' | 'guardrail' | 'diagnostic';
      /** @enum {string} */
      direction: 'increase' | 'decrease';
      control: components['schemas']['Arm'];
      treatment: components['schemas']['Arm'];
      effect: number | null;
      standardError: number | null;
      interval: components['schemas']['Interval'] | null;
      runningInterval: components['schemas']['Interval'] | null;
      pValue: number | null;
      runningPValue: number | null;
      level: number;
      lift: {
        lower: number;
        upper: number;
        estimate: number;
      } | null;
      adjustment:
        | {
            /** @constant */
            kind: 'cuped';
            theta: number;
            varianceReduction: number;
          }
        | {
            /** @constant */
            kind: 'none';
            /** @enum {string} */
            reason:
              | 'no_covariate'
              | 'ratio'
              | 'too_few_units_with_data'
              | 'constant_covariate'
              | 'no_units';
          };
      looks: {
        information: number;
        spent: number;
        criticalValue: number | null;
        estimate: number;
        standardError: number;
        statistic: number;
      }[];
      margin: number | null;
      superiority: components['schemas']['TestResult'] | null;
      nonInferiority: components['schemas']['TestResult'] | null;
      deterioration: components['schemas']['TestResult'] | null;
      /** @description Shadows only */
      pairs?: components['schemas']['PairFigures'];
    };
    Arm: {
      n: number;
      pending: number;
      value: number | null;
      events: number;
      capped: number;
    };
    Interval: {
      lower: number;
      upper: number;
    };
    TestResult:
      | {
          /** @constant */
          kind: 'tested';
          passed: boolean;
          pValue: number;
          alpha: number;
          bound: number | null;
          threshold: number;
          /** @enum {string} */
          engine: 'confidence_sequence' | 'e_process' | 'group_sequential' | 'fixed';
        }
      | {
          /** @constant */
          kind: 'insufficient';
          /** @enum {string} */
          reason:
            | 'too_few_units'
            | 'too_few_events'
            | 'too_few_non_events'
            | 'too_skewed'
            | 'zero_variance'
            | 'zero_denominator'
            | 'too_little_information'
            | 'fixed_horizon_not_reached'
            | 'fixed_runtime_not_reached';
          have: number;
          need: number;
        };
    PairFigures: {
      pairs: number;
      lopsided: number;
      differing: number;
      meanAbsoluteDifference: number | null;
      discordance: {
        both: number;
        primaryOnly: number;
        shadowOnly: number;
        neither: number;
        pExact: number | null;
        pMid: number | null;
        interval: components['schemas']['Interval'] | null;
      } | null;
    };
    Paired: {
      sent: number;
      answered: number;
      shadowFailed: number;
      primaryFailed: number;
      bothFailed: number;
      dropped: {
        [key: string]: number;
      };
      units: number;
      watermarkMs: number | null;
      outputs: {
        output: string;
        units: number;
        agreement: components['schemas']['Lift'] | null;
        kappa: components['schemas']['Lift'] | null;
        histogram: {
          category: string;
          primary: number;
          shadow: number;
        }[];
        drift: {
          distance: number;
          threshold: number;
          pValue: number;
          level: number;
          permutations: number;
          isBeyond: boolean;
        } | null;
      }[];
      latency: {
        level: number;
        primary: number;
        shadow: number;
        difference: number;
      }[];
    };
    Lift: {
      lower: number;
      upper: number;
      estimate: number;
    };
    Holdout: {
      share: number;
      version: string;
      promotions: {
        previous: string | null;
        version: string;
        atMs: number;
      }[];
      periods: {
        period: number;
        startedAtMs: number;
        endedAtMs: number | null;
        isFinal: boolean;
        isWhole: boolean;
        units: {
          variant: string;
          units: number;
        }[];
        metrics: {
          metric: string;
          control: components['schemas']['Arm'];
          treatment: components['schemas']['Arm'];
          effect: number | null;
          standardError: number | null;
          interval: components['schemas']['Interval'] | null;
          lift: components['schemas']['Lift'] | null;
          level: number;
        }[];
      }[];
      warnings: {
        /** @constant */
        code: 'lift_fell_after_promotion';
        metric: string;
        promotion: {
          previous: string | null;
          version: string;
          atMs: number;
        };
        before: {
          period: number;
          estimate: number;
          lower: number;
          upper: number;
        };
        after: {
          period: number;
          estimate: number;
          lower: number;
          upper: number;
        };
        alpha: number;
      }[];
    };
    Path: {
      points: {
        report: number;
        epoch: number;
        atMs: number;
        watermarkMs: number | null;
        coverage: number | null;
        metrics: {
          metric: string;
          variant: string;
          effect: number | null;
          interval: components['schemas']['Interval'] | null;
          runningInterval: components['schemas']['Interval'] | null;
          runningPValue: number | null;
          margin: number | null;
          controlN: number;
          treatmentN: number;
        }[];
      }[];
    };
    Segments: {
      /** @constant */
      display: 'diagnostic';
      attribute: string;
      metric: string;
      epoch: number;
      segments: {
        segment:
          | {
              /** @constant */
              kind: 'value';
              value: string;
            }
          | {
              /** @constant */
              kind: 'other';
              values: number;
            }
          | {
              /** @constant */
              kind: 'missing';
            };
        sampleRatio: {
          chiSquarePValue: number | null;
          arms: {
            variant: string;
            units: number;
            expected: number;
          }[];
        };
        arms: {
          variant: string;
          n: number;
          pending: number;
          value: number | null;
          difference:
            | (
                | {
                    /** @constant */
                    kind: 'estimated';
                    estimate: number;
                    standardError: number;
                    interval: components['schemas']['Interval'];
                    level: number;
                  }
                | {
                    /** @constant */
                    kind: 'insufficient';
                    reason: string;
                    have: number;
                    need: number;
                  }
              )
            | null;
        }[];
      }[];
    };
    holdoutReleaseRequest: {
      /** @description Kept with the plan and the decision for ever */
      reason: string;
    };
    planningPlanRequest: {
      /** @default planned */
      name?: string;
      model: string;
      /** @enum {string} */
      kind: 'ab' | 'canary' | 'shadow' | 'holdout';
      /** @default  */
      hypothesis?: string;
      /**
       * @description `holdout`: none, its arms are the cohorts of the model
       * @default []
       */
      variants?: {
        name: string;
        /** @description A registered version of the model */
        version: string;
        /** @default false */
        control?: boolean;
        /**
         * @description `ab` only
         * @default 1
         */
        weight?: number;
      }[];
      /**
       * @description `ab`: share of units enrolled. `canary`: the steps say it
       * @default 1
       */
      coverage?: number;
      /** @default [] */
      audience?: {
        /** @description An attribute that the model is registered with */
        attribute: string;
        equals?: string | number | boolean;
        in?: (string | number | boolean)[];
        /** @description Numbers in [from, to) */
        range?: {
          from?: number;
          to?: number;
        };
        prefix?: string;
        /** @description Semantic versions in [from, below) */
        semver?: {
          from?: string;
          below?: string;
        };
        /**
         * @description The condition must not hold; the attribute must be there
         * @constant
         */
        not?: true;
      }[];
      /**
       * @description Experiments of one layer share no unit; {name, share} takes a share of its segments
       * @default null
       */
      layer?:
        | (
            | string
            | {
                name: string;
                share: number;
              }
          )
        | null;
      metrics: {
        /** @description A defined or built-in metric */
        metric: string;
        /** @enum {string} */
        role: 'success' | 'guardrail' | 'diagnostic';
        /** @description Guardrails only, and always */
        nonInferiorityMargin?: {
          /** @description In the metric's own unit */
          absolute?: number;
          /** @description Share of the control */
          relative?: number;
        };
      }[];
      analysis: {
        /**
         * @default sequential
         * @enum {string}
         */
        method?: 'sequential' | 'group_sequential' | 'fixed';
        /**
         * @description Bound on a false promotion
         * @default 0.05
         */
        alpha?: number;
        /** @default 0.8 */
        power?: number;
        minimumDetectableEffect: {
          /** @description In the metric's own unit */
          absolute?: number;
          /** @description Share of the control */
          relative?: number;
        };
        plannedUnits: number;
        /**
         * @description Matured units per arm
         * @default 100
         */
        minUnits?: number;
        /** @default 1d */
        minRuntime?: string;
        /** @default 60s */
        interval?: string;
        /** @default 14d */
        maxRuntime?: string;
      };
      /** @description `canary` only */
      rollout?: {
        steps: {
          coverage: number;
          /**
           * @default {
           *       "duration": "0s",
           *       "minUnits": 0,
           *       "approval": false
           *     }
           */
          hold?: {
            /** @default 0s */
            duration?: string;
            /** @default 0 */
            minUnits?: number;
            /** @default false */
            approval?: boolean;
          };
        }[];
        /** @description How long everything that a promotion needs must have held before it happens */
        bake?: string;
        /** @description After the promotion this share stays on the old version, as the holdout of the model */
        reverseHoldout?: {
          share: number;
        };
      };
      /** @description `shadow` only */
      mirror?: {
        /**
         * @description Of the units
         * @default 100
         */
        percent?: number;
        /** @default 1000 */
        timeoutMs?: number;
        /**
         * @description True copies methods that may change something, too
         * @default false
         */
        unsafeMethods?: boolean;
        /** @default 32 */
        maxInFlight?: number;
        /** @default 65536 */
        maxBodyBytes?: number;
      };
      /** @description `shadow` only: the canary that begins when it is ready */
      next?: {
        canary: {
          name: string;
          hypothesis?: string;
          rollout: {
            steps: {
              coverage: number;
              /**
               * @default {
               *       "duration": "0s",
               *       "minUnits": 0,
               *       "approval": false
               *     }
               */
              hold?: {
                /** @default 0s */
                duration?: string;
                /** @default 0 */
                minUnits?: number;
                /** @default false */
                approval?: boolean;
              };
            }[];
            /** @description How long everything that a promotion needs must have held before it happens */
            bake?: string;
            /** @description After the promotion this share stays on the old version, as the holdout of the model */
            reverseHoldout?: {
              share: number;
            };
          };
          /**
           * @description Experiments of one layer share no unit; {name, share} takes a share of its segments
           * @default null
           */
          layer?:
            | (
                | string
                | {
                    name: string;
                    share: number;
                  }
              )
            | null;
          metrics?: {
            /** @description A defined or built-in metric */
            metric: string;
            /** @enum {string} */
            role: 'success' | 'guardrail' | 'diagnostic';
            /** @description Guardrails only, and always */
            nonInferiorityMargin?: {
              /** @description In the metric's own unit */
              absolute?: number;
              /** @description Share of the control */
              relative?: number;
            };
          }[];
          analysis?: {
            /**
             * @default sequential
             * @enum {string}
             */
            method?: 'sequential' | 'group_sequential' | 'fixed';
            /**
             * @description Bound on a false promotion
             * @default 0.05
             */
            alpha?: number;
            /** @default 0.8 */
            power?: number;
            minimumDetectableEffect: {
              /** @description In the metric's own unit */
              absolute?: number;
              /** @description Share of the control */
              relative?: number;
            };
            plannedUnits: number;
            /**
             * @description Matured units per arm
             * @default 100
             */
            minUnits?: number;
            /** @default 1d */
            minRuntime?: string;
            /** @default 60s */
            interval?: string;
            /** @default 14d */
            maxRuntime?: string;
          };
          decision?: {
            /**
             * @default promote
             * @enum {string}
             */
            onSuccess?: 'promote' | 'recommend';
            /**
             * @default rollback
             * @enum {string}
             */
            onDeterioration?: 'rollback' | 'recommend';
            /**
             * @default hold
             * @enum {string}
             */
            onSampleRatioMismatch?: 'hold' | 'rollback';
            /**
             * @default hold
             * @enum {string}
             */
            onNoData?: 'hold' | 'rollback';
            /** @default 24h */
            noDataGrace?: string;
            /**
             * @default inconclusive
             * @constant
             */
            onMaxRuntime?: 'inconclusive';
            /** @default false */
            dryRun?: boolean;
            /** @description Shares that no variant may exceed, whatever the control does */
            limits?: {
              /** @description Default 0.25; null: none */
              errorRate?: number | null;
              /** @description Default 0.25; null: none */
              timeoutRate?: number | null;
            };
          };
        };
      };
      /** @description `holdout` only: length of an entry period, default "30d" */
      period?: string;
      /**
       * @default {
       *       "onSuccess": "promote",
       *       "onDeterioration": "rollback",
       *       "onSampleRatioMismatch": "hold",
       *       "onNoData": "hold",
       *       "noDataGrace": "24h",
       *       "onMaxRuntime": "inconclusive",
       *       "dryRun": false
       *     }
       */
      decision?: {
        /**
         * @default promote
         * @enum {string}
         */
        onSuccess?: 'promote' | 'recommend';
        /**
         * @default rollback
         * @enum {string}
         */
        onDeterioration?: 'rollback' | 'recommend';
        /**
         * @default hold
         * @enum {string}
         */
        onSampleRatioMismatch?: 'hold' | 'rollback';
        /**
         * @default hold
         * @enum {string}
         */
        onNoData?: 'hold' | 'rollback';
        /** @default 24h */
        noDataGrace?: string;
        /**
         * @default inconclusive
         * @constant
         */
        onMaxRuntime?: 'inconclusive';
        /** @default false */
        dryRun?: boolean;
        /** @description Shares that no variant may exceed, whatever the control does */
        limits?: {
          /** @description Default 0.25; null: none */
          errorRate?: number | null;
          /** @description Default 0.25; null: none */
          timeoutRate?: number | null;
        };
      };
      /**
       * @description Metric → its control; what is left out comes from recent events
       * @default {}
       */
      assume?: {
        [key: string]: {
          /** @description Value in the control: a share, a mean or a ratio */
          control: number;
          /** @description Of one unit's own value; shares have their own */
          standardDeviation?: number;
          /** @description Metrics about requests only */
          requestsPerUnit?: number;
          /** @description Metrics with a covariate: of a unit's value with what it did before */
          covariateCorrelation?: number;
        };
      };
    };
    Forecast: {
      model: string;
      method: string;
      baselines: {
        metric: string;
        role: string;
        /** @enum {string} */
        source: 'assumed' | 'observed';
        observedUnits: number | null;
        value: number;
        standardDeviation: number;
        requestsPerUnit: number;
        covariate: {
          correlation: number;
          /** @enum {string} */
          source: 'assumed' | 'observed';
          observedUnits: number | null;
        } | null;
      }[];
      sampleSizes: {
        metric: string;
        /** @enum {string} */
        test: 'superiority' | 'non_inferiority';
        size: number;
        alpha: number;
        sides: 1 | 2;
        power: number;
        fixedHorizon: {
          control: number;
          treatment: number;
          total: number;
        } | null;
        sequential: {
          control: number;
          treatment: number;
          total: number;
        } | null;
      }[];
      covariates: {
        metric: string;
        correlation: number | null;
        source: ('assumed' | 'observed') | null;
        observedUnits: number | null;
        varianceReduction: number;
        unitsWithout: number | null;
        unitsWith: number | null;
        savedUnits: number | null;
        note: string;
      }[];
      inflation: {
        factor: number;
        source: string;
      };
      requiredUnits: number | null;
      plannedUnits: number;
      detectableAtPlannedUnits: {
        metric: string;
        fixedHorizon: number | null;
        sequential: number | null;
      }[];
      traffic: {
        unitsPerDay: number | null;
        reason: string | null;
        unitsSeen: number;
        requestsSeen: number;
        hoursSeen: number;
      };
      duration: {
        daysToPlannedUnits: number | null;
        daysToRequiredUnits: number | null;
        maxRuntimeDays: number;
        reason: string | null;
      };
      simulation: {
        replications: number;
        looks: number;
        seed: number;
        /** @enum {string} */
        stoppedBy: 'limit' | 'time';
        unitsPerDay: number;
        note: string;
        scenarios: {
          /** @enum {string} */
          scenario: 'no_effect' | 'mde' | 'twice_mde' | 'harm_at_margin' | 'harm_at_twice_margin';
          description: string;
          values: {
            metric: string;
            control: number;
            treatment: number;
          }[];
          promote: {
            probability: number;
            standardError: number;
          };
          rollback: {
            probability: number;
            standardError: number;
          };
          inconclusive: {
            probability: number;
            standardError: number;
          };
          medianUnitsToVerdict: number | null;
          medianDaysToVerdict: number | null;
        }[];
      };
    };
    Standing: {
      status: string;
      /** @description The database's clock */
      atMs: number;
      /** @description Null when nothing is due: draft or ended */
      nextAnalysisAtMs: number | null;
      /** @description What the policy says of the newest report now, before gates are asked; null before one and after the end */
      decision: {
        /** @enum {string} */
        kind:
          | 'start'
          | 'promote'
          | 'rollback'
          | 'advance'
          | 'hold'
          | 'inconclusive'
          | 'error'
          | 'pause'
          | 'resume'
          | 'approve'
          | 'abort'
          | 'redesign'
          | 'close'
          | 'reweigh'
          | 'release';
        code: string;
        summary: string;
      } | null;
      /** @description Every rule on the way to promotion, in order, also those after the first hold */
      checklist: components['schemas']['RuleOutcome'][];
    };
    RuleOutcome: {
      /** @enum {string} */
      rule:
        | 'analysis'
        | 'limits'
        | 'control_health'
        | 'deterioration'
        | 'sample_ratio'
        | 'crossover'
        | 'completeness'
        | 'no_data'
        | 'champion'
        | 'paused'
        | 'minimum_evidence'
        | 'step'
        | 'minimum_runtime'
        | 'non_inferiority'
        | 'superiority'
        | 'lift'
        | 'period'
        | 'final_verdict'
        | 'time_limit'
        | 'gate';
      /** @enum {string} */
      outcome: 'pass' | 'hold' | 'act';
      text: string;
      numbers: {
        [key: string]: number | string | boolean | null;
      };
    };
    RecentDecision: {
      experimentId: string;
      /** @description Its name */
      experiment: string;
      model: string;
      number: number;
      /** @enum {string} */
      kind:
        | 'start'
        | 'promote'
        | 'rollback'
        | 'advance'
        | 'hold'
        | 'inconclusive'
        | 'error'
        | 'pause'
        | 'resume'
        | 'approve'
        | 'abort'
        | 'redesign'
        | 'close'
        | 'reweigh'
        | 'release';
      automatic: boolean;
      actor: string;
      summary: string;
      atMs: number;
    };
    Changes: {
      configVersion: number;
      /** @description How many decisions there are in all logs */
      decisions: number;
      /** @description Running and paused experiments by id: revision and number of the newest report */
      experiments: {
        [key: string]: {
          revision: number;
          report: number;
        };
      };
    };
    DecisionLog: {
      decisions: components['schemas']['Decision'][];
      chain: {
        intact: boolean;
        firstBroken: number | null;
      };
    };
    Decision: {
      experimentId: string;
      number: number;
      /** @enum {string} */
      kind:
        | 'start'
        | 'promote'
        | 'rollback'
        | 'advance'
        | 'hold'
        | 'inconclusive'
        | 'error'
        | 'pause'
        | 'resume'
        | 'approve'
        | 'abort'
        | 'redesign'
        | 'close'
        | 'reweigh'
        | 'release';
      automatic: boolean;
      actor: string;
      summary: string;
      reasons: {
        code: string;
        variant?: string | null;
        toStep?: number | null;
        /** @description Decisions of the policy */
        trace?: components['schemas']['RuleOutcome'][];
        /** @description Redesigns */
        changed?: string[];
      };
      /** @description Everything it was computed from; left out of the log with `inputs=false` */
      inputs?: Record<string, never>;
      policyVersion: string;
      reportNumber: number | null;
      fromRevision: number;
      configVersion: number | null;
      previousHash: string;
      hash: string;
      atMs: number;
    };
    Replay: {
      identical: boolean;
      hashFits: boolean;
      stored: {
        kind: string;
        summary: string;
      };
      /** @description Null for a decision of a person */
      replayed: {
        kind: string;
        summary: string;
      } | null;
      policy: {
        stored: string;
        present: string;
      };
    };
    rolloutsRedesignRequest: {
      /** @description Fields of an experiment; each replaces the present one as a whole, null takes it away */
      changes: {
        [key: string]: components['schemas']['rolloutsRedesignRequest.__schema0'];
      };
      reason: string;
    };
    'rolloutsRedesignRequest.__schema0':
      | string
      | number
      | boolean
      | null
      | components['schemas']['rolloutsRedesignRequest.__schema0'][]
      | {
          [key: string]: components['schemas']['rolloutsRedesignRequest.__schema0'];
        };
    rolloutsCloseRequest: {
      variant: string;
      reason: string;
    };
    rolloutsReweighRequest: {
      /** @description One for the control and each open variant */
      weights: {
        [key: string]: number;
      };
      /** @description Share of units enrolled, more than now */
      coverage: number;
      reason: string;
    };
    rolloutsPerformRequest: {
      reason: string;
      variant?: string;
    };
    webhooksPutRequest: {
      /** @description Where messages are posted; allowed like upstreams */
      url: string;
      /** @description Which decisions are told */
      events?: (
        | 'start'
        | 'advance'
        | 'hold'
        | 'promote'
        | 'rollback'
        | 'inconclusive'
        | 'error'
        | 'recommendation'
        | 'pause'
        | 'resume'
        | 'approve'
        | 'abort'
        | 'redesign'
        | 'close'
        | 'reweigh'
        | 'release'
      )[];
      /**
       * @description Only decisions about these models; null: all
       * @default null
       */
      models?: string[] | null;
      /**
       * @description Asked before the policy advances or promotes; its answer can veto
       * @default null
       */
      gate?: ('confirm-advance' | 'confirm-promotion') | null;
      /** @description What messages are signed with; made and shown once when left out */
      secret?: string;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  healthLive: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  healthReady: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  healthStatus: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  telemetryRead: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  docsDocument: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  docsPage: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  keysList: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope keys:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  keysCreate: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['keysCreateRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope keys:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  keysRevoke: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope keys:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  sessionShow: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Session'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  sessionOpen: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['sessionOpenRequest'];
      };
    };
    responses: {
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Session'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  sessionClose: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Session'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  modelsList: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope models:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            models: components['schemas']['Model'][];
          };
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  modelsGet: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        model: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope models:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Model'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  modelsPut: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        model: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['modelsPutRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope models:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  modelsPutVersion: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        model: string;
        version: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['modelsPutVersionRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope models:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  modelsChampion: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        model: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['modelsChampionRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope models:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Model'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  outcomesPost: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['outcomesPostRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope outcomes:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key sends more than it may: retry-after says when to come again */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  assignmentsPost: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['assignmentsPostRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope assignments:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  retentionView: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description SLUICE_RETENTION_DAYS; null: for ever */
            retentionDays: number | null;
            /** @description First day that is kept (UTC); null: all are */
            keptFrom: string | null;
            /** @description The running experiment that keeps older days than the setting says */
            heldBy: {
              experiment: string;
              model: string;
              neededFromMs: number;
            } | null;
            days: {
              day: string;
              bytes: number;
              /** @description An estimate */
              rows: number;
              /** @description Goes with the next upkeep */
              isDue: boolean;
            }[];
          };
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  monitoringNow: {
    parameters: {
      query?: {
        minutes?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope models:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Traffic'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  monitoringSeries: {
    parameters: {
      query?: {
        minutes?: number;
        points?: number;
      };
      header?: never;
      path: {
        model: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope models:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['TrafficSeries'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  monitoringServed: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Served'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  monitoringShapes: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PairShapes'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  metricsGet: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        metric: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope metrics:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Metric'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  metricsDefine: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        metric: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['metricsDefineRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope metrics:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  metricsList: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope metrics:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            metrics: components['schemas']['Metric'][];
          };
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  erasureErase: {
    parameters: {
      query: {
        unit: string;
        model?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope admin */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Rows that were removed */
            erased: {
              exposures: number;
              predictions: number;
              mirrors: number;
              outcomes: number;
            };
            /** @description Running experiments whose sums the unit has left, as if it had never been enrolled */
            leftExperiments: string[];
            /** @description Ended experiments that hold no value of the unit any more; their sums stay */
            keptSums: string[];
          };
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  experimentsList: {
    parameters: {
      query?: {
        model?: string;
        status?: 'draft' | 'running' | 'paused' | 'completed' | 'rolled_back' | 'aborted';
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            experiments: components['schemas']['Experiment'][];
          };
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  experimentsCreate: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['experimentsCreateRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Experiment'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  experimentsGet: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Experiment'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  experimentsPatch: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['experimentsPatchRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Experiment'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  analysisLatest: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Report'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  analysisPath: {
    parameters: {
      query?: {
        points?: number;
      };
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Path'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  analysisQuantiles: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  analysisList: {
    parameters: {
      query?: {
        limit?: number;
      };
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            reports: components['schemas']['Report'][];
          };
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  segmentsShow: {
    parameters: {
      query: {
        attribute: string;
        metric: string;
      };
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Segments'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  auditKey: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  auditCheckpoints: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  holdoutRelease: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        model: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['holdoutReleaseRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope models:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  planningPlan: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['planningPlanRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Forecast'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  standingStanding: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Standing'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  standingRecent: {
    parameters: {
      query?: {
        limit?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            decisions: components['schemas']['RecentDecision'][];
          };
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  changesWatch: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Changes'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rolloutsDecisions: {
    parameters: {
      query?: {
        inputs?: 'true' | 'false';
      };
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['DecisionLog'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rolloutsDecision: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
        number: number;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Decision'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rolloutsReplay: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
        number: number;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Replay'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rolloutsAssignment: {
    parameters: {
      query: {
        unit: string;
        configVersion?: number;
        attributes?: string;
      };
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rolloutsRedesign: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['rolloutsRedesignRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Decision'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rolloutsClose: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['rolloutsCloseRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rolloutsReweigh: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['rolloutsReweighRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  rolloutsPerform: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        experiment: string;
        verb:
          'start' | 'pause' | 'resume' | 'advance' | 'approve' | 'promote' | 'rollback' | 'abort';
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['rolloutsPerformRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope experiments:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Decision'];
        };
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  webhooksList: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope webhooks:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  webhooksGet: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        webhook: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope webhooks:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  webhooksPut: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        webhook: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['webhooksPutRequest'];
      };
    };
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope webhooks:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  webhooksRemove: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        webhook: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope webhooks:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  webhooksTest: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        webhook: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope webhooks:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  webhooksHistory: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        webhook: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope webhooks:read */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too busy for this at the moment: retry-after says when to come again */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  webhooksRedeliver: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        webhook: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No key, or one that is unknown or revoked */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The key lacks the scope webhooks:write */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description There is no such thing */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The present state does not allow it */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The request is not as described here */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Done */
      '2XX': {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Any other failure */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
}
