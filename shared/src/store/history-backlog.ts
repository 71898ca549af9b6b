import type { BatchRecord, CycleRecord, HistoryStore } from './history-store';

/** What is kept at most, as JSON: some thousand cycles of twenty batches. */
const MAX_BYTES = 16 * 1024 * 1024;

interface KeptCycle {
  readonly cycle: CycleRecord;
  readonly batches: readonly BatchRecord[];
  readonly bytes: number;
}

/** What a flush came to. */
export interface Flushed {
  readonly recorded: number;
  /** Cycles that will never be recorded: older than what could be kept, or refused for what they hold. */
  readonly lost: number;
}

/**
 * Cycles that could not be recorded while PostgreSQL was away, oldest first and bounded by their size: the oldest give way.
 * In memory, so what one daemon has kept is lost when it ends.
 */
export class HistoryBacklog {
  private readonly kept = new Map<string, KeptCycle>();
  private readonly maxBytes: number;
  private bytes = 0;
  private lost = 0;
  private flushing: Promise<Flushed> | undefined;

  constructor(maxBytes = MAX_BYTES) {
    this.maxBytes = maxBytes;
  }

  get size(): number {
    return this.kept.size;
  }

  /** Takes the place of what is kept of the same cycle, such as the news that it runs, also in the order. */
  keep(cycle: CycleRecord, batches: readonly BatchRecord[]): void {
    this.bytes -= this.kept.get(cycle.id)?.bytes ?? 0;
    const bytes = JSON.stringify([cycle, batches]).length;
    this.kept.set(cycle.id, { cycle, batches, bytes });
    this.bytes += bytes;
    for (const id of this.kept.keys()) {
      if (this.bytes <= this.maxBytes) return;
      this.drop(id);
      this.lost++;
    }
  }

  /**
   * Records what is kept, in its order. While that is under way, another call waits for it and has nothing to tell of.
   * @throws ForewarmError FW_POSTGRES_UNAVAILABLE; what was not recorded by then stays
   */
  async flush(history: Pick<HistoryStore, 'record'>): Promise<Flushed> {
    if (this.flushing !== undefined) {
      await this.flushing;
      return { recorded: 0, lost: 0 };
    }
    this.flushing = this.recordAll(history).finally(() => {
      this.flushing = undefined;
    });
    return this.flushing;
  }

  private async recordAll(history: Pick<HistoryStore, 'record'>): Promise<Flushed> {
    let recorded = 0;
    for (const [id, kept] of this.kept) {
      try {
        await history.record(kept.cycle, kept.batches);
        recorded++;
      } catch (error) {
        if (!isUnfit(error)) throw error;
        this.lost++;
      }
      // While it was being written more may have come to be known of the cycle.
      if (this.kept.get(id) === kept) this.drop(id);
    }
    const { lost } = this;
    this.lost = 0;
    return { recorded, lost };
  }

  private drop(id: string): void {
    this.bytes -= this.kept.get(id)?.bytes ?? 0;
    this.kept.delete(id);
  }
}

/** Whether the values were refused, which no later try changes: it must not hold up those behind it. */
function isUnfit(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' && /^2[23]/.test(cause.code);
}
