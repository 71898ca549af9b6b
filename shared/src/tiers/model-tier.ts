import { setMaxListeners } from 'node:events';
import { resolve } from 'node:path';
import { categoryFault } from '../cache/keys';
import { RowView, rowByteLength } from '../cache/row';
import { asForewarmError, ForewarmError } from '../errors';
import { FeatureSources } from '../features/feature-sources';
import { inspectWith } from '../features/inspect-with';
import type { Database } from '../features/read-source';
import type { InferencePool } from '../inference/inference-pool';
import { type CataloguedModel, ModelCatalogue } from '../model/model-catalogue';
import type { ModelMapping, ModelSpec } from '../model/spec';
import { rowsPerStatement } from '../store/row-store';
import { within } from '../within';
import { checkRow, sortRow } from './check-row';
import { type Claim, Claims, type SharedRedis } from './claims';
import { type Gathered, Gatherer } from './gatherer';
import { liveGeneration } from './live-generation';
import type { ModelFile } from './model-source';
import { Refusals } from './refusals';
import type { CorruptRow, FoundRow, LiveGeneration, Published, Tier, TierRows } from './tier';

export interface ModelTierOptions {
  readonly models: readonly ModelFile[];
  /** What the keys of the deployment begin with. */
  readonly keyPrefix: string;
  /** Processes that compute, started when the first row is asked for. */
  readonly processes: number;
  /** What a task may take from its beginning in its process before that is killed. */
  readonly limitMs: number;
  /** Environment of the processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where processes agree who computes a missing row; each for itself when left out. */
  readonly shared?: SharedClaims | undefined;
  /** Where features are asked for by a query that names no database. */
  readonly database?: Database | undefined;
  /** Told of processes that were lost. */
  readonly onError?: ((error: Error) => void) | undefined;
}

export interface SharedClaims extends SharedRedis {
  /** Writes rows to `redis`, where others look for them; may reject. */
  readonly publish: (live: LiveGeneration, rows: readonly FoundRow[]) => Promise<void>;
}

const ROWS_PER_TASK = 64;
/** Inference of one task, as far as rows are quick enough: callers wait for whole tasks. */
const TASK_MS = 500;
const MAX_WAITING = 1_000;
/** How long others are kept waiting for a row that cannot be written. */
const PUBLISH_MS = 100;
/** A task of many is tried once more in single rows until so many of them have ended their process. */
const CRASHES = 2;
/** What a model whose categories are not known is tried on first: a text and a number. */
const PROBE = '0';
/** How often features are read again, where nobody says how often the model's cycles do. */
const FEATURES_MS = 20_000;
/** How many others it is tried on. */
const MORE_PROBES = 4;

/** The model file itself: whole rows, computed in processes of their own. It has every row that the model can answer. */
export class ModelTier implements Tier {
  readonly name = 'model';
  private readonly options: ModelTierOptions;
  private readonly catalogue: ModelCatalogue;
  private readonly features: FeatureSources;
  private readonly claims: Claims | undefined;
  private readonly requests: Gatherer<Planned, FoundRow>;
  private readonly refusals = new Refusals();
  /** What was said to be live: the same is said of the same file. */
  private readonly lives = new Map<string, LiveGeneration>();
  /** What was asked for last: a model whose categories are not known is tried on some of it. */
  private readonly asked = new Map<string, readonly string[]>();
  private readonly publishing = new Set<Promise<void>>();
  private readonly ended = new AbortController();
  private starting: Promise<InferencePool> | undefined;
  private closing: Promise<void> | undefined;
  private rowCount = 0;

  constructor(options: ModelTierOptions) {
    this.options = options;
    // Every row that another computes listens for the end.
    setMaxListeners(0, this.ended.signal);
    this.catalogue = new ModelCatalogue(options.models.map(catalogued), (mapping, probes) =>
      this.inspect(mapping, probes),
    );
    const periods = options.models.map(({ everyMs = FEATURES_MS }) => everyMs);
    this.features = new FeatureSources(options.models, {
      database: () => options.database,
      maxAgeMs: Math.min(...periods),
    });
    if (options.shared !== undefined) this.claims = new Claims(options.shared);
    this.requests = new Gatherer({
      inFlight: options.processes,
      maxWaiting: MAX_WAITING,
      maxKeys: rowsOfOneTask,
      nameOf: ({ live }) => `${live.model}:${live.generation}`,
      fetch: (planned, categories) => this.fetch(planned, categories),
    });
  }

  /** Rows that were computed here so far. */
  get computed(): number {
    return this.rowCount;
  }

  has(model: string): boolean {
    return this.catalogue.names.includes(model);
  }

  /**
   * A category that the model refuses is not found; `refusal` says why.
   * @throws ForewarmError FW_GENERATION_NOT_HERE, FW_READER_BUSY, FW_READER_CLOSED, FW_MODEL_*, FW_INFERENCE_*
   */
  async read(live: LiveGeneration, categories: readonly string[]): Promise<TierRows> {
    this.checkOpen();
    if (!this.has(live.model)) return { found: [], corrupt: [] };
    this.asked.set(live.model, categories);
    const spec = await this.catalogue.resolve(live.model);
    if (spec.generation !== live.generation) throw notHere(live, spec);
    const possible = categories.filter((category) => this.isPossible(live, category));
    try {
      const rows = await this.requests.get({ live, spec }, possible);
      return { found: [...rows.values()], corrupt: [] };
    } catch (error) {
      if (possible.length < 2 || !isOfOne(error)) throw error;
      return this.readEach({ live, spec }, possible);
    }
  }

  /** Each for itself, so that one that fails takes no other with it. */
  private async readEach(planned: Planned, categories: readonly string[]): Promise<TierRows> {
    const asked = categories.map((category) => this.requests.get(planned, [category]));
    const found: FoundRow[] = [];
    const failed = new Map<string, ForewarmError>();
    for (const [i, outcome] of (await Promise.allSettled(asked)).entries()) {
      if (outcome.status === 'fulfilled') found.push(...outcome.value.values());
      else failed.set(categories[i] as string, asForewarmError(outcome.reason));
    }
    const [first] = failed.values();
    if (first !== undefined && failed.size === categories.length) throw first;
    return { found, corrupt: [], ...(failed.size > 0 && { failed }) };
  }

  /** Why a category was not found the last time, where the model refused it. */
  refusal(live: LiveGeneration, category: string): ForewarmError | undefined {
    return this.refusals.of(live, category);
  }

  /**
   * What the model's file is now; `undefined` when no file is known here.
   * @throws ForewarmError FW_MODEL_*, FW_INFERENCE_*, FW_READER_CLOSED
   */
  async published(model: string): Promise<Published | undefined> {
    this.checkOpen();
    if (!this.has(model)) return undefined;
    const { generation, modelVersion, axes, outputs } = await this.catalogue.resolve(model);
    const known = this.lives.get(model);
    if (known?.generation === generation && known.modelVersion === modelVersion) return { live: known };
    const facts = { model, generation, modelVersion, axes, outputs, publishedAt: undefined };
    const live = liveGeneration(this.options.keyPrefix, facts);
    this.lives.set(model, live);
    return { live };
  }

  /** Ends the processes; what they compute is rejected. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.ended.abort();
    const requests = this.requests.close(closedError());
    const pool = await this.starting?.catch(() => undefined);
    await pool?.stop();
    await requests;
    await Promise.all(this.publishing);
    this.claims?.close();
  }

  private isPossible(live: LiveGeneration, category: string): boolean {
    const fault = categoryFault(category);
    if (fault === undefined) return true;
    this.refusals.add(live, { category, code: 'FW_MODEL_INPUT_VALUE', message: `a category that ${fault}` });
    return false;
  }

  private async fetch(planned: Planned, categories: readonly string[]): Promise<Gathered<FoundRow>> {
    const claim = await this.claims?.take(planned.live, categories, checkOf(planned.live));
    const late = new Map((claim?.others ?? []).map((category) => [category, this.follow(planned, category)]));
    // It may fail before anybody listens to it.
    for (const row of late.values()) row.catch(() => undefined);
    const own = claim?.own ?? categories;
    try {
      const rows = await this.compute(planned, own);
      this.land(planned.live, claim, [...rows.values()]);
      for (const row of claim?.landed ?? []) rows.set(row.category, row);
      return { values: rows, late };
    } catch (error) {
      this.land(planned.live, claim, []);
      // What others compute, and what is there, has not failed with it.
      for (const [category, row] of this.oneByOne(planned, own, error)) late.set(category, row);
      return { values: new Map(claim?.landed.map((row) => [row.category, row])), late };
    }
  }

  /**
   * After a crash, each category by itself, so that one that kills its process takes no other with it; not where processes go
   * on dying. After another error, that.
   */
  private oneByOne(planned: Planned, categories: readonly string[], reason: unknown): Map<string, LateRow> {
    let crashes = categories.length > 1 && isCrash(reason) ? 0 : CRASHES;
    let before: Promise<unknown> = Promise.resolve();
    const rows = categories.map((category): [string, LateRow] => {
      const row = before.then(async () => {
        if (crashes >= CRASHES) throw reason;
        try {
          return (await this.compute(planned, [category])).get(category);
        } catch (error) {
          if (isCrash(error)) crashes++;
          throw error;
        }
      });
      before = row.catch(() => undefined);
      return [category, row];
    });
    return new Map(rows);
  }

  private async follow(planned: Planned, category: string): Promise<FoundRow | undefined> {
    const { live } = planned;
    const row = await this.claims?.follow(live, category, checkOf(live), this.ended.signal).catch(() => undefined);
    return row ?? (await this.compute(planned, [category])).get(category);
  }

  /** Beside the answer: others find the rows, and then no claim. */
  private land(live: LiveGeneration, claim: Claim | undefined, rows: readonly FoundRow[]): void {
    const { shared } = this.options;
    if (claim === undefined || shared === undefined) return;
    const landing = (async () => {
      if (rows.length > 0) await within(shared.publish(live, rows), shared.stepMs ?? PUBLISH_MS);
      await claim.release();
    })();
    const ended = landing.catch(() => undefined).finally(() => this.publishing.delete(ended));
    this.publishing.add(ended);
  }

  private async compute({ live, spec }: Planned, categories: readonly string[]): Promise<Map<string, FoundRow>> {
    if (categories.length === 0) return new Map();
    const features = await this.features.rows(spec.name, categories);
    const { rows, failures } = await this.inPool((pool) =>
      pool.rows({ spec, categories, ...(features && { features }) }),
    );
    this.rowCount += rows.length;
    for (const failure of failures) this.refusals.add(live, failure);
    const into = { found: [] as FoundRow[], corrupt: [] as CorruptRow[] };
    for (const { category, bytes } of rows) {
      this.refusals.remove(live, category);
      sortRow(live, category, bytes, into);
    }
    const [bad] = into.corrupt;
    if (bad !== undefined)
      throw new ForewarmError('FW_INTERNAL', `a computed row of ${live.model} has a wrong ${bad.fault}`);
    return new Map(into.found.map((row) => [row.category, row]));
  }

  private inspect(mapping: ModelMapping, known: readonly string[]): Promise<ModelSpec> {
    const asked = this.asked.get(mapping.name) ?? [];
    const probeCategories = known.length > 0 ? known : [PROBE, ...asked.slice(0, MORE_PROBES)];
    return inspectWith(this.features, (task) => this.inPool((pool) => pool.inspect(task)))(mapping, probeCategories);
  }

  /** @throws ForewarmError FW_READER_CLOSED, also for what was under way */
  private async inPool<T>(work: (pool: InferencePool) => Promise<T>): Promise<T> {
    try {
      this.checkOpen();
      this.starting ??= this.startPool();
      return await work(await this.starting);
    } catch (error) {
      this.checkOpen();
      throw error;
    }
  }

  private async startPool(): Promise<InferencePool> {
    const { processes, limitMs, env, onError } = this.options;
    // Loaded where it is needed: who reads from stores alone has no use for it.
    const { InferencePool: Pool } =
      require('../inference/inference-pool') as typeof import('../inference/inference-pool');
    const pool = new Pool({ processes, timeLimitMs: limitMs, env, onProcessLost: (error) => onError?.(error) });
    await pool.start();
    return pool;
  }

  /** @throws ForewarmError FW_READER_CLOSED */
  private checkOpen(): void {
    if (this.closing !== undefined) throw closedError();
  }
}

/** Rows that are asked for, with the file that computes them. */
interface Planned {
  readonly live: LiveGeneration;
  readonly spec: ModelSpec;
}

type LateRow = Promise<FoundRow | undefined>;

/** Whether one category may have failed for all that were asked for with it. */
function isOfOne(error: unknown): boolean {
  return error instanceof ForewarmError && !['FW_READER_BUSY', 'FW_READER_CLOSED'].includes(error.code);
}

function isCrash(error: unknown): boolean {
  return error instanceof ForewarmError && error.code === 'FW_INFERENCE_CRASHED';
}

function catalogued(model: ModelFile): CataloguedModel {
  const { name, file, version, axes, inputs = {}, output, classes, outputs, categories = [] } = model;
  return { name, file: resolve(file), version, axes, inputs, output, classes, outputs, categories: [...categories] };
}

function rowsOfOneTask({ live, spec }: Planned): number {
  const rowBytes = rowByteLength({ cells: live.cells, outputs: live.outputs.length });
  return Math.max(1, Math.min(ROWS_PER_TASK, rowsPerStatement(rowBytes), Math.floor(TASK_MS / spec.rowMs)));
}

function checkOf(live: LiveGeneration) {
  return (category: string, bytes: Buffer): FoundRow | undefined => {
    const row = checkRow(live, bytes);
    return row instanceof RowView ? { category, row } : undefined;
  };
}

function notHere(live: LiveGeneration, spec: ModelSpec): ForewarmError {
  const what = `the live generation of ${live.model} is ${live.generation}, and ${spec.file} is ${spec.generation}`;
  return new ForewarmError('FW_GENERATION_NOT_HERE', what);
}

function closedError(): ForewarmError {
  return new ForewarmError('FW_READER_CLOSED', 'the reader of the model was closed');
}
