import type { RowFrame } from '../cache/row';
import { viewRow } from '../cache/row';
import { slices } from '../cache/slices';
import { rowFrame } from '../model/spec';
import type { LiveRecord } from '../store/generation-store';
import { ROWS_PER_STATEMENT } from '../store/row-store';
import type { GenerationFacts } from './generation-facts';
import type { BackupRow } from './row-lines';
import type { BackupStores } from './stores';
import type { VerifiedBackup } from './verified-backup';

/** Where a generation is restored from: a backup, or the durable copy of its rows. */
export interface RestoreSource {
  readonly name: string;
  readonly facts: Omit<GenerationFacts, 'scope'>;
  /** When its rows were put there; `undefined` when they are kept up to date. */
  readonly startedAt: Date | undefined;
  /** Whether its rows are those of Postgres. */
  readonly durable: boolean;
  readonly rows: number;
  has(category: string): boolean;
  read(signal: AbortSignal): AsyncGenerator<readonly BackupRow[]>;
}

export function fromBackup(backup: VerifiedBackup): RestoreSource {
  const { header } = backup;
  return {
    name: backup.name,
    facts: header,
    startedAt: new Date(header.startedAt),
    durable: false,
    rows: backup.trailer.rows,
    has: (category) => backup.categories.has(category),
    read: (signal) => backup.rows({ signal }),
  };
}

/**
 * The rows that Postgres has of a generation.
 * @throws ForewarmError FW_POSTGRES_UNAVAILABLE
 */
export async function fromPostgres(
  { cache, rows }: BackupStores,
  { id: generation, publishedAt, ...record }: LiveRecord,
): Promise<RestoreSource> {
  const { model } = cache;
  const categories = await rows.categories(model, generation);
  const known = new Set(categories);
  const { identity, modelVersion, axes, outputs } = record;
  const published = publishedAt?.toISOString() ?? null;
  const frame = rowFrame(record);
  return {
    name: 'postgres',
    facts: { model, generation, identity, modelVersion, axes, outputs, publishedAt: published, lastUpdated: null },
    startedAt: undefined,
    durable: true,
    rows: categories.length,
    has: (category) => known.has(category),
    async *read(signal) {
      for (const slice of slices(categories, ROWS_PER_STATEMENT)) {
        signal.throwIfAborted();
        const stored = await rows.read(model, generation, slice);
        yield stored.flatMap(({ category, bytes, inputs }) => {
          const computedAtMs = wholeSince(bytes, frame);
          return computedAtMs === undefined ? [] : [{ category, bytes, computedAtMs, inputs }];
        });
      }
    },
  };
}

function wholeSince(bytes: Buffer, frame: RowFrame): number | undefined {
  const row = viewRow(bytes);
  if (typeof row === 'string' || !row.isOf(frame.identity)) return undefined;
  return row.cells === frame.cells && row.outputs === frame.outputs ? row.computedAtMs : undefined;
}
