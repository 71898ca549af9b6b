import type { Command } from 'commander';
import { registry } from '#jobs/registry';
import { formatDuration } from '#shared/config/duration';
import { addFolder, Invocation } from '../invocation';
import { tableLines } from '../table';

export function addJobs(program: Command): void {
  addFolder(program.command('jobs'))
    .description('the jobs of the registry: what each does, when, and what happens when it fails')
    .action((_options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.configToLook();
      const jobs = registry.definitions.map((job) => ({
        name: job.name,
        description: job.description,
        role: job.role,
        schedules: job.schedules(config).map(({ key, everyMs, cron }) => ({
          key,
          when: cron === undefined ? `every ${formatDuration(everyMs)}` : `at ${cron.pattern} ${cron.timezone}`,
        })),
        attempts: job.retries.attempts,
        timeLimit: formatDuration(job.timeLimitMs(config)),
      }));
      invocation.answer(jobs, () => {
        const every = ({ schedules }: (typeof jobs)[number]): string =>
          schedules.map((schedule) => `${schedule.key}: ${schedule.when}`).join(', ') || 'on demand';
        return tableLines(
          jobs,
          [
            { head: 'job', cell: ({ name }) => name },
            { head: 'role', cell: ({ role }) => role },
            { head: 'schedule', cell: every },
            { head: 'attempts', cell: ({ attempts }) => String(attempts), right: true },
            { head: 'time limit', cell: ({ timeLimit }) => timeLimit, right: true },
          ],
          invocation,
          ({ description }) => description,
        ).join('\n');
      });
    });
}
