export type Route =
  | { readonly page: 'fleet' }
  | { readonly page: 'experiments' }
  | { readonly page: 'experiment'; readonly ref: string }
  | { readonly page: 'model'; readonly name: string }
  | { readonly page: 'new' }
  | { readonly page: 'unknown' };

/** What a path means; the server knows the same paths. */
export function routeOf(path: string): Route {
  const [first = '', second, ...rest] = path.split('/').slice(1).map(decodeURIComponent);
  if (rest.length > 0) return { page: 'unknown' };
  const hasSecond = second !== undefined && second !== '';
  if (first === '' && !hasSecond) return { page: 'fleet' };
  if (first === 'models') return hasSecond ? { page: 'model', name: second } : { page: 'fleet' };
  if (first === 'experiments') {
    return hasSecond ? { page: 'experiment', ref: second } : { page: 'experiments' };
  }
  return first === 'new' && !hasSecond ? { page: 'new' } : { page: 'unknown' };
}
