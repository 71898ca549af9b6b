import type { Clock } from '../clock';
import { asForewarmError, ForewarmError } from '../errors';
import type { Published } from '../tiers/tier';
import type { TierName } from '../tiers/tier-name';
import type { GuardedTier } from './guarded-tier';
import type { ModelView } from './model-view';
import { codes, failed, type Said, sentence } from './said';

/** From this age on what is known to be live is asked for again, beside the answers. */
export const LOOK_MS = 500;
/** At this age answers wait until it was asked for again: nobody answers from an old generation for longer. */
export const LOOK_MAX_MS = 1_000;

/** Keeps what is known to be live up to date: by Redis, else by Postgres, else by the model file. */
export class LiveViews {
  private readonly tiers: readonly GuardedTier[];
  private readonly clock: Clock;

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
    const known = view.live !== undefined && age >= 0;
    if (known && age < LOOK_MS) return undefined;
    if (!known || age >= LOOK_MAX_MS) return this.look(view);
    if (view.look === undefined) this.look(view).catch(() => undefined);
    return undefined;
  }

  /** Asks now; those who ask at the same time share the look. */
  look(view: ModelView): Promise<void> {
    view.look ??= this.ask(view).finally(() => {
      view.look = undefined;
    });
    return view.look;
  }

  /** Asks after something was published: a look that is under way may have asked too early. */
  async lookAgain(view: ModelView): Promise<void> {
    await view.look?.catch(() => undefined);
    await this.look(view);
  }

  private async ask(view: ModelView): Promise<void> {
    const said: Said[] = [];
    // As of now, not of when the answer comes.
    const askedAtMs = this.clock.now();
    for (const guarded of this.tiers) {
      const tier = guarded.tier.name as Exclude<TierName, 'memory'>;
      const published = await publishedBy(guarded, view, said);
      if (published === undefined || !isNews(view, tier, published)) continue;
      view.follow(published.live, tier, published.metadata);
      break;
    }
    view.askedAtMs = askedAtMs;
    if (view.live === undefined) throw unknown(view.model, said);
  }
}

async function publishedBy(
  { tier, budgetOf }: GuardedTier,
  view: ModelView,
  said: Said[],
): Promise<Published | undefined> {
  if (tier.published === undefined) return undefined;
  if (tier.name === 'model' && !mayBeByFile(view)) return undefined;
  try {
    const published = await budgetOf(view.model).spend(async () => tier.published?.(view.model));
    if (published === undefined) said.push({ tier: tier.name, what: 'miss' });
    return published;
  } catch (error) {
    said.push({ tier: tier.name, what: asForewarmError(error) });
    return undefined;
  }
}

/** The file is asked where nobody has told of a published generation. */
function mayBeByFile({ live, source, settings }: ModelView): boolean {
  return settings.hasFile && (live === undefined || source === 'model');
}

/** Redis is where it is published. What else says so is believed where nothing is known, or what is known is older. */
function isNews({ live, source }: ModelView, tier: TierName, { live: told }: Published): boolean {
  if (live === undefined || tier === 'redis' || source === 'model') return true;
  return Date.parse(told.publishedAt ?? '') > Date.parse(live.publishedAt ?? '');
}

function unknown(model: string, said: readonly Said[]): ForewarmError {
  const details = { model, tiers: codes(said) };
  if (failed(said)) {
    const told = sentence(said, 'knows of none');
    return new ForewarmError('FW_READ_FAILED', `nothing can be learned of the model ${model}: ${told}`, { details });
  }
  const asked = said.map(({ tier }) => tier).join(', ');
  const message = `nothing is published for the model ${model} (asked: ${asked})`;
  return new ForewarmError('FW_NOT_WARMED', message, { details });
}
