import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BareGrid } from '../../../../scripts/src/bench/bare-grid';
import { Oracle } from '../../../../scripts/src/bench/oracle';
import { syntheticModel } from '../../../../scripts/src/bench/synthetic-models';
import { makeTempFolder, removeFolders } from '../../../support/servers/temp-folder';

/** What tells right predictions from wrong ones says no as well. */

const folder = makeTempFolder('oracle');
let grid: BareGrid;
let oracle: Oracle;

beforeAll(async () => {
  const file = join(folder, 'model.onnx');
  writeFileSync(file, syntheticModel('mlp'));
  grid = await BareGrid.open(file);
  oracle = await Oracle.of(20, grid);
});
afterAll(() => removeFolders(folder));

test('knows what one inference says of any cell', async () => {
  for (const [day, hour, category] of [
    [0, 0, 0],
    [6, 23, 0],
    [3, 14, 16],
    [6, 23, 19],
  ] as const) {
    expect(oracle.agrees(category, day * 24 + hour, await grid.one(day, hour, category + 1))).toBe(true);
  }
});

test('refuses the value of a neighbour, the next float, and a double that rounds to the right one', async () => {
  const right = await grid.one(3, 14, 5);
  const next = new Float32Array([right]);
  new Uint32Array(next.buffer)[0] = (new Uint32Array(next.buffer)[0] ?? 0) + 1;
  const wrong = [
    await grid.one(3, 15, 5),
    await grid.one(3, 14, 6),
    next[0],
    right * (1 + 1e-12),
    Number.NaN,
    undefined,
  ];
  expect(wrong.map((value) => oracle.agrees(4, 3 * 24 + 14, value))).toEqual(wrong.map(() => false));
});
