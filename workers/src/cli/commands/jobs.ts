import Table from 'cli-table3';
import type { Command } from 'commander';
import { registry } from '#jobs/registry';
import { formatDuration } from '#shared/config/duration';
import { Invocation } from '../invocation';

export function addJobs(program: Command): void {
  program
    .command('jobs')
    .description('the jobs of the registry: what each does, when, and what happens when it fails')
    .action((_options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.config();
      const jobs = registry.definitions.map((job) => ({
        name: job.name,
        description: job.description,
        role: job.role,
        schedules: job.schedules(config).map(({ key, everyMs }) => ({ key, every: formatDuration(everyMs) })),
        attempts: job.retries.attempts,
        timeLimit: formatDuration(job.timeLimitMs(config)),
      }));
      invocation.answer(jobs, () => {
        const table = new Table({
          head: ['job', 'role', 'schedule', 'attempts', 'time limit', 'what it does'],
          style: { head: [], border: [] },
        });
        for (const { name, role, schedules, attempts, timeLimit, description } of jobs) {
          const when = schedules.map(({ key, every }) => `${key}: every ${every}`).join('\n') || 'on demand';
          table.push([name, role, when, attempts, timeLimit, description]);
        }
        return table.toString();
      });
    });
}
