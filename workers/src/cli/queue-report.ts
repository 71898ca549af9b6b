import type { HeldModel } from '#jobs/cycle/held-model';
import type { QueueState } from '#jobs/queue-state';
import { formatDuration } from '#shared/config/duration';
import { formatElapsed, formatMoment } from '../elapsed';
import { countColumn, type TableView, tableLines } from './table';
import { oneLine } from './terminal-text';

export interface PausedModel {
  readonly model: string;
  readonly since: Date;
}

export interface QueueDocument {
  readonly queues: readonly QueueState[];
  readonly running: readonly HeldModel[];
  readonly paused: readonly PausedModel[];
  readonly problems: readonly string[];
}

export interface QueueView extends TableView {
  readonly now: Date;
}

/** Depths, schedules, workers, what runs and what is paused; the last line says in words whether something is wrong. */
export function queueReport(document: QueueDocument, view: QueueView): string {
  const { queues, running, paused, problems } = document;
  const parts = [
    depthLines(queues, view),
    scheduleLines(queues, view),
    [...workerLines(queues), ...runningLines(running, view), ...pausedLines(paused, view)],
    verdict(queues, problems, view),
  ];
  return parts.map((lines) => lines.join('\n')).join('\n\n');
}

function depthLines(queues: readonly QueueState[], view: QueueView): string[] {
  const { red } = view.colours;
  return tableLines(
    queues,
    [
      { head: 'queue', cell: ({ name }) => name },
      countColumn('waiting', ({ depths }) => depths.waiting),
      countColumn('active', ({ depths }) => depths.active),
      countColumn('delayed', ({ depths }) => depths.delayed),
      countColumn('joining', ({ depths }) => depths.waitingChildren),
      { head: 'failed', cell: ({ depths: { failed } }) => (failed > 0 ? red(String(failed)) : '0'), right: true },
      countColumn('done', ({ depths }) => depths.completed, 1),
      { head: 'oldest', cell: ({ oldest }) => (oldest === null ? '' : formatElapsed(oldest.ageMs)), right: true },
      { head: 'workers', cell: ({ workers }) => (workers === null ? '?' : String(workers.length)), right: true },
    ],
    view,
  );
}

function scheduleLines(queues: readonly QueueState[], view: QueueView): string[] {
  const schedules = queues.flatMap((queue) => queue.schedules);
  if (schedules.length === 0) return ['There is no schedule: no daemon with the role scheduler has run yet.'];
  const next = (at: Date | null): string => {
    if (at === null) return '';
    const ms = at.getTime() - view.now.getTime();
    return ms < 0 ? `${formatElapsed(-ms)} ago` : `in ${formatElapsed(ms)}`;
  };
  return tableLines(
    schedules,
    [
      { head: 'schedule', cell: ({ id }) => oneLine(id) },
      { head: 'every', cell: ({ everyMs, cron }) => (everyMs === null ? (cron ?? '') : formatDuration(everyMs)) },
      { head: 'next run', cell: ({ nextAt }) => next(nextAt) },
      { head: 'at (UTC)', cell: ({ nextAt }) => (nextAt === null ? '' : formatMoment(nextAt)) },
    ],
    view,
  );
}

/** Daemons by role and host: each has one worker on every queue of its roles. */
function workerLines(queues: readonly QueueState[]): string[] {
  const roles = [...new Set(queues.map(({ role }) => role))];
  return roles.map((role, i) => {
    const lists = queues.filter((queue) => queue.role === role).map(({ workers }) => workers);
    const longest = lists.reduce((most, list) => ((list?.length ?? -1) > (most?.length ?? -1) ? list : most), null);
    return fact(i === 0 ? 'daemons' : '', `${role}: ${longest === null ? 'not known' : byHost(longest)}`);
  });
}

function byHost(workers: readonly string[]): string {
  if (workers.length === 0) return 'none';
  const counts = new Map<string, number>();
  for (const host of workers) counts.set(host, (counts.get(host) ?? 0) + 1);
  return [...counts].map(([host, count]) => (count === 1 ? host : `${count} on ${host}`)).join(', ');
}

function runningLines(running: readonly HeldModel[], { now }: QueueView): string[] {
  if (running.length === 0) return [fact('running', 'no cycle')];
  return running.map(({ model, cycle, startedAt, batches }, i) => {
    const left = batches === null ? '' : `, ${batches.left} of ${batches.all} batches left`;
    const since = formatElapsed(now.getTime() - startedAt.getTime());
    return fact(i === 0 ? 'running' : '', `${model}: cycle ${cycle} for ${since}${left}`);
  });
}

function pausedLines(paused: readonly PausedModel[], { colours, now }: QueueView): string[] {
  return paused.map(({ model, since }, i) => {
    const ago = formatElapsed(now.getTime() - since.getTime());
    return colours.yellow(fact(i === 0 ? 'paused' : '', `${model}: since ${formatMoment(since)} UTC, ${ago} ago`));
  });
}

function fact(name: string, value: string): string {
  return `${name.padEnd(8)} ${value}`;
}

function verdict(queues: readonly QueueState[], problems: readonly string[], { colours }: QueueView): string[] {
  const [only = '', ...others] = problems;
  if (others.length > 0) return [colours.yellow('Something is wrong:'), ...problems.map((problem) => `  ${problem}`)];
  if (problems.length > 0) return [colours.yellow(`Something is wrong: ${only}.`)];
  if (queues.every(({ workers }) => workers !== null)) {
    return [colours.green('Nothing is wrong: each role has a daemon, and no job waits for too long.')];
  }
  return ['No job waits for too long. Whether daemons are alive is not known: Redis does not list its clients.'];
}
