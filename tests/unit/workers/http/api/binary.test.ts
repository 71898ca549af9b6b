import fc from 'fast-check';
import { takeBinary } from '#workers/http/api/inference/binary';

/** What one input of these bytes is read as. */
function read(datatype: string, bytes: Buffer): unknown[] | undefined {
  const input: { name: string; datatype: string; parameters: object; data?: unknown[] } = {
    ...{ name: 'x', datatype, parameters: { binary_data_size: bytes.length } },
  };
  takeBinary({ inputs: [input] }, bytes);
  return input.data;
}

test.each<[string, Buffer, number]>([
  ['INT8', Buffer.from([0xfe]), -2],
  ['INT16', Buffer.from([0xfe, 0xff]), -2],
  ['INT32', Buffer.from([0xfe, 0xff, 0xff, 0xff]), -2],
  ['INT64', Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), -2],
  ['UINT8', Buffer.from([0xfe]), 254],
  ['UINT16', Buffer.from([1, 2]), 513],
  ['UINT32', Buffer.from([0, 0, 0, 0x80]), 2 ** 31],
  ['UINT64', Buffer.from([0, 0, 0, 0, 1, 0, 0, 0]), 2 ** 32],
  ['FP32', Buffer.from([0, 0, 0xc0, 0x3f]), 1.5],
  ['FP64', Buffer.from([0, 0, 0, 0, 0, 0, 0xf8, 0x3f]), 1.5],
])('%s is little-endian', (datatype, bytes, value) => {
  expect(read(datatype, Buffer.concat([bytes, bytes]))).toEqual([value, value]);
});

test('texts have their length before them', () => {
  expect(read('BYTES', Buffer.from([1, 0, 0, 0, 0x61, 0, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0xa4]))).toEqual(['a', '', 'ä']);
  expect(read('BYTES', Buffer.alloc(0))).toEqual([]);
});

test.each([
  ['BYTES', [1, 0, 0]],
  ['BYTES', [2, 0, 0, 0, 0x61]],
  ['BYTES', [0xff, 0xff, 0xff, 0xff, 0x61]],
  ['INT64', [1, 2, 3, 4]],
  ['BOOL', [1]],
  ['FP16', [1, 2]],
])('%s of the bytes %j is refused', (datatype, bytes) => {
  expect(() => read(datatype, Buffer.from(bytes))).toThrow(/^input x /);
});

test('whatever a body says, it is read or refused by name', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 40 }), (body, bytes) => {
      try {
        takeBinary(body, Buffer.from(bytes));
      } catch (error) {
        expect(error).toMatchObject({ code: 'FW_HTTP_BAD_REQUEST' });
      }
    }),
  );
  const anything = fc.oneof(fc.string(), fc.constantFrom('BYTES', 'INT64', { toString: '' }), fc.jsonValue());
  const sizes = fc.oneof(fc.integer({ min: -1, max: 50 }), fc.constant({ toString: '' }), fc.jsonValue());
  fc.assert(
    fc.property(anything, anything, sizes, fc.uint8Array({ maxLength: 40 }), (name, datatype, size, bytes) => {
      const inputs = [{ name, datatype, parameters: { binary_data_size: size } }];
      try {
        takeBinary({ inputs }, Buffer.from(bytes));
      } catch (error) {
        expect(error).toMatchObject({ code: 'FW_HTTP_BAD_REQUEST' });
      }
    }),
  );
});
