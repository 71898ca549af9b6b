import { type CachedRow, readRows } from '../cache/row-reader';
import { type RowSwap, swapRows } from '../cache/row-swap';
import { rowFrame } from '../model/spec';
import type { RestoreRequest } from './restore-request';
import type { RestoreSource } from './restore-source';
import type { BackupRow } from './row-lines';
import type { BackupStores } from './stores';
import type { Reporting } from './take-backup';

export interface RowCounts {
  readonly written: number;
  readonly absent: number;
  readonly corrupt: number;
  readonly older: number;
  readonly kept: number;
  readonly skipped: number;
}

/** What is to become of a row, by what the cache has in its place. */
export type Verdict = 'absent' | 'corrupt' | 'older' | 'kept' | 'overwritten';

/**
 * @param cached what is there
 * @param overwrite whether a row that is whole and as new is replaced as well
 */
export function judge(row: BackupRow, cached: CachedRow | undefined, overwrite: boolean): Verdict {
  if (cached === undefined) return 'absent';
  if (!cached.whole) return 'corrupt';
  if (cached.computedAtMs < row.computedAtMs) return 'older';
  return overwrite && !cached.bytes.equals(row.bytes) ? 'overwritten' : 'kept';
}

/** Writes the rows of a generation to the cache where it has worse ones or none, and to Postgres. */
export class RowRestorer {
  private readonly stores: BackupStores;
  private readonly source: RestoreSource;
  private readonly request: RestoreRequest;
  private readonly wanted: ReadonlySet<string>;
  private readonly verdicts = { absent: 0, corrupt: 0, older: 0, overwritten: 0, kept: 0 };
  private written = 0;
  private skipped = 0;
  /** Whether Postgres has taken everything so far. */
  durable = true;

  constructor(stores: BackupStores, source: RestoreSource, request: RestoreRequest) {
    this.stores = stores;
    this.source = source;
    this.request = request;
    this.wanted = new Set(request.categories);
  }

  get counts(): RowCounts {
    const { absent, corrupt, older, kept } = this.verdicts;
    return { written: this.written, absent, corrupt, older, kept, skipped: this.skipped };
  }

  /** Makes the generation known before it has rows, so that it can be dropped if it is never published. */
  async begin(): Promise<void> {
    const { generation: id, ...facts } = this.source.facts;
    await this.inPostgres(() => this.stores.generations.beginRestored({ ...facts, id }));
  }

  /** @throws ForewarmError FW_REDIS_*; what the source throws; the signal's reason when it is aborted */
  async run({ onProgress, signal, now }: Reporting): Promise<void> {
    const { generation } = this.source.facts;
    let done = 0;
    for await (const slice of this.source.read(signal)) {
      signal.throwIfAborted();
      const rows = slice.filter(({ category }) => this.wanted.has(category));
      this.skipped += slice.length - rows.length;
      await this.restore(rows, now().getTime());
      done += slice.length;
      onProgress({ phase: 'restoring', generation, done, of: this.source.rows });
    }
  }

  private async restore(rows: readonly BackupRow[], nowMs: number): Promise<void> {
    const { redis, cache } = this.stores;
    const { facts } = this.source;
    const { generation } = facts;
    const categories = rows.map(({ category }) => category);
    if (rows.length === 0) return;
    const cached = await readRows(redis, cache.keys, categories, { generation, frame: rowFrame(facts), inputs: false });
    const swaps: RowSwap[] = [];
    for (const row of rows) {
      const there = cached.get(row.category);
      const verdict = judge(row, there, this.request.overwrite);
      this.verdicts[verdict] += 1;
      if (verdict !== 'kept') swaps.push({ ...row, instead: there?.bytes });
    }
    if (this.request.dryRun) return;
    const { expireAfterMs } = this.request;
    const written = await swapRows(redis, cache.keys, generation, swaps, { expireAfterMs, indexed: categories });
    this.written += written.size;
    // What a cycle has written since it was looked at is newer.
    this.verdicts.kept += swaps.length - written.size;
    await this.store(rows, nowMs);
  }

  /** Rows that Postgres has newer it keeps. */
  private async store(rows: readonly BackupRow[], nowMs: number): Promise<void> {
    if (this.source.durable) return;
    const { cache, rows: store } = this.stores;
    await this.inPostgres(() => store.upsert(cache.model, this.source.facts.generation, rows, nowMs));
  }

  /** Beside the path: what it lacks is copied by the next cycles. It is not waited for slice by slice when it is away. */
  private async inPostgres(work: () => Promise<void>): Promise<void> {
    if (!this.durable) return;
    try {
      await work();
    } catch {
      this.durable = false;
    }
  }
}
