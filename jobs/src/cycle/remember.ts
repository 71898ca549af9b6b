import { errorFacts, type Logger } from '#shared/logger';
import type { BatchRecord, CycleRecord } from '#shared/store/history-store';
import type { JobContext } from '../context';

/**
 * Records a cycle, or keeps it until PostgreSQL is back: the history is beside the path, and warming goes on without it.
 * Never throws.
 */
export async function remember(
  context: JobContext,
  cycle: CycleRecord,
  batches: readonly BatchRecord[],
  log: Logger,
): Promise<void> {
  try {
    // The history lists cycles in the order in which it came to know them: this one is not the next while others wait.
    await recordKept(context);
    await context.history.record(cycle, batches);
  } catch (error) {
    context.backlog.keep(cycle, batches);
    const where = 'the cycle could not be recorded in the history; it is kept until PostgreSQL is back';
    context.errors.report(where, error, errorFacts(error), { log });
  }
}

/**
 * Records what waits for PostgreSQL, and tells what the history will never have.
 * @throws ForewarmError FW_POSTGRES_UNAVAILABLE
 */
export async function recordKept({ backlog, history, log }: JobContext): Promise<void> {
  if (backlog.size === 0) return;
  const { recorded, lost } = await backlog.flush(history);
  if (recorded > 0) log.info('cycles were recorded late: PostgreSQL is back', { cycles: recorded });
  if (lost > 0) log.warn('the run history lacks cycles that were too many to keep', { cycles: lost });
}
