import type { HeldModel } from '#jobs/cycle/held-model';
import type { QueueState } from '#jobs/queue-state';
import { formatDuration } from '#shared/config/duration';
import { formatElapsed } from '../elapsed';

/** What the queues of a deployment should be like. */
export interface Expected {
  /** The schedules of the configuration. */
  readonly schedules: readonly { readonly id: string; readonly job: string; readonly everyMs: number }[];
  readonly models: readonly { readonly name: string; readonly everyMs: number }[];
}

/** What is wrong with the queues, each in a sentence; none when all is well. Pure. */
export function queueProblems(
  queues: readonly QueueState[],
  running: readonly HeldModel[],
  expected: Expected,
  now: Date,
): string[] {
  return [
    ...withoutWorkers(queues),
    ...queues.flatMap((queue) => waitsTooLong(queue, expected)),
    ...expected.schedules.flatMap((schedule) => scheduleProblem(schedule, queues, now)),
    ...running.flatMap(({ model, cycle, lost }) =>
      lost ? [`the jobs of cycle ${cycle} are gone: the next cycle of ${model} takes its place`] : [],
    ),
  ];
}

function withoutWorkers(queues: readonly QueueState[]): string[] {
  const roles = [...new Set(queues.map(({ role }) => role))];
  return roles.flatMap((role) => {
    const ofRole = queues.filter((queue) => queue.role === role);
    const idle = ofRole.filter(({ workers }) => workers?.length === 0).map(({ name }) => name);
    if (idle.length === 0) return [];
    if (idle.length < ofRole.length) return [`nobody takes jobs from ${idle.join(', ')}`];
    return [`no daemon with the role ${role} is alive: nobody takes jobs from ${idle.join(', ')}`];
  });
}

function waitsTooLong({ name, oldest }: QueueState, { models, schedules }: Expected): string[] {
  if (oldest === null) return [];
  const model = models.find((candidate) => candidate.name === oldest.model);
  const periodMs = model?.everyMs ?? schedules.find(({ job }) => job === name)?.everyMs;
  if (periodMs === undefined || oldest.ageMs <= periodMs) return [];
  const whose = model === undefined ? 'its period' : `the period of ${model.name}`;
  const age = formatElapsed(oldest.ageMs);
  return [`the oldest waiting job of ${name} waits for ${age}, longer than ${whose} (${formatDuration(periodMs)})`];
}

function scheduleProblem(
  { id, job, everyMs }: Expected['schedules'][number],
  queues: readonly QueueState[],
  now: Date,
): string[] {
  const found = queues.find(({ name }) => name === job)?.schedules.find((schedule) => schedule.id === id);
  if (found === undefined) return [`the schedule ${id} is missing`];
  const lateMs = found.nextAt === null ? 0 : now.getTime() - found.nextAt.getTime();
  return lateMs > everyMs ? [`the schedule ${id} should have run ${formatElapsed(lateMs)} ago`] : [];
}
