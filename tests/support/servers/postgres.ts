import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePort } from '#workers/embedded/free-port';
import { PostgresServer } from '#workers/embedded/postgres-server';
import { withPostgres } from './clients';
import { leftInPostgres } from './left-in-postgres';
import { makeTempFolder, removeFolders, TEST_ENVIRONMENT } from './temp-folder';
import { refuseLeft, TestServer } from './test-server';

export interface TestPostgresOptions {
  /** Settings of the server, for example `{ max_connections: '10' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Nothing in a test has to survive a power cut; a killed server is another matter, and loses nothing by these. */
const FAST = { fsync: 'off', full_page_writes: 'off', autovacuum: 'off' };

/**
 * A PostgreSQL of its own on a free loopback port (about 1 s). `url` is its admin URL. `stop()` it, and disconnect from it
 * before, or the test fails.
 */
export async function startPostgres({ settings = {} }: TestPostgresOptions = {}): Promise<TestServer> {
  const folder = makeTempFolder('postgres');
  const port = await freePort();
  const homes = new Set<string>();
  const server = new TestServer({
    build: (onExit) => {
      const postgres = new PostgresServer({
        folder,
        logFile: join(folder, 'postgres.log'),
        environment: TEST_ENVIRONMENT,
        port,
        settings: { ...FAST, ...settings },
        onExit,
      });
      return {
        start: async () => {
          await postgres.start();
          // Elsewhere than in the folder when the temporary folder is closed and we are root.
          if (postgres.home !== undefined) homes.add(postgres.home);
        },
        stop: () => postgres.stop(),
        get url() {
          return postgres.url;
        },
        get pid() {
          return postgres.pid;
        },
      };
    },
    leftIn: (url) => leftInPostgres(url),
    outlivesItself: true,
    remove: () => removeFolders(...homes, folder),
  });
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A database of one test. */
export interface TestDatabase {
  readonly url: string;
  /** Fails, when that is done, and names the connections that were still open: they are ended. */
  drop(): Promise<void>;
}

/** A fresh, empty database on the server of `adminUrl` (`FOREWARM_TEST_POSTGRES_URL`); 0.15 to 0.35 s. */
export async function createDatabase(adminUrl: string): Promise<TestDatabase> {
  // The name says whose it is: at the end of a test file none of its databases may be left.
  const file = process.env.FOREWARM_TEST_FILE?.slice(0, 8) ?? 'none';
  const name = `test_${file}_${randomBytes(8).toString('hex')}`;
  const execute = (statement: string) => withPostgres(adminUrl, (client) => client.query(statement));
  await execute(`CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.toString(),
    drop: async () => {
      const left = await leftInPostgres(adminUrl, name);
      await execute(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      refuseLeft(left);
    },
  };
}
