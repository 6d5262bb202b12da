/** What is given up under load, in this order. */
export const SHED_ORDER = ['shadows', 'outcomes', 'reads', 'predictions'] as const;

/** One kind of work that may be given up. */
export type Sheddable = (typeof SHED_ORDER)[number];

/**
 * The load above which each kind is given up; 1 is all that the process is allowed to take on. Copies for shadows go
 * first: nobody waits for them. Outcomes are sent again by whoever keeps them. Reads of the control plane are people and
 * dashboards, who can look later. Predictions are what the process is for. Health, metrics and every verb that changes
 * something (a rollback above all) are never given up.
 */
export const SHED_ABOVE: Readonly<Record<Sheddable, number>> = {
  shadows: 0.5,
  outcomes: 0.7,
  reads: 0.85,
  predictions: 1,
};

/**
 * What a request to the control plane is, as far as load is concerned; null: it is always answered.
 *
 * @param path without the query
 */
export function sheddableRequest(method: string, path: string): Sheddable | null {
  if (!path.startsWith('/api/v1/')) return null;
  if (method === 'GET' || method === 'HEAD') return 'reads';
  const isBulk = path.startsWith('/api/v1/outcomes') || path.startsWith('/api/v1/assignments');
  return method === 'POST' && isBulk ? 'outcomes' : null;
}
