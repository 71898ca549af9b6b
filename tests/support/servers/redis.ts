import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePort } from '#workers/embedded/free-port';
import { RedisServer } from '#workers/embedded/redis-server';
import { leftInRedis } from './left-in-redis';
import { makeTempFolder, removeFolders, TEST_ENVIRONMENT } from './temp-folder';
import { TestServer } from './test-server';

export interface TestRedisOptions {
  /** False when left out: then a restart comes back empty. */
  readonly appendOnly?: boolean;
  /** For example `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
  /** Of the deployments whose keys may be in it in the end; `forewarm` when left out. */
  readonly keyPrefixes?: readonly string[];
}

/**
 * A Redis of its own on a free loopback port. `stop()` it, or the test process does not end; disconnect from it before, and
 * leave only keys of the deployment in it, or the test fails.
 */
export async function startRedis({
  appendOnly = false,
  args = [],
  keyPrefixes = ['forewarm'],
}: TestRedisOptions = {}): Promise<TestServer> {
  const folder = makeTempFolder('redis');
  const port = await freePort();
  const password = randomBytes(8).toString('hex');
  const server = new TestServer({
    build: (onExit) =>
      new RedisServer({
        dir: join(folder, 'data'),
        logFile: join(folder, 'redis.log'),
        environment: TEST_ENVIRONMENT,
        appendOnly,
        port,
        password,
        extraArgs: args,
        onExit,
      }),
    leftIn: (url) => leftInRedis(url, keyPrefixes),
    remove: () => removeFolders(folder),
  });
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
