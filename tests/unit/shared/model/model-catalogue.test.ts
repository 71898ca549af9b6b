import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CataloguedModel, ModelCatalogue } from '#shared/model/model-catalogue';
import type { ModelMapping, ModelSpec } from '#shared/model/spec';

const folder = mkdtempSync(join(tmpdir(), 'forewarm-catalogue-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function modelWith(content: string, more: Partial<CataloguedModel> = {}): CataloguedModel {
  files += 1;
  const file = join(folder, `${files}.onnx`);
  writeFileSync(file, content);
  return {
    ...{ name: 'calls', file, version: undefined, axes: [], inputs: {}, output: undefined, outputs: undefined },
    categories: ['first', 'second'],
    ...more,
  };
}

/** A catalogue of these models, and what it had inspected. */
function catalogue(...models: CataloguedModel[]) {
  const inspected: { mapping: ModelMapping; probe: readonly string[] }[] = [];
  const inspect = async (mapping: ModelMapping, probe: readonly string[]) => {
    inspected.push({ mapping, probe });
    return { ...mapping, generation: `generation ${inspected.length}` } as unknown as ModelSpec;
  };
  return { inspected, models: new ModelCatalogue(models, inspect) };
}

test('a file is inspected once, with its mapping and the first categories', async () => {
  const model = modelWith('one');
  const { inspected, models } = catalogue(model);
  const spec = await models.resolve('calls');
  expect(await models.resolve('calls')).toBe(spec);
  const { categories, ...mapping } = model;
  expect(inspected).toEqual([{ mapping, probe: categories }]);
});

test('a file that was replaced is inspected again, also by one of the same length', async () => {
  const model = modelWith('one');
  const { inspected, models } = catalogue(model);
  await models.resolve('calls');
  writeFileSync(`${model.file}.new`, 'two');
  renameSync(`${model.file}.new`, model.file);
  expect(await models.resolve('calls')).toMatchObject({ generation: 'generation 2' });
  expect(inspected).toHaveLength(2);
});

test('a file that is being written is left alone until it rests; what it was goes on', async () => {
  const model = modelWith('one');
  const { inspected, models } = catalogue(model);
  const first = await models.resolve('calls');
  let writing = true;
  const writer = (async () => {
    for (let part = 0; writing; part++) {
      appendFileSync(model.file, `part ${part}`);
      await delay(100);
    }
  })();
  expect(await models.resolve('calls')).toBe(first);
  expect(inspected).toHaveLength(1);
  writing = false;
  await writer;
  // Two that ask at the same time share one look.
  const [one, other] = await Promise.all([models.resolve('calls'), models.resolve('calls')]);
  expect(one).toMatchObject({ generation: 'generation 2' });
  expect(other).toBe(one);
});

test('an inspection that failed is tried again', async () => {
  const model = modelWith('one');
  let attempts = 0;
  const models = new ModelCatalogue([model], async (mapping) => {
    attempts += 1;
    if (attempts === 1) throw new Error('the process died');
    return mapping as ModelSpec;
  });
  await expect(models.resolve('calls')).rejects.toThrow('the process died');
  await expect(models.resolve('calls')).resolves.toMatchObject({ name: 'calls' });
});

test('models are found by their names', () => {
  const [calls, trips] = [modelWith('a'), modelWith('b', { name: 'trips' })];
  const { models } = catalogue(calls, trips);
  expect(models.names).toEqual(['calls', 'trips']);
  expect([models.configured('calls'), models.configured('trips')]).toEqual([calls, trips]);
});

test('a name that is not configured is refused with those that are', async () => {
  const { models } = catalogue(modelWith('a'), modelWith('b', { name: 'trips' }));
  const message = 'no model is named constructor; configured are calls, trips';
  expect(() => models.configured('constructor')).toThrow(
    expect.objectContaining({ code: 'FW_MODEL_UNKNOWN', message }),
  );
  await expect(models.resolve('constructor')).rejects.toEqual(expect.objectContaining({ code: 'FW_MODEL_UNKNOWN' }));
});

test('a file that is not there is refused without an inspection', async () => {
  const file = join(folder, 'absent.onnx');
  const { inspected, models } = catalogue({ ...modelWith(''), file });
  await expect(models.resolve('calls')).rejects.toEqual(
    expect.objectContaining({
      code: 'FW_MODEL_FILE_MISSING',
      message: `models.calls.file: ${file} does not exist`,
      next: 'Check models.calls.file.',
    }),
  );
  expect(inspected).toEqual([]);
});

test('a file that cannot be looked at is not called absent', async () => {
  const file = join(modelWith('').file, 'below-a-file.onnx');
  const { models } = catalogue({ ...modelWith(''), file });
  await expect(models.resolve('calls')).rejects.toEqual(
    expect.objectContaining({
      code: 'FW_MODEL_FILE_MISSING',
      message: expect.stringMatching(/below-a-file\.onnx cannot be read: .*ENOTDIR: /),
    }),
  );
});

describe('the fingerprint', () => {
  const fingerprint = (model: CataloguedModel) => catalogue(model).models.fingerprint(model.name);

  test('is of the bytes and the mapping, wherever the file lies, and nothing is loaded for it', async () => {
    const model = modelWith('one');
    const { inspected, models } = catalogue(model);
    const found = await models.fingerprint('calls');
    expect(found).toMatch(/^[0-9a-f]{16}$/);
    expect(await fingerprint(modelWith('one'))).toBe(found);
    expect(await fingerprint(modelWith('two'))).not.toBe(found);
    expect(await fingerprint(modelWith('one', { output: 'other' }))).not.toBe(found);
    expect(inspected).toEqual([]);
  });

  test('changes with the file, and when the file goes and comes back', async () => {
    const model = modelWith('one');
    const { models } = catalogue(model);
    const one = await models.fingerprint('calls');
    rmSync(model.file);
    const gone = await models.fingerprint('calls');
    expect(gone).not.toBe(one);
    expect(await models.fingerprint('calls')).toBe(gone);
    writeFileSync(model.file, 'three');
    expect(await models.fingerprint('calls')).not.toBe(gone);
    writeFileSync(`${model.file}.new`, 'one');
    renameSync(`${model.file}.new`, model.file);
    expect(await models.fingerprint('calls')).toBe(one);
  });
});
