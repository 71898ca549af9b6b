import type { Command } from 'commander';
import { type OnDemandTrigger, requestWarm, type WarmRequest } from '#jobs/on-demand';
import type { Config, ModelConfig } from '#shared/config/types';
import { followWarm, type WarmEnd, type WarmProgress } from '../../follow-warm';
import { suggestCategory } from '../../suggest-category';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { ProgressBar } from '../progress-bar';
import { type QueueAccess, withQueue } from '../with-queue';

interface WarmOptions {
  readonly model?: string;
  readonly category?: readonly string[];
  readonly force?: boolean;
  readonly wait?: boolean;
}

export function addWarm(program: Command): void {
  addFolder(program.command('warm'))
    .description('warm a model now, beside its schedule; a daemon on any machine does the work')
    .option('--model <name>', 'the model; may be left out when only one is configured')
    .option('--category <text...>', 'only these categories; all of the model when left out')
    .option('--force', 'compute every row anew, also one of which a valid copy could be kept or restored')
    .option('--wait', 'wait for the end of the cycle, with its progress; Ctrl-C stops the waiting, not the cycle')
    .addHelpText('after', '\nExample:\n  forewarm warm --category "EMS: CARDIAC EMERGENCY" --wait')
    .action(async ({ category = [], force = false, ...options }: WarmOptions, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.configOfRunning();
      const model = chooseModel(config, options.model);
      const request = { model: model.name, categories: [...category], force };
      await warmOnDemand(invocation, config, model, request, { trigger: 'command', wait: options.wait ?? false });
    });
}

interface How {
  readonly trigger: OnDemandTrigger;
  readonly wait: boolean;
}

/** Asks for a cycle and, with `wait`, follows it to its end. */
export async function warmOnDemand(
  invocation: Invocation,
  config: Config,
  model: ModelConfig,
  request: WarmRequest,
  { trigger, wait }: How,
): Promise<void> {
  await withQueue(config, async (access) => {
    const job = await requestWarm(access.enqueue, model, request, trigger).catch((error: unknown) => {
      throw suggestCategory(error, model, request.categories ?? []);
    });
    if (wait) await waitFor(invocation, access, model.name, job);
    else await answerAsked(invocation, access, model.name, job);
  });
}

async function answerAsked(
  invocation: Invocation,
  { enqueue }: QueueAccess,
  model: string,
  job: string,
): Promise<void> {
  const takers = await enqueue.queue('warm').getWorkersCount();
  invocation.answer({ model, job, schedulers: takers }, () => {
    const asked = `A cycle of ${model} is asked for (job ${job}); see \`forewarm cycles\`, or follow it with --wait.`;
    if (takers > 0) return asked;
    const nobody = 'No daemon with the role scheduler is running: it waits in the queue until one does.';
    return `${asked}\n${invocation.colours.yellow(nobody)}`;
  });
}

async function waitFor(invocation: Invocation, { enqueue }: QueueAccess, model: string, job: string): Promise<void> {
  const shown = process.stderr.isTTY && !invocation.json;
  const bar = shown ? new ProgressBar(model, process.stderr, () => performance.now()) : undefined;
  const interrupted = new AbortController();
  const onSignal = (): void => interrupted.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  let last: WarmProgress | undefined;
  const onProgress = (progress: WarmProgress): void => {
    last = progress;
    bar?.show(
      progress.phase === 'waiting'
        ? { waits: progress.reason }
        : { done: progress.rowsDone, of: progress.rows, unit: 'rows' },
    );
  };
  try {
    const end = await followWarm(enqueue, job, onProgress, interrupted.signal);
    bar?.stop();
    answerEnd(invocation, model, end);
  } catch (error) {
    bar?.stop();
    if (!interrupted.signal.aborted) throw error;
    tellGoesOn(invocation, model, job, last);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function answerEnd(invocation: Invocation, model: string, end: WarmEnd): void {
  const { cycle, state, reason, rows, computed, restored, verified, failed, durationMs } = end;
  const colour = state === 'complete' ? invocation.colours.green : invocation.colours.red;
  const counts = Object.entries({ computed, restored, verified, failed }).filter(([, n]) => n > 0);
  invocation.answer({ model, ...end }, () => {
    const what = counts.map(([name, n]) => `${n} ${name}`).join(', ');
    const line = `${colour(state)} ${model}: ${rows} ${rows === 1 ? 'row' : 'rows'} (${what}) in ${(durationMs / 1_000).toFixed(2)} s, cycle ${cycle}`;
    return reason === null ? line : `${line}\n  ${reason}`;
  });
  // The answer says it all; scripts look at the code.
  if (state !== 'complete') process.exitCode = 1;
}

/** 128 + SIGINT, as shells have it. */
const EXIT_INTERRUPTED = 130;

function tellGoesOn(invocation: Invocation, model: string, job: string, last: WarmProgress | undefined): void {
  process.exitCode = EXIT_INTERRUPTED;
  const cycle = last?.phase === 'running' ? last.cycle : null;
  invocation.answer({ model, job, cycle, state: cycle === null ? 'waiting' : 'running', interrupted: true }, () =>
    cycle === null
      ? `No longer waiting. The request of ${model} stays in the queue (job ${job}) and will be done.`
      : `No longer waiting. Cycle ${cycle} of ${model} goes on: \`forewarm cycles show ${cycle}\` tells what became of it, ` +
        `\`forewarm cancel ${cycle}\` ends it.`,
  );
}
