import { RepeatedErrors } from '#shared/repeated-errors';
import type { CycleLine, CycleLogStore } from '#shared/store/cycle-log-store';
import { tapped } from '#shared/tapped-logger';
import { CycleLog } from '#workers/cycle-log';
import { silentLog } from './http/silent-log';

/** What a store was given, and when it refuses. */
class Written implements Pick<CycleLogStore, 'add'> {
  readonly lines: CycleLine[] = [];
  away = false;

  async add(lines: readonly CycleLine[]): Promise<void> {
    if (this.away) throw new Error('away');
    this.lines.push(...lines);
  }
}

let written: Written;
let log: CycleLog;

beforeEach(() => {
  written = new Written();
  log = new CycleLog('here');
  log.writeTo(written as unknown as CycleLogStore, new RepeatedErrors(silentLog, { now: () => 0 }));
});

const hear = (message: string, facts: object = { cycle: 'c' }): void =>
  log.hear({ level: 'info', message, facts: { ...facts } });

test('lines of cycles are kept with all that their loggers add, in their order; others are not', async () => {
  const logger = tapped(silentLog, (line) => log.hear(line)).with({ job: 'publish' });
  logger.info('of no cycle');
  logger.with({ cycle: 'c' }).warn('one', { rows: 1 });
  logger.error('two', { cycle: 'c' });
  logger.with({ cycle: 'c' }).debug('three');
  logger.with({ cycle: 'd' }).keep('error', 'not shown');
  await log.stop();
  expect(written.lines.map(({ cycle, level, message, facts }) => [cycle, level, message, facts])).toEqual([
    ['c', 'warn', 'one', { job: 'publish', rows: 1 }],
    ['c', 'error', 'two', { job: 'publish' }],
    ['c', 'debug', 'three', { job: 'publish' }],
    ['d', 'error', 'not shown', { job: 'publish' }],
  ]);
  expect(written.lines.map(({ line }) => line)).toEqual([0, 1, 2, 3]);
  expect(written.lines[0]).toMatchObject({ host: 'here', pid: process.pid, at: expect.any(Date) });
});

test('of one cycle so many, and then one line that says that there were more', async () => {
  for (let i = 0; i < 2_000; i++) hear(`line ${i}`);
  hear('of another', { cycle: 'd' });
  await log.stop();
  expect(written.lines).toHaveLength(501);
  expect(written.lines[499]).toMatchObject({ level: 'warn', message: expect.stringContaining('left out') });
  expect(written.lines[500]).toMatchObject({ cycle: 'd' });
});

test('long messages and facts are cut, and text that no store takes is mended', async () => {
  hear(`a\0b${'x'.repeat(10_000)}`, { cycle: 'c', why: `\0${'y'.repeat(100_000)}` });
  hear('short', { cycle: 'c', why: 'a\0b', of: undefined });
  await log.stop();
  const [long, short] = written.lines;
  expect(long?.message).toHaveLength(2_001);
  expect(JSON.stringify(long?.facts).length).toBeLessThan(10_000);
  expect(short?.facts).toEqual({ why: 'a b' });
  expect(long?.message.startsWith('a bx')).toBe(true);
});

test('while the store is away they wait, bounded: the oldest give way', async () => {
  written.away = true;
  for (let i = 0; i < 6_000; i++) hear(`line ${i}`, { cycle: `c${i % 50}` });
  await log.stop();
  expect(written.lines).toEqual([]);
  written.away = false;
  await log.stop();
  expect(written.lines).toHaveLength(5_000);
  expect(written.lines.at(-1)?.message).toBe('line 5999');
});
