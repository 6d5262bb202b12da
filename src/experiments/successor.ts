/** What a canary takes from the shadow before it, unless it has a field of its own. */
const INHERITED = [
  'model',
  'hypothesis',
  'variants',
  'audience',
  'metrics',
  'analysis',
  'decision',
] as const;

/**
 * The canary that follows a shadow as if it had been posted: the fields it names itself, the shadow's where it names
 * none. Pure; whether the whole is a valid canary is for the contract to say.
 */
export function completedCanary(
  shadow: Readonly<Record<string, unknown>> & {
    readonly next: { readonly canary: Readonly<Record<string, unknown>> };
  },
): Readonly<Record<string, unknown>> {
  const inherited = INHERITED.map((field) => [field, shadow[field]] as const);
  const own = Object.entries(shadow.next.canary).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(inherited), ...Object.fromEntries(own), kind: 'canary' };
}
