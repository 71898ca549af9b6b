import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { parse } from 'yaml';
import { decodeRow } from '#shared/cache/row';
import { TestSystem } from '../support/system';

/** A cached value is what the model answers when it is asked directly, bit for bit. */

jest.setTimeout(90_000);

const ROOT = join(__dirname, '..', '..');
const DAYS = [0, 1, 2, 3, 4, 5, 6];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const CELLS = DAYS.flatMap((day) => HOURS.map((hour) => ({ day, hour })));

let system: TestSystem;
let session: InferenceSession;

beforeAll(async () => {
  const model = readFileSync(join(ROOT, 'samples/montco911/model.onnx'));
  session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  system = await TestSystem.start();
});
afterAll(async () => {
  await system.stop();
  await session.release();
});

test('each of the 18,480 cells of the sample has the bits of a direct run, in Redis and in PostgreSQL', async () => {
  const categories = configureSample();
  expect(categories.length * CELLS.length).toBe(18_480);
  const daemon = system.daemon();
  expect(await daemon.cycle()).toMatchObject({ rows: categories.length, computed: categories.length });

  const generation = (await system.cache('calls').pointer())?.generation ?? '';
  const cached = await system.rows(generation, categories, 'calls');
  const durable = await system.durableRows(generation, categories, 'calls');
  expect(cached.size).toBe(categories.length);
  const different: string[] = [];
  for (const category of categories) {
    const bytes = cached.get(category) ?? Buffer.alloc(0);
    const direct = bitsOf(await ask(CELLS, category));
    if (!sameBits(valuesOf(bytes), direct)) different.push(`${category} as one run`);
    if (!durable.get(category)?.equals(bytes)) different.push(`${category} in PostgreSQL`);
  }
  for (const category of categories.filter((_, i) => i % 22 === 0)) {
    const direct: number[] = [];
    for (const cell of CELLS) direct.push(...bitsOf(await ask([cell], category)));
    if (!sameBits(valuesOf(cached.get(category)), direct)) different.push(`${category} cell by cell`);
  }
  expect(different).toEqual([]);

  // Another cycle, of rows that are there already, comes to the same.
  const second = await daemon.cycle('complete', daemon.mark);
  expect(second).toMatchObject({ trigger: 'schedule', computed: categories.length });
  const again = await system.rows(generation, categories, 'calls');
  for (const category of categories) {
    expect(sameBits(valuesOf(again.get(category)), valuesOf(cached.get(category)))).toBe(true);
  }
});

/** The model of the project's own configuration, with the paths of its files made absolute. Returns its categories. */
function configureSample(): string[] {
  const document = parse(readFileSync(join(ROOT, 'forewarm.yaml'), 'utf8'));
  const { calls } = document.models;
  const file = join(ROOT, calls.categories.file);
  system.configure({
    calls: { ...calls, file: join(ROOT, calls.file), categories: { ...calls.categories, file }, every: '1s' },
  });
  // No category of the sample holds a comma or a quote.
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(1);
  return lines.map((line) => line.split(',')[1] ?? '');
}

async function ask(cells: typeof CELLS, category: string): Promise<Float32Array> {
  const shape = [cells.length, 1];
  const feeds = {
    day: new Tensor('int64', BigInt64Array.from(cells.map((cell) => BigInt(cell.day))), shape),
    hour: new Tensor('int64', BigInt64Array.from(cells.map((cell) => BigInt(cell.hour))), shape),
    category: new Tensor(
      'string',
      cells.map(() => category),
      shape,
    ),
  };
  return (await session.run(feeds)).expected_calls?.data as Float32Array;
}

function valuesOf(row: Buffer | undefined): number[] {
  const decoded = decodeRow(row ?? Buffer.alloc(0));
  return decoded.ok ? bitsOf(decoded.row.values) : [];
}

function bitsOf(values: Float32Array): number[] {
  return [...new Uint32Array(values.slice().buffer)];
}

function sameBits(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.length > 0 && a.every((bits, i) => bits === b[i]);
}
