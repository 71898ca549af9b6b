import { RowView } from '../cache/row';
import { slices } from '../cache/slices';
import { asForewarmError, type ForewarmError } from '../errors';
import { Slots } from '../slots';
import { checkRow } from '../tiers/check-row';
import { RedisTier } from '../tiers/redis-tier';
import type { CorruptRow, FoundRow, LiveGeneration, TierRows } from '../tiers/tier';
import type { GuardedTier } from './guarded-tier';
import type { MissingReporter } from './missing-reporter';
import type { ModelView } from './model-view';
import { Progress } from './progress';
import { refusalOf } from './refusal';
import { RowFlight } from './row-flight';
import { refuseImpossible, Strangers } from './strangers';
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
export interface ManyFlights {
  /** By category. */
  readonly flights: ReadonlyMap<string, RowFlight>;
  /** When all of them have ended, well or not. */
  readonly ended: Promise<void>;
}

const NONE: readonly RowFlight[] = [];

/** Rows that one request of a call asks Redis for: its time limit is for one answer, not for all of them. */
const ROWS_PER_REQUEST = 500;
/** Requests of one call at a time. */
const REQUESTS = 4;

/** Rows from the tiers below memory: each is asked for what those above it did not have. */
export class TierChain {
  private readonly parts: ChainParts;
  private readonly strangers: Strangers;
  private readonly first: { readonly tier: RedisTier; readonly guarded: GuardedTier } | undefined;

  constructor(parts: ChainParts) {
    this.parts = parts;
    this.strangers = new Strangers(parts.reporter);
    const [guarded] = parts.tiers;
    this.first = guarded?.tier instanceof RedisTier ? { tier: guarded.tier, guarded } : undefined;
  }

  /** The row of one category. */
  readOne(view: ModelView, live: LiveGeneration, category: string): RowFlight {
    const { flights } = view;
    const under = flights.get(category);
    if (under !== undefined) return under;
    const flight = new RowFlight(category, flights);
    if (refuseImpossible(view, flight)) return flight;
    flights.set(category, flight);
    this.begin(view, live, [flight]);
    return flight;
  }

  /** Rows of these categories, each once: those that are on their way already, and the rest in few requests to each tier. */
  readMany(view: ModelView, live: LiveGeneration, categories: Iterable<string>): ManyFlights {
    const under = view.flights;
    const started: RowFlight[] = [];
    const joined: RowFlight[] = [];
    const byCategory = new Map<string, RowFlight>();
    for (const category of categories) {
      const known = under.get(category);
      const flight = known ?? new RowFlight(category, under);
      byCategory.set(category, flight);
      if (known !== undefined) joined.push(flight);
      else if (!refuseImpossible(view, flight)) {
        under.set(category, flight);
        started.push(flight);
      }
    }
    const ended = new Promise<void>((resolve) => {
      let open = joined.length + 1;
      const end = (): void => {
        if (--open === 0) resolve();
      };
      for (const flight of joined) flight.whenOver(end);
      if (started.length <= ROWS_PER_REQUEST) this.begin(view, live, started, end);
      else void this.beginMany(view, live, started).then(end);
    });
    return { flights: byCategory, ended };
  }

  private async beginMany(view: ModelView, live: LiveGeneration, started: readonly RowFlight[]): Promise<void> {
    const requests = new Slots(REQUESTS);
    const ends = Array.from(slices(started, ROWS_PER_REQUEST), (slice) =>
      requests.run(() => new Promise<void>((resolve) => this.begin(view, live, slice, resolve))),
    );
    await Promise.all(ends);
  }

  /** Most questions end in Redis: it is asked with nothing around that costs time. */
  private begin(view: ModelView, live: LiveGeneration, started: readonly RowFlight[], ended?: () => void): void {
    const { first } = this;
    if (started.length === 0) ended?.();
    else if (first?.guarded.budgetOf(view.model).well) this.get(view, live, started, first, ended);
    else void this.fall(view, live, started, new Progress(view, 0)).then(ended);
  }

  private get(
    view: ModelView,
    live: LiveGeneration,
    started: readonly RowFlight[],
    { tier, guarded }: { readonly tier: RedisTier; readonly guarded: GuardedTier },
    ended?: () => void,
  ): void {
    const budget = guarded.budgetOf(view.model);
    const progress = new Progress(view, 1);
    const began = performance.now();
    const failed = (error: ForewarmError): void => {
      this.tookWrong(view, guarded, started, error, began);
      void this.fall(view, live, started, progress).then(ended);
    };
    const { wait, breaks } = budget.begin(failed);
    const [only] = started;
    const asked: Promise<Buffer | null | (Buffer | null)[]> =
      started.length === 1 && only !== undefined ? tier.readOne(live, only.category) : tier.readRaw(live, started);
    asked.then(
      (bytes) => {
        if (wait.over) return;
        wait.end();
        budget.end(breaks);
        const open = this.landRaw(view, live, started, Array.isArray(bytes) ? bytes : [bytes], progress, began);
        if (open.length === 0) ended?.();
        else void this.fall(view, live, open, progress).then(ended);
      },
      (thrown: unknown) => {
        if (wait.over) return;
        wait.end();
        const error = tier.errorOf(thrown);
        budget.end(breaks, error);
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
        if (holds) this.parts.hold(live, { category: flight.category, row }, true);
        flight.land(row, 'redis');
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
    progress: Progress,
  ): Promise<void> {
    let open = started;
    for (const guarded of this.parts.tiers.slice(progress.asked)) {
      if (guarded.tier.name === 'model') {
        if (!view.settings.hasFile) break;
        open = await this.strangers.refuse(view, live, open);
      }
      if (open.length === 0) break;
      const began = performance.now();
      const asked = open;
      try {
        const rows = await guarded.budgetOf(view.model).spend(() => guarded.tier.read(live, categoriesOf(asked)));
        open = this.took(view, live, guarded, rows, asked, progress, began);
      } catch (thrown) {
        this.tookWrong(view, guarded, asked, asForewarmError(thrown), began);
      }
    }
    await this.refuse(view, live, open);
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

  /** Fails those that no tier has. */
  private async refuse(view: ModelView, live: LiveGeneration, open: readonly RowFlight[]): Promise<void> {
    if (open.length === 0) return;
    const { reporter } = this.parts;
    // Without Redis nobody is asked to heal: what the lower tiers have not is not there.
    const missed = open.filter((flight) => flight.saidBy(reporter === undefined ? 'postgres' : 'redis') === 'miss');
    const strangers = await this.strangers.among(view, live, missed);
    for (const flight of open)
      flight.fail(refusalOf(view.model, flight, strangers.has(flight), reporter !== undefined));
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

function categoriesOf(flights: readonly RowFlight[]): string[] {
  return flights.map(({ category }) => category);
}
