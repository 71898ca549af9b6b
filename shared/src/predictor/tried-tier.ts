import { type ErrorCode, ForewarmError } from '../errors';
import type { TierName } from '../tiers/tier-name';
import type { ReadOutcome } from './reader-stats';
import type { Said } from './said';

/** What a tier came to when it was asked for one row. */
export interface TriedTier {
  readonly tier: TierName;
  readonly outcome: ReadOutcome;
  /** Of what was wrong, for `error` and `skipped`. */
  readonly code: ErrorCode | undefined;
}

export type TierListener = (tried: TriedTier) => void;

/** What a listener does is its own: that it fails there must not cost others their rows. */
export function tell(listener: TierListener, tier: TierName, what: Said['what'] | 'hit'): void {
  try {
    listener({ tier, outcome: outcomeOf(what), code: what instanceof ForewarmError ? what.code : undefined });
  } catch {
    // It was told.
  }
}

function outcomeOf(what: Said['what'] | 'hit'): ReadOutcome {
  if (typeof what === 'string') return what;
  if (!(what instanceof ForewarmError)) return 'corrupt';
  return what.code === 'FW_TIER_RESTING' ? 'skipped' : 'error';
}
