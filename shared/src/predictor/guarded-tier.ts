import type { Tier } from '../tiers/tier';
import type { TierBudget } from './tier-budget';

/** A tier, and what it may cost. */
export interface GuardedTier {
  readonly tier: Tier;
  /** One for all models where they share a server; one for each where they do not. */
  readonly budgetOf: (model: string) => TierBudget;
}
