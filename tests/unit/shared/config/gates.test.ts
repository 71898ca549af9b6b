import { boundsType, driftType } from '#shared/config/gates';
import type { ValueType } from '#shared/config/values';

function read<T>(type: ValueType<T>, raw: unknown): { value: T | undefined; refused: string[] } {
  const refused: string[] = [];
  const value = type.read(raw, (expected, path = []) => {
    refused.push(`${path.join('.')}: ${expected}`);
    return undefined;
  });
  return { value, refused };
}

test.each([
  [{ min: 0 }],
  [{ max: -1.5 }],
  [{ min: 0, max: 0 }],
  [{ low: { min: 0 }, high: { min: 0, max: 5 } }],
  // An output may be named so.
  [{ min: { max: 5 } }],
])('%j are bounds', (raw) => expect(read(boundsType, raw)).toEqual({ value: raw, refused: [] }));

test.each([
  [[], ': { min: NUMBER, max: NUMBER }, or a map of output to such'],
  [{}, ': { min: NUMBER, max: NUMBER }, or a map of output to such'],
  [{ min: '0' }, 'min: a finite number'],
  [{ min: 2, max: 1 }, 'max: a number not below `min`'],
  [{ least: 1 }, 'least: only `min` and `max`'],
  [{ low: { min: 0 }, high: 5 }, 'high: { min: NUMBER, max: NUMBER }'],
])('%j are none', (raw, refused) => expect(read(boundsType, raw).refused).toContain(refused));

test.each([
  [{ mean: 0.2 }, { mean: 0.2, band: 0.5 }],
  [
    { mean: '20%', share: '5 %', band: 1 },
    { mean: 0.2, share: 0.05, band: 1 },
  ],
  [{ share: 0 }, { share: 0, band: 0.5 }],
])('%j limits the drift', (raw, value) => expect(read(driftType, raw)).toEqual({ value, refused: [] }));

test.each([
  ['20%', ': { mean: SHARE, share: SHARE, band: SHARE }, with `mean`, `share` or both'],
  [{ band: 0.5 }, ': `mean`, `share` or both'],
  [{ mean: -1 }, 'mean: a share from 0 to 1000000, such as 0.2 or 20%'],
  [{ share: 1.5 }, 'share: a share from 0 to 1, such as 0.2 or 20%'],
  [{ mean: 1, most: 2 }, 'most: only `mean`, `share` and `band`'],
])('%j does not', (raw, refused) => expect(read(driftType, raw).refused).toContain(refused));
