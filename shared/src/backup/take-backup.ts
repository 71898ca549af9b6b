import { setTimeout as delay } from 'node:timers/promises';
import { readRows } from '../cache/row-reader';
import type { BackupConfig } from '../config/types';
import { ForewarmError } from '../errors';
import { rowFrame } from '../model/spec';
import { BackupFolder } from './backup-folder';
import { BackupWriter, type SealedBackup } from './backup-writer';
import { BACKUP_FORMAT, type BackupHeader, type BackupManifest } from './documents';
import { type GenerationFacts, type KnownIdentities, liveFacts, previousFacts } from './generation-facts';
import { RowSource } from './row-source';
import type { BackupStores } from './stores';
import { verifyBackup } from './verified-backup';

export interface TakeRequest {
  /** The live generation, or the one before it as well. */
  readonly generation: 'live' | 'all';
  /** Categories that should have a row in the live generation. */
  readonly categories: readonly string[];
  readonly known: KnownIdentities;
  readonly backup: BackupConfig;
  /** Of Forewarm. */
  readonly version: string;
}

export interface BackupProgress {
  readonly phase: 'reading' | 'verifying' | 'restoring';
  readonly generation: string;
  /** Rows while reading and restoring, bytes while verifying. */
  readonly done: number;
  readonly of: number;
}

export interface Reporting {
  readonly onProgress: (progress: BackupProgress) => void;
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

export interface TakenBackup {
  readonly manifest: BackupManifest;
  /** Why Postgres could not give what the cache lacked, where it could not. */
  readonly postgresFailure: string | null;
}

/**
 * Milliseconds of rest after some 2 ms of work. A scheduler lets who runs finish its turn of about 3 ms before who wakes up gets the core,
 * whatever the priority: a reader's p99 was 2.2 times its idle value without these, and is 1.5 times with them.
 */
const REST_MS = 2;

/** Rows that are compared with the live ones. */
const SAMPLE_ROWS = 100;
/** A generation that goes while it is read is given up for the new one; models do not change so often. */
const MAX_STARTS = 3;

/**
 * Writes what is live to the folder of backups, reads it back, and gives it its name when it is good.
 * @throws ForewarmError FW_BACKUP_FOLDER, FW_BACKUP_WRITE_FAILED, FW_BACKUP_NOT_AS_LIVE, FW_NOT_WARMED, FW_REDIS_UNAVAILABLE,
 *   FW_POSTGRES_UNAVAILABLE; the signal's reason when it is aborted. Then nothing of it is left
 */
export async function takeBackup(
  stores: BackupStores,
  request: TakeRequest,
  reporting: Reporting,
): Promise<readonly TakenBackup[]> {
  const folder = new BackupFolder(request.backup);
  await folder.open();
  await folder.removeLeftovers(reporting.now().getTime());
  await folder.adoptOrphans(stores.cache.model, reporting.now());
  const live = await takeLive(stores, request, folder, reporting);
  const previous = request.generation === 'all' ? await previousFacts(stores) : undefined;
  if (previous === undefined || previous.generation === live.manifest.generation) return [live];
  const taken = await takeOne(stores, { ...request, categories: [] }, previous, folder, reporting);
  return taken === 'vanished' ? [live] : [live, taken];
}

async function takeLive(
  stores: BackupStores,
  request: TakeRequest,
  folder: BackupFolder,
  reporting: Reporting,
): Promise<TakenBackup> {
  for (let start = 1; start <= MAX_STARTS; start++) {
    const facts = await liveFacts(stores, request.known);
    const taken = await takeOne(stores, request, facts, folder, reporting);
    if (taken !== 'vanished') return taken;
  }
  throw new ForewarmError(
    'FW_BACKUP_NOT_AS_LIVE',
    `the live generation of ${stores.cache.model} was replaced and dropped ${MAX_STARTS} times while it was read`,
  );
}

async function takeOne(
  stores: BackupStores,
  request: TakeRequest,
  facts: GenerationFacts,
  folder: BackupFolder,
  reporting: Reporting,
): Promise<TakenBackup | 'vanished'> {
  const source = new RowSource(stores, facts);
  const categories = await source.categories(request.categories);
  const header = headerOf(facts, request, categories.length, reporting.now());
  const writer = await BackupWriter.create(header, {
    folder: folder.path,
    compression: request.backup.compression,
    scope: facts.scope,
    sequence: await folder.nextSequence(facts.model),
  });
  let missing = 0;
  try {
    let done = 0;
    for await (const slice of source.read(categories)) {
      reporting.signal.throwIfAborted();
      await writer.writeRows(slice.rows);
      await writer.writeMissing(slice.missing);
      missing += slice.missing.length;
      done += slice.rows.length + slice.missing.length;
      reporting.onProgress({ phase: 'reading', generation: facts.generation, done, of: categories.length });
      await delay(REST_MS);
    }
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  const sealed = await writer.seal(reporting.now());
  try {
    if (missing > 0 && (await hasGone(stores, facts))) {
      await sealed.abandon();
      return 'vanished';
    }
    const sample = new Set(everyNth(categories, SAMPLE_ROWS));
    const compared = await verifySealed(stores, facts, sealed, sample, reporting);
    const manifest = await sealed.publish({ verifiedAt: reporting.now(), compared });
    return { manifest, postgresFailure: source.postgresFailure?.message ?? null };
  } catch (error) {
    await sealed.abandon();
    throw error;
  }
}

function headerOf(
  facts: GenerationFacts,
  { backup, version }: TakeRequest,
  categories: number,
  startedAt: Date,
): BackupHeader {
  const { model, generation, identity, modelVersion, axes, outputs, publishedAt, lastUpdated } = facts;
  return {
    forewarm: 'backup',
    format: BACKUP_FORMAT,
    ...{ model, generation, identity, modelVersion },
    axes: axes.map(({ name, values }) => ({ name, values: [...values] })),
    outputs: [...outputs],
    values: backup.values,
    ...{ categories, publishedAt, lastUpdated, startedAt: startedAt.toISOString(), version },
  };
}

/** Whether the generation was dropped meanwhile: then what is missing of it was there a moment ago. */
async function hasGone({ cache }: BackupStores, { generation }: GenerationFacts): Promise<boolean> {
  const pointer = await cache.pointer();
  if (pointer === undefined || pointer.generation === generation || pointer.previous === generation) return false;
  return (await cache.indexSize(generation)) === 0;
}

/** Reads the file back, and compares some of its rows with those that are live now. Returns how many could be compared. */
async function verifySealed(
  { redis, cache }: BackupStores,
  facts: GenerationFacts,
  sealed: SealedBackup,
  sample: ReadonlySet<string>,
  { onProgress, signal }: Reporting,
): Promise<number> {
  const { generation } = facts;
  const backup = await verifyBackup(sealed.temporary, {
    expected: sealed.tallied,
    keep: sample,
    signal,
    onProgress: ({ bytesDone, bytes }) => onProgress({ phase: 'verifying', generation, done: bytesDone, of: bytes }),
  });
  await backup.close();
  const options = { generation, frame: rowFrame(facts), inputs: false };
  const live = await readRows(redis, cache.keys, [...sample], options);
  let compared = 0;
  for (const { category, computedAtMs, bytes } of backup.kept) {
    const now = live.get(category);
    // Another was computed since: it says nothing of this one.
    if (now?.whole !== true || now.computedAtMs !== computedAtMs) continue;
    compared += 1;
    if (now.bytes.equals(bytes)) continue;
    const what = `the row of ${JSON.stringify(category)}`;
    throw new ForewarmError(
      'FW_BACKUP_NOT_AS_LIVE',
      `${what} of ${cache.model} was read back otherwise than it is live`,
    );
  }
  return compared;
}

function everyNth<T>(items: readonly T[], wanted: number): T[] {
  const step = Math.max(1, Math.floor(items.length / wanted));
  return items.filter((_, i) => i % step === 0);
}
