import { EVENT_MAX_CATEGORIES, parseEvent, rowsEvents } from '#shared/cache/events';

const generation = '0123456789ab';
const named = (count: number) => Array.from({ length: count }, (_, i) => `category ${i}`);

test('one message carries a thousand categories at most', () => {
  expect(EVENT_MAX_CATEGORIES).toBe(1_000);
});

test.each([
  [0, []],
  [1, [1]],
  [999, [999]],
  [1_000, [1_000]],
  [1_001, [1_000, 1]],
  [2_500, [1_000, 1_000, 500]],
])('%i categories are told in messages of %j', (count, sizes) => {
  const events = rowsEvents(generation, named(count)).map((message) => parseEvent(message));
  const told = events.map((event) =>
    event?.type === 'rows' && event.generation === generation ? event.categories : [],
  );
  expect(told.map((categories) => categories.length)).toEqual(sizes);
  expect(told.flat()).toEqual(named(count));
});

test.each([
  [{ type: 'published', generation }],
  [{ type: 'dropped', generation }],
  [{ type: 'rows', generation, categories: ['a', 'ünï:{code}\n😀'] }],
  [{ type: 'missing', generation, categories: [] }],
])('%j is an event', (event) => {
  expect(parseEvent(JSON.stringify(event))).toEqual(event);
});

test('fields that are not known are left out: a newer writer may add some', () => {
  expect(parseEvent(JSON.stringify({ type: 'published', generation, by: 'x' }))).toEqual({
    type: 'published',
    generation,
  });
});

test.each([
  ['nothing', ''],
  ['no JSON', 'hello'],
  ['cut JSON', '{"type":"published"'],
  ['null', 'null'],
  ['a list', '[]'],
  ['a number', '7'],
  ['no type', '{"generation":"0123456789ab"}'],
  ['another type', '{"type":"renamed","generation":"0123456789ab"}'],
  ['no generation', '{"type":"published"}'],
  ['a generation that is a number', '{"type":"published","generation":1}'],
  ['rows without categories', '{"type":"rows","generation":"0123456789ab"}'],
  ['categories that are no list', '{"type":"rows","generation":"0123456789ab","categories":"a"}'],
  ['a category that is no text', '{"type":"missing","generation":"0123456789ab","categories":["a",1]}'],
  ['too many categories', JSON.stringify({ type: 'missing', generation, categories: named(1_001) })],
])('%s is not', (_, message) => {
  expect(parseEvent(message)).toBeUndefined();
});
