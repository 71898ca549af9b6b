import type { Clock } from '../clock';
import { asForewarmError, ForewarmError } from '../errors';
import { TIERS, type TierName } from './answers';
import type { ModelView } from './model-view';
import { codes, failed, type Said, sentence } from './said';
import type { Tier } from './tier';
import type { TierBudget } from './tier-budget';

/** From this age on what is known to be live is asked for again, beside the answers. */
export const LOOK_MS = 500;
/** At this age answers wait until it was asked for again: nobody answers from an old generation for longer. */
export const LOOK_MAX_MS = 1_000;

export interface GuardedTier {
  readonly tier: Tier;
  readonly budget: TierBudget;
}

/** Keeps what is known to be live up to date: by Redis, else by Postgres, else by the model file. */
export class LiveViews {
  private readonly tiers: readonly GuardedTier[];
  private readonly clock: Clock;
  private readonly looks = new Map<ModelView, Promise<void>>();

  constructor(tiers: readonly GuardedTier[], clock: Clock) {
    this.tiers = tiers;
    this.clock = clock;
  }

  /**
   * Ends when the view is fresh enough to answer from; with nothing to do it returns `undefined`.
   * @throws ForewarmError FW_NOT_WARMED, FW_READ_FAILED; only where nothing at all is known
   */
  refreshed(view: ModelView): Promise<void> | undefined {
    const age = this.clock.now() - view.askedAtMs;
    // A clock that was set back makes an age of less than nothing.
    if (age >= 0 && age < LOOK_MS && view.live !== undefined) return undefined;
    const look = this.look(view);
    if (age >= 0 && age < LOOK_MAX_MS && view.live !== undefined) {
      look.catch(() => undefined);
      return undefined;
    }
    return look;
  }

  /** Asks now; those who ask at the same time share the look. */
  look(view: ModelView): Promise<void> {
    const under = this.looks.get(view);
    if (under !== undefined) return under;
    const look = this.ask(view).finally(() => this.looks.delete(view));
    this.looks.set(view, look);
    return look;
  }

  private async ask(view: ModelView): Promise<void> {
    const said: Said[] = [];
    for (const { tier, budget } of this.tiers) {
      const name = tier.name as Exclude<TierName, 'memory'>;
      if (tier.published === undefined || (name === 'model' && !view.settings.hasFile)) continue;
      if (knowsBetter(view, name)) break;
      try {
        const published = await budget.spend(async () => tier.published?.(view.model));
        if (published !== undefined) {
          view.follow(published.live, name, published.metadata);
          break;
        }
        said.push({ tier: name, what: 'miss' });
      } catch (error) {
        said.push({ tier: name, what: asForewarmError(error, 'FW_INTERNAL') });
      }
    }
    view.askedAtMs = this.clock.now();
    if (view.live === undefined) throw unknown(view.model, said);
  }
}

/** Whether the view was told by a tier that is nearer to the publishing; from Redis it always hears. */
function knowsBetter({ live, source }: ModelView, tier: TierName): boolean {
  if (live === undefined || tier === 'redis') return false;
  return TIERS.indexOf(source) < TIERS.indexOf(tier) || (source === 'postgres' && tier === 'postgres');
}

function unknown(model: string, said: readonly Said[]): ForewarmError {
  const details = { model, tiers: codes(said) };
  if (failed(said)) {
    const message = `nothing can be learned of the model ${model}: ${sentence(said)}`;
    return new ForewarmError('FW_READ_FAILED', message.replaceAll('has no such row', 'knows of none'), { details });
  }
  const asked = said.map(({ tier }) => tier).join(', ');
  return new ForewarmError('FW_NOT_WARMED', `nothing is published for the model ${model} (asked: ${asked})`, {
    details,
  });
}
