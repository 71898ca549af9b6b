import { CATEGORY_MAX_BYTES, categoryFault, KeySpace } from '#shared/cache/keys';

test('the keys of a model are those of the format', () => {
  const keys = new KeySpace('forewarm', 'calls');
  expect(keys.root).toBe('forewarm:calls');
  expect(keys.live).toBe('forewarm:calls:live');
  expect(keys.metadata).toBe('forewarm:calls:metadata');
  expect(keys.events).toBe('forewarm:calls:events');
  expect(keys.index('0123456789ab')).toBe('forewarm:calls:0123456789ab:index');
  expect(keys.row('0123456789ab', 'Fire: FIRE ALARM')).toBe('forewarm:calls:0123456789ab:row:Fire: FIRE ALARM');
  expect(keys.flight('0123456789ab', 'a:b')).toBe('forewarm:calls:0123456789ab:flight:a:b');
});

test.each([[':'], ['a:b:c'], ['{tag}'], ['*'], [' '], ['日本'], ['line\nbreak']])(
  'a category stands in its key as it is: %j',
  (category) => {
    expect(new KeySpace('p', 'm').row('0123456789ab', category)).toBe(`p:m:0123456789ab:row:${category}`);
  },
);

test('no key carries a hash tag, so that rows spread over a cluster', () => {
  const keys = new KeySpace('forewarm', 'calls');
  const all = [keys.live, keys.metadata, keys.events, keys.index('0123456789ab'), keys.row('0123456789ab', 'a')];
  expect(all.filter((key) => /[{}]/.test(key))).toEqual([]);
});

test('a category has 512 bytes at most', () => {
  expect(CATEGORY_MAX_BYTES).toBe(512);
});

test.each([
  ['one letter', 'a'],
  ['a space', ' '],
  ['a line break', '\n'],
  ['512 letters', 'x'.repeat(512)],
  ['512 bytes in letters of 2', 'é'.repeat(256)],
  ['511 bytes in letters of 3 and one of 1', `${'日'.repeat(170)}x`],
  ['512 bytes in letters of 4', '😀'.repeat(128)],
  ['a character that JavaScript writes as a pair', '😀'],
  ['U+FFFD itself', '\ufffd'],
  ['U+FFFF', '\uffff'],
])('%s can be a category', (_, category) => {
  expect(categoryFault(category)).toBeUndefined();
});

test.each([
  ['nothing', '', 'is empty'],
  ['513 letters', 'x'.repeat(513), 'is 513 bytes long, 512 at most are allowed'],
  ['514 bytes in letters of 2', 'é'.repeat(257), 'is 514 bytes long, 512 at most are allowed'],
  ['513 bytes in letters of 3', '日'.repeat(171), 'is 513 bytes long, 512 at most are allowed'],
  ['513 bytes in letters of 4 and one of 1', `${'😀'.repeat(128)}x`, 'is 513 bytes long, 512 at most are allowed'],
  ['a high surrogate alone', 'a\ud83d', 'holds a lone surrogate and is no valid Unicode'],
  ['a low surrogate alone', '\ude00b', 'holds a lone surrogate and is no valid Unicode'],
  ['a pair the wrong way round', '\ude00\ud83d', 'holds a lone surrogate and is no valid Unicode'],
  ['U+0000', '\0', 'holds the character U+0000'],
  ['U+0000 within', 'a\0b', 'holds the character U+0000'],
])('%s cannot', (_, category, fault) => {
  expect(categoryFault(category)).toBe(fault);
});
