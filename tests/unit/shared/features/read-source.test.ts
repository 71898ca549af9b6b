import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeatureSettings } from '#shared/features/feature-settings';
import { readSource } from '#shared/features/read-source';

/** Files of features: what is wrong with one is said with its line, and nothing of it is taken. */

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-features-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fileOf(text: string, name = 'stations.csv'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  // It has been left alone for long.
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  return file;
}

const read = (file: string) =>
  readSource(
    {
      ...{ from: { file }, source: 'stations.csv', url: undefined, timeLimitMs: 1_000 },
      ...{ column: 'category', time: undefined, missing: 'reject', defaults: {} },
    } as FeatureSettings,
    ['size'],
    undefined,
  );

const GOOD = 'category,size\na,1\nb,2\n';

test('one that is right is taken', async () => {
  const found = await read(fileOf(GOOD));
  expect('table' in found && [...found.table.rows]).toEqual([
    ['a', ['1']],
    ['b', ['2']],
  ]);
});

test.each([
  ['a category twice', `${GOOD}a,3\n`, /line 4: .*is there twice; the first is line 2/],
  ['a column less', 'category,sise\na,1\n', /no column `size`; did you mean `sise`/],
  ['no rows', 'category,size\n', /it has no rows/],
  ['a category that is empty', `${GOOD},3\n`, /line 4: expected a category/],
  ['fields too few', `${GOOD}c\n`, /line 4: expected 2 fields as the header has; there are 1/],
  ['nothing in it', '', /it is empty/],
])('one with %s is refused as a whole', async (_, text, why) => {
  expect(await read(fileOf(text))).toEqual({ problem: expect.stringMatching(why) });
});

test('JSON that is cut off, and bytes that are no text', async () => {
  expect(await read(fileOf('[{"category": "a", "si', 'stations.json'))).toEqual({
    problem: expect.stringMatching(/it is no valid JSON/),
  });
  const file = fileOf(GOOD);
  writeFileSync(file, Buffer.from([0xff, 0xfe, 0xff]));
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  expect(await read(file)).toEqual({ problem: expect.stringMatching(/it is no UTF-8 text/) });
});

test('one that is written at this moment is waited for', async () => {
  const file = join(folder, 'stations.csv');
  writeFileSync(file, 'category,size\na,1\nb,2');
  const reading = read(file);
  writeFileSync(file, 'category,size\na,1\nb,23456\n');
  const found = await reading;
  expect('table' in found && found.table.rows.get('b')).toEqual(['23456']);
});
