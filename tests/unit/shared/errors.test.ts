import {
  asForewarmError,
  ERROR_CATALOGUE,
  type ErrorCode,
  EXIT_CODES,
  ForewarmError,
  messageOf,
  type PlainError,
} from '#shared/errors';

const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

describe('the catalogue', () => {
  test.each(codes)('%s says what it means and what to do, in one sentence each', (code) => {
    const { kind, means, next } = ERROR_CATALOGUE[code];
    expect(code).toMatch(/^FW_[A-Z]+(_[A-Z0-9]+)*$/);
    expect(Object.keys(EXIT_CODES)).toContain(kind);
    for (const sentence of [means, next]) expect(sentence).toMatch(/^[A-Za-z].*\.$/);
  });

  test('exit codes are different, and 0 is no error', () => {
    const numbers = Object.values(EXIT_CODES);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(codes.map((code) => new ForewarmError(code, 'x').exitCode)).not.toContain(0);
  });
});

describe('an error', () => {
  test('has what its entry says', () => {
    const error = new ForewarmError('FW_POSTGRES_UNAVAILABLE', 'writing rows: refused');
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message]).toEqual([
      'ForewarmError',
      'FW_POSTGRES_UNAVAILABLE',
      'writing rows: refused',
    ]);
    expect([error.retryable, error.exitCode, error.next, error.details]).toEqual([
      true,
      3,
      ERROR_CATALOGUE.FW_POSTGRES_UNAVAILABLE.next,
      {},
    ]);
    expect('cause' in error).toBe(false);
  });

  test.each<[ErrorCode, boolean, number]>([
    ['FW_INTERNAL', false, 1],
    ['FW_MODEL_CHANGED', true, 1],
    ['FW_CONFIG_INVALID', false, 2],
    ['FW_REDIS_UNAVAILABLE', true, 3],
    ['FW_NOT_WARMED', false, 4],
    ['FW_PORT_IN_USE', false, 5],
  ])('%s may be retried: %s; exit code %i', (code, retryable, exitCode) => {
    const error = new ForewarmError(code, 'x');
    expect([error.retryable, error.exitCode]).toEqual([retryable, exitCode]);
  });

  test('keeps its cause, its details and its own advice', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new ForewarmError('FW_REDIS_UNAVAILABLE', 'x', { cause, details: { port: 6379 }, next: 'Start it.' });
    expect(error.cause).toBe(cause);
    expect([error.details, error.next]).toEqual([{ port: 6379 }, 'Start it.']);
  });

  test.each<[string, ForewarmError]>([
    ['bare', new ForewarmError('FW_NOT_WARMED', 'nothing yet')],
    [
      'with all',
      new ForewarmError('FW_CONFIG_INVALID', 'two faults', { details: { problems: [{ path: 'a' }] }, next: 'Mend.' }),
    ],
  ])('crosses a process border, %s', (_, error) => {
    const plain = JSON.parse(JSON.stringify(error)) as PlainError;
    const back = ForewarmError.fromPlain(plain);
    expect(back).toBeInstanceOf(ForewarmError);
    expect(back.toJSON()).toEqual(error.toJSON());
    expect([back.retryable, back.exitCode, back.name]).toEqual([error.retryable, error.exitCode, error.name]);
    expect(ForewarmError.fromPlain(structuredClone(error.toJSON())).toJSON()).toEqual(error.toJSON());
  });

  test('tells machines neither its stack nor its cause', () => {
    const error = new ForewarmError('FW_INTERNAL', 'x', { cause: new Error('secret') });
    expect(Object.keys(error.toJSON()).sort()).toEqual(['code', 'details', 'message', 'next']);
  });
});

test.each([
  ['an error', new Error('why'), 'why'],
  ['text', 'why', 'why'],
  ['a number', 7, '7'],
  ['undefined', undefined, 'undefined'],
  ['null', null, 'null'],
  ['several errors without a message of their own', new AggregateError([new Error('a'), 'b']), 'a; b'],
  ['several errors with one', new AggregateError([new Error('a')], 'all failed'), 'all failed'],
])('the message of %s', (_, thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});

describe('what was thrown becomes an error of the catalogue', () => {
  test('unless it is one already', () => {
    const error = new ForewarmError('FW_NOT_WARMED', 'x');
    expect(asForewarmError(error, 'FW_INTERNAL', 'reading')).toBe(error);
  });

  test('under the given code, with its message and itself as cause', () => {
    const cause = new Error('refused');
    const error = asForewarmError(cause, 'FW_REDIS_UNAVAILABLE', 'reading rows');
    expect([error.code, error.message, error.cause]).toEqual(['FW_REDIS_UNAVAILABLE', 'reading rows: refused', cause]);
  });

  test('as internal by default', () => {
    expect(asForewarmError('odd')).toMatchObject({ code: 'FW_INTERNAL', message: 'odd', cause: 'odd' });
  });
});
