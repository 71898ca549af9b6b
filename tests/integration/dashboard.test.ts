import { request } from 'node:http';
import { appRoutes } from '@bull-board/api/dist/routes.js';
import { registry } from '#jobs/registry';
import { type DaemonProcess, errorsIn } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** The queue dashboard of real daemons over HTTP; tests/browser looks at it as a person does. */

jest.setTimeout(60_000);

const categories = someCategories(40);

let system: TestSystem;

beforeEach(async () => {
  // The watchdog would bring schedules, and the jobs that go with them.
  system = await TestSystem.start({
    settings: { watchdog: { every: '1h' }, roles: ['scheduler', 'worker', 'dashboard'] },
  });
  system.configureSmall(categories, { every: '1h' });
});
afterEach(() => system.stop());

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what is expected of it stands in the test
  readonly json: any;
}

/** A request with any header, as a browser sends it from a page of `url` when nothing else is said. */
function ask(url: string, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const json = text === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, headers: { origin: url, ...json, ...headers } }, (response) => {
      let received = '';
      response.on('data', (chunk: Buffer) => {
        received += chunk.toString();
      });
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        const isJson = headers['content-type']?.startsWith('application/json') ?? false;
        resolve({ status: statusCode, headers, text: received, json: isJson ? JSON.parse(received) : undefined });
      });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

const add = (url: string, data: unknown, more: object = {}, queue = 'warm') =>
  ask(url, `/queues/api/queues/${queue}/add`, {
    method: 'POST',
    body: { name: '__default__', data, options: {}, ...more },
  });

/** A daemon of that role alone: what is added stays where it is. */
async function dashboardOnly(): Promise<{ readonly daemon: DaemonProcess; readonly url: string }> {
  const daemon = system.daemon(['start', '--roles', 'dashboard']);
  await daemon.logged(({ message }) => message === 'forewarm is running');
  return { daemon, url: await daemon.url() };
}

test('a daemon without the role has no queues to show', async () => {
  const daemon = system.daemon(['start', '--roles', 'scheduler,worker']);
  const url = await daemon.url();
  for (const path of ['/queues', '/queues/', '/queues/api/queues', '/queues/static/forewarm.css']) {
    expect([path, (await ask(url, path)).status]).toEqual([path, 404]);
  }
  expect((await add(url, { model: 'm' })).status).toBe(404);
});

test('every job of the registry is there with its description, and only `warm`, `backup` and `restore` take a job', async () => {
  const { url } = await dashboardOnly();
  const { status, json } = await ask(url, '/queues/api/queues');
  expect(status).toBe(200);
  expect(json.queues.map(({ name, description }: Record<string, string>) => [name, description])).toEqual(
    registry.definitions.map(({ name, description }) => [name, description]),
  );
  // biome-ignore lint/suspicious/noExplicitAny: see Answer
  const writable = json.queues.filter(({ readOnlyMode }: any) => !readOnlyMode).map(({ name }: any) => name);
  expect(writable).toEqual(['warm', 'backup', 'restore']);
});

test('data and results of jobs are to be read by a person, and hide what is secret', async () => {
  const { url } = await dashboardOnly();
  const queue = system.queue('warm-batch');
  const batch = {
    ...{ cycle: '20261124t033704-4f9a1c', number: 0, model: 'm', generation: '0123456789ab', mode: 'compute' },
    categories,
  };
  const job = await queue.add('warm-batch', { ...batch, apiKey: 'hunter2' });
  const { json } = await ask(url, `/queues/api/queues/warm-batch/${job.id}`);
  expect(json.job.data).toEqual({
    ...batch,
    categories: expect.stringMatching(/^40 categories from "category 00000" to "category 00039": "category 00000", /),
    apiKey: '***',
  });
  await queue.upsertJobScheduler(
    'some',
    { every: 3_600_000 },
    { name: 'warm-batch', data: { ...batch, apiKey: 'hunter2' } },
  );
  const { text } = await ask(url, '/queues/api/job-schedulers');
  expect(text).toContain('40 categories from ');
  expect(text).not.toContain('hunter2');
  const trace = 'Error: no way to redis://:hunter2@host\n    at somewhere (/there.js:1:2)';
  const fail = (failedReason: string) =>
    system.client.hset(queue.toKey(String(job.id)), { failedReason, stacktrace: JSON.stringify([trace]) });
  await fail('no way to redis://:hunter2@host');
  const list = await ask(url, '/queues/api/queues?activeQueue=warm-batch');
  expect(list.text).toContain('"failedReason":"no way to redis://:***@host"');
  expect(list.text).toContain('at somewhere');
  expect(list.text).not.toContain('hunter2');
  await fail('FW_REDIS_UNAVAILABLE: no way');
  const named = await ask(url, `/queues/api/queues/warm-batch/${job.id}`);
  expect(named.json.job).toMatchObject({
    failedReason: 'FW_REDIS_UNAVAILABLE: no way',
    stacktrace: ['Error: no way to redis://:***@host'],
  });
});

describe('the form of `warm`', () => {
  test('is made from the schema of its payload and the configuration', async () => {
    const { url } = await dashboardOnly();
    const { json } = await ask(url, '/queues/api/queues/warm/job-data-schema');
    expect(json).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['model'],
      properties: {
        model: { enum: ['m'], description: 'Name of the model to warm.' },
        categories: { type: 'array', items: { type: 'string' }, description: expect.stringMatching(/^Warm only/) },
        force: { type: 'boolean', description: expect.stringMatching(/^Compute every row anew/) },
      },
      examples: [{ model: 'm', categories: [], force: false }],
    });
  });

  test('adds what the command line would, once while it waits', async () => {
    const { url } = await dashboardOnly();
    const first = await add(url, { model: 'm', categories: [], force: true });
    expect([first.status, first.json]).toEqual([
      200,
      { job: { id: expect.any(String), name: 'warm' }, status: 'waiting' },
    ]);
    const again = await add(url, { model: 'm', force: true }, { name: 'warm' });
    expect(again.json).toEqual(first.json);
    const other = await add(url, { model: 'm', categories: ['category 00003', 'category 00001', 'category 00003'] });
    expect(other.json.job.id).not.toBe(first.json.job.id);
    const jobs = await system.queue('warm').getWaiting();
    expect(jobs.map(({ name, data, opts }) => [name, data, opts.attempts])).toEqual([
      ['warm', { model: 'm', trigger: 'dashboard', force: true }, 1],
      ['warm', { model: 'm', trigger: 'dashboard', categories: ['category 00001', 'category 00003'] }, 1],
    ]);
  });

  test('refuses what is no request, and adds nothing', async () => {
    const { url } = await dashboardOnly();
    const m = { model: 'm' };
    const refused: readonly (readonly [data: unknown, more: object, status: number, error: RegExp])[] = [
      [{ model: 'n' }, {}, 404, /^no model is named n; configured are m$/],
      [{ ...m, categories: ['category 0003'] }, {}, 404, /has no category "category 0003"$/],
      [{}, {}, 400, /at model/],
      [undefined, {}, 400, /^data of job warm: /],
      ['warm it', {}, 400, /^data of job warm: /],
      [{ ...m, trigger: 'schedule' }, {}, 400, /Unrecognized key: "trigger"/],
      [{ ...m, force: 'yes' }, {}, 400, /at force/],
      [m, { options: { delay: 5, jobId: 'x' } }, 400, /options are those of the registry/],
      [m, { name: 'publish' }, 400, /the job is named by its queue/],
      [m, { queueName: 'publish' }, 400, /Unrecognized key: "queueName"/],
    ];
    for (const [data, more, status, error] of refused) {
      const answer = await add(url, data, more);
      expect([answer.status, answer.json]).toEqual([
        status,
        { code: expect.stringMatching(/^FW_/), error: expect.stringMatching(error), message: expect.any(String) },
      ]);
    }
    expect(await system.queue('warm').getJobCountByTypes('waiting', 'delayed', 'active')).toBe(0);
  });

  test('refuses a category with the one that was meant, and a body that is no JSON', async () => {
    const { url } = await dashboardOnly();
    const answer = await add(url, { model: 'm', categories: ['category 0003'] });
    expect(answer.json.message).toMatch(/^Did you mean "category 000\d\d"\?$/);
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const broken = await ask(url, '/queues/api/queues/warm/add', { ...post, body: '{"data":' });
    expect([broken.status, broken.json.error]).toEqual([400, expect.stringContaining('not valid JSON')]);
    expect(await announce(`${url}/queues/api/queues/warm/add`, 2 * 1024 * 1024)).toBe(413);
  });
});

describe('the forms of `backup` and `restore`', () => {
  test('ask for what the command line would', async () => {
    const { url } = await dashboardOnly();
    const backup = await add(url, { model: 'm', generation: 'all' }, {}, 'backup');
    expect(backup).toMatchObject({ status: 200, json: { job: { name: 'backup' }, status: 'waiting' } });
    const [job] = await system.queue('backup').getWaiting();
    expect(job?.data).toEqual({ model: 'm', generation: 'all', trigger: 'dashboard' });
    const { json } = await ask(url, '/queues/api/queues/restore/job-data-schema');
    expect(json).toMatchObject({
      required: ['model', 'name'],
      properties: { model: { enum: ['m'] }, overwrite: { type: 'boolean' }, allowIncomplete: { type: 'boolean' } },
    });
  });

  test('refuse what is not in the list of backups, and add nothing', async () => {
    const { url } = await dashboardOnly();
    const refused: readonly (readonly [data: object, status: number, code: string])[] = [
      [{ model: 'm', name: '../../etc/passwd' }, 400, 'FW_JOB_PAYLOAD'],
      [{ model: 'm', name: 'nothing' }, 404, 'FW_BACKUP_MISSING'],
      [{ model: 'm', name: 'latest' }, 404, 'FW_BACKUP_MISSING'],
      [{ model: 'n', name: 'latest' }, 404, 'FW_MODEL_UNKNOWN'],
      [{ model: 'm' }, 400, 'FW_JOB_PAYLOAD'],
    ];
    for (const [data, status, code] of refused) {
      expect(await add(url, data, {}, 'restore')).toMatchObject({ status, json: { code } });
    }
    expect(await system.queue('restore').getJobCountByTypes('waiting', 'delayed', 'active')).toBe(0);
  });
});

test('all else that would change something is refused with the command to use, and changes nothing', async () => {
  const { url } = await dashboardOnly();
  const queue = system.queue('warm');
  const job = await queue.add('warm', { model: 'm', trigger: 'command' }, { delay: 3_600_000 });
  await queue.upsertJobScheduler('warm-m', { every: 3_600_000 }, { name: 'warm', data: {} });
  const ids = { queueName: 'warm', jobId: String(job.id), schedulerId: 'warm-m', queueStatus: 'delayed' };
  const changing = appRoutes.api.filter(({ method }) => method !== 'get');
  expect(changing.length).toBeGreaterThan(20);
  const before = await system.client.hgetall(queue.toKey('meta'));
  for (const { method, route } of changing) {
    const path = `/queues${String(route).replace(/:(\w+)/g, (_, name: keyof typeof ids) => ids[name])}`;
    if (path === '/queues/api/queues/warm/add') continue;
    const answer = await ask(url, path, { method: String(method).toUpperCase(), body: {} });
    expect([path, answer.status, answer.json.code]).toEqual([path, 405, 'FW_HTTP_READ_ONLY']);
    expect(answer.headers.allow).toBe('GET, HEAD');
    expect(answer.json.message).toMatch(/`forewarm (warm|pause|retry|cancel)/);
  }
  expect((await add(url, { model: 'm' }, {}, 'publish')).status).toBe(405);
  expect((await add(url, { model: 'm' }, {}, 'nothing')).status).toBe(405);
  expect((await ask(url, '/queues/api/queues/warm', { method: 'DELETE' })).status).toBe(405);
  expect(await system.client.hgetall(queue.toKey('meta'))).toEqual(before);
  expect(await queue.getJobState(String(job.id))).toBe('delayed');
  expect(await queue.getJobSchedulersCount()).toBe(1);
});

test('a page of another site changes nothing and reads nothing', async () => {
  const { url } = await dashboardOnly();
  const { host, port } = new URL(url);
  const path = '/queues/api/queues/warm/add';
  const body = { data: { model: 'm' } };
  const from = (headers: Record<string, string>) => ask(url, path, { method: 'POST', headers, body });
  const refused: readonly (readonly [Record<string, string>, number])[] = [
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: `http://localhost:${port}` }, 403],
    [{ origin: 'null', 'content-type': 'text/plain' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'content-type': 'text/plain' }, 415],
    [{ host: `evil.example:${port}`, origin: `http://evil.example:${port}` }, 403],
  ];
  for (const [headers, status] of refused) expect([headers, (await from(headers)).status]).toEqual([headers, status]);
  expect(await system.queue('warm').getJobCountByTypes('waiting', 'delayed', 'active', 'completed', 'failed')).toBe(0);
  // DNS rebinding: one origin with what it reads.
  for (const read of ['/queues', '/queues/api/queues', '/queues/static/forewarm.css', '/queues/nothing']) {
    const answer = await ask(url, read, { headers: { host: `evil.example:${port}` } });
    expect([read, answer.status, answer.json.code]).toEqual([read, 403, 'FW_HTTP_CROSS_SITE']);
  }
  expect((await ask(url, '/queues', { headers: { host: `localhost:${port}` } })).status).toBe(200);
  expect((await from({ host: `localhost:${port}`, origin: `http://localhost:${port}` })).status).toBe(200);
  expect((await from({ origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
});

test('a listener that others reach is asked under any name, and still takes jobs from its own page only', async () => {
  const http = { host: '0.0.0.0', port: 0, exposeWithoutAuthentication: true };
  system.configureSmall(categories, { every: '1h', settings: { http } });
  const { url } = await dashboardOnly();
  const here = `http://127.0.0.1:${new URL(url).port}`;
  const named = { host: 'forewarm.example' };
  expect((await ask(here, '/queues/api/queues', { headers: named })).status).toBe(200);
  const post = { method: 'POST', body: { data: { model: 'm' } } };
  const path = '/queues/api/queues/warm/add';
  expect((await ask(here, path, { ...post, headers: named })).status).toBe(403);
  expect((await ask(here, path, { ...post, headers: { ...named, origin: 'https://forewarm.example' } })).status).toBe(
    200,
  );
});

test('the page is framed by nobody and loads from nowhere else, and what it names is there', async () => {
  const { url } = await dashboardOnly();
  const page = await ask(url, '/queues');
  expect(page.status).toBe(200);
  expect(page.headers['x-frame-options']).toBe('DENY');
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("style-src 'self' 'unsafe-inline'");
  expect(page.text).not.toMatch(/(?:href|src)="(?:https?:)?\/\//);
  const named = [...page.text.matchAll(/(?:href|src)="(static[^"]+)"/g)].map(([, path]) => path);
  expect(named).toEqual(expect.arrayContaining(['static/forewarm.css', expect.stringMatching(/^static\/js\/main\./)]));
  for (const path of named) expect([path, (await ask(url, `/queues/${path}`)).status]).toEqual([path, 200]);
  for (const path of ['/queues/', '/queues/queue/warm', '/queues/queue/warm/1', '/queues/job-schedulers']) {
    expect((await ask(url, path)).text).toBe(page.text);
  }
  const health = await ask(url, '/healthz');
  expect(health.headers['x-frame-options']).toBe('DENY');
  expect(health.headers['content-security-policy']).not.toMatch(/unsafe|self/);
});

describe('while Redis comes and goes', () => {
  const queues = (url: string) => ask(url, '/queues/api/queues?activeQueue=warm');
  const away = { status: 503, json: { code: 'FW_REDIS_UNAVAILABLE' } };

  test('the page is there and says so at once, and works again by itself', async () => {
    const { url } = await dashboardOnly();
    expect((await queues(url)).status).toBe(200);
    // Also what reads a flow is there before.
    const job = await add(url, { model: 'm' });
    expect((await ask(url, `/queues/api/queues/warm/${job.json.job.id}/flow`)).status).toBe(200);
    await system.redis.kill();
    await eventually('the loss to be seen', async () => (await queues(url)).status === 503);
    expect(await queues(url)).toMatchObject(away);
    expect(await add(url, { model: 'm' })).toMatchObject(away);
    expect((await ask(url, '/queues')).status).toBe(200);
    await system.redis.restart();
    await eventually('the queues', async () => (await queues(url)).status === 200);
    expect((await add(url, { model: 'm' })).status).toBe(200);
  });

  test('one that hangs is told from one that answers, also when the queues are first asked for', async () => {
    const { daemon, url } = await dashboardOnly();
    for (const _ of ['first', 'again']) {
      await system.redis.kill('SIGSTOP');
      expect(await queues(url)).toMatchObject(away);
      await system.redis.kill('SIGCONT');
      const { json } = await eventually('the queues', async () => {
        const answer = await queues(url);
        return answer.status === 200 && answer;
      });
      expect(json.queues.map(({ name }: { name: string }) => name)).toEqual(
        registry.definitions.map(({ name }) => name),
      );
    }
    expect(errorsIn(daemon.lines)).toEqual([]);
  });

  test('a daemon that starts before Redis shows the queues when it comes', async () => {
    await system.redis.down();
    const daemon = system.daemon(['start', '--roles', 'dashboard']);
    const url = await daemon.url();
    expect((await ask(url, '/queues')).status).toBe(200);
    expect(await queues(url)).toMatchObject(away);
    await system.redis.start();
    const { json } = await eventually('the queues', async () => {
      const answer = await queues(url);
      return answer.status === 200 && answer;
    });
    expect(json.queues).toHaveLength(registry.definitions.length);
  });
});

/** The answer to a body of so many bytes, which is not waited for: whoever sends it all may be cut off while he does. */
function announce(address: string, bytes: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { origin } = new URL(address);
    const headers = { origin, 'content-type': 'application/json', 'content-length': bytes };
    const sent = request(address, { method: 'POST', headers }, (answer) => {
      resolve(answer.statusCode);
      sent.destroy();
    });
    sent.on('error', reject);
    sent.flushHeaders();
  });
}
