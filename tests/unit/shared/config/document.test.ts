import { parseConfigDocument, readDocument } from '#shared/config/document';
import { ForewarmError } from '#shared/errors';
import { Workspace } from './workspace';

const workspace = new Workspace();
afterAll(() => workspace.remove());

const refusalOf = (action: () => unknown): ForewarmError => {
  try {
    action();
  } catch (error) {
    if (error instanceof ForewarmError) return error;
  }
  throw new Error('nothing was refused');
};

describe('places', () => {
  const text = 'a: 1\nb:\n  - x\n  - { c: 2 }\n  -\n    d: 3\ne: &anchor\n  f: 1\ng: *anchor\n1: one\n';
  const document = parseConfigDocument(text, 'f.yaml');

  test.each([
    [['a'], 1],
    [['b'], 2],
    [['b', 0], 3],
    [['b', 1, 'c'], 4],
    [['b', 2, 'd'], 6],
    [['b', 7], 2],
    [['b', 0, 'deeper', 'still'], 3],
    [['g', 'f'], 8],
    [['1'], 10],
    [['absent'], 1],
    [[], 1],
  ])('%j is on line %d', (path, line) => expect(document.where(path)).toBe(`f.yaml:${line}`));
});

test('names that stand twice are found in every map, with both lines', () => {
  const { duplicates } = parseConfigDocument('a:\n  b: 1\n  c: 2\n  b: 3\nd: [{ e: 1, e: 2 }]\na: 4\n', 'f.yaml');
  expect(duplicates).toEqual([
    { path: ['a', 'b'], first: 'f.yaml:2', second: 'f.yaml:4' },
    { path: ['d', 0, 'e'], first: 'f.yaml:5', second: 'f.yaml:5' },
    { path: ['a'], first: 'f.yaml:1', second: 'f.yaml:6' },
  ]);
});

test.each(['', '# only a comment\n', '---\n'])('%j is an empty configuration', (text) => {
  expect(parseConfigDocument(text, 'f.yaml').root).toEqual({});
});

test.each([
  ['http:\n  port: 1: 2\n', { line: 2, column: 9 }],
  ['a: [1, 2\nb: 3\n', { line: 2 }],
  ['a: *nowhere\n', { line: 1, column: 4 }],
  ['a: !secret x\n', { line: 1, column: 4 }],
  ['a: 1\n---\nb: 2\n', { line: 2 }],
  ['\ta: 1\n', { line: 1 }],
])('%j is a syntax error with its place', (text, details) => {
  const error = refusalOf(() => parseConfigDocument(text, 'f.yaml'));
  expect(error.code).toBe('FW_CONFIG_UNREADABLE');
  expect(error.details).toMatchObject(details);
  expect(error.message).toMatch(new RegExp(`^f\\.yaml:${details.line}:\\d+: .+\\n  `));
});

test('a syntax error shows the line and points at the column', () => {
  const error = refusalOf(() => parseConfigDocument('http:\n  port: 1: 2\n', 'f.yaml'));
  expect(error.message.split('\n').slice(1)).toEqual(['    port: 1: 2', '          ^']);
});

test('a syntax error in a line with a password does not show it', () => {
  const error = refusalOf(() => parseConfigDocument('redis: redis://u:hunter2@host: x\n', 'f.yaml'));
  expect(JSON.stringify([error.message, error])).not.toContain('hunter2');
});

test.each([
  ['- a\n- b\n', 'got a list'],
  ['just text\n', 'got a single value'],
  ['42\n', 'got a single value'],
])('%j is no map of settings', (text, why) => {
  expect(refusalOf(() => parseConfigDocument(text, 'f.yaml'))).toMatchObject({
    code: 'FW_CONFIG_UNREADABLE',
    message: expect.stringContaining(why),
  });
});

test('aliases that multiply without end are refused', () => {
  const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
  const text = `l0: &l0 [x]\n${levels.join('\n')}\n`;
  expect(refusalOf(() => parseConfigDocument(text, 'f.yaml')).code).toBe('FW_CONFIG_UNREADABLE');
});

test('files that are missing, folders and other encodings are told apart', () => {
  const missing = refusalOf(() => readDocument(`${workspace.folder}/none.yaml`, 'none.yaml'));
  expect(missing).toMatchObject({ code: 'FW_CONFIG_MISSING', message: expect.stringContaining(workspace.folder) });
  const folder = refusalOf(() => readDocument(workspace.folder, 'folder'));
  expect(folder).toMatchObject({ code: 'FW_CONFIG_UNREADABLE', message: expect.stringContaining('EISDIR') });
  const latin1 = workspace.write('latin1.yaml', Buffer.from('a: caf\xe9\n', 'latin1'));
  expect(refusalOf(() => readDocument(latin1, 'latin1.yaml')).message).toBe('latin1.yaml is not valid UTF-8');
});

test('a byte order mark does no harm', () => {
  expect(readDocument(workspace.write('bom.yaml', '\uFEFFa: 1\n'), 'bom.yaml').root).toEqual({ a: 1 });
});
