import { ForewarmError } from '#shared/errors';
import type { JobContext } from '../context';

/**
 * Refuses a job of a model that only other daemons have: while a configuration is rolled out, one of them takes it.
 * @throws ForewarmError FW_JOB_NOT_HERE
 */
export function requireModel(context: JobContext, model: string): void {
  if (context.models.names.includes(model)) return;
  throw new ForewarmError('FW_JOB_NOT_HERE', `${context.host} has no model named ${model} in its configuration`);
}
