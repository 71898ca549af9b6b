import { linearModel } from '../../support/models';
import { TestSystem } from '../../support/system';
import { ask } from './client';

/**
 * The Open Inference Protocol, version 2, with the shapes of its own examples: a request with two inputs and one output that is
 * named, an `id` that comes back, tensors flat or in their dimensions.
 */

jest.setTimeout(120_000);

const categories = ['a', 'b'];
/** One axis of each kind of value that a tensor has. */
const axes = { input0: [1, 2, 3, 4], input1: [0.1, 0.2], kind: ['x', 'y'] };

let system: TestSystem;
let url: string;

beforeAll(async () => {
  system = await TestSystem.start();
  const model = linearModel({
    inputs: [
      { name: 'input0', type: 'int64', weights: [[1, -1]] },
      { name: 'input1', type: 'float', weights: [[10, 0]] },
      { name: 'kind', type: 'string', labels: { x: 1, y: 2 }, weights: [[100, 0]] },
      { name: 'category', type: 'string', labels: { a: 1, b: 2 }, weights: [[1_000, 0]] },
    ],
    outputs: 2,
  });
  system.write('m.onnx', model);
  const mymodel = { file: 'm.onnx', axes, categories, outputs: ['output0', 'output1'], version: '1', every: '1h' };
  system.configure({ mymodel: { ...mymodel, unknownCategories: 'refuse' } }, { http: { port: 0, maxBatch: 5 } });
  const daemon = system.daemon(['start', '--roles', 'scheduler,worker,api']);
  await daemon.cycle();
  await daemon.logged(({ message }) => message === 'forewarm is running');
  url = await daemon.url();
});
afterAll(() => system.stop());

const tensor = (name: string, datatype: string, data: unknown[], shape = [data.length]) => ({
  name,
  shape,
  datatype,
  data,
});
const input0 = tensor('input0', 'UINT32', [1, 2, 3, 4], [4, 1]);
const input1 = tensor('input1', 'FP32', [0.1, 0.2, 0.1, 0.2]);
const kind = tensor('kind', 'BYTES', [['x'], ['x'], ['y'], ['y']], [4, 1]);
const category = tensor('category', 'BYTES', ['a', 'a', 'b', 'b']);
const inputs = [input0, input1, kind, category];
const output0 = [1_102, 1_104, 2_204, 2_206];

const infer = (body: unknown, headers: Record<string, string> = {}, path = '/v2/models/mymodel') =>
  ask(url, `${path}/infer`, { method: 'POST', body, headers });

test('health: the server, and a model', async () => {
  const health = async (path: string) => {
    const { status, json } = await ask(url, path);
    return [status, json];
  };
  // The protocol asks for the status; the client of KServe reads the body as well.
  expect(await health('/v2/health/live')).toEqual([200, { live: true }]);
  expect(await health('/v2/health/ready')).toEqual([200, { ready: true }]);
  expect(await health('/v2/models/mymodel/ready')).toEqual([200, { name: 'mymodel', ready: true }]);
  expect(await health('/v2/models/mymodel/versions/1/ready')).toEqual([200, { name: 'mymodel', ready: true }]);
  expect((await health('/v2/models/mymodel/versions/2/ready'))[0]).toBe(404);
  expect((await health('/v2/models/other/ready'))[0]).toBe(404);
});

test('metadata of the server', async () => {
  const { status, json } = await ask(url, '/v2');
  expect([status, json]).toEqual([
    200,
    { name: 'forewarm', version: expect.any(String), extensions: ['binary_tensor_data'] },
  ]);
});

test('metadata of a model, with and without its version', async () => {
  const shape = [-1];
  const metadata = {
    name: 'mymodel',
    versions: ['1'],
    platform: 'forewarm',
    inputs: [
      { name: 'category', datatype: 'BYTES', shape },
      { name: 'input0', datatype: 'INT64', shape },
      { name: 'input1', datatype: 'FP32', shape },
      { name: 'kind', datatype: 'BYTES', shape },
    ],
    outputs: [
      { name: 'output0', datatype: 'FP32', shape },
      { name: 'output1', datatype: 'FP32', shape },
    ],
  };
  const generation = (await system.cache('mymodel').pointer())?.generation;
  for (const version of ['', '/versions/1', `/versions/${generation}`]) {
    const { status, json } = await ask(url, `/v2/models/mymodel${version}`);
    expect([version, status, json]).toEqual([version, 200, metadata]);
  }
  const { status, json } = await ask(url, '/v2/models/mymodel/versions/7');
  expect([status, json]).toEqual([
    404,
    { error: expect.stringContaining('no version 7'), code: 'FW_MODEL_UNKNOWN', next: expect.any(String) },
  ]);
});

test('the example of the protocol: an id, and one output by its name', async () => {
  const { status, headers, json } = await infer({ id: '42', inputs, outputs: [{ name: 'output0' }] });
  expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  expect(json).toEqual({
    model_name: 'mymodel',
    model_version: '1',
    id: '42',
    parameters: {
      generation: expect.stringMatching(/^[0-9a-f]{12}$/),
      oldest_age_ms: expect.any(Number),
      stale: false,
      from_redis: 4,
    },
    outputs: [{ name: 'output0', shape: [4], datatype: 'FP32', data: output0 }],
  });
});

test('without `outputs` all of them, without `id` none; tensors in any order; a version in the path', async () => {
  for (const path of ['/v2/models/mymodel', '/v2/models/mymodel/versions/1']) {
    const { json } = await infer({ inputs: [...inputs].reverse(), parameters: { binary_data_output: true } }, {}, path);
    expect(json.id).toBeUndefined();
    expect(json.outputs).toEqual([
      { name: 'output0', shape: [4], datatype: 'FP32', data: output0 },
      { name: 'output1', shape: [4], datatype: 'FP32', data: [-1, -2, -3, -4] },
    ]);
  }
});

test('JSON whose type is not named is taken, as clients send it', async () => {
  const { status, json } = await infer(JSON.stringify({ inputs }));
  expect([status, json.outputs[0].data]).toEqual([200, output0]);
});

test.each<[string, unknown, number, string, RegExp]>([
  ['no inputs', { inputs: [] }, 400, 'FW_HTTP_BAD_REQUEST', /inputs/],
  [
    'an input without data',
    { inputs: [{ name: 'a', shape: [1], datatype: 'BYTES' }] },
    400,
    'FW_HTTP_BAD_REQUEST',
    /data is missing/,
  ],
  [
    'an axis that is missing',
    { inputs: [category, input0, input1] },
    400,
    'FW_HTTP_BAD_REQUEST',
    /input kind is missing/,
  ],
  ['an input too many', { inputs: [...inputs, tensor('z', 'INT64', [1])] }, 400, 'FW_CELL_UNKNOWN', /no input z/],
  [
    'an output that is not there',
    { inputs, outputs: [{ name: 'z' }] },
    400,
    'FW_HTTP_BAD_REQUEST',
    /no output z; it has output0, output1/,
  ],
  [
    'one element of a category that is not there',
    { inputs: [...inputs.slice(0, 3), tensor('category', 'BYTES', ['a', 'a', 'nobody', 'b'])] },
    ...([404, 'FW_CATEGORY_UNKNOWN', /^element 2: /] as const),
  ],
  [
    'one element that is not on its axis',
    { inputs: [tensor('input0', 'INT64', [1, 9, 1, 1]), input1, kind, category] },
    ...([400, 'FW_CELL_UNKNOWN', /^element 1: .*input0=9/] as const),
  ],
  [
    'more elements than may be',
    {
      inputs: ['input0', 'input1', 'kind', 'category'].map((name) =>
        tensor(
          name,
          'BYTES',
          Array.from({ length: 6 }, () => 'a'),
        ),
      ),
    },
    ...([413, 'FW_HTTP_TOO_LARGE', /6 elements/] as const),
  ],
])('%s is an error of the protocol', async (_, body, status, code, error) => {
  const { headers, json, ...answer } = await infer(body);
  expect([answer.status, headers['content-type']]).toEqual([status, 'application/json']);
  expect(json).toEqual({ error: expect.stringMatching(error), code, next: expect.any(String) });
});

/** The tensors as the client of Triton sends them unless told otherwise: bytes behind the JSON, in the order of the inputs. */
function binary(types: Record<string, string> = {}): {
  readonly body: Buffer;
  readonly headers: Record<string, string>;
} {
  const numbers = (values: number[], width: number, write: (bytes: Buffer, value: number, at: number) => void) => {
    const bytes = Buffer.alloc(values.length * width);
    for (const [i, value] of values.entries()) write(bytes, value, i * width);
    return bytes;
  };
  const texts = (values: string[]) =>
    Buffer.concat(values.map((text) => Buffer.from([text.length, 0, 0, 0, ...Buffer.from(text)])));
  const tensors: [string, string, Buffer][] = [
    ['input0', 'INT64', numbers([1, 2, 3, 4], 8, (bytes, value, at) => bytes.writeBigInt64LE(BigInt(value), at))],
    ['input1', 'FP32', numbers([0.1, 0.2, 0.1, 0.2], 4, (bytes, value, at) => bytes.writeFloatLE(value, at))],
    ['kind', 'BYTES', texts(['x', 'x', 'y', 'y'])],
    ['category', 'BYTES', texts(['a', 'a', 'b', 'b'])],
  ];
  const inputs = tensors.map(([name, datatype, bytes]) => ({
    ...{ name, datatype, shape: [4, 1], parameters: { binary_data_size: bytes.length } },
  }));
  const json = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  const body = Buffer.concat([json, ...tensors.map(([, , bytes]) => bytes)]);
  return { body, headers: { 'inference-header-content-length': String(json.length), ...types } };
}

test.each([undefined, 'application/octet-stream', 'application/json'])(
  'tensors in bytes behind the JSON, sent as %s',
  async (type) => {
    const { body, headers } = binary(type === undefined ? {} : { 'content-type': type });
    const { status, json } = await infer(body, headers);
    expect([status, json.outputs[0]]).toEqual([200, { name: 'output0', shape: [4], datatype: 'FP32', data: output0 }]);
  },
);

test('bytes that do not fit are refused', async () => {
  const { body, headers } = binary();
  const cut = await infer(body.subarray(0, -1), headers);
  expect(cut).toMatchObject({
    status: 400,
    json: { error: 'input category says that it has 20 bytes, and 19 are left' },
  });
  const more = await infer(Buffer.concat([body, Buffer.from('x')]), headers);
  expect(more).toMatchObject({ status: 400, json: { error: '1 bytes behind the JSON belong to no input' } });
  for (const length of ['x', '-1', '100000', '']) {
    const wrong = await infer(body, { 'inference-header-content-length': length });
    expect([length, wrong.status, wrong.json.code]).toEqual([length, 400, 'FW_HTTP_BAD_REQUEST']);
  }
});

test('a body of another type, and what is no JSON, are refused', async () => {
  expect((await infer('a=b', { 'content-type': 'text/csv' })).json).toMatchObject({ code: 'FW_HTTP_CONTENT_TYPE' });
  expect((await infer('{')).json).toMatchObject({
    code: 'FW_HTTP_BAD_REQUEST',
    error: expect.stringContaining('JSON'),
  });
});

test.each(['/v2/nothing', '/v2/models/mymodel/nothing', '/v2/repository/index'])('%s is not there', async (path) => {
  const { status, json } = await ask(url, path);
  expect([status, json]).toMatchObject([404, { error: expect.any(String), code: 'FW_HTTP_NOT_FOUND' }]);
});
