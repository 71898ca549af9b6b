import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Predictor } from '#shared/predictor/predictor';
import { say } from '../slow/cli/command';
import type { DaemonProcess } from '../support/daemon-process';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** A new model file goes live when its gates pass it, and comes back with one command. */

jest.setTimeout(90_000);

const categories = someCategories(12);
const BAD = categories[7] ?? '';

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
});
afterEach(() => system.stop());

const run = (...args: string[]) => say(args, system.folder);
const answer = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);
const pointer = () => system.cache().pointer();

function configure(more: object = {}, model: object = {}): DaemonProcess {
  system.configureSmall(categories, { every: '1s', model, ...more });
  return system.daemon();
}

const flipFrom = (daemon: DaemonProcess, live: string) =>
  daemon.logged(({ message, previous }) => message === 'generation published' && previous === live);
const refusal = (daemon: DaemonProcess) =>
  daemon.logged(({ message }) => message === 'a gate refuses the new generation');

test('one value that is not finite keeps the live generation, and says gate, figures and cells', async () => {
  const daemon = configure();
  const live = String((await daemon.cycle()).live);
  system.write('m.onnx', smallModel(categories, { bias: 1, poison: { input: 'category', equals: BAD } }));
  const told = await refusal(daemon);
  expect(told).toMatchObject({
    level: 'error',
    error: `gate finite: 1 value is not finite; gate coverage: 1 row of 12 missing: "${BAD}"`,
    figures: { expected: 12, missing: 1, notFinite: 1, compared: 11 * 24 },
    worst: [`"${BAD}" day=0 hour=0: prediction not finite`],
    live,
  });
  const cycle = await daemon.cycle('degraded', daemon.mark);
  expect(cycle.reason).toContain('generation not published: gate finite');
  expect(await pointer()).toMatchObject({ generation: live });
  const candidate = String(told.generation);
  // It is kept for inspection, and told of once in a while, not each second.
  expect((await system.rows(candidate, categories)).size).toBe(11);
  expect(daemon.lines.filter(({ message }) => message === 'a gate refuses the new generation')).toHaveLength(1);
  const [listed] = await answer('generations');
  expect(listed).toMatchObject({ id: candidate, state: 'refused', rows: 11 });
  expect((await run('generations')).stdout).toMatch(/^ {2}gate finite: 1 value is not finite/m);
  expect((await answer('status')).alerts).toContainEqual(
    expect.objectContaining({ condition: 'gate-refused', model: 'm' }),
  );

  // A file that is right ends it.
  system.write('m.onnx', smallModel(categories, { bias: 2 }));
  await flipFrom(daemon, live);
  await daemon.logged(({ message, generation }) => message === 'generation dropped' && generation === candidate);
  expect((await answer('status')).alerts).not.toContainEqual(expect.objectContaining({ condition: 'gate-refused' }));
});

test('bounds and drift refuse, and --force publishes all the same', async () => {
  const daemon = configure({ bounds: { max: 1_000 }, maxDrift: { mean: '20%', share: 0.1, band: '50%' } });
  const live = String((await daemon.cycle()).live);
  const { rows } = { rows: await system.rows(live, categories) };
  expect(rows.size).toBe(12);
  system.write('m.onnx', smallModel(categories, { bias: 2_000 }));
  const told = await refusal(daemon);
  expect(told.error).toMatch(
    /^gate bounds: 288 values are outside of -∞ to 1000; gate drift: the mean relative change is [\d.]+ %, more than 20 %; gate drift: 100 % of the values changed by more than 50 %; allowed are 10 %$/,
  );
  expect(told.worst).toHaveLength(5);
  const diff = await run('diff');
  expect(diff.stdout).toContain(`m: from ${live} to ${told.generation}`);
  expect(diff.stdout).toContain('mean relative change of prediction, %, by day and hour');
  expect(await answer('diff')).toMatchObject({ from: live, same: 0, changed: 12, onlyInFrom: [], onlyInTo: [] });

  const forced = await run('publish', '--force', '--wait');
  expect(forced).toMatchObject({ code: 0, stdout: expect.stringMatching(/^complete m: 12 rows/) });
  expect(await pointer()).toMatchObject({ generation: told.generation, previous: live });
});

test('publish tries a file before it touches anything, and puts it into service', async () => {
  const daemon = configure({ maxDrift: { mean: 0.5 } });
  const live = String((await daemon.cycle()).live);
  const before = readFileSync(join(system.folder, 'm.onnx'));
  mkdirSync(join(system.folder, 'new'));
  const far = system.write('new/far.onnx', smallModel(categories, { bias: 5_000 }));
  const near = system.write('new/near.onnx', smallModel(categories, { bias: 1 }));

  const tried = await run('publish', '--file', far, '--dry-run');
  expect(tried.code).toBe(5);
  expect(tried.stdout).toMatch(/^dry run m: .*far\.onnx is generation \w{12}/);
  expect(tried.stdout).toMatch(/^refused\n {2}drift +the mean relative change is [\d.]+ %, more than 50 %$/m);
  const refused = await run('publish', '--file', far);
  expect(refused).toMatchObject({ code: 5, stdout: '' });
  expect(refused.stderr).toContain('error FW_GATE_REFUSED:');
  expect(readFileSync(join(system.folder, 'm.onnx')).equals(before)).toBe(true);

  expect(await answer('publish', '--file', near, '--dry-run')).toMatchObject({ passed: true, live, dryRun: true });
  const published = await run('publish', '--file', near, '--wait');
  expect(published).toMatchObject({ code: 0, stdout: expect.stringMatching(/^complete m: 12 rows/) });
  expect(readFileSync(join(system.folder, 'm.onnx'))).toEqual(readFileSync(near));
  expect((await pointer())?.previous).toBe(live);
  expect((await pointer())?.generation).not.toBe(live);
});

/** Asks for all categories at once, without an end, until `stop`: each answer must be what its generation gives. */
class RolloutReader {
  calls = 0;
  readonly faults = new Set<string>();
  /** By generation, when the last call that it answered was begun, milliseconds since 1970 UTC. */
  readonly lastSeen = new Map<string, number>();
  private readonly predictor: Predictor;
  private readonly ended: Promise<void>;
  private stopped = false;

  /** @param biases of the model, by generation */
  constructor(url: string, memory: boolean, biases: ReadonlyMap<string, number>) {
    // What it watches is what it is told, not how quick a busy machine is.
    const limitsMs = { redis: 2_000 };
    this.predictor = new Predictor({ redis: url, limitsMs, ...(!memory && { memory: false as const }) });
    this.ended = this.run(biases);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.ended;
    await this.predictor.close();
  }

  private async run(biases: ReadonlyMap<string, number>): Promise<void> {
    const coordinates = { day: 2, hour: 4 };
    const questions = categories.map((category) => ({ model: 'm', category, coordinates }));
    while (!this.stopped) {
      const begun = Date.now();
      const outcomes = await this.predictor.predictMany(questions);
      const generations = new Set<string>();
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.status === 'rejected') this.faults.add(String(outcome.reason));
        else {
          const { generation, values } = outcome.value;
          generations.add(generation);
          const expected = 10 * (i + 1) + 2 + (biases.get(generation) ?? Number.NaN);
          if (values.prediction !== expected) this.faults.add(`${generation}: ${values.prediction}, not ${expected}`);
        }
      }
      if (generations.size > 1) this.faults.add(`mixed ${[...generations].join(' and ')}`);
      for (const generation of generations) this.lastSeen.set(generation, begun);
      this.calls += 1;
      await new Promise((done) => setTimeout(done, 2));
    }
  }
}

test('under load a rollout and a rollback are seen within a second, mix nothing, and the file stays away until it changes', async () => {
  const daemon = configure();
  const first = String((await daemon.cycle()).live);
  const biases = new Map([[first, 0]]);
  const readers = [true, false].map((memory) => new RolloutReader(system.redis.url, memory, biases));
  // Known before it is live.
  const next = system.write('next.onnx', smallModel(categories, { bias: 100 }));
  const candidate = (await answer('publish', '--file', next, '--dry-run')).generation;
  biases.set(candidate, 100);
  system.write('m.onnx', smallModel(categories, { bias: 100 }));
  const second = String((await flipFrom(daemon, first)).generation);
  expect(second).toBe(candidate);
  const flippedMs = Date.parse((await pointer())?.publishedAt ?? '');
  await daemon.cycle('complete', daemon.mark);
  for (const { lastSeen } of readers) expect((lastSeen.get(first) ?? 0) - flippedMs).toBeLessThan(1_000);

  const mark = daemon.mark;
  expect(await answer('rollback')).toMatchObject({
    generation: first,
    replaced: second,
    pinned: true,
    rows: 12,
    missing: 0,
  });
  const back = await pointer();
  expect(back).toMatchObject({ generation: first, previous: second, pinnedOver: second });
  // The schedule leaves the file alone, tick after tick.
  const skipped = () => daemon.lines.slice(mark).filter(({ message }) => message === 'generation published');
  await eventually('two ticks that are skipped', async () => {
    const jobs = await system.queue('warm').getJobs(['completed']);
    return jobs.filter(({ returnvalue }) => returnvalue?.skipped === `the model is pinned to ${first}`).length >= 2;
  });
  expect([skipped(), (await pointer())?.generation]).toEqual([[], first]);
  for (const reader of readers) {
    await reader.stop();
    expect([...reader.faults]).toEqual([]);
    expect(reader.calls).toBeGreaterThan(100);
    expect((reader.lastSeen.get(second) ?? 0) - Date.parse(back?.publishedAt ?? '')).toBeLessThan(1_000);
  }
  expect((await run('rollback', '--to', first)).stderr).toContain('error FW_GENERATION_LIVE');
  expect((await run('rollback', '--to', 'ffff')).stderr).toContain('error FW_GENERATION_UNKNOWN');

  // Forward again, by hand: that is the file's own generation, and nothing is pinned.
  expect(await answer('rollback', '--to', second.slice(0, 6))).toMatchObject({ generation: second, pinned: false });
  expect((await pointer())?.pinnedOver).toBeUndefined();
  await daemon.cycle('complete', daemon.mark);
});

test('a generation that lacks rows is not gone back to', async () => {
  const daemon = configure();
  const first = String((await daemon.cycle()).live);
  system.write('m.onnx', smallModel(categories, { bias: 100 }));
  await flipFrom(daemon, first);
  await system.client.del(system.cache().keys.row(first, BAD));
  const refused = await run('rollback');
  expect(refused).toMatchObject({ code: 5, stdout: '' });
  expect(refused.stderr).toContain(
    `error FW_GENERATION_INCOMPLETE: generation ${first} of m lacks 1 of 12 rows, such as that of "${BAD}"`,
  );
  expect((await run('rollback', '--allow-incomplete')).code).toBe(0);
});

test('as many generations are kept as keepGenerations says, and each can be gone back to', async () => {
  const daemon = configure({ keepGenerations: 3 });
  const generations = [String((await daemon.cycle()).live)];
  for (const bias of [100, 200, 300]) {
    system.write('m.onnx', smallModel(categories, { bias }));
    generations.push(String((await flipFrom(daemon, String(generations.at(-1)))).generation));
  }
  const [first = '', second = '', third = '', fourth = ''] = generations;
  await daemon.logged(({ message, generation }) => message === 'generation dropped' && generation === first);
  const states = (await answer('generations')) as { id: string; state: string }[];
  expect(states.map(({ id, state }) => [id, state])).toEqual([
    [fourth, 'live'],
    [third, 'previous'],
    [second, 'kept'],
  ]);
  expect(await answer('rollback', '--to', second)).toMatchObject({
    generation: second,
    replaced: fourth,
    pinned: true,
  });
});

test('a restore goes through the gates too', async () => {
  system.write('kept/.keep', '');
  const backup = { folder: join(system.folder, 'kept'), schedule: 'off' };
  const daemon = configure({ maxDrift: { mean: 0.5 }, settings: { backup } });
  const first = String((await daemon.cycle()).live);
  const { files } = await answer('backup', '--wait');
  system.write('m.onnx', smallModel(categories, { bias: 5_000 }));
  await refusal(daemon);
  expect((await run('publish', '--force', '--wait')).code).toBe(0);
  const name = files[0].file.replace('.jsonl.gz', '');
  const refused = await run('restore', name);
  expect(refused).toMatchObject({ code: 5, stdout: '' });
  expect(refused.stderr).toContain('error FW_GATE_REFUSED:');
  expect((await pointer())?.generation).not.toBe(first);
  expect((await run('restore', name, '--force')).code).toBe(0);
  expect((await pointer())?.generation).toBe(first);
});

test('a training pipeline publishes over HTTP: a file that is refused changes nothing', async () => {
  const TOKEN = 'a-token-of-a-pipeline';
  system.configureSmall(categories, {
    ...{ every: '1h', maxDrift: { mean: 0.5 } },
    settings: { http: { port: 0, tokens: [TOKEN] }, roles: ['scheduler', 'worker', 'api'] },
  });
  const daemon = system.daemon();
  const live = String((await daemon.cycle()).live);
  const url = await daemon.url();
  const post = async (query: string, body?: Uint8Array, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/v1/models/m/publish${query}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body && { 'content-type': 'application/octet-stream' }),
        ...headers,
      },
      ...(body && { body: Buffer.from(body) }),
    });
    return { status: response.status, json: await response.json() };
  };
  const [far, near] = [5_000, 1].map((bias) => smallModel(categories, { bias })) as [Uint8Array, Uint8Array];
  const before = readFileSync(join(system.folder, 'm.onnx'));
  expect(await post('?dryRun=true', far)).toMatchObject({
    status: 200,
    json: { dryRun: true, passed: false, live, refusals: [{ gate: 'drift' }], figures: { expected: 12, missing: 0 } },
  });
  expect(await post('', far)).toMatchObject({ status: 409, json: { code: 'FW_GATE_REFUSED' } });
  expect(await post('', Buffer.from('no model'))).toMatchObject({ status: 400, json: { code: 'FW_MODEL_NOT_ONNX' } });
  expect((await post('', near, { authorization: 'Bearer another' })).status).toBe(401);
  expect(readFileSync(join(system.folder, 'm.onnx')).equals(before)).toBe(true);

  const published = await post('?wait=true', near);
  expect(published).toMatchObject({ status: 200, json: { state: 'complete', rows: 12 } });
  expect((await pointer())?.previous).toBe(live);
  const forced = await post('?force=true&wait=true', far);
  expect(forced).toMatchObject({ status: 200, json: { state: 'complete' } });
  expect(readFileSync(join(system.folder, 'm.onnx')).equals(Buffer.from(far))).toBe(true);
});
