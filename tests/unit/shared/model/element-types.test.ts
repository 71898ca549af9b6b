import { ForewarmError } from '#shared/errors';
import {
  allocate,
  convert,
  convertFeature,
  head,
  INPUT_TYPES,
  type InputType,
  isInputType,
} from '#shared/model/element-types';

test.each([
  ['int64', BigInt64Array],
  ['int32', Int32Array],
  ['float32', Float32Array],
  ['float64', Float64Array],
  ['string', Array],
] as const)('data of type %s', (type, kind) => {
  const data = allocate(type, 5);
  expect(data).toBeInstanceOf(kind);
  expect(data).toHaveLength(5);
  const part = head(data, 2);
  expect(part).toBeInstanceOf(kind);
  expect(part).toHaveLength(2);
});

test('an unfilled text tensor holds texts', () => {
  expect(allocate('string', 2)).toEqual(['', '']);
});

test('the head of numbers is a view, not a copy', () => {
  const data = allocate('float32', 4) as Float32Array;
  expect((head(data, 2) as Float32Array).buffer).toBe(data.buffer);
});

test('these six types can be inputs', () => {
  expect(INPUT_TYPES.filter(isInputType)).toEqual(['int64', 'int32', 'float32', 'float64', 'bool', 'string']);
});

test.each(['float16', 'bfloat16', 'uint8', 'int8', 'int16', 'uint16', 'uint32', 'uint64', 'non-tensor', '', 'FLOAT32'])(
  '%j cannot',
  (type) => {
    expect(isInputType(type)).toBe(false);
  },
);

test.each<[number | string, InputType, bigint | number | string]>([
  [3, 'int64', 3n],
  [-1, 'int64', -1n],
  [Number.MAX_SAFE_INTEGER, 'int64', 9_007_199_254_740_991n],
  [3, 'int32', 3],
  [2 ** 31 - 1, 'int32', 2 ** 31 - 1],
  [-(2 ** 31), 'int32', -(2 ** 31)],
  [0.5, 'float32', 0.5],
  [3, 'float32', 3],
  [0.1, 'float64', 0.1],
  ['fire', 'string', 'fire'],
  ['', 'string', ''],
  [3, 'string', '3'],
  [0.25, 'string', '0.25'],
])('%j as %s is %p', (value, type, converted) => {
  expect(convert(value, type, 'here')).toBe(converted);
});

test.each<[number | string, InputType, string]>([
  ['3', 'int64', 'it is text'],
  ['3', 'int32', 'it is text'],
  ['north', 'float32', 'it is text'],
  ['', 'float64', 'it is text'],
  [0.5, 'int64', 'it is no whole number'],
  [0.5, 'int32', 'it is no whole number'],
  [2 ** 31, 'int32', 'it is beyond 32 bits'],
  [-(2 ** 31) - 1, 'int32', 'it is beyond 32 bits'],
])('%j cannot be given as %s: %s', (value, type, why) => {
  const attempt = () => convert(value, type, 'models.calls.axes.day for input day');
  expect(attempt).toThrow(ForewarmError);
  expect(attempt).toThrow(
    expect.objectContaining({
      code: 'FW_MODEL_INPUT_VALUE',
      message: `models.calls.axes.day for input day: ${JSON.stringify(value)} cannot be given as ${type}: ${why}`,
    }),
  );
});

test.each([2 ** 53, -(2 ** 53), 1e300, Number.POSITIVE_INFINITY, Number.NaN])(
  '%p is no integer that can be given',
  (value) => {
    for (const type of ['int64', 'int32'] as const) {
      expect(() => convert(value, type, 'x')).toThrow(expect.objectContaining({ code: 'FW_MODEL_INPUT_VALUE' }));
    }
  },
);

test.each([
  ['1e-05', 'float64', 1e-5],
  ['+.5', 'float32', 0.5],
  ['True', 'int64', 1n],
  ['false', 'float32', 0],
  [16_777_217, 'float32', 16_777_216],
  [0.1, 'float32', Math.fround(0.1)],
  ['007', 'string', '007'],
  [true, 'string', 'true'],
  ['3', 'int32', 3],
  [true, 'bool', 1],
] as const)('the feature %p is given as %s', (value, type, element) => {
  expect(convertFeature(value, type, 'here')).toEqual(element);
});

test.each([
  ['red', 'float32', 'it is text'],
  [1.5, 'int64', 'it is no whole number'],
  [1e39, 'float32', 'it is beyond its range'],
  ['2', 'bool', 'it is neither 0 nor 1'],
] as const)('the feature %p cannot be given as %s', (value, type, why) => {
  expect(() => convertFeature(value, type, 'here')).toThrow(why);
});
