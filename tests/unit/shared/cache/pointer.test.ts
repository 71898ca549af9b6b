import { CYCLE_STATES, type LivePointer, type Metadata, parseLivePointer, parseMetadata } from '#shared/cache/pointer';

const pointer: LivePointer = {
  format: 1,
  generation: '0123456789ab',
  previous: null,
  publishedAt: '2026-01-02T03:04:05.678Z',
  modelVersion: '2026-01',
  axes: [
    { name: 'day', values: [0, 1, 2] },
    { name: 'region', values: ['north', 'south'] },
  ],
  outputs: ['expected_calls'],
};

const metadata: Metadata = {
  last_updated: '2026-01-02T03:04:05.678Z',
  generation: '0123456789ab',
  cycle: '20260102t030405-4f9a1c',
  rows: 110,
  expected: 110,
  failed: 0,
  duration_s: 0.42,
  state: 'complete',
};

describe('the pointer', () => {
  test.each<[string, LivePointer]>([
    ['without a previous generation', pointer],
    ['with one', { ...pointer, previous: 'ba9876543210' }],
    ['without axes: one cell', { ...pointer, axes: [] }],
    ['with several outputs', { ...pointer, outputs: ['low', 'high'] }],
  ])('is read %s', (_, given) => {
    expect(parseLivePointer(JSON.stringify(given))).toEqual(given);
  });

  test('may hold more than this version knows', () => {
    const text = JSON.stringify({ ...pointer, pinned: true, axes: [{ name: 'day', values: [0], unit: 'd' }] });
    expect(parseLivePointer(text)).toEqual({ ...pointer, axes: [{ name: 'day', values: [0] }] });
  });

  test('that is absent is not there', () => {
    expect(parseLivePointer(null)).toBeUndefined();
  });

  test.each([
    ['no JSON', 'nonsense'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['another format', JSON.stringify({ ...pointer, format: 2 })],
    ['the format as text', JSON.stringify({ ...pointer, format: '1' })],
    ['a long generation', JSON.stringify({ ...pointer, generation: '0123456789abc' })],
    ['a generation in capitals', JSON.stringify({ ...pointer, generation: '0123456789AB' })],
    ['no previous', JSON.stringify({ ...pointer, previous: undefined })],
    ['a previous that is none', JSON.stringify({ ...pointer, previous: '' })],
    ['a date that is none', JSON.stringify({ ...pointer, publishedAt: 'yesterday' })],
    ['a time with an offset', JSON.stringify({ ...pointer, publishedAt: '2026-01-02T03:04:05+01:00' })],
    ['no axes', JSON.stringify({ ...pointer, axes: undefined })],
    ['an axis without values', JSON.stringify({ ...pointer, axes: [{ name: 'day' }] })],
    [
      'an axis value that is neither number nor text',
      JSON.stringify({ ...pointer, axes: [{ name: 'a', values: [true] }] }),
    ],
    ['no outputs', JSON.stringify({ ...pointer, outputs: [] })],
  ])('with %s is none', (_, text) => {
    expect(parseLivePointer(text)).toBeUndefined();
  });
});

describe('the metadata', () => {
  test.each(CYCLE_STATES)('is read in state %s', (state) => {
    expect(parseMetadata(JSON.stringify({ ...metadata, state }))).toEqual({ ...metadata, state });
  });

  test('may hold more than this version knows', () => {
    expect(parseMetadata(JSON.stringify({ ...metadata, host: 'a' }))).toEqual(metadata);
  });

  test.each([
    ['absent', null],
    ['no JSON', '{'],
    ['a date that is none', JSON.stringify({ ...metadata, last_updated: '1700000000000' })],
    ['another state', JSON.stringify({ ...metadata, state: 'fine' })],
    ['a negative count', JSON.stringify({ ...metadata, rows: -1 })],
    ['half a row', JSON.stringify({ ...metadata, expected: 0.5 })],
    ['a negative duration', JSON.stringify({ ...metadata, duration_s: -1 })],
    ['no cycle', JSON.stringify({ ...metadata, cycle: undefined })],
  ])('that is %s is none', (_, text) => {
    expect(parseMetadata(text)).toBeUndefined();
  });
});
