import { categoryFault } from '../cache/keys';
import { ForewarmError } from '../errors';
import type { LiveGeneration } from '../tiers/tier';
import type { MissingReporter } from './missing-reporter';
import type { ModelView } from './model-view';
import type { RowFlight } from './row-flight';

/** Characters of a category that is not possible which its error repeats: it may be of any length. */
const SHOWN = 60;

/** Refuses what no store can have, before a tier is asked, or remembers it. Returns whether it did. */
export function refuseImpossible({ model }: ModelView, flight: RowFlight): boolean {
  const fault = categoryFault(flight.category);
  if (fault === undefined) return false;
  const name = JSON.stringify(flight.category.slice(0, SHOWN));
  flight.fail(new ForewarmError('FW_CATEGORY_UNKNOWN', `${model} has no such category: ${name} ${fault}`));
  return true;
}

/** Categories that are not warmed: anybody can ask for any text. */
export class Strangers {
  private readonly reporter: MissingReporter | undefined;

  /** @param reporter knows what the cache should have; `undefined` without Redis */
  constructor(reporter: MissingReporter | undefined) {
    this.reporter = reporter;
  }

  /** Those that are not warmed, for sure. */
  async among(view: ModelView, live: LiveGeneration, flights: readonly RowFlight[]): Promise<ReadonlySet<RowFlight>> {
    if (flights.length === 0) return new Set();
    const { categories } = view.settings;
    if (categories !== undefined) return new Set(flights.filter(({ category }) => !categories.has(category)));
    // Nobody is asked to heal: what the stores have not is not there.
    if (this.reporter === undefined) return new Set(flights);
    const asked = flights.map(({ category }) => category);
    // Where Redis cannot tell, all are expected.
    const expected = await this.reporter.expected(view, live, asked).catch(() => undefined);
    if (expected === undefined) return new Set();
    const known = new Set(expected);
    return new Set(flights.filter(({ category }) => !known.has(category)));
  }

  /** Refuses those, where the model computes only what is warmed. Returns the others. */
  async refuse(view: ModelView, live: LiveGeneration, open: readonly RowFlight[]): Promise<readonly RowFlight[]> {
    if (view.settings.unknownCategories === 'compute' || open.length === 0) return open;
    const strangers = await this.among(view, live, open);
    for (const flight of strangers) {
      const name = JSON.stringify(flight.category);
      const why = `there is no row for the category ${name}, and ${view.model} computes none that is not warmed`;
      flight.fail(new ForewarmError('FW_CATEGORY_UNKNOWN', why));
    }
    return open.filter((flight) => !strangers.has(flight));
  }
}
