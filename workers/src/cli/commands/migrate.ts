import type { Command } from 'commander';
import { makePostgres } from '#shared/connections/postgres';
import { migrate } from '#shared/store/migrate';
import { requirePostgres } from '../../connections';
import { addFolder, Invocation } from '../invocation';

export function addMigrate(program: Command): void {
  addFolder(program.command('migrate'))
    .description('bring the database schema up to date; the daemon does the same when it starts')
    .action(async (_options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const pool = makePostgres({ ...requirePostgres(invocation.configToLook()), poolSize: 1 }, () => undefined);
      try {
        const ran = await migrate(pool);
        invocation.answer({ ran }, () =>
          ran.length === 0 ? 'The schema is up to date.' : `Ran ${ran.length} migrations: ${ran.join(', ')}.`,
        );
      } finally {
        await pool.end();
      }
    });
}
