import type { Command } from 'commander';
import { heldModel } from '#jobs/cycle/held-model';
import { queueStates } from '#jobs/queue-state';
import { registry } from '#jobs/registry';
import { schedulesOf } from '#jobs/schedule';
import type { Config } from '#shared/config/types';
import { addFolder, Invocation } from '../invocation';
import { queueProblems } from '../queue-problems';
import { type PausedModel, type QueueDocument, queueReport } from '../queue-report';
import { type QueueAccess, withQueue } from '../with-queue';

export function addQueues(program: Command): void {
  addFolder(program.command('queues'))
    .description('the job queues: how much waits and for how long, who works, and whether something is wrong')
    .addHelpText('after', '\nA job that is joining waits for the batches of its cycle to end.')
    .action(async (_options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.configToLook();
      const now = new Date();
      const document = await withQueue(config, (access) => readQueues(config, access, now));
      invocation.answer(document, () => queueReport(document, { ...invocation, now }));
    });
}

async function readQueues(config: Config, access: QueueAccess, now: Date): Promise<QueueDocument> {
  const models = config.models.map(({ name }) => name);
  const [queues, running, paused, broken] = await Promise.all([
    queueStates(registry.definitions, access.enqueue, now),
    Promise.all(models.map((model) => heldModel(access.cycles, access.enqueue, model))),
    Promise.all(models.map((model) => pauseOf(access, model))),
    brokenModels(access, models),
  ]);
  const held = running.filter((one) => one !== undefined);
  const expected = { schedules: schedulesOf(registry.definitions, config), models: config.models };
  return {
    queues,
    running: held,
    paused: paused.filter((one) => one !== undefined),
    problems: [...queueProblems(queues, held, expected, now), ...broken.map(brokenProblem)],
  };
}

async function brokenModels({ broken }: QueueAccess, models: readonly string[]): Promise<string[]> {
  const isBroken = await Promise.all(models.map((model) => broken.isBroken(model)));
  return models.filter((_, i) => isBroken[i]);
}

function brokenProblem(model: string): string {
  return `the model ${model} is broken and tried only now and then: \`forewarm status\` says why`;
}

async function pauseOf({ paused }: QueueAccess, model: string): Promise<PausedModel | undefined> {
  const since = await paused.since(model);
  return since === undefined ? undefined : { model, since };
}
