import type { Coordinates } from '../cache/grid';
import { encodeRow } from '../cache/row';
import { type Clock, systemClock } from '../clock';
import { environment } from '../config/environment';
import { ForewarmError } from '../errors';
import type { HeldRow } from '../tiers/memory-tier';
import type { LiveGeneration } from '../tiers/tier';
import type { Answer, CallOptions, ModelDescription, Outcome, Question, RowAnswer, RowBytesAnswer } from './answers';
import { CallLimit, closedError } from './call-limit';
import { checkCall, checkOptions } from './check-options';
import { HeldRows } from './held-rows';
import { KnownModels } from './known-models';
import { LOOK_MS } from './live-views';
import { ManyRows } from './many-rows';
import type { ModelView } from './model-view';
import type { PredictorOptions } from './predictor-options';
import { answerOf, provenanceOf, type ReadRow, readFlight, readHeld } from './provenance';
import { openCore, type ReaderCore } from './reader-core';
import type { ReaderStats } from './reader-stats';
import type { Said } from './said';
import { type TierListener, tell } from './tried-tier';

const DEADLINE_MS = 5_000;
/** Of the reads of memory, one in so many is timed: looking at the clock costs as much as the read. */
const TIMED_EVERY = 64;

/** Before a row is on its way. */
const nothingSaid = (): readonly Said[] => [];

/** What a call makes of a row, once it is there. */
type Use<T> = (view: ModelView, live: LiveGeneration) => (read: ReadRow) => T;

/**
 * Answers questions for predictions: from memory, else from Redis, else from Postgres, else by the model. Each tier has a time
 * limit, and one that fails is left alone for a moment; whatever is broken, a call ends within its deadline, and it rejects only
 * when no tier can answer. Rows of lower tiers are taken up to those above, beside the answers.
 */
export class Predictor {
  private readonly clock: Clock;
  private readonly options: PredictorOptions;
  private readonly known: KnownModels;
  private readonly memory: HeldRows | undefined;
  private readonly deadlineMs: number;
  private readonly limit: CallLimit;
  private readonly opening: Promise<ReaderCore>;
  private core: ReaderCore | undefined;
  private failedCalls = 0;
  private closing: Promise<void> | undefined;

  /**
   * Connects, and waits for nothing: the first calls do.
   * @throws ForewarmError FW_CONFIG_INVALID when no tier is named, or an option means nothing
   */
  constructor(options: PredictorOptions) {
    const { memory = {}, clock = systemClock } = options;
    checkOptions(options);
    this.options = options;
    this.clock = clock;
    this.known = new KnownModels(options);
    this.memory = memory === false ? undefined : new HeldRows(memory, clock);
    this.deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.limit = new CallLimit(this.deadlineMs);
    this.opening = this.open();
    this.opening.catch(() => undefined);
  }

  /**
   * A predictor with all tiers that a configuration file names: its Redis, its PostgreSQL and its model files.
   * @param path of the file; without it FOREWARM_CONFIG, or `forewarm.yaml` in the current folder
   * @param options what differs from the file
   * @throws ForewarmError FW_CONFIG_* with every problem of the file
   */
  static fromConfig(path?: string, options: PredictorOptions = {}): Predictor {
    // Loaded here and not above: others do without YAML.
    const { optionsOf } = require('./configured-options') as typeof import('./configured-options');
    return new Predictor({ ...optionsOf(path, options.env ?? environment()), ...options });
  }

  /** Names of the models that are known: those of `models`, and those that were asked for and found. */
  get models(): readonly string[] {
    return this.known.names;
  }

  /**
   * One prediction.
   * @param coordinates one value for each axis of the model, such as `{ day: 3, hour: 14 }`
   * @throws ForewarmError (as a rejection) FW_CELL_UNKNOWN for coordinates that are not on the grid, FW_CATEGORY_UNKNOWN,
   *   FW_NOT_WARMED, FW_READ_FAILED when every tier failed, FW_READ_DEADLINE; the reason of `options.signal`
   */
  predict(model: string, category: string, coordinates: Coordinates, options?: CallOptions): Promise<Answer> {
    try {
      const view = options?.signal?.aborted ? undefined : this.known.views.get(model);
      const answer = view && this.fromMemory(view, category, coordinates);
      if (answer !== undefined) {
        if (options?.onTier !== undefined) tell(options.onTier, 'memory', 'hit');
        return Promise.resolve(answer);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return this.answer(model, category, options, (view, live) => {
      // Wrong coordinates are refused before the row is asked for.
      const cell = live.finder.find(coordinates);
      return (read) => answerOf(view, live, read, cell, this.clock.now());
    });
  }

  /**
   * Many predictions at once: each row is read once, and all of them with one request to each tier. It does not reject for one of
   * them: whatever became of a question is its outcome.
   * @returns outcomes in the order of the questions
   * @throws (as a rejection) the reason of `options.signal`; ForewarmError FW_READER_CLOSED
   */
  async predictMany(questions: readonly Question[], options?: CallOptions): Promise<Outcome[]> {
    this.checkCall(options);
    const reads = new Map<string, ManyRows>();
    for (const { model, category } of questions) {
      let read = reads.get(model);
      if (read === undefined) {
        read = new ManyRows();
        reads.set(model, read);
      }
      read.categories.add(category);
    }
    const all = Promise.all([...reads].map(([model, read]) => this.readMany(model, read, options?.onTier)));
    const late = await this.limit.bound(all, options, nothingSaid).then(
      () => undefined,
      (error: unknown) => error,
    );
    options?.signal?.throwIfAborted();
    const nowMs = this.clock.now();
    const rescue = this.rescue.bind(this);
    return questions.map((question) => (reads.get(question.model) as ManyRows).outcome(question, late, rescue, nowMs));
  }

  /**
   * All cells of one category, as `predict` answers each of them.
   * @throws ForewarmError (as a rejection) as `predict`
   */
  row(model: string, category: string, options?: CallOptions): Promise<RowAnswer> {
    return this.answer(model, category, options, (view, live) => (read) => {
      const { axes, outputs } = live;
      // A copy: what is held in memory is for others too.
      const values = read.row.values.slice();
      return { axes, outputs, values, ...provenanceOf(view, live, read, this.clock.now()) };
    });
  }

  /**
   * The row as it is stored (`docs/cache-format.md`).
   * @throws ForewarmError (as a rejection) as `predict`
   */
  rowBytes(model: string, category: string, options?: CallOptions): Promise<RowBytesAnswer> {
    return this.answer(model, category, options, (view, live) => (read) => {
      const { row } = read;
      const bytes = encodeRow(row, row.values, row.computedAtMs);
      return { bytes, ...provenanceOf(view, live, read, this.clock.now()) };
    });
  }

  /**
   * What is live of a model.
   * @throws ForewarmError (as a rejection) FW_NOT_WARMED, FW_READ_FAILED, FW_READ_DEADLINE
   */
  async describe(model: string, options?: CallOptions): Promise<ModelDescription> {
    this.checkCall(options);
    const view = await this.limit.bound(this.current(model), options, nothingSaid);
    const { generation, modelVersion, axes, outputs, publishedAt } = view.known;
    const lastUpdated = view.metadata?.last_updated;
    const dataUpdated = view.metadata?.data_updated;
    return { model, generation, modelVersion, axes, outputs, publishedAt, lastUpdated, dataUpdated, tier: view.source };
  }

  /** Counts since this predictor was made. */
  stats(): ReaderStats {
    const models = [...this.known.views.values()].map((view) => [view.model, view.stats()] as const);
    return {
      models: Object.fromEntries(models),
      failedCalls: this.failedCalls,
      writtenBack: this.core?.writtenBack() ?? 0,
      breakers: models.flatMap(([model]) => this.core?.breakers(model) ?? []),
      memory: this.memory?.size ?? { rows: 0, bytes: 0 },
    };
  }

  /** Ends what it opened, and no client that it was given. Calls that are under way end, well or not. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async open(): Promise<ReaderCore> {
    const { keyPrefix = 'forewarm', writeBack = true, env = environment() } = this.options;
    const onError = quietly(this.options.onError);
    const options = { ...this.options, keyPrefix, writeBack, env, onError };
    this.core = await openCore({ options, clock: this.clock, memory: this.memory, views: this.known.views });
    return this.core;
  }

  private async end(): Promise<void> {
    this.limit.close();
    const core = await this.opening.catch(() => undefined);
    await core?.close();
    await this.memory?.close();
  }

  private fromMemory(view: ModelView, category: string, coordinates: Coordinates): Answer | undefined {
    const { memory } = this;
    const { live } = view;
    if (memory === undefined || live === undefined || this.closing !== undefined) return undefined;
    const counts = view.counts.memory;
    const timed = counts.hit % TIMED_EVERY === 0;
    const began = timed ? performance.now() : 0;
    const nowMs = this.clock.now();
    const held = memory.fresh(view, category, nowMs);
    if (held === undefined) return undefined;
    if (nowMs - view.askedAtMs >= LOOK_MS && view.look === undefined) this.core?.lives.refreshed(view);
    const answer = answerOf(view, live, readHeld(held), live.finder.find(coordinates), nowMs);
    counts.hit++;
    if (timed) counts.took(performance.now() - began);
    return answer;
  }

  /** What `use` makes of the row of a category. Most questions need no more than one promise. */
  private answer<T>(model: string, category: string, options: CallOptions | undefined, use: Use<T>): Promise<T> {
    try {
      this.checkCall(options);
      const view = this.known.views.get(model);
      const { core } = this;
      if (view?.live !== undefined && core !== undefined && core.lives.refreshed(view) === undefined) {
        return this.follow(core, view, view.live, category, options, use);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return this.answerLater(model, category, options, use);
  }

  /** As `answer`, where it has to be found out first what is live. */
  private async answerLater<T>(
    model: string,
    category: string,
    options: CallOptions | undefined,
    use: Use<T>,
  ): Promise<T> {
    const beganMs = performance.now();
    const deadlineMs = options?.deadlineMs ?? this.deadlineMs;
    const view = await this.limit.bound(this.current(model), options, nothingSaid).catch((error: unknown) => {
      if (isOutage(error)) this.failedCalls++;
      throw error;
    });
    // The same deadline holds for the rest of the call.
    const leftMs = Math.max(1, deadlineMs - (performance.now() - beganMs));
    const left = { ...options, deadlineMs: leftMs };
    return this.follow(this.core as ReaderCore, view, view.known, category, left, use);
  }

  private follow<T>(
    core: ReaderCore,
    view: ModelView,
    live: LiveGeneration,
    category: string,
    options: CallOptions | undefined,
    use: Use<T>,
  ): Promise<T> {
    const make = use(view, live);
    const { memory } = this;
    const held = memory?.fresh(view, category, this.clock.now());
    const onTier = options?.onTier;
    if (held !== undefined) {
      view.counts.memory.hit++;
      if (onTier !== undefined) tell(onTier, 'memory', 'hit');
      return Promise.resolve(make(readHeld(held)));
    }
    if (memory !== undefined) {
      view.counts.memory.miss++;
      if (onTier !== undefined) tell(onTier, 'memory', 'miss');
    }
    const flight = core.chain.readOne(view, live, category);
    if (onTier !== undefined) flight.listen(onTier);
    return new Promise<T>((resolve, reject) => {
      const answer = (read: ReadRow): void => {
        try {
          resolve(make(read));
        } catch (error) {
          reject(error);
        }
      };
      const fail = (error: unknown): void => {
        const rescued = this.rescue(view, live, category, error);
        if (rescued === undefined) reject(error);
        else answer(readHeld(rescued));
      };
      const wait = this.limit.watch(options, fail, () => flight.said);
      flight.whenOver(() => {
        if (wait.over) return;
        wait.end();
        if (flight.error === undefined) answer(readFlight(flight));
        else fail(flight.error);
      });
    });
  }

  /**
   * A row in memory that is too old to be answered while others can is better than none.
   * @param live what was live when it was asked for: a row of another generation has other cells
   */
  private rescue(view: ModelView, live: LiveGeneration, category: string, error: unknown): HeldRow | undefined {
    if (!isOutage(error)) return undefined;
    const held = view.live === live ? this.memory?.any(view, category) : undefined;
    if (held === undefined) this.failedCalls++;
    else view.counts.memory.hit++;
    return held;
  }

  /** A model as it is live now. */
  private async current(model: string): Promise<ModelView> {
    return this.known.current(this.core ?? (await this.opening), model);
  }

  /** @throws ForewarmError FW_READER_CLOSED, FW_CONFIG_INVALID; the signal's reason */
  private checkCall(options: CallOptions | undefined): void {
    if (this.closing !== undefined) throw closedError();
    if (options === undefined) return;
    checkCall(options);
    options.signal?.throwIfAborted();
  }

  private async readMany(model: string, rows: ManyRows, onTier: TierListener | undefined): Promise<void> {
    try {
      const view = await this.current(model);
      const live = view.known;
      const nowMs = this.clock.now();
      rows.begin(view, live);
      let wanted: Iterable<string> = rows.categories;
      if (this.memory !== undefined) {
        wanted = this.notHeld(view, rows, nowMs, onTier);
        if (rows.held.size === rows.categories.size) return;
      }
      const { flights, ended } = (this.core as ReaderCore).chain.readMany(view, live, wanted);
      rows.flights = flights;
      if (onTier !== undefined) for (const flight of flights.values()) flight.listen(onTier);
      await ended;
    } catch (error) {
      rows.error = error;
    }
  }

  /** Takes what is in memory, and returns the other categories. */
  private notHeld(view: ModelView, rows: ManyRows, nowMs: number, onTier: TierListener | undefined): string[] {
    const others: string[] = [];
    for (const category of rows.categories) {
      const held = this.memory?.fresh(view, category, nowMs);
      if (held === undefined) others.push(category);
      else rows.held.set(category, held);
      if (onTier !== undefined) tell(onTier, 'memory', held === undefined ? 'miss' : 'hit');
    }
    view.counts.memory.miss += others.length;
    return others;
  }
}

/** Whether the tiers are to blame, as against the question. */
function isOutage(error: unknown): boolean {
  return error instanceof ForewarmError && ['FW_READ_FAILED', 'FW_READ_DEADLINE'].includes(error.code);
}

/** What an application does with an error is its own: that it fails there must not end the process. */
function quietly(onError: PredictorOptions['onError'] = () => undefined): NonNullable<PredictorOptions['onError']> {
  return (error, tier) => {
    try {
      onError(error, tier);
    } catch {
      // It was told.
    }
  };
}
