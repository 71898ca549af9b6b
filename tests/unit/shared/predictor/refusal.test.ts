import { type ErrorCode, ForewarmError } from '#shared/errors';
import { refusalOf } from '#shared/predictor/refusal';
import { RowFlight } from '#shared/predictor/row-flight';
import { type Said, sentence } from '#shared/predictor/said';

const an = (code: ErrorCode, message: string) => new ForewarmError(code, message);
const down = an('FW_REDIS_UNAVAILABLE', 'there is no connection');
const slow = an('FW_TIER_TIME_LIMIT', 'no answer within 250 ms');
const corrupt: Said['what'] = { fault: 'checksum' };
const notHere = an('FW_GENERATION_NOT_HERE', 'the file is another one');
const nan = an('FW_VALUE_NOT_FINITE', 'it gave NaN');

type Case = [string, Partial<Record<Said['tier'], Said['what']>>, boolean, ErrorCode, string, Record<string, string>];

test.each<Case>([
  [
    'a category that no tier has',
    { redis: 'miss', postgres: 'miss' },
    true,
    'FW_CATEGORY_UNKNOWN',
    'there is no row for the category "a b"',
    { redis: 'miss', postgres: 'miss' },
  ],
  [
    'one that the model refuses, though nobody knows it',
    { redis: 'miss', postgres: 'miss', model: nan },
    true,
    'FW_CATEGORY_UNKNOWN',
    'the model m cannot answer for the category "a b": it gave NaN',
    { redis: 'miss', postgres: 'miss', model: 'FW_VALUE_NOT_FINITE' },
  ],
  [
    'one that the model refuses while stores are away',
    { redis: down, postgres: slow, model: an('FW_MODEL_INPUT_VALUE', 'it is no number') },
    false,
    'FW_CATEGORY_UNKNOWN',
    'the model m cannot answer for the category "a b": it is no number',
    { redis: 'FW_REDIS_UNAVAILABLE', postgres: 'FW_TIER_TIME_LIMIT', model: 'FW_MODEL_INPUT_VALUE' },
  ],
  [
    'every tier failed',
    { redis: down, postgres: slow, model: an('FW_INFERENCE_CRASHED', 'its process died') },
    false,
    'FW_READ_FAILED',
    'no tier could answer for "a b" of m: redis: there is no connection; postgres: no answer within 250 ms; model: its process died',
    { redis: 'FW_REDIS_UNAVAILABLE', postgres: 'FW_TIER_TIME_LIMIT', model: 'FW_INFERENCE_CRASHED' },
  ],
  [
    'one failed and another does not have it',
    { redis: down, postgres: 'miss' },
    false,
    'FW_READ_FAILED',
    'no tier could answer for "a b" of m: redis: there is no connection; postgres: has no such row',
    { redis: 'FW_REDIS_UNAVAILABLE', postgres: 'miss' },
  ],
  [
    'the model file is not the one that is published',
    { redis: 'miss', postgres: 'miss', model: notHere },
    false,
    'FW_READ_FAILED',
    'no tier could answer for "a b" of m: redis: has no such row; postgres: has no such row; model: the file is another one',
    { redis: 'miss', postgres: 'miss', model: 'FW_GENERATION_NOT_HERE' },
  ],
  [
    'its row is corrupt and nobody else has it',
    { redis: corrupt, postgres: 'miss' },
    false,
    'FW_ROW_CORRUPT',
    'the row of "a b" is corrupt, and the daemon was asked to heal it: redis: its row has a wrong checksum; postgres: has no such row',
    { redis: 'FW_ROW_CORRUPT', postgres: 'miss' },
  ],
  [
    'its row should be there and is not',
    { redis: 'miss' },
    false,
    'FW_CATEGORY_UNKNOWN',
    'the row of "a b" is missing, and the daemon was asked to heal it: redis: has no such row',
    { redis: 'miss' },
  ],
])('%s', (_, said, stranger, code, message, tiers) => {
  const flight = new RowFlight('a b');
  for (const [tier, what] of Object.entries(said)) flight.say(tier as Said['tier'], what);
  const error = refusalOf('m', flight, stranger);
  expect(error).toBeInstanceOf(ForewarmError);
  expect([error.code, error.message]).toEqual([code, message]);
  expect(error.details).toEqual({ model: 'm', category: 'a b', tiers });
});

test('who is to ask again in a moment is told so', () => {
  const flight = new RowFlight('a');
  flight.say('redis', 'miss');
  expect(refusalOf('m', flight, false).next).toBe('Ask again in a moment.');
  expect(refusalOf('m', flight, true).next).toBe('Check the spelling; names are exact.');
});

test('a sentence says what each tier said, or that none has said anything', () => {
  expect(sentence([])).toBe('no tier had answered');
  expect(sentence([{ tier: 'redis', what: slow }])).toBe('redis: no answer within 250 ms');
});
