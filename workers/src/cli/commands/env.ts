import type { Command } from 'commander';
import { addFolder, Invocation } from '../invocation';

export function addEnv(program: Command): void {
  addFolder(program.command('env'))
    .description('print where the servers are, passwords included, as environment variables')
    .addHelpText('after', '\nExample, for programs that read predictions:\n  eval "$(forewarm env)"')
    .action((_options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const { redis, postgres } = invocation.configToLook();
      const variables = {
        FOREWARM_REDIS_URL: redis.cacheUrl,
        FOREWARM_QUEUE_REDIS_URL: redis.queueUrl,
        ...(postgres.url !== undefined && { FOREWARM_POSTGRES_URL: postgres.url }),
      };
      invocation.answer(variables, () =>
        Object.entries(variables)
          .map(([name, url]) => `export ${name}=${quoted(url)}`)
          .join('\n'),
      );
    });
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
