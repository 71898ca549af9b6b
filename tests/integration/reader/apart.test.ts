import { encodeRow, RowView } from '#shared/cache/row';
import { GenerationStore } from '#shared/store/generation-store';
import { eventually, someCategories } from '../../support/system';
import { WarmedSystem } from '../../support/warmed-system';

/** What one reader, one model or one call has to do with does not come over the others. */

jest.setTimeout(90_000);

const categories = someCategories(30);
const [FIRST = '', SECOND = ''] = categories;
const at = { day: 3, hour: 5 };

let warmed: WarmedSystem;

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories);
});
afterAll(() => warmed.stop());
afterEach(() => warmed.restore());

test('a model whose file is missing does not rest the tier for the others', async () => {
  await warmed.loseInRedis([FIRST]);
  await warmed.loseInPostgres([FIRST]);
  const gone = warmed.modelFile({ name: 'gone', file: '/nowhere.onnx' });
  const reader = warmed.predictor({ models: [gone, warmed.modelFile()] });
  for (let i = 0; i < 8; i++) {
    await expect(reader.predict('gone', FIRST, at)).rejects.toMatchObject({ code: 'FW_READ_FAILED' });
  }
  expect(await reader.predict('m', FIRST, at)).toMatchObject({
    tier: 'model',
    values: { prediction: warmed.expected(FIRST, 3, 5) },
  });
});

test('a reader without Redis follows what PostgreSQL says was published later', async () => {
  const { pool } = warmed.system;
  const reader = warmed.predictor({ redis: undefined, models: [] });
  expect((await reader.predict('m', FIRST, at)).generation).toBe(warmed.generation);
  // Another generation, with a row of its own.
  const next = 'abcdefabcdef';
  await pool.query(
    `INSERT INTO forewarm.generation (model, id, state, identity, identity_parts, model_version)
     SELECT model, $1, 'warming', identity, identity_parts, 'next' FROM forewarm.generation WHERE id = $2`,
    [next, warmed.generation],
  );
  const row = new RowView(warmed.bytesOf(FIRST));
  const frame = { cells: row.cells, outputs: row.outputs, identity: Buffer.from(`${next}0000`, 'hex') };
  const bytes = encodeRow(
    frame,
    row.values.map(() => 7),
    Date.now(),
  );
  await pool.query(
    'INSERT INTO forewarm.row (model, generation, category, bytes, computed_at) VALUES ($1, $2, $3, $4, now())',
    ['m', next, FIRST, bytes],
  );
  await new GenerationStore(pool).published('m', next, warmed.generation, new Date(Date.now() + 1_000));
  const answer = await eventually('the next generation', async () => {
    const latest = await reader.predict('m', FIRST, at);
    return latest.generation === next && latest;
  });
  expect(answer).toMatchObject({ tier: 'postgres', modelVersion: 'next', values: { prediction: 7 } });
  await new GenerationStore(pool).published('m', warmed.generation, null, new Date());
  await pool.query('DELETE FROM forewarm.generation WHERE id = $1', [next]);
});

test('many rows are asked for in requests of a bounded size', async () => {
  const many = Array.from({ length: 1_200 }, (_, i) => `copy ${i}`);
  const { client } = warmed.system;
  await client.mset(...many.flatMap((category) => [warmed.key(category), warmed.bytesOf(FIRST)]));
  const reader = warmed.predictor({ postgres: undefined, models: [] });
  await reader.predict('m', SECOND, at);
  const calls = async () => Number(/cmdstat_mget:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0);
  const before = await calls();
  const outcomes = await reader.predictMany(many.map((category) => ({ model: 'm', category, coordinates: at })));
  const wanted = warmed.expected(FIRST, 3, 5);
  expect(outcomes.filter((one) => one.status === 'fulfilled' && one.value.values.prediction === wanted)).toHaveLength(
    many.length,
  );
  // 500 rows to a request; besides, what is live may have been asked for.
  expect((await calls()) - before).toBeGreaterThanOrEqual(3);
  await client.del(...many.map((category) => warmed.key(category)));
});

test('a row that is written back expires where rows of its model do', async () => {
  await warmed.loseInRedis([FIRST, SECOND]);
  const expiring = warmed.predictor({ models: [warmed.modelFile({ expireAfterMs: 3_600_000 })] });
  expect((await expiring.predict('m', FIRST, at)).tier).toBe('postgres');
  const lasting = warmed.predictor();
  expect((await lasting.predict('m', SECOND, at)).tier).toBe('postgres');
  const lifeOf = (category: string) => warmed.system.client.pttl(warmed.key(category));
  await eventually('both rows in Redis', async () => (await lifeOf(FIRST)) !== -2 && (await lifeOf(SECOND)) !== -2);
  expect(await lifeOf(FIRST)).toBeGreaterThan(3_000_000);
  expect(await lifeOf(SECOND)).toBe(-1);
});
