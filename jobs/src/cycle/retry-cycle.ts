import { ForewarmError } from '#shared/errors';
import type { HistoryStore } from '#shared/store/history-store';

/** What a retry of a cycle has to see to. */
export interface Retry {
  readonly model: string;
  /** Absent means all categories of the model. */
  readonly categories?: string[];
}

/**
 * The rows of a cycle that failed: of batches that failed, and of single categories in others. A cycle that failed before
 * its batches were recorded is retried whole.
 * @throws ForewarmError FW_CYCLE_UNKNOWN, FW_NOTHING_TO_RETRY, FW_POSTGRES_UNAVAILABLE
 */
export async function retryOf(history: HistoryStore, id: string): Promise<Retry> {
  const found = await history.cycle(id);
  if (found === undefined) throw new ForewarmError('FW_CYCLE_UNKNOWN', `the run history has no cycle ${id}`);
  const { cycle, batches } = found;
  const categories = [...new Set(batches.flatMap(({ failedCategories }) => failedCategories))];
  if (categories.length > 0) return { model: cycle.model, categories };
  if (cycle.state === 'failed') return { model: cycle.model };
  throw new ForewarmError('FW_NOTHING_TO_RETRY', `cycle ${id} is ${cycle.state}, and none of its rows failed`);
}
