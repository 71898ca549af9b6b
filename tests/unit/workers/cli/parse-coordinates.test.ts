import { parseCoordinates } from '#workers/cli/parse-coordinates';

test.each([
  [[], {}],
  [['day=3', 'hour=14'], { day: '3', hour: '14' }],
  [['zone=a=b'], { zone: 'a=b' }],
  [['zone=two words'], { zone: 'two words' }],
  [['__proto__=1'], JSON.parse('{"__proto__":"1"}')],
])('%j', (pairs, expected) => {
  expect(Object.entries(parseCoordinates(pairs))).toEqual(Object.entries(expected));
});

test.each([
  [['monday'], '"monday" is not AXIS=VALUE, such as day=3'],
  [['day='], '"day=" is not AXIS=VALUE, such as day=3'],
  [['=3'], '"=3" is not AXIS=VALUE, such as day=3'],
  [['day=1', 'day=1'], 'axis day is given twice'],
])('%j is refused', (pairs, message) => {
  expect(() => parseCoordinates(pairs)).toThrow(expect.objectContaining({ code: 'FW_USAGE', message }));
});
