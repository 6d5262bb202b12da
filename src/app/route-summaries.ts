import type { Route } from '../auth/route-catalog.service.js';

/** One line per route for the API document; a test fails when a route has none. */
const SUMMARIES: Readonly<Record<string, string>> = {
  'GET /live': 'The process runs',
  'GET /ready': 'The process can do its work',
  'GET /status': 'Roles, version, database, plan and backlog of this process',
  'GET /metrics': 'Telemetry for Prometheus',
  'GET /api/openapi.json': 'This document',
  'GET /api/docs': 'This document as a page',
  'POST /api/v1/session': 'Sign a browser in: sets the cookie of the console',
  'GET /api/v1/session': 'Who this browser is signed in as, and with which scopes',
  'DELETE /api/v1/session': 'Sign this browser out',
  'GET /api/v1/changes': 'Server-sent events that say when to ask again',
  'GET /api/v1/decisions': 'The newest decisions of all experiments',
  'GET /api/v1/traffic': 'Traffic, failures and latency per version over the last minutes',
  'GET /api/v1/models/:model/traffic': 'The same of one model over time',
  'GET /api/v1/experiments/:experiment/served':
    'Requests by assigned variant and by the version that served them',
  'GET /api/v1/experiments/:experiment/pairs':
    'Pictures of the newest pairs of a shadow: differences, scores and latency side by side',
  'GET /api/v1/experiments/:experiment/standing':
    'What the policy says now, and every rule on the way to promotion',
  'GET /api/v1/experiments/:experiment/path': 'Effects and intervals of the looks so far',
  'GET /api/v1/experiments/:experiment/decisions/:number':
    'One decision with everything it was computed from',
  'POST /api/v1/keys': 'Make a key; its text appears only in this answer',
  'GET /api/v1/keys': 'List keys without their texts',
  'DELETE /api/v1/keys/:id': 'Revoke a key, everywhere within one second',
  'GET /api/v1/models': 'List models with their versions',
  'GET /api/v1/models/:model': 'One model with its versions',
  'PUT /api/v1/models/:model': 'Register a model or replace its settings',
  'PUT /api/v1/models/:model/versions/:version': 'Register a version or replace it',
  'POST /api/v1/models/:model/champion': 'Make a version the champion by hand',
  'POST /api/v1/models/:model/holdout/release':
    'End the holdout of a model, and the experiment that compares it',
  'POST /api/v1/outcomes': 'Record what happened, as JSON or NDJSON; 202 once it is durable',
  'GET /api/v1/events/retention':
    'Days of events that are kept, and what the next upkeep would drop',
  'DELETE /api/v1/units': 'Erase everything that is stored about a unit',
  'POST /api/v1/assignments':
    'Assign units of a batch job and record them as exposed; 200 once they are durable',
  'GET /api/v1/webhooks': 'List webhooks without their secrets',
  'GET /api/v1/webhooks/:webhook': 'One webhook',
  'PUT /api/v1/webhooks/:webhook':
    'Register a webhook or replace it; a secret that was made appears only in this answer',
  'DELETE /api/v1/webhooks/:webhook': 'Remove a webhook and what waits for it',
  'POST /api/v1/webhooks/:webhook/test': 'Send a test message now and say what came back',
  'GET /api/v1/webhooks/:webhook/deliveries': 'Deliveries of a webhook, newest first',
  'POST /api/v1/webhooks/:webhook/redeliver': 'Send messages again that were given up',
  'GET /api/v1/audit/key': 'The public key that checkpoints of the decision log are signed with',
  'GET /api/v1/audit/checkpoints': 'The newest signed checkpoint of every experiment',
  'GET /api/v1/metrics': 'List metrics, the built-in ones first',
  'GET /api/v1/metrics/:metric': 'One metric',
  'PUT /api/v1/metrics/:metric': 'Define a metric or replace it for experiments to come',
  'POST /api/v1/experiments': 'Make a draft',
  'POST /api/v1/experiments/plan':
    'Say what an experiment needs and how often its verdict is right; nothing is stored',
  'GET /api/v1/experiments': 'List experiments, newest first',
  'GET /api/v1/experiments/:id': 'One experiment by id or name',
  'PATCH /api/v1/experiments/:id': 'Change a draft',
  'GET /api/v1/experiments/:experiment/report': 'The newest report: evidence and every test on it',
  'GET /api/v1/experiments/:experiment/reports': 'Reports, newest first',
  'GET /api/v1/experiments/:experiment/quantiles':
    'Quantiles of the arms, ranked now; display only',
  'GET /api/v1/experiments/:experiment/segments':
    'One metric by the values of a captured request field; display only',
  'GET /api/v1/experiments/:experiment/decisions': 'Every decision with its reasons and hash chain',
  'POST /api/v1/experiments/:experiment/decisions/:number/replay':
    'Decide again from the stored inputs and compare',
  'GET /api/v1/experiments/:experiment/assignment': 'Why a unit gets its version',
  'POST /api/v1/experiments/:experiment/close':
    'Closes one arm of an A/B/n test; nobody else moves',
  'POST /api/v1/experiments/:experiment/weights':
    'Other weights for units that are not enrolled yet',
  'POST /api/v1/experiments/:experiment/redesign':
    'Change a frozen design: a new epoch with its own evidence and alpha',
  'POST /api/v1/experiments/:experiment/:verb':
    'Start, pause, resume, advance, approve, promote, roll back or abort',
};

export function summaryOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return SUMMARIES[`${method} ${path}`] ?? '';
}
