import type { ModelCache } from '#shared/cache/model-cache';
import { type LivePointer, type Metadata, withoutPin } from '#shared/cache/pointer';
import { evicts } from '#shared/connections/redis-state';
import { ForewarmError } from '#shared/errors';
import { errorFacts, type Logger } from '#shared/logger';
import type { ModelSpec } from '#shared/model/spec';
import { refusalText } from '#shared/rollout/gates';
import type { JobContext } from '../context';
import { categoriesHash } from './categories-hash';
import { inspectGeneration, tellAccepted, tellRefusal } from './pass-gates';
import type { CyclePayload } from './payloads';
import { type Presence, presenceOf, whyGone } from './presence';
import { lastPublished, retireGenerations } from './retire-generations';
import type { SettledCycle } from './settle-cycle';

export interface Published {
  /** What readers follow now; absent when nothing is live yet. */
  readonly live: LivePointer | undefined;
  readonly metadata: Metadata | undefined;
  /** Why the cycle's generation is not live, where it is not. */
  readonly withheld: string | null;
  /** Whether Postgres still has rows of categories that were removed. */
  readonly undropped?: boolean;
  /** Why rows that the cycle wrote are not in the cache any more, where they are not. */
  readonly gone: string | null;
}

/**
 * Ends a cycle in the cache: brings the metadata up to date and, for a generation that is not live, flips the pointer when
 * every row is there and its gates pass it. When nothing is live yet the first generation is published with what it has. Safe to repeat.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE, FW_MODEL_*
 */
export async function publishCycle(
  context: JobContext,
  payload: CyclePayload,
  settled: SettledCycle,
  log: Logger,
): Promise<Published> {
  const cache = context.cache(payload.model);
  const [before, known] = await Promise.all([cache.pointer(), cache.metadata()]);
  const now = new Date(context.clock.now());
  // What it wrote stays, row by row; what it did not reach is as it was.
  if (settled.state === 'cancelled') {
    return { live: before, metadata: undefined, withheld: 'the cycle was cancelled', gone: null };
  }
  const undropped = settled.state !== 'failed' && (await dropUnwanted(context, cache, payload, settled, log));
  const next = await nextPointer(context, cache, payload, settled, before, now, log);
  const live = 'pointer' in next ? next.pointer : before;
  const withheld = 'withheld' in next ? next.withheld : null;
  if (live === undefined) return { live, metadata: undefined, withheld, gone: null, undropped };

  const presence = await presenceOf(context, cache, payload, settled, live, known);
  const gone = presence.gone === 0 ? null : await whyGone(context, presence.gone);
  const metadata = metadataFor(payload, settled, live, known, now, presence);
  const done = await (live === before
    ? cache.writeMetadata(metadata, live.generation)
    : cache.publish(live, metadata, before?.generation));
  if (!done) {
    // Another daemon, or a restore, has published since it was looked at: what follows from that is another matter.
    throw new ForewarmError('FW_GENERATION_REPLACED', `another generation of ${payload.model} was published meanwhile`);
  }
  if (live !== before) {
    log.info('generation published', { generation: live.generation, previous: live.previous });
  }
  const replaced = live === before ? null : (before?.previous ?? null);
  if (settled.state !== 'failed') await retireGenerations(context, cache, live, payload.generation, replaced, log);
  return { live, metadata, withheld, gone, undropped };
}

/** The pointer after this cycle: the one there is, or one to the cycle's generation; or why it stays away. */
async function nextPointer(
  context: JobContext,
  cache: ModelCache,
  payload: CyclePayload,
  settled: SettledCycle,
  live: LivePointer | undefined,
  now: Date,
  log: Logger,
): Promise<{ pointer: LivePointer } | { withheld: string }> {
  // A pin over another file ends when the file of the live generation is back.
  if (live?.generation === payload.generation)
    return { pointer: live.pinnedOver === undefined ? live : withoutPin(live) };
  if (live?.pinnedOver === payload.generation) return { withheld: `the model is pinned to ${live.generation}` };
  if (settled.state === 'failed') return { withheld: settled.reason ?? 'the cycle failed' };
  const spec = await context.models.resolve(payload.model);
  if (spec.generation !== payload.generation) return { withheld: 'the model file changed while the cycle ran' };
  if (live !== undefined) {
    const mayLack = await wereEvicted(context, payload, settled);
    const report = await inspectGeneration(context, cache, spec, live, settled, mayLack);
    if (!report.passed && payload.anyway !== true) {
      // Rows that a store has lost are computed by the next cycle: that is nobody's fault.
      const lost = settled.failed === 0 && report.refusals.every(({ gate }) => gate === 'coverage');
      if (!lost) await tellRefusal(context, spec, live, report, log);
      return { withheld: refusalText(report) };
    }
    await tellAccepted(context, spec.name, spec.generation, log);
  }
  const previous = live?.generation ?? (await lastPublished(context, spec));
  return { pointer: pointerTo(spec, previous, now) };
}

/**
 * Whether rows that are missing had all been written. A cache that cannot hold every row must not keep a new model from being
 * served: it would throw away the rows of the old one, which nobody computes any more, and have neither.
 */
async function wereEvicted(context: JobContext, payload: CyclePayload, settled: SettledCycle): Promise<boolean> {
  if (payload.whole === null || !settled.everyRow) return false;
  return evicts(await context.cacheState());
}

function pointerTo(spec: ModelSpec, previous: string | null, now: Date): LivePointer {
  return {
    format: 1,
    generation: spec.generation,
    previous,
    publishedAt: now.toISOString(),
    modelVersion: spec.modelVersion,
    axes: spec.axes.map(({ name, values }) => ({ name, values: [...values] })),
    outputs: [...spec.outputs],
  };
}

/**
 * `last_updated` moves only when every row of the live generation was seen to: computed, found valid, or restored from a
 * copy of the same identity, which is what computing it again would give.
 */
function metadataFor(
  payload: CyclePayload,
  settled: SettledCycle,
  live: LivePointer,
  known: Metadata | undefined,
  now: Date,
  { rows, expected, failed, gone }: Presence,
): Metadata {
  const ours = live.generation === payload.generation;
  const whole = payload.whole !== null && ours;
  const before = known?.generation === live.generation ? known : undefined;
  const state = settled.state === 'complete' && gone > 0 ? 'degraded' : settled.state;
  const everyRow = whole && settled.everyRow;
  // The rows are of these data only where all of them are.
  const dataUpdated =
    everyRow && payload.dataMs !== undefined ? new Date(payload.dataMs).toISOString() : before?.data_updated;
  return {
    last_updated: everyRow ? now.toISOString() : pastTime(before?.last_updated ?? live.publishedAt, now),
    generation: live.generation,
    cycle: payload.cycle,
    ...{ rows, expected, failed },
    duration_s: Math.max(0, now.getTime() - payload.startedAtMs) / 1_000,
    ...(dataUpdated !== undefined && { data_updated: dataUpdated }),
    state: ours || settled.state === 'failed' ? state : 'degraded',
  };
}

/** A time of before the clock was set back: while it lies ahead, rows that fail would look fresh. */
function pastTime(time: string, now: Date): string {
  return Date.parse(time) > now.getTime() ? now.toISOString() : time;
}

/**
 * Deletes rows of categories that left the configuration, here and in Postgres. Only where this daemon has the categories
 * that the cycle was planned for: one with an older configuration must not delete what a newer one added. Returns whether
 * Postgres still has them.
 */
async function dropUnwanted(
  context: JobContext,
  cache: ModelCache,
  { model, generation, whole, copyKept }: CyclePayload,
  settled: SettledCycle,
  log: Logger,
): Promise<boolean> {
  const { categories } = context.models.configured(model);
  if (whole !== categoriesHash(categories)) return false;
  // Every category of a whole cycle is in the index now, unless it failed: then the sizes may agree by chance.
  const same = settled.failed === 0 && (await cache.indexSize(generation)) === categories.length;
  const dropped = same ? [] : await cache.dropUnwanted(generation, new Set(categories));
  if (dropped.length > 0) log.info('rows of removed categories dropped', { rows: dropped.length });
  // A Postgres that was away may have missed it before.
  if (dropped.length === 0 && !copyKept) return false;
  try {
    await context.rows.keepOnly(model, generation, categories);
    return false;
  } catch (error) {
    context.errors.report('rows of removed categories stay in Postgres', error, errorFacts(error), { log });
    return true;
  }
}
