import { startPostgres } from './postgres';
import type { TestServer } from './test-server';

/** Jest runs setup and teardown in one process, but as two modules that share nothing else. */
export interface GlobalServers {
  forewarmTestPostgres?: TestServer | undefined;
}

/** One PostgreSQL for all test files that do not need to break it; each takes a database of its own. */
export default async function globalSetup(): Promise<void> {
  const server = await startPostgres({ settings: { max_connections: '200' } });
  (globalThis as GlobalServers).forewarmTestPostgres = server;
  // The test files run in other processes, or in a sandbox: the environment is what reaches them.
  process.env.FOREWARM_TEST_POSTGRES_URL = server.url;
}
