import type { Coordinates } from '../cache/grid';
import { encodeRow } from '../cache/row';
import { type Clock, systemClock } from '../clock';
import { environment } from '../config/environment';
import { ForewarmError } from '../errors';
import type { Answer, CallOptions, ModelDescription, Outcome, Question, RowAnswer, RowBytesAnswer } from './answers';
import { CallLimit } from './call-limit';
import { HeldRows } from './held-rows';
import { LOOK_MAX_MS, LOOK_MS } from './live-views';
import { ManyRows } from './many-rows';
import type { HeldRow } from './memory-tier';
import { ModelView } from './model-view';
import type { ModelFile, PredictorOptions } from './predictor-options';
import { answerOf, provenanceOf, type ReadRow, readFlight, readHeld } from './provenance';
import { openCore, type ReaderCore } from './reader-core';
import type { ReaderStats } from './reader-stats';
import type { RowFlight } from './row-flight';
import type { LiveGeneration } from './tier';
import { settingsOf } from './view-settings';

const DEADLINE_MS = 5_000;
/** Of the reads of memory, one in so many is timed: looking at the clock costs as much as the read. */
const TIMED_EVERY = 64;

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
  private readonly files: ReadonlyMap<string, ModelFile>;
  private readonly views = new Map<string, ModelView>();
  private readonly memory: HeldRows | undefined;
  private readonly limit: CallLimit;
  private readonly opening: Promise<ReaderCore>;
  private core: ReaderCore | undefined;
  private failedCalls = 0;
  private closing: Promise<void> | undefined;

  /**
   * Connects, and waits for nothing: the first calls do.
   * @throws ForewarmError FW_CONFIG_INVALID when no tier is named
   */
  constructor(options: PredictorOptions) {
    const { redis, postgres, models = [], memory = {}, clock = systemClock } = options;
    if (redis === undefined && postgres === undefined && models.length === 0) {
      const next = "Give at least `redis`: new Predictor({ redis: 'redis://127.0.0.1:6379' }).";
      throw new ForewarmError('FW_CONFIG_INVALID', 'a Predictor needs redis, postgres or models to read from', {
        next,
      });
    }
    this.options = options;
    this.clock = clock;
    this.files = new Map(models.map((model) => [model.name, model]));
    this.memory = memory === false ? undefined : new HeldRows(memory, clock);
    this.limit = new CallLimit(options.deadlineMs ?? DEADLINE_MS);
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
    return [...new Set([...this.files.keys(), ...this.views.keys()])];
  }

  /**
   * One prediction.
   * @param coordinates one value for each axis of the model, such as `{ day: 3, hour: 14 }`
   * @throws ForewarmError (as a rejection) FW_CELL_UNKNOWN for coordinates that are not on the grid, FW_CATEGORY_UNKNOWN,
   *   FW_NOT_WARMED, FW_READ_FAILED when every tier failed, FW_READ_DEADLINE; the reason of `options.signal`
   */
  predict(model: string, category: string, coordinates: Coordinates, options?: CallOptions): Promise<Answer> {
    try {
      const view = options === undefined ? this.views.get(model) : undefined;
      const answer = view && this.quickly(view, category, coordinates);
      if (answer !== undefined) return answer;
    } catch (error) {
      return Promise.reject(error);
    }
    return this.lookUp(model, category, options, (view, live) => {
      // Wrong coordinates are refused before the row is asked for.
      const cell = view.cellAt(coordinates);
      return (read) => answerOf(view, live, read, cell, this.clock.now());
    });
  }

  /**
   * Many predictions at once: each row is read once, and all of them with one request to each tier. It does not reject for one of
   * them: whatever became of a question is its outcome.
   * @returns outcomes in the order of the questions
   * @throws the reason of `options.signal`, as a rejection
   */
  async predictMany(questions: readonly Question[], options?: CallOptions): Promise<Outcome[]> {
    options?.signal?.throwIfAborted();
    const reads = new Map<string, ManyRows>();
    for (const { model, category } of questions) {
      let read = reads.get(model);
      if (read === undefined) {
        read = new ManyRows();
        reads.set(model, read);
      }
      read.categories.add(category);
    }
    const all = Promise.all([...reads].map(([model, read]) => this.readMany(model, read)));
    const late = await this.limit
      .bound(all, options, () => [])
      .then(
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
    return this.lookUp(model, category, options, (view, live) => (read) => {
      const { axes, outputs } = live;
      return { axes, outputs, values: read.row.values, ...provenanceOf(view, live, read, this.clock.now()) };
    });
  }

  /**
   * The row as it is stored (`docs/cache-format.md`).
   * @throws ForewarmError (as a rejection) as `predict`
   */
  rowBytes(model: string, category: string, options?: CallOptions): Promise<RowBytesAnswer> {
    return this.lookUp(model, category, options, (view, live) => (read) => {
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
    const view = await this.limit.bound(this.current(model), options, () => []);
    const { generation, modelVersion, axes, outputs, publishedAt } = view.known;
    const lastUpdated = view.metadata?.last_updated;
    return { model, generation, modelVersion, axes, outputs, publishedAt, lastUpdated, tier: view.source };
  }

  /** Counts since this predictor was made. */
  stats(): ReaderStats {
    const models = [...this.views.values()].map((view) => [view.model, view.stats()] as const);
    return {
      models: Object.fromEntries(models),
      failedCalls: this.failedCalls,
      writtenBack: this.core?.writtenBack() ?? 0,
      memory: this.memory?.size ?? { rows: 0, bytes: 0 },
    };
  }

  /** Ends what it opened, and no client that it was given. Calls that are under way end, well or not. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async open(): Promise<ReaderCore> {
    const { keyPrefix = 'forewarm', writeBack = true, env = environment(), onError = () => undefined } = this.options;
    const options = { ...this.options, keyPrefix, writeBack, env, onError };
    this.core = await openCore({ options, clock: this.clock, memory: this.memory, views: this.views });
    return this.core;
  }

  private async end(): Promise<void> {
    const core = await this.opening.catch(() => undefined);
    await core?.close();
    this.limit.close();
    await this.memory?.close();
  }

  /** What most questions need: the row is in memory or in Redis, and it is known what is live. `undefined` for the others. */
  private quickly(view: ModelView, category: string, coordinates: Coordinates): Promise<Answer> | undefined {
    const { core, memory } = this;
    const { live } = view;
    const nowMs = this.clock.now();
    const sinceLook = nowMs - view.askedAtMs;
    if (core === undefined || live === undefined || !(sinceLook >= 0 && sinceLook < LOOK_MAX_MS)) return undefined;
    if (sinceLook >= LOOK_MS) void core.lives.refreshed(view);
    const cell = view.cellAt(coordinates);
    const counts = view.counts.memory;
    const timed = counts.hit % TIMED_EVERY === 0;
    const began = timed ? performance.now() : 0;
    const held = memory?.fresh(view, category, nowMs);
    if (held === undefined) {
      if (memory !== undefined) counts.miss++;
      return this.follow(view, live, core.chain.readOne(view, live, category), cell);
    }
    const answer = answerOf(view, live, readHeld(held), cell, nowMs);
    counts.hit++;
    if (timed) counts.took(performance.now() - began);
    return Promise.resolve(answer);
  }

  /** As `lookUp`, for a row that is on its way, with one promise. */
  private follow(view: ModelView, live: LiveGeneration, flight: RowFlight, cell: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const fail = (error: ForewarmError): void => {
        const rescued = this.rescue(view, flight.category, error);
        if (rescued === undefined) reject(error);
        else resolve(answerOf(view, live, readHeld(rescued), cell, this.clock.now()));
      };
      const wait = this.limit.watch(fail, () => flight.said);
      flight.whenOver(() => {
        if (wait.over) return;
        wait.over = true;
        if (flight.error !== undefined) fail(flight.error);
        else resolve(answerOf(view, live, readFlight(flight), cell, this.clock.now()));
      });
    });
  }

  /** Of a model, what is live of it; one that is asked for the first time is looked for. */
  private async current(model: string): Promise<ModelView> {
    const core = this.core ?? (await this.opening);
    let view = this.views.get(model);
    if (view !== undefined) {
      await core.lives.refreshed(view);
      return view;
    }
    view = new ModelView(model, settingsOf(this.files.get(model), this.options));
    await core.lives.look(view);
    // Who asked at the same time may have been quicker.
    const quicker = this.views.get(model);
    if (quicker !== undefined) return quicker;
    this.views.set(model, view);
    core.listen(model);
    return view;
  }

  private async lookUp<T>(model: string, category: string, options: CallOptions | undefined, use: Use<T>): Promise<T> {
    let flight: RowFlight | undefined;
    const work = async (): Promise<T> => {
      const view = await this.current(model);
      const live = view.known;
      const make = use(view, live);
      const held = this.memory?.fresh(view, category, this.clock.now());
      if (held !== undefined) {
        view.counts.memory.hit++;
        return make(readHeld(held));
      }
      if (this.memory !== undefined) view.counts.memory.miss++;
      flight = (this.core as ReaderCore).chain.readOne(view, live, category);
      return make(readFlight(await flight.done));
    };
    try {
      return await this.limit.bound(work(), options, () => flight?.said ?? []);
    } catch (error) {
      const view = this.views.get(model);
      const rescued = this.rescue(view, category, error);
      if (view === undefined || rescued === undefined) throw error;
      return use(view, view.known)(readHeld(rescued));
    }
  }

  /** A row in memory that is too old to be answered while others can is better than none. */
  private rescue(view: ModelView | undefined, category: string, error: unknown): HeldRow | undefined {
    if (!isOutage(error)) return undefined;
    const held = view && this.memory?.any(view, category);
    if (held === undefined) this.failedCalls++;
    else if (view !== undefined) view.counts.memory.hit++;
    return held;
  }

  private async readMany(model: string, rows: ManyRows): Promise<void> {
    try {
      const view = await this.current(model);
      const live = view.known;
      const nowMs = this.clock.now();
      rows.begin(view, live);
      let wanted: Iterable<string> = rows.categories;
      if (this.memory !== undefined) {
        wanted = this.notHeld(view, rows, nowMs);
        if (rows.held.size === rows.categories.size) return;
      }
      const { flights, ended } = (this.core as ReaderCore).chain.readMany(view, live, wanted);
      rows.flights = flights;
      await ended;
    } catch (error) {
      rows.error = error;
    }
  }

  /** Takes what is in memory, and returns the other categories. */
  private notHeld(view: ModelView, rows: ManyRows, nowMs: number): string[] {
    const others: string[] = [];
    for (const category of rows.categories) {
      const held = this.memory?.fresh(view, category, nowMs);
      if (held === undefined) others.push(category);
      else rows.held.set(category, held);
    }
    view.counts.memory.miss += others.length;
    return others;
  }
}

/** Whether the tiers are to blame, as against the question. */
function isOutage(error: unknown): boolean {
  return error instanceof ForewarmError && ['FW_READ_FAILED', 'FW_READ_DEADLINE'].includes(error.code);
}
