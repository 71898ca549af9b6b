import { join } from 'node:path';
import { Pool } from 'pg';
import { RowView } from '#shared/cache/row';
import { closeRedis, makeRedis } from '#shared/connections/redis';
import { migrate } from '#shared/store/migrate';
import { RowStore } from '#shared/store/row-store';
import { MemoryTier } from '#shared/tiers/memory-tier';
import { ModelTier } from '#shared/tiers/model-tier';
import { PostgresTier } from '#shared/tiers/postgres-tier';
import { RedisTier } from '#shared/tiers/redis-tier';
import type { FoundRow, LiveGeneration, Tier } from '#shared/tiers/tier';
import { smallModel, someCategories, TestSystem } from '../support/system';
import { AXES, bitsOf, ReferenceModel } from './reference-model';

/** What every tier is held to: the same questions, whatever it is made of. */

jest.setTimeout(60_000);

interface Subject {
  readonly tier: string;
  /** A working tier on the system. */
  make(): Promise<Tier>;
  /** One that cannot tell. Absent where there is none. */
  broken?(): Promise<Tier>;
  /** Puts bytes as they are where the tier looks for a row of the generation. Absent where it does not store bytes. */
  put?(live: LiveGeneration, rows: ReadonlyMap<string, Buffer>): Promise<void>;
}

/** The model gives NaN for this one, and no test stores it. */
const ABSENT = 'absent';
const categories = someCategories(300);
const [FIRST = '', SECOND = '', THIRD = ''] = categories;

let system: TestSystem;
let reference: ReferenceModel;
/** Another model of the same name and shape. */
let other: ReferenceModel;
let bytes: Map<string, Buffer>;
const ends: (() => Promise<unknown>)[] = [];

const postgres: Subject = {
  tier: 'postgres',
  make: async () => new PostgresTier(system.pool, { keyPrefix: 'forewarm', limitMs: 10_000 }),
  broken: async () => {
    const pool = new Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
    ends.push(() => pool.end());
    return new PostgresTier(pool, { keyPrefix: 'forewarm', limitMs: 10_000 });
  },
  put: async (live, rows) => {
    const stored = [...rows].map(([category, row]) => ({ category, bytes: row, inputs: undefined, computedAtMs: 1 }));
    await new RowStore(system.pool).upsert(live.model, live.generation, stored, 2);
  },
};

const modelTier = (file: string): ModelTier => {
  const models = [{ name: 'm', file, axes: AXES, categories }];
  const settings = { keyPrefix: 'forewarm', processes: 2, limitMs: 60_000, env: process.env };
  return new ModelTier({ models, ...settings });
};

const model: Subject = {
  tier: 'model',
  make: async () => modelTier(join(system.folder, 'm.onnx')),
  broken: async () => modelTier(join(system.folder, 'nowhere.onnx')),
};

const memory: Subject = {
  tier: 'memory',
  make: async () => {
    const tier = new MemoryTier(1024 * 1024, Date.now);
    const rows = [...bytes].map(([category, row]) => ({ category, row: new RowView(row) }));
    await tier.fill(reference.live, rows);
    return tier;
  },
};

const redis: Subject = {
  tier: 'redis',
  make: async () => new RedisTier(system.client, 'forewarm'),
  broken: async () => {
    const client = makeRedis('redis://127.0.0.1:1', 'reader', () => undefined);
    ends.push(() => closeRedis(client));
    return new RedisTier(client, 'forewarm');
  },
  put: async ({ keys, generation }, rows) => {
    for (const [category, row] of rows) await system.client.set(keys.row(generation, category), row);
  },
};

const subjects: readonly Subject[] = [memory, redis, postgres, model];

beforeAll(async () => {
  system = await TestSystem.start();
  await migrate(system.pool);
  const file = (name: string, bias: number): string => {
    const model = smallModel(categories, { bias, poison: { input: 'category', equals: ABSENT } });
    return system.write(name, model);
  };
  reference = await ReferenceModel.open(file('m.onnx', 0.1), FIRST);
  other = await ReferenceModel.open(file('other.onnx', 0.2), FIRST);
  bytes = await bytesOf(reference, categories);
});
afterAll(async () => {
  await Promise.all([reference, other].map((model) => model.close()));
  await system.stop();
});

async function bytesOf(model: ReferenceModel, wanted: readonly string[]): Promise<Map<string, Buffer>> {
  const rows = new Map<string, Buffer>();
  for (const category of wanted) rows.set(category, await model.bytes(category));
  return rows;
}

describe.each(subjects)('the $tier tier', (subject) => {
  let tier: Tier;
  /** A test of tiers that store bytes. */
  const storing: (name: string, run: () => Promise<void>) => void = subject.put === undefined ? () => undefined : test;

  beforeEach(async () => {
    tier = await subject.make();
    await subject.put?.(reference.live, bytes);
  });
  afterEach(async () => {
    await tier.close();
    for (const end of ends.splice(0)) await end();
  });

  /** Every row is whole, and what the model answers directly. */
  async function expectRight(found: readonly FoundRow[], wanted: readonly string[]): Promise<void> {
    expect(found.map(({ category }) => category).sort()).toEqual([...wanted].sort());
    for (const { category, row } of found) {
      const stored = row.bytes;
      const direct = bitsOf(await reference.values(category));
      expect([category, bitsOf(row.values)]).toEqual([category, direct]);
      expect(Buffer.from(row.identity).toString('hex')).toMatch(new RegExp(`^${reference.live.generation}`));
      expect([row.cells, row.outputs, stored.length]).toEqual([24, 1, 32 + 4 * 24]);
      const told = bytes.get(category);
      if (subject.put !== undefined && told !== undefined) expect(stored.equals(told)).toBe(true);
    }
  }

  test('has its name', () => {
    expect(tier.name).toBe(subject.tier);
  });

  test('finds a row that is there, whole and bit for bit', async () => {
    const { found, corrupt } = await tier.read(reference.live, [FIRST]);
    await expectRight(found, [FIRST]);
    expect(corrupt).toEqual([]);
  });

  test('has nothing to say of rows that are not there, nor of none', async () => {
    expect(await tier.read(reference.live, [ABSENT])).toEqual({ found: [], corrupt: [] });
    expect(await tier.read(reference.live, [])).toEqual({ found: [], corrupt: [] });
    const { found, corrupt } = await tier.read(reference.live, [FIRST, ABSENT, SECOND]);
    await expectRight(found, [FIRST, SECOND]);
    expect(corrupt).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['a zero character', 'a\0b'],
    ['half a character', 'a\ud800'],
    ['more than a category may hold', 'x'.repeat(513)],
  ])('does not have a category of %s, and says so of that one alone', async (_, impossible) => {
    const [bad, good] = await Promise.all([
      tier.read(reference.live, [impossible, SECOND]),
      tier.read(reference.live, [FIRST]),
    ]);
    await expectRight(bad.found, [SECOND]);
    await expectRight(good.found, [FIRST]);
  });

  test('finds many at once, each category once', async () => {
    const { found } = await tier.read(reference.live, categories);
    await expectRight(found, categories);
  });

  test('answers each of many who ask at the same time, whatever the others ask', async () => {
    const asked = Array.from({ length: 60 }, (_, i) => [categories[i % 7] ?? '', ABSENT, categories[i] ?? '']);
    const answers = await Promise.all(asked.map((wanted) => tier.read(reference.live, [...new Set(wanted)])));
    for (const [i, { found }] of answers.entries()) {
      const wanted = new Set(asked[i]?.filter((category) => category !== ABSENT));
      await expectRight(found, [...wanted]);
    }
  });

  test('never gives a row of another generation', async () => {
    const { found } = await tier.read(other.live, [FIRST, SECOND]).catch((error: unknown) => {
      expect(error).toMatchObject({ name: 'ForewarmError', code: 'FW_GENERATION_NOT_HERE' });
      return { found: [] };
    });
    expect(found).toEqual([]);
    const both = await Promise.all([
      tier.read(reference.live, [FIRST]),
      tier.read(other.live, [FIRST]).catch(() => undefined),
    ]);
    await expectRight(both[0].found, [FIRST]);
  });

  storing('tells of a row of another generation, or of another shape, in the place of one', async () => {
    const { live } = reference;
    const foreign = await other.bytes(FIRST);
    await subject.put?.(live, new Map([[FIRST, foreign]]));
    const { found, corrupt } = await tier.read(live, [FIRST, SECOND]);
    await expectRight(found, [SECOND]);
    expect(corrupt).toEqual([{ category: FIRST, bytes: foreign, fault: 'identity' }]);
    const wider = { ...live, cells: live.cells + 1 };
    expect((await tier.read(wider, [SECOND])).corrupt).toMatchObject([{ category: SECOND, fault: 'length' }]);
  });

  storing('never gives a row of which any byte has changed, and says so', async () => {
    const whole = bytes.get(FIRST) ?? Buffer.alloc(0);
    // As many categories as there are bytes: each of them lacks one bit of another byte.
    const bad = Array.from(whole, (_, i) => [`bad ${i}`, flipped(whole, i)] as const);
    const cut = [0, 1, 31, 32, whole.length - 1].map((end) => [`cut ${end}`, whole.subarray(0, end)] as const);
    const longer = ['longer', Buffer.concat([whole, Buffer.alloc(4)])] as const;
    const all = new Map<string, Buffer>([...bad, ...cut, longer]);
    await subject.put?.(reference.live, all);
    const { found, corrupt } = await tier.read(reference.live, [...all.keys(), SECOND]);
    await expectRight(found, [SECOND]);
    expect(corrupt.map(({ category }) => category).sort()).toEqual([...all.keys()].sort());
    for (const row of corrupt) expect(row.bytes.equals(all.get(row.category) ?? Buffer.alloc(0))).toBe(true);
  });

  storing('gives the row again that was written over a corrupt one', async () => {
    const whole = bytes.get(THIRD) ?? Buffer.alloc(0);
    await subject.put?.(reference.live, new Map([[THIRD, flipped(whole, 40)]]));
    expect((await tier.read(reference.live, [THIRD])).found).toEqual([]);
    await subject.put?.(reference.live, new Map([[THIRD, whole]]));
    await expectRight((await tier.read(reference.live, [THIRD])).found, [THIRD]);
  });

  const breaking: typeof storing = subject.broken === undefined ? () => undefined : test;
  breaking('says by an error of the catalogue that it cannot tell', async () => {
    const broken = (await subject.broken?.()) as Tier;
    const outcomes = await Promise.allSettled(
      [[FIRST], [SECOND, ABSENT]].map((wanted) => broken.read(reference.live, wanted)),
    );
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'ForewarmError' } });
    }
    await broken.close();
  });

  test('is closed once or more, also while it is asked, and then rejects', async () => {
    const asked = Promise.allSettled([tier.read(reference.live, [FIRST]), tier.read(reference.live, categories)]);
    await Promise.all([tier.close(), tier.close()]);
    for (const outcome of await asked) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ name: 'ForewarmError' });
    }
    await expect(tier.read(reference.live, [FIRST])).rejects.toMatchObject({ code: 'FW_READER_CLOSED' });
    await tier.close();
  });

  test('can be closed before it was asked anything', async () => {
    const another = await subject.make();
    await another.close();
    await expect(another.read(reference.live, [FIRST])).rejects.toMatchObject({ name: 'ForewarmError' });
  });
});

function flipped(row: Buffer, byte: number): Buffer {
  const bad = Buffer.from(row);
  bad.writeUInt8(bad.readUInt8(byte) ^ (1 << (byte % 8)), byte);
  return bad;
}
