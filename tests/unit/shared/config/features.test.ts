import { featuresType } from '#shared/config/features';
import { minimal, Workspace } from './workspace';

const workspace = new Workspace();
afterAll(() => workspace.remove());

const DEFAULTS = {
  url: undefined,
  timeLimitMs: 10_000,
  column: 'category',
  time: undefined,
  missing: 'reject',
  defaults: {},
};

function read(raw: unknown): { value: unknown; refused: string[] } {
  const refused: string[] = [];
  const value = featuresType.read(raw, (expected, path = []) => {
    refused.push(`${path.join('.')}: ${expected}`);
    return undefined;
  });
  return { value, refused };
}

test.each([
  [{ file: 'a.csv' }, { from: { file: 'a.csv' } }],
  [
    { rows: [{ category: 'a', x: 1 }], column: 'id' },
    { from: { rows: [{ category: 'a', x: 1 }] }, column: 'id' },
  ],
  [
    {
      query: 'select 1',
      url: 'postgres://db/facts',
      timeLimit: '2s',
      time: 'at',
      missing: 'default',
      defaults: { x: 0 },
    },
    {
      ...{ from: { query: 'select 1' }, url: 'postgres://db/facts', timeLimitMs: 2_000, time: 'at' },
      ...{ missing: 'default', defaults: { x: 0 } },
    },
  ],
])('%j are features', (raw, value) => expect(read(raw)).toEqual({ value: { ...DEFAULTS, ...value }, refused: [] }));

test.each([
  ['a.csv', ': { file: PATH }, { query: SQL } or { rows: [...] }'],
  [{}, ': one of `file`, `query` and `rows`'],
  [{ file: 'a.csv', query: 'select 1' }, ': one of `file`, `query` and `rows`'],
  [{ file: 'a.txt' }, 'file: the path of a .csv or .json file'],
  [{ file: 'a.csv', timeLimit: '1s' }, 'timeLimit: a `query` beside it'],
  [{ file: 'a.csv', defaults: { x: 1 } }, 'defaults: `missing: default` beside it'],
  [
    { file: 'a.csv', missing: 'default', defaults: { x: null } },
    'defaults.x: a finite number, `true`, `false`, or text written in quotes',
  ],
  [{ file: 'a.csv', missing: 'ignore' }, 'missing: one of `reject`, `default`'],
  [{ rows: ['a'] }, 'rows.0: a map of the category and its features'],
  [{ file: 'a.csv', files: 1 }, 'files: only file, query, rows, url, timeLimit, column, time, missing, defaults'],
])('%j are none', (raw, refused) => expect(read(raw).refused).toContain(refused));

/** A configuration of one model, with these beside what it needs. */
const yaml = (more: object) =>
  minimal(
    '',
    Object.entries(more)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
      .join('\n'),
  );
const load = (more: object) => workspace.load(yaml(more));
const problemOf = (more: object) => workspace.refusal(yaml(more)).message;

const inputs = { size: { feature: 'size' }, area: { feature: 'area' } };

test('inputs that take features, and where these come from, belong together', () => {
  expect(load({ inputs, features: { file: 'a.csv' } }).models[0]?.features?.source).toMatch(/a\.csv$/);
  expect(problemOf({ inputs })).toMatch(/features \(.*forewarm.yaml:2\): missing/);
  expect(problemOf({ inputs })).toContain('expected where the feature size comes from');
  expect(problemOf({ features: { file: 'a.csv' } })).toContain('an input that takes { feature: NAME }; none does');
  expect(problemOf({ inputs, features: { file: 'a.csv', missing: 'default', defaults: { size: 1 } } })).toContain(
    'a default for each feature that inputs take; area has none',
  );
});

test('a password in the address of a database is not shown', () => {
  const url = 'postgres://me:secret@db/facts';
  expect(problemOf({ inputs, features: { file: 'a.csv', url } })).not.toContain('secret');
  expect(problemOf({ inputs, features: { query: 'select 1', url: `${url} x` } })).not.toContain('secret');
  for (const slip of ['postgres:/me:secret@db/facts', 'me:secret@db/facts', 'postgres//me:secret@db/facts']) {
    expect(problemOf({ inputs, features: { query: 'select 1', url: slip } })).not.toContain('secret');
  }
});

test('a query for categories says where its last good answer is kept, which is not there yet when nothing was started', () => {
  const categories = { query: 'select 1', file: 'kept.json' };
  const refusal = (more: object) =>
    workspace.refusal(minimal('', `categories: ${JSON.stringify({ ...categories, ...more })}`)).message;
  expect(refusal({})).toContain('`forewarm start` and `forewarm up` ask the query and write it');
  expect(refusal({ file: undefined })).toContain('categories.file');
  expect(refusal({ file: 'kept.csv' })).toContain('the path of a .json file, in which its last good answer is kept');
  expect(refusal({ rows: 1 })).toContain('only query, file, column, url, timeLimit');
  const text = minimal('', `categories: ${JSON.stringify({ ...categories, column: 'id', timeLimit: '1s' })}`);
  expect(workspace.load(text, { lists: 'ask later' }).models[0]).toMatchObject({
    categories: [],
    categoryQuery: { query: 'select 1', column: 'id', timeLimitMs: 1_000, url: undefined },
  });
  expect(workspace.load(text, { lists: 'tell' }).models[0]).toMatchObject({
    ...{ categories: [], categoryProblem: expect.stringMatching(/kept\.json: expected a file that exists/) },
  });
  workspace.write('kept.json', '["b", "a"]');
  expect(workspace.load(text).models[0]?.categories).toEqual(['b', 'a']);
  const inputs = { x: { category: 'index', vocabulary: categories } };
  expect(problemOf({ inputs })).toContain('a list or a file: what the model was trained with does not change');
});
