import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ForewarmError } from '#shared/errors';
import { EmbeddedServices, findEmbedded } from '#workers/embedded/embedded-services';
import { findPackage, locatePostgres } from '#workers/embedded/postgres-programs';
import { identify, type ProcessIdentity } from '#workers/embedded/process-identity';
import { readRecord } from '#workers/embedded/server-record';
import { goneWithin } from '#workers/embedded/shutdown';
import { unprivilegedUser } from '#workers/embedded/system-user';
import { withPostgres, withRedis } from '../support/servers/clients';
import { createDatabase, startPostgres } from '../support/servers/postgres';
import { startRedis } from '../support/servers/redis';
import { type SupervisedServers, Supervisor } from '../support/servers/supervisor';
import { makeTempFolder, removeFolders, TEST_ENVIRONMENT } from '../support/servers/temp-folder';

const asRoot = process.getuid?.() === 0 ? test : test.skip;

// Most tests make a database cluster or two, at about a second each on a quiet machine.
jest.setTimeout(60_000);

let root: string;
let folder: string;
const undo: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  root = makeTempFolder('embedded');
  folder = join(root, '.forewarm');
});

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  removeFolders(root);
});

describe('EmbeddedServices', () => {
  test('starts both servers, keeps their data over a stop, and leaves nothing running', async () => {
    const first = embedded();
    await first.start();
    expect(await writeBoth(first)).toBe('written');
    expect(findEmbedded(folder)).toEqual({ redisUrl: first.redisUrl, postgresUrl: first.postgresUrl });
    expect(statSync(join(folder, 'services.json')).mode & 0o777).toBe(0o600);
    const before = identities(first.pids);
    await first.stop();
    await first.stop();
    expect(stillRunning(before)).toEqual([]);
    expect(readdirSync(join(folder, 'run'))).toEqual([]);
    expect(findEmbedded(folder)).toBeUndefined();

    const second = embedded();
    await second.start();
    expect(await readBoth(second)).toEqual({ redis: 'kept', postgres: 'kept' });
  });

  test('refuses a second start on the folder, and says which process to stop', async () => {
    const first = embedded();
    await first.start();
    const error = await failureOf(embedded().start());
    expect(error.code).toBe('FW_ALREADY_RUNNING');
    expect(error.message).toContain(`process ${process.pid}`);
    expect(error.next).toContain(`kill ${process.pid}`);
    // The refused one must not have taken anything away from the running one.
    expect(await writeBoth(first)).toBe('written');
    await first.stop();
    await embedded().start();
  });

  test('may be stopped before it was started', async () => {
    await embedded().stop();
  });

  test.each(['initdb', 'postgres'])('stops cleanly while %s is still starting', async (name) => {
    const services = embedded();
    const started = failureOf(services.start());
    const pid = await recordedPid(name);
    await services.stop();
    expect((await started).code).toBe('FW_EMBEDDED_FAILED');
    expect(identify(pid)).toBeUndefined();
    expect(stillRunning(identities(services.pids))).toEqual([]);
    await embedded().start();
  });

  test('tells that a server ended by itself, with the end of its log', async () => {
    const ended = new Promise<ForewarmError>((resolve) => {
      embedded(resolve)
        .start()
        .then(() => process.kill(pidOf(latest?.pids.redis), 'SIGKILL'));
    });
    const error = await ended;
    expect(error.code).toBe('FW_EMBEDDED_FAILED');
    expect(error.message).toContain('SIGKILL');
    expect(error.message).toContain('Ready to accept connections');
  });

  test('names the command that installs Redis when there is none on the PATH', async () => {
    const services = new EmbeddedServices({ folder, environment: { PATH: root }, log: () => undefined });
    const error = await failureOf(services.start());
    expect(error.code).toBe('FW_BINARY_MISSING');
    expect(error.next).toMatch(/(apt-get|dnf|apk|pacman|zypper|brew) |Install Redis/);
    expect(stillRunning(identities(services.pids))).toEqual([]);
    // The lock was given back.
    await embedded().start();
  });

  asRoot('works for root in a folder that nobody else may enter', async () => {
    const closed = join(root, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    folder = join(closed, '.forewarm');
    const first = embedded();
    await first.start();
    expect(await writeBoth(first)).toBe('written');
    await first.stop();
    const second = embedded();
    await second.start();
    expect(await readBoth(second)).toEqual({ redis: 'kept', postgres: 'kept' });
    const home = readFileSync(join(folder, 'postgres', 'location'), 'utf8').trim();
    expect(dirname(home)).toBe(join(root, 'store'));
    await second.stop();

    // A copied folder must not share the database of the one it was copied from.
    const original = folder;
    folder = join(closed, 'copy');
    cpSync(original, folder, { recursive: true });
    const copy = embedded();
    await copy.start();
    expect(readFileSync(join(folder, 'postgres', 'location'), 'utf8').trim()).not.toBe(home);
  });

  asRoot('takes the database along when its folder is moved into a closed one', async () => {
    const first = embedded();
    await first.start();
    await writeBoth(first);
    await first.stop();
    chmodSync(root, 0o700);
    const store = makeTempFolder('store');
    undo.push(async () => removeFolders(store));
    const second = embedded(undefined, join(store, 'inner'));
    await second.start();
    expect(await readBoth(second)).toEqual({ redis: 'kept', postgres: 'kept' });
  });
});

describe('a killed supervisor', () => {
  test('leaves servers that the next start stops and replaces', async () => {
    const killed = supervisor();
    const { pids, redisUrl } = (await killed.says()) as SupervisedServers;
    await withRedis(redisUrl, (redis) => redis.set('key', 'kept'));
    const left = identities(pids);
    await killed.end('SIGKILL');
    expect(stillRunning(left)).toHaveLength(2);

    const found: string[] = [];
    const services = embedded(undefined, undefined, (message, facts) => {
      if (message.includes('left running')) found.push(String(facts.server));
    });
    await services.start();
    expect(found.sort()).toEqual(['postgres', 'redis']);
    expect(stillRunning(left)).toEqual([]);
    expect(await withRedis(services.redisUrl, (redis) => redis.get('key'))).toBe('kept');
  });

  test('leaves a half-made database that the next start makes anew', async () => {
    const killed = supervisor();
    // A server that was started a moment ago and is not recorded yet would be found by nobody.
    await recordedPid('redis', 'redis.json');
    const pid = await recordedPid('initdb');
    await killed.end('SIGKILL');
    const services = embedded();
    await services.start();
    expect(identify(pid)).toBeUndefined();
    expect(await writeBoth(services)).toBe('written');
    expect(readdirSync(join(folder, 'postgres')).sort()).toEqual(['data', 'password']);
  });

  test('keeps its servers out of the way of Ctrl-C in the terminal', async () => {
    const one = supervisor();
    const { redisUrl, postgresUrl } = (await one.says()) as SupervisedServers;
    const heard = one.says();
    // What a terminal does: the signal goes to the whole group in front.
    process.kill(-one.pid, 'SIGINT');
    expect(await heard).toEqual({ signal: 'SIGINT' });
    expect(await withRedis(redisUrl, (redis) => redis.ping())).toBe('PONG');
    expect(await withPostgres(postgresUrl, (client) => client.query('SELECT 1'))).toHaveProperty('rowCount', 1);
  });

  test('takes its servers along when it ends without having stopped them', async () => {
    const one = supervisor();
    const { pids } = (await one.says()) as SupervisedServers;
    const left = identities(pids);
    expect(left).toHaveLength(2);
    await one.end('SIGUSR2');
    for (const server of left) expect(await goneWithin(server, 10_000)).toBe(true);
  });
});

describe('the programs of PostgreSQL', () => {
  asRoot('are copied, with their links made, when they are installed where their user cannot go', () => {
    const closed = join(root, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const { native, version } = findPackage();
    // As without the postinstall: everything but the links.
    const filter = (path: string) => !lstatSync(path).isSymbolicLink();
    cpSync(native, join(closed, 'native'), { recursive: true, verbatimSymlinks: true, filter });
    const user = unprivilegedUser();
    const installed = { native: join(closed, 'native'), version };
    const programs = locatePostgres(user, [join(root, 'store')], installed);
    const answer = execFileSync(programs.initdb, ['--version'], {
      encoding: 'utf8',
      cwd: '/',
      env: {},
      uid: user?.uid,
      gid: user?.gid,
    });
    expect(answer).toContain('PostgreSQL');
    const made = statSync(programs.initdb).ino;
    expect(statSync(locatePostgres(user, [join(root, 'store')], installed).initdb).ino).toBe(made);
  });
});

describe('test servers', () => {
  test('come back on the same port with their data after a kill', async () => {
    const redis = await startRedis({ appendOnly: true });
    const postgres = await startPostgres();
    undo.push(
      () => redis.stop(),
      () => postgres.stop(),
    );
    const urls = [redis.url, postgres.url];
    const database = await createDatabase(postgres.url);
    await withPostgres(database.url, (client) => client.query("CREATE TABLE t AS SELECT 'kept' AS v"));
    await withRedis(redis.url, (client) => client.set('forewarm:key', 'kept'));
    await redis.down();
    await redis.restart();
    await postgres.kill('SIGKILL');
    await postgres.restart();
    expect([redis.url, postgres.url]).toEqual(urls);
    expect(await withRedis(redis.url, (client) => client.get('forewarm:key'))).toBe('kept');
    const { rows } = await withPostgres(database.url, (client) => client.query('SELECT v FROM t'));
    expect(rows).toEqual([{ v: 'kept' }]);
    await database.drop();
  });

  test('give each test file an empty database of its own on the shared server', async () => {
    const { FOREWARM_TEST_POSTGRES_URL: shared = '' } = process.env;
    const [one, other] = [await createDatabase(shared), await createDatabase(shared)];
    await withPostgres(one.url, (client) => client.query('CREATE TABLE t (v int)'));
    const { rows } = await withPostgres(other.url, (client) => client.query("SELECT to_regclass('t') AS t"));
    expect(rows).toEqual([{ t: null }]);
    await Promise.all([one.drop(), other.drop()]);
  });

  test('that cannot start quote the end of the log', async () => {
    const error = await failureOf(startRedis({ args: ['--no-such-setting', '1'] }));
    expect(error.code).toBe('FW_EMBEDDED_FAILED');
    expect(error.message).toContain('no-such-setting');
    const other = await failureOf(startPostgres({ settings: { shared_buffers: 'lots' } }));
    expect(other.code).toBe('FW_EMBEDDED_FAILED');
    expect(other.message).toContain('shared_buffers');
  });
});

let latest: EmbeddedServices | undefined;

function embedded(
  onExit?: (error: ForewarmError) => void,
  store = join(root, 'store'),
  log: ConstructorParameters<typeof EmbeddedServices>[0]['log'] = () => undefined,
): EmbeddedServices {
  const services = new EmbeddedServices({ folder, environment: TEST_ENVIRONMENT, stores: [store], log, onExit });
  undo.push(() => services.stop());
  latest = services;
  return services;
}

/** The same services in a process of its own that can be killed. */
function supervisor(): Supervisor {
  const one = new Supervisor(folder, join(root, 'store'));
  undo.push(() => one.end('SIGTERM'));
  return one;
}

/** Waits until the record of PostgreSQL says that `name` (`initdb`, later `postgres`) runs. */
async function recordedPid(name: string, file = 'postgres.json'): Promise<number> {
  for (;;) {
    const record = readRecord(join(folder, 'run', file));
    if (record?.name === name) return record.pid;
    await setImmediate();
  }
}

async function writeBoth(services: EmbeddedServices): Promise<string> {
  await withRedis(services.redisUrl, (redis) => redis.set('key', 'kept'));
  await withPostgres(services.postgresUrl, (client) =>
    client.query("CREATE TABLE IF NOT EXISTS kept AS SELECT 'kept' AS value"),
  );
  return 'written';
}

async function readBoth(services: EmbeddedServices): Promise<unknown> {
  const redis = await withRedis(services.redisUrl, (client) => client.get('key'));
  const { rows } = await withPostgres(services.postgresUrl, (client) => client.query('SELECT value FROM kept'));
  return { redis, postgres: rows[0].value };
}

async function failureOf(promise: Promise<unknown>): Promise<ForewarmError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ForewarmError) return error;
  throw new Error('expected a ForewarmError', { cause: error });
}

function identities(pids: EmbeddedServices['pids']): ProcessIdentity[] {
  return [pids.redis, pids.postgres].flatMap((pid) => (pid === undefined ? [] : (identify(pid) ?? [])));
}

function stillRunning(ones: readonly ProcessIdentity[]): ProcessIdentity[] {
  return ones.filter(({ pid, began }) => identify(pid)?.began === began);
}

function pidOf(pid: number | undefined): number {
  if (pid === undefined) throw new Error('no such process');
  return pid;
}
