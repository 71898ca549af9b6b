import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { crashingModel, endlessLoadModel } from '../../support/models';
import { SMALL_AXES, smallModel, TestSystem } from '../../support/system';
import { killHung, onlyError, say } from './command';

/** Whatever is wrong with the input: one clear error, before anything is written anywhere. */

jest.setTimeout(60_000);

let system: TestSystem;
let cases = 0;

beforeAll(async () => {
  system = await TestSystem.start();
});
afterEach(killHung);
afterAll(() => system.stop());

const MODEL = { file: 'm.onnx', axes: SMALL_AXES, categories: ['a', 'b'] };

interface BadModel {
  readonly code: string;
  readonly says: string | RegExp;
  readonly model?: Record<string, unknown>;
  readonly settings?: Record<string, unknown>;
}

const BAD: Record<string, BadModel> = {
  'a model file that is not there': {
    model: { file: 'nope.onnx' },
    code: 'FW_MODEL_FILE_MISSING',
    says: /models\.m\.file: .*nope\.onnx/,
  },
  'a text file that is named .onnx': {
    model: { file: 'text.onnx' },
    code: 'FW_MODEL_NOT_ONNX',
    says: /models\.m\.file: .*text\.onnx .*is not a model/,
  },
  'an input that no axis provides': {
    model: { axes: { day: SMALL_AXES.day } },
    code: 'FW_MODEL_INPUT_UNMAPPED',
    says: /\bhour\b/,
  },
  'a category of more than 512 bytes': {
    model: { categories: ['a', 'é'.repeat(257)] },
    code: 'FW_CONFIG_INVALID',
    says: /models\.m\.categories\[1\] .*1 to 512 bytes of UTF-8; this one is 514 bytes long/,
  },
  'a category that stands twice': {
    model: { categories: ['a', 'b', 'a'] },
    code: 'FW_CONFIG_INVALID',
    says: /models\.m\.categories\[2\] .*the same is at categories\[0\]/,
  },
  'an empty list of categories': {
    model: { categories: [] },
    code: 'FW_CONFIG_INVALID',
    says: /models\.m\.categories .*got an empty list/,
  },
  'an axis without values': {
    model: { axes: { ...SMALL_AXES, day: [] } },
    code: 'FW_CONFIG_INVALID',
    says: /models\.m\.axes\.day .*got an empty list/,
  },
  'a row of more cells than allowed': {
    settings: { limits: { cellsPerRow: 23 } },
    code: 'FW_CONFIG_INVALID',
    says: /24.*cells|cells.*24/,
  },
  'a grid that is larger than allowed': {
    settings: { limits: { gridBytes: '1MiB' } },
    model: { categories: Array.from({ length: 10_000 }, (_, i) => `c${i}`) },
    code: 'FW_CONFIG_INVALID',
    says: /10000 rows .*at most 1MiB \(limits\.gridBytes\)/,
  },
  'an unknown setting': {
    settings: { http: { prot: 1 } },
    code: 'FW_CONFIG_INVALID',
    says: 'http.prot (forewarm.yaml:6): there is no such setting; did you mean `port`?',
  },
  'an unknown setting of a model': {
    model: { evry: '5s' },
    code: 'FW_CONFIG_INVALID',
    says: /models\.m\.evry .*did you mean `every`\?/,
  },
  'an unknown role': {
    settings: { roles: ['schedular'] },
    code: 'FW_CONFIG_INVALID',
    says: 'got "schedular"; expected one of `scheduler`, `worker`',
  },
};

const COMMANDS = [['config', 'check'], ['start'], ['up', '--check']] as const;

test.each(Object.entries(BAD))('%s', async (_name, { code, says, model, settings }) => {
  const folder = folderWith(stringify(document({ ...MODEL, ...model }, settings)));
  await refusedByAll(folder, code, says);
});

test('several mistakes are told at once, each with its line', async () => {
  const folder = folderWith(stringify(document({ ...MODEL, categories: [], every: 20 }, { http: { port: 'x' } })));
  const message = await refusedByAll(folder, 'FW_CONFIG_INVALID', 'forewarm.yaml: ');
  expect(message).toMatch(/categories \(forewarm\.yaml:\d+\)[\s\S]*every \(forewarm\.yaml:\d+\)/);
});

describe('a model that the runtime does not survive', () => {
  const X = { axes: { x: [-1, 1] } };
  test.each<[string, Uint8Array, Record<string, unknown>, string, RegExp, RegExp]>([
    ['dies on the trial', crashingModel('run'), X, 'FW_INFERENCE_CRASHED', /signal SIG(?!KILL)/, /Export it anew/],
    [
      'dies as it is loaded',
      crashingModel('loaded'),
      X,
      'FW_INFERENCE_CRASHED',
      /signal SIG(?!KILL)/,
      /Export it anew/,
    ],
    [
      'hangs on the trial',
      smallModel(['a', 'b'], { slow: { iterations: 1e9 } }),
      {},
      'FW_INFERENCE_TIME_LIMIT',
      /longer than 1000 ms/,
      /timeLimit/,
    ],
    ['hangs as it is loaded', endlessLoadModel(), X, 'FW_INFERENCE_TIME_LIMIT', /longer than 1000 ms/, /timeLimit/],
  ])('%s', async (_name, bytes, model, code, says, next) => {
    const folder = folderWith(stringify(document({ ...MODEL, ...model }, { inference: { timeLimit: '1s' } })));
    writeFileSync(join(folder, 'm.onnx'), bytes);
    for (const said of await Promise.all(COMMANDS.map((command) => say([...command], folder)))) {
      const error = onlyError(said);
      expect(error).toMatchObject({ code, message: expect.stringMatching(says), next: expect.stringMatching(next) });
      expect(error.message).toMatch(/^models\.m\.file: .*\/m\.onnx/);
      expect(said.code).toBe(1);
    }
    await expectNothingWritten(folder);
  });
});

test('YAML that cannot be read', async () => {
  const folder = folderWith('models:\n  m: [1, 2\n');
  await refusedByAll(folder, 'FW_CONFIG_UNREADABLE', /^forewarm\.yaml:\d+:\d+: /);
});

test('a configuration file that is not there', async () => {
  const folder = folderWith(stringify(document(MODEL)));
  await refusedByAll(folder, 'FW_CONFIG_MISSING', 'nope.yaml', ['--config', 'nope.yaml']);
});

test('a --set that is no setting', async () => {
  const folder = folderWith(stringify(document(MODEL)));
  const unknown = await refusedByAll(folder, 'FW_CONFIG_INVALID', 'http.prot (command line)', ['--set', 'http.prot=1']);
  expect(unknown).toContain('did you mean `http.port`?');
  await refusedByAll(folder, 'FW_USAGE', '--set http.port: expected KEY=VALUE', ['--set', 'http.port']);
});

test('start without a PostgreSQL, or with a role that there is not', async () => {
  const folder = folderWith(stringify({ ...document(MODEL), postgres: {} }));
  const refused = await refusedBy(['start'], folder, 'FW_CONFIG_INVALID', 'postgres.url is not set');
  expect(refused.next).toContain('FOREWARM_POSTGRES_URL');
  await refusedBy(['start', '--roles', 'nobody'], folder, 'FW_CONFIG_INVALID', 'roles[0] (command line): got "nobody"');
  await expectNothingWritten(folder);
});

/** A folder of its own for each case, so that what one leaves behind is not blamed on another. */
function folderWith(yaml: string): string {
  cases += 1;
  const folder = `case ${cases}`;
  system.write(`${folder}/m.onnx`, smallModel(['a', 'b']));
  system.write(`${folder}/text.onnx`, 'This is no model.\n');
  return join(system.write(`${folder}/forewarm.yaml`, yaml), '..');
}

function document(model: Record<string, unknown>, settings: Record<string, unknown> = {}): Record<string, unknown> {
  const servers = { redis: { cache: system.redis.url }, postgres: { url: system.postgresUrl } };
  return { ...servers, http: { port: 0 }, ...settings, models: { m: model } };
}

/** All three commands say the same; answers the message. */
async function refusedByAll(folder: string, code: string, says: string | RegExp, more: string[] = []): Promise<string> {
  const errors = await Promise.all(COMMANDS.map((command) => refusedBy([...command, ...more], folder, code, says)));
  expect(new Set(errors.map(({ next }) => next)).size).toBe(1);
  await expectNothingWritten(folder);
  return errors[0]?.message ?? '';
}

async function refusedBy(args: string[], folder: string, code: string, says: string | RegExp) {
  const said = await say(args, folder);
  const error = onlyError(said);
  expect(error).toMatchObject({
    code,
    message: says instanceof RegExp ? expect.stringMatching(says) : expect.stringContaining(says),
  });
  expect(error.next).not.toBe('');
  expect(said.code).toBe(2);
  return error;
}

async function expectNothingWritten(folder: string): Promise<void> {
  expect(existsSync(join(folder, '.forewarm'))).toBe(false);
  expect(await system.client.keys('*')).toEqual([]);
  const { rows } = await system.pool.query("SELECT nspname FROM pg_namespace WHERE nspname = 'forewarm'");
  expect(rows).toEqual([]);
}
