import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeTempFolder, removeFolders } from '../support/servers/temp-folder';

/** The benchmarks run, and their figures are there and plausible; how fast anything is, is not asked here. */

jest.setTimeout(300_000);

const MAIN = join(__dirname, '..', '..', 'dist', 'scripts', 'bench', 'main.js');
const folder = makeTempFolder('bench-test');
afterAll(() => removeFolders(folder));

async function bench(...args: string[]): Promise<Record<string, number | object>> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args, '--json']);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>;
}

const WARM = [
  ...['cycleSeconds', 'durableSeconds', 'floorSeconds', 'overFloor', 'naiveSeconds', 'overNaive', 'bytesPerPrediction'],
  ...['eventLoopDelayP99Ms', 'peakRssMb', 'cpuSecondsPerCycle'],
];

test('bench warm gives every figure', async () => {
  const figures = await bench('warm', '--categories', '40', '--model', 'trees', '--refresh', 'changed');
  const { suite, model, categories, predictions, idleComputed, ...measured } = figures;
  expect({ suite, model, categories, predictions }).toEqual({
    ...{ suite: 'warm', model: 'trees', categories: 40, predictions: 6_720 },
  });
  expect(Object.keys(measured).sort()).toEqual([...WARM, 'idleCycleSeconds', 'idleOverFull'].sort());
  for (const [name, value] of Object.entries(measured)) expect(`${name} ${Number(value) >= 0}`).toBe(`${name} true`);
  expect(idleComputed).toBe(0);
  expect(measured.durableSeconds).toBeGreaterThanOrEqual(Number(measured.cycleSeconds));
  // A row of 168 float32 takes more than 4 bytes for each.
  expect(measured.bytesPerPrediction).toBeGreaterThan(4);
  expect(measured.peakRssMb).toBeGreaterThan(50);
});

test('bench scale gives every figure and the plot', async () => {
  const svg = join(folder, 'plots', 'grow.svg');
  const sizes = ['--categories', '40', '--grow', '20,60', '--svg', svg];
  const figures = await bench('scale', '--model', 'mlp', '--workers', '1,2', ...sizes);
  expect(figures).toMatchObject({ suite: 'scale', model: 'mlp', categories: 40 });
  for (const byWorkers of [figures.cycleSeconds, figures.floorSeconds]) {
    expect(Object.keys(byWorkers ?? {})).toEqual(['1', '2']);
    for (const seconds of Object.values(byWorkers ?? {})) expect(seconds).toBeGreaterThan(0);
  }
  const { speedup, floorSpeedup, efficiency, timeExponent, memoryExponent, grow } = figures;
  expect(efficiency).toBeCloseTo(Number(speedup) / Number(floorSpeedup), 2);
  expect([timeExponent, memoryExponent].map(Number.isFinite)).toEqual([true, true]);
  expect(grow).toMatchObject([
    { categories: 20, predictions: 3_360 },
    { categories: 60, predictions: 10_080 },
  ]);
  expect(existsSync(svg) && readFileSync(svg, 'utf8')).toMatch(/^<svg[\s\S]*categories[\s\S]*<\/svg>$/);
});

test('a mistake on the command line is told, not shown as a stack', async () => {
  const failed = await promisify(execFile)(process.execPath, [MAIN, 'warm', '--categories', 'many']).catch(
    (error) => error,
  );
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('Expected a whole number') });
  expect(failed.stderr).not.toMatch(/^\s+at /m);
});
