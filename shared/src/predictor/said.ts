import type { RowFault } from '../cache/row';
import { ForewarmError, messageOf } from '../errors';
import type { TierName } from '../tiers/tier-name';

/** What a tier said on the way to an answer. */
export interface Said {
  readonly tier: TierName;
  readonly what: 'miss' | { readonly fault: RowFault } | ForewarmError;
}

/**
 * `redis: no answer within 50 ms; postgres: has no such row`.
 * @param miss how it is said of a tier that it has nothing
 */
export function sentence(said: readonly Said[], miss = 'has no such row'): string {
  if (said.length === 0) return 'no tier had answered';
  return said.map(({ tier, what }) => `${tier}: ${describe(what, miss)}`).join('; ');
}

/** By tier, `miss` or the code of what was wrong: for machines. */
export function codes(said: readonly Said[]): Record<string, string> {
  return Object.fromEntries(said.map(({ tier, what }) => [tier, codeOf(what)]));
}

export function failed(said: readonly Said[]): boolean {
  return said.some(({ what }) => what instanceof ForewarmError);
}

function describe(what: Said['what'], miss: string): string {
  if (what === 'miss') return miss;
  return what instanceof ForewarmError ? messageOf(what) : `its row has a wrong ${what.fault}`;
}

function codeOf(what: Said['what']): string {
  if (what === 'miss') return what;
  return what instanceof ForewarmError ? what.code : 'FW_ROW_CORRUPT';
}
