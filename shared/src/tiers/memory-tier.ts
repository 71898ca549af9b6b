import { encodeRow, type Row, RowView } from '../cache/row';
import { ForewarmError } from '../errors';
import { isoTime } from './iso-time';
import type { CorruptRow, FoundRow, LiveGeneration, Tier, TierRows } from './tier';

/**
 * What a held row takes beside its values: measured, 440 to 500 bytes on the heap of the engine, and what the system keeps of a buffer.
 */
const ROW_OVERHEAD_BYTES = 600;

/** A row in memory. */
export class HeldRow {
  readonly tier = 'memory';
  readonly row: Row;
  /** Milliseconds since 1970 UTC, by the clock of this process: when it was taken from a tier below. */
  readonly heldAtMs: number;
  readonly category: string;
  readonly shelf: Shelf;
  readonly bytes: number;
  /** Whether it was asked for since the last look for rows to let go. */
  used = false;
  newer: HeldRow | undefined = undefined;
  older: HeldRow | undefined = undefined;
  private text: string | undefined = undefined;

  constructor(shelf: Shelf, category: string, { row, heldAtMs, bytes }: Pick<HeldRow, 'row' | 'heldAtMs' | 'bytes'>) {
    this.shelf = shelf;
    this.category = category;
    this.row = row;
    this.heldAtMs = heldAtMs;
    this.bytes = bytes;
  }

  /** When it was computed, ISO 8601 UTC: as answers say it. Many rows are never asked for again. */
  get computedAt(): string {
    this.text ??= isoTime(this.row.computedAtMs);
    return this.text;
  }
}

/** The held rows of one generation of a model. */
export interface Shelf {
  readonly generation: string;
  readonly rows: Map<string, HeldRow>;
  /** That of its rows, which all have the same. */
  identity: Uint8Array | undefined;
}

/**
 * Rows in this process, bounded by their bytes. What goes first is what was not asked for since it came, oldest first (SIEVE,
 * Zhang et al., NSDI 2024): unlike with LRU a hit changes no order, and a scan of many rows does not wash out the used ones.
 */
export class MemoryTier implements Tier {
  readonly name = 'memory';
  private readonly maxBytes: number;
  private readonly now: () => number;
  /** By model: one generation of each. */
  private readonly shelves = new Map<string, Shelf>();
  private newest: HeldRow | undefined;
  private oldest: HeldRow | undefined;
  /** Where the look for rows to let go stands. */
  private hand: HeldRow | undefined;
  private heldBytes = 0;
  private heldRows = 0;
  private closed = false;

  /** @param now milliseconds since 1970 UTC */
  constructor(maxBytes: number, now: () => number) {
    this.maxBytes = maxBytes;
    this.now = now;
  }

  get size(): { readonly rows: number; readonly bytes: number } {
    return { rows: this.heldRows, bytes: this.heldBytes };
  }

  async read(live: LiveGeneration, categories: readonly string[]): Promise<TierRows> {
    if (this.closed) throw new ForewarmError('FW_READER_CLOSED', 'the reader was closed');
    const shelf = this.shelves.get(live.model);
    const rows = shelf?.generation === live.generation ? shelf.rows : undefined;
    const found = categories.flatMap((category): FoundRow[] => {
      const held = rows?.get(category);
      if (held === undefined) return [];
      held.used = true;
      const { row } = held;
      return [{ category, row: new RowView(encodeRow(row, row.values, row.computedAtMs)) }];
    });
    return { found, corrupt: [] };
  }

  async fill(live: LiveGeneration, rows: readonly FoundRow[], _corrupt: readonly CorruptRow[] = []): Promise<void> {
    for (const { category, row } of rows) this.hold(live, category, row);
  }

  /**
   * Holds a row, unless a newer one of its category is held.
   * @param heldFromMs one that is held since before this gives way: by a clock that was set back since, all that is new looks old
   */
  hold(live: LiveGeneration, category: string, found: Row, heldFromMs = Number.NEGATIVE_INFINITY): void {
    if (this.closed) return;
    const shelf = this.shelf(live);
    const there = shelf.rows.get(category);
    if (there !== undefined) {
      if (there.row.computedAtMs > found.computedAtMs && there.heldAtMs >= heldFromMs) return;
      this.letGo(there);
    }
    const { outputs, cells, computedAtMs, values } = found;
    const bytes = values.byteLength + 2 * category.length + ROW_OVERHEAD_BYTES;
    if (bytes > this.maxBytes) return;
    while (this.heldBytes + bytes > this.maxBytes) this.evict();
    shelf.identity ??= found.identity;
    const row = { outputs, cells, computedAtMs, identity: shelf.identity, values };
    this.add(new HeldRow(shelf, category, { row, heldAtMs: this.now(), bytes }));
  }

  /** The rows of this generation; those of another one of the same model go. */
  shelf({ model, generation }: Pick<LiveGeneration, 'model' | 'generation'>): Shelf {
    const there = this.shelves.get(model);
    if (there?.generation === generation) return there;
    if (there !== undefined) for (const held of there.rows.values()) this.letGo(held);
    const shelf: Shelf = { generation, rows: new Map(), identity: undefined };
    this.shelves.set(model, shelf);
    return shelf;
  }

  /** Lets go what changed in the tiers below. */
  drop(model: string, generation: string, categories: readonly string[]): void {
    const shelf = this.shelves.get(model);
    if (shelf?.generation !== generation) return;
    for (const category of categories) {
      const held = shelf.rows.get(category);
      if (held !== undefined) this.letGo(held);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.shelves.clear();
    this.newest = undefined;
    this.oldest = undefined;
    this.hand = undefined;
    this.heldBytes = 0;
    this.heldRows = 0;
  }

  private add(held: HeldRow): void {
    held.older = this.newest;
    if (this.newest !== undefined) this.newest.newer = held;
    this.newest = held;
    this.oldest ??= held;
    held.shelf.rows.set(held.category, held);
    this.heldBytes += held.bytes;
    this.heldRows++;
  }

  private letGo(held: HeldRow): void {
    if (this.hand === held) this.hand = held.newer;
    if (held.newer === undefined) this.newest = held.older;
    else held.newer.older = held.older;
    if (held.older === undefined) this.oldest = held.newer;
    else held.older.newer = held.newer;
    held.shelf.rows.delete(held.category);
    this.heldBytes -= held.bytes;
    this.heldRows--;
  }

  private evict(): void {
    let held = this.hand ?? this.oldest;
    while (held?.used) {
      held.used = false;
      held = held.newer ?? this.oldest;
    }
    if (held === undefined) return;
    this.hand = held.newer;
    this.letGo(held);
  }
}
