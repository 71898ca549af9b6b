import { ForewarmError } from '#shared/errors';
import type { HistoryStore } from '#shared/store/history-store';

/** Ids that the refusal of an ambiguous one lists. */
const LISTED = 5;

/**
 * The id of the one cycle of the history that begins like this.
 * @throws ForewarmError FW_CYCLE_UNKNOWN, FW_CYCLE_AMBIGUOUS listing those that fit, FW_POSTGRES_UNAVAILABLE
 */
export async function findCycle(history: HistoryStore, beginning: string): Promise<string> {
  const fitting = await history.idsBeginning(beginning, LISTED + 1);
  const [only, ...others] = fitting;
  if (only === undefined) {
    throw new ForewarmError('FW_CYCLE_UNKNOWN', `the run history has no cycle ${beginning}`);
  }
  if (others.length === 0 || only === beginning) return only;
  const listed = fitting.slice(0, LISTED).join(', ');
  const more = fitting.length > LISTED ? ' and others' : '';
  throw new ForewarmError('FW_CYCLE_AMBIGUOUS', `${beginning} is the beginning of ${listed}${more}`);
}
