import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { cancelCycle } from '#jobs/cycle/cancel-cycle';
import { addFolder, Invocation } from '../invocation';
import { type QueueAccess, withQueue } from '../with-queue';

/** How long the command looks for the end before it says that the end will come. */
const LOOK_MS = 5_000;
const LOOK_EVERY_MS = 50;

export function addCancel(program: Command): void {
  addFolder(program.command('cancel'))
    .description('end a running cycle: batches that have not begun do not begin, and the old rows stay served')
    .argument('<cycle>', 'id of the running cycle')
    .action(async (cycle: string, _options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.configToLook();
      const models = config.models.map(({ name }) => name);
      const { model, ended } = await withQueue(config, async (access) => {
        const found = await cancelCycle(access.cycles, models, cycle);
        return { model: found, ended: await hasEnded(access, found, cycle) };
      });
      invocation.answer({ model, cycle, ended }, () =>
        ended
          ? `Cycle ${cycle} of ${model} is cancelled.`
          : `Cycle ${cycle} of ${model} is being cancelled: it ends as soon as the batches have that run now.`,
      );
    });
}

async function hasEnded({ cycles }: QueueAccess, model: string, cycle: string): Promise<boolean> {
  const began = performance.now();
  while (performance.now() - began < LOOK_MS) {
    if ((await cycles.holder(model)) !== cycle) return true;
    await delay(LOOK_EVERY_MS);
  }
  return false;
}
