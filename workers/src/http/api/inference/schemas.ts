/** The protocol says no by a status of 4xx. */
export const NOT_READY = 400;

/** The bodies of the Open Inference Protocol. A client may send more than is said here: the protocol is extended that way. */

const text = { type: 'string' } as const;
const shape = { type: 'array', items: { type: 'integer', minimum: -1 } } as const;
const parameters = {
  type: 'object',
  additionalProperties: { type: ['string', 'number', 'boolean'] },
} as const;

export const inferRequest = {
  $id: 'InferRequest',
  type: 'object',
  properties: {
    id: text,
    parameters: { type: 'object' },
    inputs: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: {
          name: text,
          shape: { type: 'array', items: { type: 'integer', minimum: 0 } },
          datatype: { ...text, description: 'INT64, FP32 or BYTES.' },
          parameters: { type: 'object' },
          data: { type: 'array' },
        },
        required: ['name', 'shape', 'datatype', 'data'],
      },
    },
    outputs: {
      type: 'array',
      items: { type: 'object', properties: { name: text, parameters: { type: 'object' } }, required: ['name'] },
    },
  },
  required: ['inputs'],
} as const;

export const inferResponse = {
  $id: 'InferResponse',
  type: 'object',
  properties: {
    model_name: text,
    model_version: text,
    id: text,
    parameters: {
      ...parameters,
      description: 'Where the values come from: the generation, how many of which tier, the oldest age.',
    },
    outputs: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: text, datatype: text, shape, data: { type: 'array', items: { type: 'number' } } },
        required: ['name', 'datatype', 'shape', 'data'],
      },
    },
  },
  required: ['model_name', 'outputs'],
} as const;

const tensor = {
  type: 'object',
  properties: { name: text, datatype: text, shape },
  required: ['name', 'datatype', 'shape'],
} as const;

export const modelMetadata = {
  $id: 'ModelMetadata',
  type: 'object',
  properties: {
    name: text,
    versions: { type: 'array', items: text },
    platform: text,
    inputs: { type: 'array', items: tensor },
    outputs: { type: 'array', items: tensor },
  },
  required: ['name', 'platform', 'inputs', 'outputs'],
} as const;

export const serverMetadata = {
  type: 'object',
  properties: { name: text, version: text, extensions: { type: 'array', items: text } },
  required: ['name', 'version', 'extensions'],
} as const;

export const protocolError = {
  $id: 'InferenceError',
  type: 'object',
  properties: { error: text, code: text, next: text },
  required: ['error'],
} as const;

export const livePath = { type: 'object', properties: { model: text }, required: ['model'] } as const;

export const versionPath = {
  type: 'object',
  properties: { model: text, version: { ...text, description: 'The live model version, or the live generation.' } },
  required: ['model', 'version'],
} as const;

const failed = {
  description: 'What went wrong.',
  content: { 'application/json': { schema: { $ref: 'InferenceError#' } } },
};
export const failures = { '4xx': failed, '5xx': failed } as const;

export const inferenceSchemas: readonly object[] = [inferRequest, inferResponse, modelMetadata, protocolError];
