import { Writable } from 'node:stream';
import { ForewarmError } from '#shared/errors';
import { errorFacts, type LogOptions, makeLogger } from '#shared/logger';

class Sink extends Writable {
  readonly chunks: string[] = [];
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string, _: string, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }

  get lines(): string[] {
    return this.chunks.join('').split('\n').slice(0, -1);
  }
}

function logTo(isTTY: boolean, format: LogOptions['format'], level: LogOptions['level'] = 'info') {
  const sink = new Sink(isTTY);
  return { sink, log: makeLogger({ level, format, stream: sink }) };
}

const ESCAPE = '\u001b';
const TIME = /^\d\d:\d\d:\d\d /;

describe('JSON', () => {
  test('is one object to a line: level, message, time and facts', () => {
    const { sink, log } = logTo(false, 'json');
    log.info('cycle complete', { rows: 110, live: null, reason: 'a "b"\nc', nested: { a: [1] } });
    log.warn('no facts');
    const [first, second, ...others] = sink.lines.map((line) => JSON.parse(line));
    expect(others).toEqual([]);
    expect(first).toEqual({
      level: 'info',
      message: 'cycle complete',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      rows: 110,
      live: null,
      reason: 'a "b"\nc',
      nested: { a: [1] },
    });
    expect(second).toEqual({
      level: 'warn',
      message: 'no facts',
      timestamp: first.timestamp.replace(/.*/, second.timestamp),
    });
  });

  test('is what `auto` writes to anything but a terminal', () => {
    const { sink, log } = logTo(false, 'auto');
    log.info('hello');
    expect(JSON.parse(sink.lines[0] ?? '')).toMatchObject({ level: 'info', message: 'hello' });
  });

  test('has no colours, also on a terminal', () => {
    const { sink, log } = logTo(true, 'json');
    log.error('failed');
    expect(sink.lines.join()).not.toContain(ESCAPE);
    expect(JSON.parse(sink.lines[0] ?? '')).toMatchObject({ level: 'error', message: 'failed' });
  });
});

describe('text', () => {
  test('is time, level, message and facts', () => {
    const { sink, log } = logTo(false, 'text');
    log.info('cycle complete', {
      model: 'calls',
      rows: 110,
      ms: 412.25,
      ratio: 0.12345,
      reason: 'two words',
      live: null,
    });
    log.warn('slow');
    expect(sink.lines.map((line) => line.replace(TIME, ''))).toEqual([
      'info  cycle complete model=calls rows=110 ms=412.3 ratio=0.123 reason="two words" live=null',
      'warn  slow',
    ]);
    expect(sink.lines.every((line) => TIME.test(line))).toBe(true);
  });

  test.each([
    ['empty text', '', '""'],
    ['text with an equals sign', 'a=b', '"a=b"'],
    ['text with quotes', 'say "x"', '"say \\"x\\""'],
    ['text with a line break', 'a\nb', '"a\\nb"'],
    ['an object', { a: 1 }, '{"a":1}'],
    ['a list', [1, 'x'], '[1,"x"]'],
    ['nothing', undefined, 'undefined'],
    ['a truth', true, 'true'],
    ['a large fraction', 1234.567, '1234.6'],
    ['zero', 0, '0'],
  ])('shows %s on one line', (_, value, shown) => {
    const { sink, log } = logTo(false, 'text');
    log.info('fact', { value });
    expect(sink.lines.map((line) => line.replace(TIME, ''))).toEqual([`info  fact value=${shown}`]);
  });

  test('has no colours where it does not go to a terminal', () => {
    const { sink, log } = logTo(false, 'text', 'debug');
    log.error('a', { x: 1 });
    log.warn('b');
    log.debug('c');
    expect(sink.lines).toHaveLength(3);
    expect(sink.lines.join()).not.toContain(ESCAPE);
  });

  test('is what `auto` writes to a terminal, in colour', () => {
    const { sink, log } = logTo(true, 'auto');
    log.error('failed', { code: 'FW_INTERNAL' });
    const line = sink.lines[0] ?? '';
    expect(line).toContain(`${ESCAPE}[31merror${ESCAPE}[39m failed`);
    expect(line.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '').replace(TIME, '')).toBe(
      'error failed code=FW_INTERNAL',
    );
  });

  test('shows where an unexpected error arose, below errors only', () => {
    const { sink, log } = logTo(false, 'text');
    const facts = errorFacts(new TypeError('x is not a function'));
    log.error('job failed', facts);
    log.warn('job failed', facts);
    const text = sink.lines.map((line) => line.replace(TIME, ''));
    expect(text[0]).toBe('error job failed error="x is not a function"');
    expect(text[1]).toBe('TypeError: x is not a function');
    expect(text[2]).toMatch(/^ {4}at /);
    expect(text[text.length - 1]).toBe('warn  job failed error="x is not a function"');
  });
});

test.each([
  ['error', ['error']],
  ['warn', ['error', 'warn']],
  ['info', ['error', 'warn', 'info']],
  ['debug', ['error', 'warn', 'info', 'debug']],
] as const)('level %s writes %j', (level, written) => {
  const { sink, log } = logTo(false, 'json', level);
  for (const each of ['error', 'warn', 'info', 'debug'] as const) log[each]('line');
  expect(sink.lines.map((line) => JSON.parse(line).level)).toEqual(written);
});

test('facts of `with` are in every line, those of the line count more', () => {
  const { sink, log } = logTo(false, 'json');
  const cycle = log.with({ cycle: 'c1', model: 'calls' });
  const batch = cycle.with({ batch: 3, model: 'other' });
  batch.info('one', { rows: 64 });
  batch.info('two', { cycle: 'c2' });
  cycle.info('three');
  log.info('four');
  const lines = sink.lines.map((line) => {
    const { level, timestamp, ...rest } = JSON.parse(line);
    expect([level, typeof timestamp]).toEqual(['info', 'string']);
    return rest;
  });
  expect(lines).toEqual([
    { message: 'one', cycle: 'c1', model: 'other', batch: 3, rows: 64 },
    { message: 'two', cycle: 'c2', model: 'other', batch: 3 },
    { message: 'three', cycle: 'c1', model: 'calls' },
    { message: 'four' },
  ]);
});

describe('the facts of an error', () => {
  test('of the catalogue are its code, its message and what to do', () => {
    expect(errorFacts(new ForewarmError('FW_NOT_WARMED', 'nothing yet', { next: 'Wait.' }))).toEqual({
      code: 'FW_NOT_WARMED',
      error: 'nothing yet',
      next: 'Wait.',
    });
  });

  test('of any other kind are its message and where it arose', () => {
    const error = new Error('odd');
    expect(errorFacts(error)).toEqual({ error: 'odd', stack: error.stack });
    expect(errorFacts('text')).toEqual({ error: 'text' });
  });
});
