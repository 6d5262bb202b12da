import type { Design } from '../api/types.js';

/** What an arm is called: its version; in a holdout, where versions come and go, its own name. */
export function armTitle({ kind }: Design, { name, version }: Design['variants'][number]): string {
  return kind === 'holdout' ? name : version;
}
