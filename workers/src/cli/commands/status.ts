import type { Command } from 'commander';
import type { ModelTries } from '#jobs/cycle/model-breaker';
import { ModelCache } from '#shared/cache/model-cache';
import type { Config, ModelConfig } from '#shared/config/types';
import { makePostgres } from '#shared/connections/postgres';
import { messageOf } from '#shared/errors';
import { AlertStore, type FiringAlert } from '#shared/store/alert-store';
import { type GenerationRecord, GenerationStore } from '#shared/store/generation-store';
import { type CycleRecord, HistoryStore } from '#shared/store/history-store';
import { formatElapsed, formatMoment } from '../../elapsed';
import { type BackupState, backupStates } from '../backup-state';
import type { Colours } from '../colours';
import { cycleTable } from '../cycle-table';
import { addFolder, Invocation } from '../invocation';
import { parseCount } from '../parse-count';
import { CONNECT_MS } from '../patience';
import { oneLine, truncate } from '../terminal-text';
import { withQueue } from '../with-queue';
import { withRedis } from '../with-redis';

interface ModelStatus {
  readonly model: string;
  readonly live: string | null;
  readonly previous: string | null;
  readonly modelVersion: string | null;
  readonly publishedAt: string | null;
  readonly lastUpdated: string | null;
  /** The newest time in the features that the last cycle used. */
  readonly dataUpdated: string | null;
  readonly ageMs: number | null;
  readonly stale: boolean;
  /** The generation of the model file, which stays away because an operator chose the live one. */
  readonly pinnedOver: string | null;
  /** `null` where none lies in the folder of this machine. */
  readonly backup: BackupState | null;
  /** Since when its schedule is paused. */
  readonly pausedSince: string | null;
  /** For a model that is left alone because its last tries failed. */
  readonly broken: Broken | null;
  /** Rows present and expected in the live generation. */
  readonly rows: number;
  readonly expected: number;
  /** Why the list of categories cannot be used, where it is in a file. */
  readonly categoryProblem: string | null;
  readonly generations: readonly GenerationRecord[];
  readonly cycles: readonly CycleRecord[];
}

interface Broken {
  readonly since: string;
  readonly tries: number;
  readonly code: string;
  readonly reason: string;
  /** The next try by itself. */
  readonly nextTry: string;
}

interface Status {
  readonly models: readonly ModelStatus[];
  /** Those that fire. */
  readonly alerts: readonly FiringAlert[];
  /** Why generations and cycles are not known, where they are not. */
  readonly historyError: string | null;
  /** Why it is not known which models are paused, where it is not. */
  readonly queueError: string | null;
}

export function addStatus(program: Command): void {
  addFolder(program.command('status'))
    .description('models, generations, freshness, coverage and the last cycles')
    .option('--cycles <n>', 'how many of the last cycles to show for each model', '5')
    .action(async (options: { cycles: string }, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.configToLook();
      const status = await readStatus(config, parseCount('--cycles', options.cycles));
      invocation.answer(status, () => describe(status, invocation));
    });
}

/** Asks all stores at once: one that is silent is waited for, and two of them must not be waited for in turn. */
async function readStatus(config: Config, cycles: number): Promise<Status> {
  const [cached, history, queue, backups] = await Promise.all([
    readCache(config),
    readHistory(config, cycles),
    readQueue(config),
    backupStates(config),
  ]);
  const models = cached.map((status): ModelStatus => {
    const { generations = [], cycles = [] } = history.byModel.get(status.model) ?? {};
    const { pausedSince = null, broken = null } = queue.byModel.get(status.model) ?? {};
    const backup = backups.get(status.model) ?? null;
    return { ...status, generations, cycles, pausedSince, broken, backup };
  });
  return { models, alerts: history.alerts, historyError: history.error, queueError: queue.error };
}

type HeldBack = Pick<ModelStatus, 'pausedSince' | 'broken'>;
type CacheStatus = Omit<ModelStatus, keyof HeldBack | keyof ModelHistory | 'backup'>;

/** @throws ForewarmError FW_REDIS_UNAVAILABLE */
async function readCache(config: Config): Promise<CacheStatus[]> {
  return withRedis(config.redis.cacheUrl, async (redis) => {
    const states: CacheStatus[] = [];
    for (const model of config.models) {
      states.push(await cacheStatus(new ModelCache(redis, config.keyPrefix, model.name), model));
    }
    return states;
  });
}

/** The queue may be away while the cache still answers. */
async function readQueue(config: Config): Promise<{ byModel: Map<string, HeldBack>; error: string | null }> {
  const byModel = new Map<string, HeldBack>();
  try {
    await withQueue(config, async ({ paused, broken }) => {
      for (const { name } of config.models) {
        const since = await paused.since(name);
        const tries = await broken.tries(name);
        byModel.set(name, { pausedSince: since?.toISOString() ?? null, broken: brokenOf(tries) });
      }
    });
    return { byModel, error: null };
  } catch (error) {
    return { byModel, error: messageOf(error) };
  }
}

function brokenOf(tries: ModelTries | undefined): Broken | null {
  if (tries === undefined || tries.brokenSince === null) return null;
  const { brokenSince: since, failures, code, reason, nextTryAtMs } = tries;
  return { since, tries: failures, code, reason, nextTry: new Date(nextTryAtMs).toISOString() };
}

interface ModelHistory {
  readonly generations: readonly GenerationRecord[];
  readonly cycles: readonly CycleRecord[];
}

/** History and generations are beside the path: status answers without them, and says why. */
async function readHistory(
  config: Config,
  limit: number,
): Promise<{ byModel: Map<string, ModelHistory>; alerts: FiringAlert[]; error: string | null }> {
  const { url } = config.postgres;
  const byModel = new Map<string, ModelHistory>();
  if (url === undefined) return { byModel, alerts: [], error: 'postgres.url is not set' };
  const pool = makePostgres({ ...config.postgres, url, connectTimeoutMs: CONNECT_MS, poolSize: 1 }, () => undefined);
  try {
    for (const { name } of config.models) {
      const generations = await new GenerationStore(pool).list(name);
      byModel.set(name, { generations, cycles: await new HistoryStore(pool).lastCycles({ model: name }, limit) });
    }
    return { byModel, alerts: await new AlertStore(pool).firing(), error: null };
  } catch (error) {
    return { byModel, alerts: [], error: messageOf(error) };
  } finally {
    await pool.end();
  }
}

async function cacheStatus(cache: ModelCache, model: ModelConfig): Promise<CacheStatus> {
  const [live, metadata] = await Promise.all([cache.pointer(), cache.metadata()]);
  const missing = live === undefined ? model.categories : await cache.missing(live.generation, model.categories);
  const broken = model.categoryProblem !== undefined;
  const ageMs = metadata === undefined ? null : Math.max(0, Date.now() - Date.parse(metadata.last_updated));
  return {
    model: model.name,
    live: live?.generation ?? null,
    previous: live?.previous ?? null,
    modelVersion: live?.modelVersion ?? null,
    publishedAt: live?.publishedAt ?? null,
    pinnedOver: live?.pinnedOver ?? null,
    lastUpdated: metadata?.last_updated ?? null,
    dataUpdated: metadata?.data_updated ?? null,
    ageMs,
    stale: ageMs === null || ageMs > model.staleAfterMs,
    // Of a list that cannot be read, the last cycle knew the length.
    rows: broken ? (metadata?.rows ?? 0) : model.categories.length - missing.length,
    expected: broken ? (metadata?.expected ?? 0) : model.categories.length,
    categoryProblem: model.categoryProblem ?? null,
  };
}

function describe(status: Status, invocation: Invocation): string {
  const { yellow } = invocation.colours;
  const parts = status.models.map((model) => describeModel(model, invocation));
  if (status.alerts.length > 0) parts.push(describeAlerts(status.alerts, invocation));
  if (status.queueError !== null) parts.push(yellow(`queue unavailable: ${status.queueError}`));
  if (status.historyError !== null) parts.push(yellow(`run history unavailable: ${status.historyError}`));
  return parts.join('\n\n');
}

function describeModel(model: ModelStatus, invocation: Invocation): string {
  const { colours, columns } = invocation;
  const lines = [...describeLive(model, colours), ...describeHeldBack(model, invocation)];
  if (model.cycles.length > 0)
    lines.push('', cycleTable(model.cycles, { columns, colours, now: new Date(), models: 'one' }));
  return lines.join('\n');
}

function describeAlerts(alerts: readonly FiringAlert[], { colours, columns }: Invocation): string {
  const lines = alerts.map(({ condition, model, message, since }) => {
    const head = `  ${condition}${model === '' ? '' : ` ${model}`}, since ${formatMoment(since)} UTC: `;
    return head + truncate(oneLine(message), Math.max(20, columns - head.length));
  });
  return [colours.red('alerts'), ...lines].join('\n');
}

function describeBackup({ backup }: ModelStatus, colours: Colours): string[] {
  if (backup?.newest == null) return [];
  const { startedAt, missing } = backup.newest;
  const age = formatElapsed(Date.now() - Date.parse(startedAt));
  const lacks = missing === 0 ? '' : colours.yellow(`, ${missing} rows missing`);
  return [`  backup       ${age} ago, verified${lacks}; ${backup.count} in all`];
}

function describeLive(model: ModelStatus, colours: Colours): string[] {
  if (model.live === null) return [`${colours.bold(model.model)}  nothing is published yet`];
  const coverage = ((100 * model.rows) / Math.max(1, model.expected)).toFixed(model.rows === model.expected ? 0 : 1);
  const age = model.ageMs === null ? 'at an unknown time' : `${formatElapsed(model.ageMs)} ago`;
  const others = model.generations.filter(({ id }) => id !== model.live && id !== model.previous);
  return [
    `${colours.bold(model.model)}  ${model.stale ? colours.red('stale') : colours.green('fresh')}, updated ${age}`,
    ...(model.dataUpdated === null ? [] : [`  data         ${ageOf(model.dataUpdated)}`]),
    `  rows         ${model.rows} of ${model.expected} (${coverage} %)`,
    `  live         ${model.live}, model version ${model.modelVersion}`,
    ...(model.publishedAt === null ? [] : [`  published    ${formatMoment(new Date(model.publishedAt))} UTC`]),
    `  previous     ${model.previous ?? 'none'}`,
    ...describeBackup(model, colours),
    ...others.map((generation) => `  ${generation.state.padEnd(12)} ${generation.id}`),
  ];
}

/** A source may say what is to be. */
function ageOf(time: string): string {
  const ageMs = Date.now() - Date.parse(time);
  return ageMs < 0 ? `as of ${formatMoment(new Date(time))} UTC` : `newest ${formatElapsed(ageMs)} ago`;
}

/** What is wrong with the list of categories, why no cycle of the model begins, and what to do. */
function describeHeldBack(status: ModelStatus, { colours }: Invocation): string[] {
  const { model, pausedSince, pinnedOver, broken, categoryProblem } = status;
  const moment = (iso: string): string => `${formatMoment(new Date(iso))} UTC`;
  const pinned = `  pinned       over generation ${pinnedOver} of the model file, which stays away until: forewarm unpin --model ${model}`;
  const lines = [
    ...(categoryProblem === null ? [] : [colours.yellow(`  categories   ${oneLine(categoryProblem)}`)]),
    ...(pinnedOver === null ? [] : [colours.yellow(pinned)]),
    ...(pausedSince === null ? [] : [colours.yellow(`  paused       since ${moment(pausedSince)}`)]),
  ];
  if (broken === null) return lines;
  const { since, tries, reason, nextTry } = broken;
  return [
    ...lines,
    colours.red(`  broken       since ${moment(since)}: ${tries} tries in a row failed`),
    `  last error   ${oneLine(reason)}`,
    `  next try     ${moment(nextTry)}, or at once when the file has changed, or now:`,
    `               forewarm warm --model ${model}`,
  ];
}
