import { ForewarmError } from '#shared/errors';
import type { RunningCycles } from './running-cycles';

/**
 * Asks a running cycle to end and returns the name of its model. Batches that run are finished; the others do not begin, and
 * the rows that they would have replaced stay as they are.
 * @throws ForewarmError FW_CYCLE_NOT_RUNNING naming those that do, FW_REDIS_UNAVAILABLE
 */
export async function cancelCycle(cycles: RunningCycles, models: readonly string[], id: string): Promise<string> {
  const running = await Promise.all(models.map(async (model) => ({ model, cycle: await cycles.holder(model) })));
  const found = running.find(({ cycle }) => cycle === id);
  if (found === undefined || !(await cycles.cancel(found.model, id))) {
    const others = running.flatMap(({ model, cycle }) => (cycle === undefined ? [] : [`${cycle} (${model})`]));
    const which = others.length === 0 ? 'no cycle runs' : `running: ${others.join(', ')}`;
    throw new ForewarmError('FW_CYCLE_NOT_RUNNING', `cycle ${id} does not run; ${which}`);
  }
  return found.model;
}
