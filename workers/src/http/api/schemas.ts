/**
 * What the API takes and answers, as JSON Schema: what requests are held against, what answers are written with, and what
 * `/openapi.json` shows.
 */

const text = { type: 'string' } as const;
const number = { type: 'number' } as const;
const integer = { type: 'integer' } as const;
const flag = { type: 'boolean' } as const;
const axisValue = { type: ['number', 'string'] } as const;

const provenance = {
  tier: { ...text, enum: ['memory', 'redis', 'postgres', 'model'], description: 'Which tier had the row.' },
  generation: { ...text, description: 'The generation of the row: 12 hexadecimal digits.' },
  modelVersion: text,
  computedAt: { ...text, format: 'date-time', description: 'When the row was computed.' },
  ageMs: { ...integer, description: 'Milliseconds since then.' },
  stale: { ...flag, description: 'Neither computed nor verified for longer than `staleAfter` of the model.' },
} as const;
const ofProvenance = Object.keys(provenance);

const values = {
  type: 'object',
  additionalProperties: number,
  description: 'The prediction, by the names of the outputs of the model.',
} as const;

export const problem = {
  $id: 'Problem',
  type: 'object',
  description: 'Problem details (RFC 9457). `code` is stable: see docs/errors.md.',
  properties: { type: text, title: text, status: integer, detail: text, code: text, next: text, instance: text },
  required: ['type', 'title', 'status', 'detail', 'code', 'next', 'instance'],
} as const;

export const answer = {
  $id: 'Prediction',
  type: 'object',
  properties: { model: text, category: text, values, ...provenance },
  required: ['model', 'category', 'values', ...ofProvenance],
} as const;

const batchAnswer = {
  type: 'object',
  properties: { values, ...provenance },
  required: ['values', ...ofProvenance],
} as const;

export const outcomes = {
  $id: 'Outcomes',
  type: 'object',
  properties: {
    model: text,
    fulfilled: { ...integer, description: 'How many were answered.' },
    rejected: { ...integer, description: 'How many were not.' },
    outcomes: {
      type: 'array',
      description: 'One for each item, in their order: `value` where it is fulfilled, `reason` where it is rejected.',
      items: {
        type: 'object',
        properties: {
          status: { ...text, enum: ['fulfilled', 'rejected'] },
          value: batchAnswer,
          reason: { $ref: 'Problem#' },
        },
        required: ['status'],
      },
    },
  },
  required: ['model', 'fulfilled', 'rejected', 'outcomes'],
} as const;

/** @param maxBatch most items of one request */
export function items(maxBatch: number) {
  return {
    $id: 'Items',
    type: 'object',
    additionalProperties: false,
    properties: {
      items: {
        type: 'array',
        minItems: 1,
        maxItems: maxBatch,
        items: {
          type: 'object',
          additionalProperties: false,
          properties: {
            category: { ...text, minLength: 1 },
            coordinates: {
              type: 'object',
              additionalProperties: axisValue,
              description: 'One value for each axis of the model.',
            },
          },
          required: ['category', 'coordinates'],
        },
      },
    },
    required: ['items'],
  } as const;
}

const axis = {
  type: 'object',
  properties: { name: text, values: { type: 'array', items: axisValue } },
  required: ['name', 'values'],
} as const;

export const grid = {
  $id: 'Row',
  type: 'object',
  properties: {
    model: text,
    category: text,
    axes: { type: 'array', items: axis },
    outputs: { type: 'array', items: text },
    values: {
      type: 'object',
      additionalProperties: { type: 'array', items: {} },
      description: 'For each output the grid: a list for each axis, one in the other, in the order of `axes`.',
    },
    ...provenance,
  },
  required: ['model', 'category', 'axes', 'outputs', 'values', ...ofProvenance],
} as const;

const nullableMoment = { type: ['string', 'null'], format: 'date-time' } as const;

export const model = {
  $id: 'Model',
  type: 'object',
  properties: {
    model: text,
    generation: text,
    modelVersion: text,
    axes: { type: 'array', items: axis },
    outputs: { type: 'array', items: text },
    publishedAt: nullableMoment,
    lastUpdated: { ...nullableMoment, description: 'When every row was last computed or verified.' },
    dataUpdated: { ...nullableMoment, description: 'The newest time in the features that the last cycle used.' },
    tier: { ...text, enum: ['redis', 'postgres', 'model'], description: 'The tier that knows the model, and answers.' },
    categories: {
      type: 'object',
      description: 'How many categories are kept warm, and the first of them.',
      properties: { count: integer, first: { type: 'array', items: text } },
    },
  },
  required: [
    'model',
    'generation',
    'modelVersion',
    'axes',
    'outputs',
    'publishedAt',
    'lastUpdated',
    'dataUpdated',
    'tier',
    'categories',
  ],
} as const;

export const models = {
  $id: 'Models',
  type: 'object',
  properties: {
    models: { type: 'array', items: { $ref: 'Model#' } },
    unavailable: {
      type: 'array',
      description: 'Models of the configuration that no tier can answer for now.',
      items: {
        type: 'object',
        properties: { model: text, reason: { $ref: 'Problem#' } },
        required: ['model', 'reason'],
      },
    },
  },
  required: ['models', 'unavailable'],
} as const;

export const warmRequest = {
  $id: 'WarmRequest',
  // Nothing at all is a request for everything.
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    categories: {
      type: 'array',
      maxItems: 100_000,
      items: { ...text, minLength: 1 },
      description: 'Warm only these; all of the model when left out or empty.',
    },
    force: {
      ...flag,
      description: 'Compute every row anew, also one of which a valid copy could be kept or restored.',
    },
    wait: { ...flag, description: 'Answer when the cycle has ended, or after http.requestTimeout with 202.' },
  },
} as const;

const count = integer;

export const warmState = {
  $id: 'WarmState',
  type: 'object',
  properties: {
    model: text,
    job: { ...text, description: 'Id of the request.' },
    cycle: { type: ['string', 'null'], description: 'Id of the cycle, once it has begun.' },
    state: { ...text, enum: ['waiting', 'running', 'complete', 'degraded', 'failed', 'cancelled'] },
    reason: { type: ['string', 'null'], description: 'What it waits for, or why it did not end well.' },
    rows: count,
    rowsDone: count,
    computed: count,
    restored: count,
    verified: count,
    failed: count,
    durationMs: number,
  },
  required: ['model', 'job', 'cycle', 'state', 'reason'],
} as const;

const nullable = (type: string) => ({ type: [type, 'null'] });

export const publishState = {
  $id: 'PublishState',
  type: 'object',
  description: 'What became of a request to publish, or, with `dryRun`, what the gates say.',
  properties: {
    ...warmState.properties,
    generation: { ...text, description: 'Of the file.' },
    modelVersion: text,
    live: { ...nullable('string'), description: 'The generation that is live.' },
    dryRun: flag,
    passed: flag,
    refusals: { type: 'array', items: { type: 'object', properties: { gate: text, says: text } } },
    figures: {
      type: 'object',
      properties: {
        ...{ expected: count, missing: count, values: count, notFinite: count, outOfBounds: count, compared: count },
        ...{ meanChange: nullable('number'), changedShare: nullable('number') },
      },
    },
    worst: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          ...{ category: text, cell: text, output: text, value: nullable('number'), live: nullable('number') },
        },
      },
    },
  },
  required: ['model'],
} as const;

export const modelPath = {
  type: 'object',
  properties: { model: { ...text, description: 'Name of the model.' } },
  required: ['model'],
} as const;

export const categoryQuery = {
  type: 'object',
  properties: { category: { ...text, minLength: 1, description: 'The category; names are exact.' } },
  required: ['category'],
  additionalProperties: false,
} as const;

export const predictionQuery = { ...categoryQuery, additionalProperties: text } as const;

export const notModified = {
  type: 'null',
  description: 'The client has this answer already (If-None-Match).',
} as const;

/** All that has a name, for a scope's `addSchema`. */
export function namedSchemas(maxBatch: number): readonly object[] {
  return [problem, answer, outcomes, items(maxBatch), grid, model, models, warmRequest, warmState, publishState];
}

/** What every route may answer besides. */
export const refusals = {
  '4xx': {
    description: 'The request is at fault.',
    content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
  },
  '5xx': {
    description: 'It could not be answered.',
    content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
  },
} as const;
