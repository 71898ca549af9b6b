import fc from 'fast-check';
import { editDistance, nearest } from '#shared/config/suggest';

const word = fc.string({ maxLength: 12 });

test.each([
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
  ['every', 'evry', 1],
  ['port', 'prot', 1],
  ['same', 'same', 0],
])('from %j to %j it takes %d edits', (a, b, edits) => expect(editDistance(a, b)).toBe(edits));

test('the distance is symmetric, bounded by the lengths, and 0 only between equals', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

describe('nearest', () => {
  const names = ['every', 'overlap', 'batchSize', 'staleAfter', 'expireAfter'];

  test.each([
    ['evry', 'every'],
    ['Every', 'every'],
    ['batch_size', 'batchSize'],
    ['stale-after', 'staleAfter'],
    ['expiresAfter', 'expireAfter'],
    ['something', undefined],
    ['', undefined],
  ])('%j is meant to be %j', (given, meant) => expect(nearest(given, names)).toBe(meant));

  test('a name with one letter left out is found among the settings', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(20), (name, at) => {
        const position = at % name.length;
        expect(nearest(name.slice(0, position) + name.slice(position + 1), names)).toBe(name);
      }),
    );
  });

  test('a very long name costs no noticeable time', () => {
    expect(nearest('x'.repeat(10_000_000), names)).toBeUndefined();
  });
});
