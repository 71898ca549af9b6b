import { RowView } from '../cache/row';
import { asForewarmError, ForewarmError } from '../errors';
import { checkRow } from './check-row';
import type { GuardedTier } from './live-views';
import type { MissingReporter } from './missing-reporter';
import type { ModelView } from './model-view';
import { RedisTier } from './redis-tier';
import { refusalOf } from './refusal';
import { RowFlight } from './row-flight';
import type { CorruptRow, FoundRow, LiveGeneration, TierRows } from './tier';
import type { WriteBack } from './write-back';

export interface ChainParts {
  /** From the quickest to the last. */
  readonly tiers: readonly GuardedTier[];
  /** `undefined` where nothing is written. */
  readonly writeBack: WriteBack | undefined;
  /** `undefined` without Redis. */
  readonly reporter: MissingReporter | undefined;
  /** Takes a row into memory; `warmed` tells those apart that were only asked for. */
  readonly hold: (live: LiveGeneration, found: FoundRow, warmed: boolean) => void;
}

/** Rows that are on their way. */
export interface Flights {
  /** By category. */
  readonly flights: ReadonlyMap<string, RowFlight>;
  /** When all of them have ended, well or not. */
  readonly ended: Promise<void>;
}

const NONE: readonly RowFlight[] = [];

/** Rows from the tiers below memory: each is asked for what those above it did not have. */
export class TierChain {
  private readonly parts: ChainParts;
  private readonly first: { readonly tier: RedisTier; readonly guarded: GuardedTier } | undefined;
  private readonly flights = new Map<LiveGeneration, Map<string, RowFlight>>();

  constructor(parts: ChainParts) {
    this.parts = parts;
    const [guarded] = parts.tiers;
    this.first = guarded?.tier instanceof RedisTier ? { tier: guarded.tier, guarded } : undefined;
  }

  /** The row of one category. */
  readOne(view: ModelView, live: LiveGeneration, category: string): RowFlight {
    const flights = this.flightsOf(live);
    const under = flights.get(category);
    if (under !== undefined) return under;
    const flight = new RowFlight(category);
    flights.set(category, flight);
    this.begin(view, live, [flight]);
    return flight;
  }

  /** Rows of these categories, each once: those that are on their way already, and the rest in one request to each tier. */
  readMany(view: ModelView, live: LiveGeneration, categories: Iterable<string>): Flights {
    const under = this.flightsOf(live);
    const started: RowFlight[] = [];
    const joined: RowFlight[] = [];
    const flights = new Map<string, RowFlight>();
    for (const category of categories) {
      const known = under.get(category);
      const flight = known ?? new RowFlight(category);
      if (known === undefined) under.set(category, flight);
      (known === undefined ? started : joined).push(flight);
      flights.set(category, flight);
    }
    const ended = new Promise<void>((resolve) => {
      let open = joined.length + 1;
      const end = (): void => {
        if (--open === 0) resolve();
      };
      for (const flight of joined) flight.whenOver(end);
      if (started.length === 0) end();
      else this.begin(view, live, started, end);
    });
    return { flights, ended };
  }

  /** Most questions end in Redis: it is asked with nothing around that costs time. */
  private begin(view: ModelView, live: LiveGeneration, started: readonly RowFlight[], ended?: () => void): void {
    if (this.first?.guarded.budget.well) this.get(view, live, started, this.first, ended);
    else void this.fall(view, live, started, started, new Progress(view, 0)).then(ended);
  }

  private get(
    view: ModelView,
    live: LiveGeneration,
    started: readonly RowFlight[],
    { tier, guarded }: { readonly tier: RedisTier; readonly guarded: GuardedTier },
    ended?: () => void,
  ): void {
    const { budget } = guarded;
    const progress = new Progress(view, 1);
    const began = performance.now();
    const failed = (error: ForewarmError): void => {
      wait.over = true;
      this.tookWrong(view, guarded, started, error, began);
      void this.fall(view, live, started, started, progress).then(ended);
    };
    const wait = budget.watch(failed);
    const [only] = started;
    const asked: Promise<Buffer | null | (Buffer | null)[]> =
      started.length === 1 && only !== undefined ? tier.readOne(live, only.category) : tier.readRaw(live, started);
    asked.then(
      (bytes) => {
        if (wait.over) return;
        wait.over = true;
        budget.ended();
        const open = this.landRaw(view, live, started, Array.isArray(bytes) ? bytes : [bytes], progress, began);
        if (open.length === 0) {
          for (const flight of started) this.forget(live, flight);
          ended?.();
          return;
        }
        void this.fall(view, live, started, open, progress).then(ended);
      },
      (thrown: unknown) => {
        if (wait.over) return;
        const error = tier.errorOf(thrown);
        budget.ended(error);
        failed(error);
      },
    );
  }

  /** Answers those whose row is whole, and returns the others. */
  private landRaw(
    view: ModelView,
    live: LiveGeneration,
    flights: readonly RowFlight[],
    stored: readonly (Buffer | null)[],
    progress: Progress,
    began: number,
  ): readonly RowFlight[] {
    const holds = progress.holds(view, live);
    let left: RowFlight[] | undefined;
    const corrupt: CorruptRow[] = [];
    for (let i = 0; i < flights.length; i++) {
      const flight = flights[i] as RowFlight;
      const bytes = stored[i] ?? null;
      const row = bytes === null ? undefined : checkRow(live, bytes);
      if (row instanceof RowView) {
        flight.land(row, 'redis');
        if (holds) this.parts.hold(live, { category: flight.category, row }, true);
        continue;
      }
      left ??= [];
      left.push(flight);
      const fault = row === undefined ? undefined : { category: flight.category, bytes: bytes as Buffer, fault: row };
      if (fault !== undefined) corrupt.push(fault);
      flight.say('redis', fault ?? 'miss');
    }
    const counts = view.counts.redis;
    counts.took(performance.now() - began);
    counts.hit += flights.length - (left?.length ?? 0);
    if (left === undefined) return NONE;
    counts.corrupt += corrupt.length;
    counts.miss += left.length - corrupt.length;
    this.missed(view, left, corrupt, progress);
    return left;
  }

  /** Through the tiers that have not been asked. */
  private async fall(
    view: ModelView,
    live: LiveGeneration,
    started: readonly RowFlight[],
    wanted: readonly RowFlight[],
    progress: Progress,
  ): Promise<void> {
    let open = wanted;
    for (const guarded of this.parts.tiers.slice(progress.asked)) {
      if (guarded.tier.name === 'model') {
        if (!view.settings.hasFile) break;
        open = refuseStrangers(view, open);
      }
      if (open.length === 0) break;
      const began = performance.now();
      try {
        const rows = await guarded.budget.spend(() => guarded.tier.read(live, categoriesOf(open)));
        open = this.took(view, live, guarded, rows, open, progress, began);
      } catch (thrown) {
        this.tookWrong(view, guarded, open, asForewarmError(thrown), began);
      }
    }
    await this.refuse(view, live, open);
    for (const flight of started) this.forget(live, flight);
  }

  /** Answers those whose row was found, and returns the others. */
  private took(
    view: ModelView,
    live: LiveGeneration,
    guarded: GuardedTier,
    rows: TierRows,
    open: readonly RowFlight[],
    progress: Progress,
    began: number,
  ): readonly RowFlight[] {
    const { tier } = guarded;
    const counts = view.counts[tier.name];
    counts.took(performance.now() - began);
    counts.hit += rows.found.length;
    counts.corrupt += rows.corrupt.length;
    const failed = rows.failed?.size ?? 0;
    counts.error += failed;
    counts.miss += open.length - rows.found.length - rows.corrupt.length - failed;
    const left = land(live, tier, rows, open);
    this.takeUp(view, live, guarded, rows.found, progress);
    if (tier.name === 'redis') this.missed(view, left, rows.corrupt, progress);
    else progress.passed.push({ guarded, corrupt: rows.corrupt });
    return left;
  }

  /** What Redis lacks is told to the daemon, and comes back there when it is found below. */
  private missed(
    view: ModelView,
    left: readonly RowFlight[],
    corrupt: readonly CorruptRow[],
    progress: Progress,
  ): void {
    if (this.first === undefined || left.length === 0) return;
    this.parts.reporter?.report(view, categoriesOf(left));
    progress.passed.push({ guarded: this.first.guarded, corrupt });
  }

  private tookWrong(
    view: ModelView,
    { tier }: GuardedTier,
    open: readonly RowFlight[],
    error: ForewarmError,
    began: number,
  ): void {
    const counts = view.counts[tier.name];
    if (error.code === 'FW_TIER_RESTING') counts.skipped += open.length;
    else {
      counts.took(performance.now() - began);
      counts.error += open.length;
    }
    for (const flight of open) flight.say(tier.name, error);
  }

  /** Into memory, and to the tiers above that lack them. */
  private takeUp(
    view: ModelView,
    live: LiveGeneration,
    { tier }: GuardedTier,
    found: readonly FoundRow[],
    progress: Progress,
  ): void {
    const { hold, writeBack } = this.parts;
    const warmed = ({ category }: FoundRow): boolean =>
      tier.name !== 'model' || view.settings.categories?.has(category) === true;
    if (progress.holds(view, live)) for (const row of found) hold(live, row, warmed(row));
    if (writeBack === undefined || view.live !== live) return;
    for (const { guarded, corrupt } of progress.passed) writeBack.fill(guarded, live, found.filter(warmed), corrupt);
  }

  private async refuse(view: ModelView, live: LiveGeneration, open: readonly RowFlight[]): Promise<void> {
    if (open.length === 0) return;
    const missed = categoriesOf(open.filter((flight) => flight.saidBy('redis') === 'miss'));
    // Where Redis cannot tell, all are expected.
    const expected =
      missed.length === 0 ? [] : await this.parts.reporter?.expected(view, live, missed).catch(() => undefined);
    const strangers = new Set(expected === undefined ? [] : missed);
    for (const category of expected ?? []) strangers.delete(category);
    for (const flight of open) flight.fail(refusalOf(view.model, flight, strangers.has(flight.category)));
  }

  private flightsOf(live: LiveGeneration): Map<string, RowFlight> {
    let flights = this.flights.get(live);
    if (flights === undefined) {
      flights = new Map();
      this.flights.set(live, flights);
    }
    return flights;
  }

  private forget(live: LiveGeneration, { category }: RowFlight): void {
    const flights = this.flights.get(live);
    flights?.delete(category);
    // What is live changes seldom: the map of what is live stays.
    if (flights?.size === 0 && this.flights.size > 1) this.flights.delete(live);
  }
}

/** How far rows have fallen. */
class Progress {
  /** Tiers that were asked already. */
  readonly asked: number;
  /** Tiers that answered and did not have all, with what was corrupt there. */
  readonly passed: { readonly guarded: GuardedTier; readonly corrupt: readonly CorruptRow[] }[] = [];
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

/** Answers those whose row was found, and returns the others. */
function land(
  live: LiveGeneration,
  tier: GuardedTier['tier'],
  rows: TierRows,
  open: readonly RowFlight[],
): readonly RowFlight[] {
  const found = new Map(rows.found.map(({ category, row }) => [category, row]));
  const corrupt = new Map(rows.corrupt.map((row) => [row.category, row]));
  const whyNot = (category: string) =>
    corrupt.get(category) ?? rows.failed?.get(category) ?? tier.refusal?.(live, category);
  return open.filter((flight) => {
    const { category } = flight;
    const row = found.get(category);
    if (row !== undefined) flight.land(row, tier.name);
    else flight.say(tier.name, whyNot(category) ?? 'miss');
    return row === undefined;
  });
}

/** A category that is not warmed is not computed where its model says so. Returns the others. */
function refuseStrangers({ model, settings }: ModelView, open: readonly RowFlight[]): readonly RowFlight[] {
  const { unknownCategories, categories } = settings;
  if (unknownCategories === 'compute' || categories === undefined) return open;
  return open.filter((flight) => {
    const { category } = flight;
    if (categories.has(category)) return true;
    const why = `there is no row for the category ${JSON.stringify(category)}, and ${model} computes none that is not warmed`;
    flight.fail(new ForewarmError('FW_CATEGORY_UNKNOWN', why));
    return false;
  });
}

function categoriesOf(flights: readonly RowFlight[]): string[] {
  return flights.map(({ category }) => category);
}
