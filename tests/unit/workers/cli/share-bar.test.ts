import fc from 'fast-check';
import { shareBar } from '#workers/cli/share-bar';

test.each([
  [0, ''],
  [1, '██████████'],
  [0.5, '█████'],
  [0.25, '██▌'],
  [0.2625, '██▋'],
  [0.0001, '▏'],
  [2, '██████████'],
  [-1, ''],
])('%d of ten columns is %j', (share, bar) => {
  expect(shareBar(share, 10)).toBe(bar);
});

test('more is never shorter, and never longer than the whole', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const eighths = (bar: string) =>
    [...bar].reduce((sum, character) => sum + (character === '█' ? 8 : '▏▎▍▌▋▊▉'.indexOf(character) + 1), 0);
  fc.assert(
    fc.property(share, share, fc.integer({ min: 1, max: 60 }), (a, b, columns) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)].map((one) => eighths(shareBar(one, columns)));
      expect(less).toBeLessThanOrEqual(more ?? 0);
      expect(shareBar(b, columns).length).toBeLessThanOrEqual(columns);
    }),
  );
});
