import { RepeatedErrors } from '#shared/repeated-errors';
import type { CycleLine, CycleLogStore } from '#shared/store/cycle-log-store';
import { tapped } from '#shared/tapped-logger';
import { CycleLog } from '#workers/cycle-log';
import { silentLog } from './http/silent-log';

/** What a store was given, and when it refuses. */
class Written implements Pick<CycleLogStore, 'add'> {
  readonly lines: CycleLine[] = [];
  away = false;
  refuses = false;

  async add(lines: readonly CycleLine[]): Promise<void> {
    if (this.away) throw new Error('away');
    if (this.refuses) throw new Error('refused', { cause: { code: '22P02' } });
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
  expect(short?.facts).toEqual({ why: 'a\ufffdb' });
  expect(long?.message.startsWith('a\ufffdbx')).toBe(true);
});

test('no fact makes a line fail: escapes, halves of characters, large numbers, circles', async () => {
  const circle: Record<string, unknown> = { cycle: 'c' };
  circle.self = circle;
  hear('escapes', { cycle: 'c', why: 'unsupported Unicode escape \\u0000 in "\\ud83d"' });
  hear('a half \ud83d', { cycle: 'c', why: `\ud83d${'😀'.repeat(10_000)}`, rows: 10n });
  log.hear({ level: 'info', message: 'a circle', facts: circle });
  await log.stop();
  const [escapes, half, circular] = written.lines;
  expect(escapes?.facts).toEqual({ why: 'unsupported Unicode escape \\u0000 in "\\ud83d"' });
  expect(half?.message).toBe('a half \ufffd');
  expect(JSON.stringify(half)).not.toMatch(/\p{Surrogate}|\\ud8/u);
  expect(circular?.facts).toEqual({ unreadable: expect.stringContaining('circular') });
});

test('how a cycle ended is kept, however much was said before', async () => {
  for (let i = 0; i < 1_000; i++) hear(`line ${i}`);
  log.hear({ level: 'error', message: 'cycle failed', facts: { cycle: 'c', reason: 'this' } });
  await log.stop();
  expect(written.lines.at(-1)).toMatchObject({ message: 'cycle failed', facts: { reason: 'this' } });
});

test('lines that the store refuses hold up no others', async () => {
  written.refuses = true;
  hear('refused');
  await log.stop();
  written.refuses = false;
  hear('taken');
  await log.stop();
  expect(written.lines.map(({ message }) => message)).toEqual(['taken']);
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
