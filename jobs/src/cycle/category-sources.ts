import { stat } from 'node:fs/promises';
import type { ModelCache } from '#shared/cache/model-cache';
import { formatBytes } from '#shared/config/bytes';
import { readCategories } from '#shared/config/read-categories';
import { gridSize } from '#shared/config/sizes';
import type { CategoryQuery, Config, ModelConfig } from '#shared/config/types';
import { messageOf } from '#shared/errors';
import { keepCategories, notKept, queryCategories } from '#shared/features/query-categories';
import type { Database } from '#shared/features/read-source';
import type { ModelCatalogue } from '#shared/model/model-catalogue';
import { percent } from '#shared/rollout/gates';

/** A writer that rests for longer is done. */
const SETTLE_MS = 1_000;

export interface Freshness {
  /** Why the categories of before are used on; `null` where those of the source are. */
  readonly problem: string | null;
  /** How they differ from those of before, where they do. */
  readonly changed?: { readonly added: number; readonly removed: number };
  /** Whether the source is good again, or was never looked at before. */
  readonly first?: boolean;
}

/** In place of what a file looks like: a query is asked each time. */
const QUERY = 'query';

const FRESH: Freshness = { problem: null };

/**
 * The categories of models whose list is in a file, read again when that changes, or in a database, which is asked each time. What cannot be read, or lacks too many of those that
 * are served, leaves the last good ones in use.
 */
export class CategorySources {
  private readonly models: ModelCatalogue<ModelConfig>;
  private readonly limits: Config['limits'];
  private readonly database: Database | undefined;
  /** What was made of a file, by model. */
  private readonly looks = new Map<string, { readonly stamp: string; readonly freshness: Freshness }>();

  /** @param database for queries that name none */
  constructor(models: ModelCatalogue<ModelConfig>, limits: Config['limits'], database: Database | undefined) {
    this.models = models;
    this.database = database;
    this.limits = limits;
  }

  /**
   * Looks at the source of a model and takes what it has.
   * @throws ForewarmError FW_REDIS_UNAVAILABLE
   */
  async refresh(name: string, cache: ModelCache): Promise<Freshness> {
    const model = this.models.configured(name);
    if (model.categorySource === 'configuration') return FRESH;
    if (model.categoryQuery !== undefined) return this.ask(model, model.categoryQuery, cache);
    const found = await stampOf(model.categorySource);
    if ('problem' in found) return this.keep(name, found.problem, found.problem);
    const { stamp } = found;
    const known = this.looks.get(name);
    if (known?.stamp === stamp) return known.freshness;
    // A file that is being written is read by a later cycle.
    const ageMs = Date.now() - changedAtMs(stamp);
    if (known !== undefined && ageMs >= 0 && ageMs < SETTLE_MS) return known.freshness;
    return this.take(model, stamp, cache);
  }

  /** What a query says is in no order that means anything: the same categories are the same list. */
  private async ask(model: ModelConfig, query: CategoryQuery, cache: ModelCache): Promise<Freshness> {
    const answer = await queryCategories(query, this.database);
    if ('problem' in answer) return this.keep(model.name, QUERY, `the query: ${answer.problem}`);
    const { categories } = answer;
    const before = new Set(model.categories);
    const same = categories.length === before.size && categories.every((category) => before.has(category));
    return this.hold(model, QUERY, same ? model.categories : categories, cache, async () => {
      if (same) return undefined;
      const file = model.categorySource;
      return keepCategories(file, categories).then(
        () => undefined,
        (error: unknown) => notKept(file, error),
      );
    });
  }

  private async take(model: ModelConfig, stamp: string, cache: ModelCache): Promise<Freshness> {
    const { name, categorySource, categoryColumn } = model;
    const read = readCategories(categorySource, categoryColumn);
    if ('problem' in read) return this.keep(name, stamp, read.problem);
    return this.hold(model, stamp, read.categories, cache, async () => undefined);
  }

  /** @param keep what must be done before they are taken; why it cannot, one line */
  private async hold(
    model: ModelConfig,
    stamp: string,
    categories: readonly string[],
    cache: ModelCache,
    keep: () => Promise<string | undefined>,
  ): Promise<Freshness> {
    const { name } = model;
    const served = this.looks.has(name) ? new Set(model.categories) : await servedBy(cache, model);
    const wanted = new Set(categories);
    const removed = [...served].filter((category) => !wanted.has(category));
    const problem = tooFew(model, categories, removed.length, served.size) ?? this.tooLarge(model, categories.length);
    if (problem !== undefined) {
      // After a restart the list itself is the short one: what is served goes on being so.
      if (!this.looks.has(name)) this.models.adopt(name, [...served]);
      return this.keep(name, stamp, problem);
    }
    const refused = await keep();
    if (refused !== undefined) return this.keep(name, stamp, refused);
    const first = this.looks.get(name)?.freshness.problem !== null;
    this.looks.set(name, { stamp, freshness: FRESH });
    const before = new Set(model.categories);
    const added = categories.filter((category) => !before.has(category)).length;
    const gone = model.categories.filter((category) => !wanted.has(category)).length;
    const same = added + gone === 0 && categories.every((category, i) => category === model.categories[i]);
    if (same) return { ...FRESH, first };
    this.models.adopt(name, categories);
    return { problem: null, first, changed: { added, removed: gone } };
  }

  private keep(name: string, stamp: string, problem: string): Freshness {
    const freshness = { problem };
    this.looks.set(name, { stamp, freshness });
    return freshness;
  }

  private tooLarge({ axes, outputs }: ModelConfig, categories: number): string | undefined {
    const { gridBytes } = gridSize({ axes, categories, outputs: outputs?.length ?? 1 });
    if (gridBytes <= this.limits.gridBytes) return undefined;
    return `its ${categories} categories take ${gridBytes} bytes; limits.gridBytes allows ${formatBytes(this.limits.gridBytes)}`;
  }
}

/** What has a row in what is live: what a daemon that starts must not lose by a list that has shrunk meanwhile. */
async function servedBy(cache: ModelCache, { categories }: ModelConfig): Promise<Set<string>> {
  const live = await cache.pointer();
  if (live === undefined) return new Set(categories);
  const served = new Set<string>();
  for await (const part of cache.walkIndex(live.generation)) for (const category of part) served.add(category);
  return served;
}

function tooFew(
  { minCategories, maxRemovedShare }: ModelConfig,
  categories: readonly string[],
  removed: number,
  before: number,
): string | undefined {
  if (categories.length < minCategories) {
    return `it has ${categories.length} categories; minCategories asks for ${minCategories}`;
  }
  const share = before === 0 ? 0 : removed / before;
  if (share <= maxRemovedShare) return undefined;
  return `it lacks ${removed} of ${before} categories (${percent(share)}); maxRemovedShare allows ${percent(maxRemovedShare)}`;
}

async function stampOf(file: string): Promise<{ readonly stamp: string } | { readonly problem: string }> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true });
    return { stamp: `${dev}:${ino}:${size}:${mtimeNs}` };
  } catch (error) {
    return { problem: `${file} cannot be read: ${messageOf(error)}` };
  }
}

function changedAtMs(stamp: string): number {
  return Number(BigInt(stamp.split(':').at(-1) ?? '0') / 1_000_000n);
}
