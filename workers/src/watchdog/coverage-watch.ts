import type { JobContext } from '#jobs/context';
import type { LivePointer, Metadata } from '#shared/cache/pointer';
import { steadyClock } from '#shared/clock';
import { approximateBytes } from '#shared/config/bytes';
import { cacheBytes, gridSize } from '#shared/config/sizes';
import { evicts, type RedisState } from '#shared/connections/redis-state';
import { type Finding, HealPolicy } from './heal-policy';
import type { Watched } from './watchdog';

/** With nothing to show that rows went, every so many looks they are counted all the same. */
const COUNT_EVERY = 12;

/**
 * Looks whether the cache still has what was published: the pointer, the rows, the index. What went is healed without waiting
 * for a reader to miss it, and a cache that is too small is told so.
 */
export class CoverageWatch implements Watched {
  readonly name = 'the cache';
  private readonly context: JobContext;
  private readonly policies: ReadonlyMap<string, HealPolicy>;
  /** Models of which something was seen that was published: only what was there can have been lost. */
  private readonly seen = new Set<string>();
  private readonly outputs = new Map<string, number>();
  /** The cycle whose figures were shown last: what is counted later is newer. */
  private readonly shown = new Map<string, string>();
  private readonly counts = new Map<string, { readonly rows: number; readonly expected: number }>();
  private before: RedisState | undefined;
  private looks = 0;

  constructor(context: JobContext) {
    this.context = context;
    const policies = context.config.models.map(({ name, everyMs }) => [name, new HealPolicy(everyMs)] as const);
    this.policies = new Map(policies);
  }

  /** What the last count of the rows of a model gave, where this daemon counts and the cycles since have said nothing newer. */
  counted(model: string): { readonly rows: number; readonly expected: number } | undefined {
    return this.counts.get(model);
  }

  /** How the rows of a model are healed. */
  policy(model: string): HealPolicy {
    return this.policies.get(model) as HealPolicy;
  }

  /** @throws ForewarmError FW_REDIS_UNAVAILABLE */
  async look(): Promise<void> {
    const state = await this.context.cacheState().catch(() => undefined);
    if (state !== undefined) this.context.metrics.redis('cache', state);
    const count = this.looks++ % COUNT_EVERY === 0 || lostKeys(this.before, state);
    this.before = state;
    for (const model of this.context.models.names) await this.lookAt(model, state, count);
  }

  private async lookAt(model: string, state: RedisState | undefined, count: boolean): Promise<void> {
    const cache = this.context.cache(model);
    const [pointer, metadata] = await Promise.all([cache.pointer(), cache.metadata()]);
    if (metadata !== undefined && this.shown.get(model) !== metadata.cycle) {
      this.context.metrics.metadata(model, metadata);
      this.shown.set(model, metadata.cycle);
      this.counts.delete(model);
    }
    if (metadata !== undefined) this.seen.add(model);
    if (pointer === undefined) {
      this.counts.delete(model);
      return this.pointerGone(model);
    }
    this.seen.add(model);
    this.outputs.set(model, pointer.outputs.length);
    // Counting costs Redis about a microsecond a row; it is for the daemons that plan.
    const indexed = await cache.indexSize(pointer.generation);
    const due = count || !this.policy(model).helps || indexed < (metadata?.rows ?? 0);
    if (due && this.context.config.roles.includes('scheduler')) await this.count(model, pointer, metadata, state);
  }

  private async pointerGone(model: string): Promise<void> {
    if (!this.seen.has(model) || !this.policy(model).mayHeal(steadyClock.now())) return;
    this.context.log.warn('the cache has lost what was published: healing', { model });
    await this.heal(model);
  }

  private async count(
    model: string,
    pointer: LivePointer,
    metadata: Metadata | undefined,
    state: RedisState | undefined,
  ): Promise<void> {
    const { context } = this;
    const { generation } = pointer;
    const { categories } = context.models.configured(model);
    const cache = context.cache(model);
    const missing = new Set(await cache.missing(generation, categories));
    const present = categories.length - missing.size;
    context.metrics.rowsPresent.set({ model }, present);
    this.counts.set(model, { rows: present, expected: categories.length });
    const there = categories.filter((category) => !missing.has(category));
    if ((await cache.indexSize(generation)) < present) await this.indexAgain(model, generation, there);
    // One that is left alone heals nothing, and its file may take long to fail once more.
    if (await context.broken.isBroken(model)) return;
    // Rows of a generation that is not the model file's any more cannot be computed.
    if ((await context.models.resolve(model)).generation !== generation) return;
    const failed = metadata?.generation === generation ? metadata.failed : 0;
    const finding: Finding = { lacking: missing.size - failed, cycle: metadata?.cycle, nowMs: steadyClock.now() };
    const verdict = this.policy(model).judge(finding);
    if (verdict === 'heal') {
      context.log.warn('rows went from the cache: healing', { model, rows: finding.lacking });
      await this.heal(model);
    }
    if (verdict === 'futile') this.tellFutile(model, present, state);
    if (verdict === 'recovered') context.log.info('the cache holds all rows again', { model, rows: present });
  }

  /** A cache that takes no writes keeps nobody from being told what it lacks. */
  private async indexAgain(model: string, generation: string, categories: readonly string[]): Promise<void> {
    const { errors, log } = this.context;
    try {
      await this.context.cache(model).addToIndex(generation, categories);
      log.warn('the index of the rows had gaps and was written again', { model, rows: categories.length });
    } catch (error) {
      errors.report('the index of the rows has gaps and could not be written again', error, { model });
    }
  }

  private async heal(model: string): Promise<void> {
    const once = { key: `heal-${model}`, ifRunning: 'follow' } as const;
    await this.context.enqueue.add('warm', { model, trigger: 'heal' }, once);
  }

  private tellFutile(model: string, rows: number, state: RedisState | undefined): void {
    const facts = { model, rows, expected: this.context.models.configured(model).categories.length };
    if (state === undefined || !evicts(state)) {
      this.context.log.warn('rows go from the cache as they are written; the next cycles try again', facts);
      return;
    }
    const { usedBytes, maxBytes } = state;
    const neededBytes = this.neededBytes();
    this.context.log.warn('the cache Redis is too small for all rows: it evicts some for each that is written', {
      ...{ ...facts, usedBytes, maxBytes, neededBytes },
      next: `Raise its maxmemory to ${approximateBytes(neededBytes)} or more; until then cycles come at their period only.`,
    });
  }

  /** For all models that are live. */
  private neededBytes(): number {
    const grids = this.context.config.models.map(({ name, axes, categories }) => {
      const categoryBytes = categories.reduce((bytes, category) => bytes + Buffer.byteLength(category), 0);
      return gridSize({ axes, categories: categories.length, categoryBytes, outputs: this.outputs.get(name) ?? 1 });
    });
    return cacheBytes(grids);
  }
}

/** Whether keys went from the server since the last look, or another one answers; unknown counts as no. */
function lostKeys(before: RedisState | undefined, now: RedisState | undefined): boolean {
  if (before === undefined || now === undefined) return false;
  return before.runId !== now.runId || before.evictedKeys !== now.evictedKeys || now.keys < before.keys;
}
