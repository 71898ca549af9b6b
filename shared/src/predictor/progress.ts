import type { CorruptRow, LiveGeneration } from '../tiers/tier';
import type { GuardedTier } from './guarded-tier';
import type { ModelView } from './model-view';

/** A tier that answered and did not have all, with what was corrupt there. */
export interface PassedTier {
  readonly guarded: GuardedTier;
  readonly corrupt: readonly CorruptRow[];
}

/** How far rows that are read together have fallen. */
export class Progress {
  /** Tiers that were asked before they fell. */
  readonly asked: number;
  readonly passed: PassedTier[] = [];
  private readonly changes: number;

  constructor(view: ModelView, asked: number) {
    this.asked = asked;
    this.changes = view.changes;
  }

  /** Whether a row that was read may be held in memory: only what is live, and no row that may have changed meanwhile. */
  holds(view: ModelView, live: LiveGeneration): boolean {
    return view.live === live && view.changes === this.changes;
  }
}
