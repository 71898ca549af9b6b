import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { ROLES } from '#shared/config/types';
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

const PEERS = ['bentocache', 'cache-manager', 'cacheable'].flatMap((peer) => [`${peer}-memory`, `${peer}-redis`]);
const READ = [
  ...['predictor-memory', 'predictor-memory-many', 'predictor-redis', 'predictor-redis-many', 'raw-redis', ...PEERS],
  ...['direct-inference', ...((ROLES as readonly string[]).includes('api') ? ['http'] : [])],
];
const bothWays = (path: string): string[] =>
  path === 'direct-inference' ? [`${path} 1`] : [`${path} 1`, `${path} 64`];

const PHASES = ['starting', 'steady', 'flushed', 'redis-killed', 'redis-frozen', 'postgres-frozen-too', 'recovered'];

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
  const figures = await bench('scale', '--model', 'mlp', '--workers', '1,2', '--rounds', '1', ...sizes);
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

/** The parts of a ratio are there, and every path says how quick it was. */
test('bench read gives every figure', async () => {
  const { results, ...figures } = await bench('read', '--categories', '20', '--rounds', '1');
  const rows = results as readonly Record<'path' | 'concurrency' | 'opsPerSecond' | 'p50us' | 'p99us', number>[];
  expect(rows.map(({ path, concurrency }) => `${path} ${concurrency}`).sort()).toEqual(READ.flatMap(bothWays).sort());
  for (const { path, opsPerSecond, p50us, p99us } of rows) {
    expect(`${path} ${opsPerSecond > 0 && p50us > 0 && p99us >= p50us}`).toBe(`${path} true`);
  }
  const { suite, categories, ...ratios } = figures;
  expect({ suite, categories }).toEqual({ suite: 'read', categories: 20 });
  expect(Object.keys(ratios)).toEqual(['redisOverRaw', 'memoryOverBestPeer', 'redisOverBestPeer', 'manyOverSingle']);
  for (const [name, ratio] of Object.entries(ratios)) expect(`${name} ${Number(ratio) > 0}`).toBe(`${name} true`);
});

test('bench recover gives every figure, and no read fails or is wrong', async () => {
  const { phases, ...figures } = await bench('recover', '--categories', '20', '--reads', '200');
  expect(figures).toMatchObject({ suite: 'recover', categories: 20, readsPerSecond: 200 });
  const rows = phases as readonly (Record<'reads' | 'p99Ms' | 'maxMs', number> & { phase: string; byTier: object })[];
  expect(rows.map(({ phase }) => phase)).toEqual(PHASES);
  for (const { phase, reads, p99Ms, maxMs, byTier } of rows) {
    const answers = Object.values(byTier).reduce((sum, count) => sum + count, 0);
    expect(`${phase} ${reads === answers && reads > 0 && maxMs >= p99Ms}`).toBe(`${phase} true`);
  }
  expect(figures.reads).toBe(rows.reduce((sum, { reads }) => sum + reads, 0));
  expect(figures).toMatchObject({ failedReads: 0, wrongReads: 0 });
  expect(figures.secondsToFullCoverage).toBeGreaterThan(0);
});

test('what is interrupted stops all that it started', async () => {
  const child = spawn(process.execPath, [MAIN, 'recover', '--categories', '20'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exit = once(child, 'exit');
  for await (const line of createInterface({ input: child.stderr }))
    if (line.startsWith('steady')) child.kill('SIGINT');
  // Whether something is left is asked of every test file at its end.
  expect((await exit)[0]).toBe(130);
});

test('a mistake on the command line is told, not shown as a stack', async () => {
  const failed = await promisify(execFile)(process.execPath, [MAIN, 'warm', '--categories', 'many']).catch(
    (error) => error,
  );
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('Expected a whole number') });
  expect(failed.stderr).not.toMatch(/^\s+at /m);
});

test('bench backup gives every figure', async () => {
  const figures = await bench('backup', '--categories', '200', '--rounds', '1', '--window', '200');
  const { suite, categories, predictions, readerP99Ms, failedReads, readsPerSecond, ...measured } = figures;
  expect({ suite, categories, predictions, failedReads, readsPerSecond }).toEqual({
    ...{ suite: 'backup', categories: 200, predictions: 33_600, failedReads: 0, readsPerSecond: 1_000 },
  });
  const seconds = ['backupSeconds', 'verifySeconds', 'restoreSeconds', 'rdbSeconds', 'naiveSeconds'];
  const ratios = ['bytes', 'bytesPerPrediction', 'peakRssGrowthMb', 'overRdb', 'overNaive'];
  expect(Object.keys(measured).sort()).toEqual([...seconds, ...ratios].sort());
  for (const [name, value] of Object.entries(measured)) expect(`${name} ${Number(value) > 0}`).toBe(`${name} true`);
  expect(readerP99Ms).toEqual({ idle: expect.any(Number), backup: expect.any(Number), ratio: expect.any(Number) });
});
