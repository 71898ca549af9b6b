import type { Logger } from '#shared/logger';
import type { JobContext } from '../context';
import { afterFailure, type FailedTry, type ModelTries } from './model-breaker';

/** Bookkeeping of what cycles find out about their models, for all daemons. All functions throw FW_REDIS_UNAVAILABLE. */

/** How the last tries of the model as it is now failed; nothing for one whose file or mapping is another since then. */
export async function triesOf(context: JobContext, model: string, log: Logger): Promise<ModelTries | undefined> {
  const tries = await context.broken.tries(model);
  if (tries === undefined || tries.subject === (await context.models.fingerprint(model))) return tries;
  log.info('the model is another than the one that failed: it is tried', { failed: tries.failures });
  await context.broken.forget(model);
  return undefined;
}

/** Counts a try that failed. Returns what to add to the cycle's reason when the model is broken now. */
export async function noteFailure(
  context: JobContext,
  model: string,
  failure: FailedTry,
  log: Logger,
): Promise<string | null> {
  const { brokenAfter } = context.config.inference;
  const { everyMs } = context.models.configured(model);
  const [before, subject] = await Promise.all([context.broken.tries(model), context.models.fingerprint(model)]);
  const tries = afterFailure(before, subject, failure, { brokenAfter, everyMs }, context.clock.now());
  await context.broken.remember(model, tries);
  if (tries.brokenSince === null) return null;
  const nextTry = new Date(tries.nextTryAtMs).toISOString();
  if (before?.brokenSince !== tries.brokenSince) {
    context.metrics.modelBroken.set({ model }, 1);
    log.error('the model is broken: it is left alone, but for a try after growing pauses', {
      ...{ tries: tries.failures, nextTry, code: failure.code, error: failure.reason },
      next: `Mend the file, or what it lacks; a file that changes is tried at once, as is \`forewarm warm --model ${model}\`.`,
    });
  }
  return `the model is broken: ${tries.failures} tries in a row failed; the next is at ${nextTry}`;
}

/** A model that works has no failures in a row. Returns whether there had been any. */
export async function noteWorks(context: JobContext, model: string, log: Logger): Promise<boolean> {
  const tries = await context.broken.tries(model);
  if (tries === undefined) return false;
  await context.broken.forget(model);
  context.metrics.modelBroken.set({ model }, 0);
  log.info('the model works again', { failed: tries.failures });
  return true;
}
