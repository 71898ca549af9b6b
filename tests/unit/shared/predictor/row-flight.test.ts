import { encodeRow, RowView } from '#shared/cache/row';
import { ForewarmError } from '#shared/errors';
import { RowFlight } from '#shared/predictor/row-flight';

const row = new RowView(encodeRow({ cells: 1, outputs: 1, identity: Buffer.alloc(8) }, new Float32Array(1), 1));
const error = new ForewarmError('FW_READ_FAILED', 'no');

test('all who wait hear of its end in their order, once, and who comes later at once', () => {
  const flight = new RowFlight('a');
  const heard: string[] = [];
  flight.whenOver(() => heard.push('first'));
  flight.whenOver(() => heard.push('second'));
  expect([flight.over, heard]).toEqual([false, []]);
  flight.land(row, 'postgres');
  expect([flight.over, flight.row, flight.tier, flight.error]).toEqual([true, row, 'postgres', undefined]);
  flight.whenOver(() => heard.push('late'));
  expect(heard).toEqual(['first', 'second', 'late']);
});

test('one that fails is over too, without a row, and all who wait hear of it', () => {
  const failed = new RowFlight('b');
  const heard: unknown[] = [];
  failed.whenOver(() => heard.push(failed.error));
  failed.fail(error);
  failed.whenOver(() => heard.push(failed.error));
  expect(heard).toEqual([error, error]);
  expect([failed.over, failed.row]).toEqual([true, undefined]);
});

test('it knows what tiers said that did not have it', () => {
  const flight = new RowFlight('a');
  expect([flight.said, flight.saidBy('redis')]).toEqual([[], undefined]);
  flight.say('redis', error);
  flight.say('postgres', 'miss');
  expect(flight.said).toEqual([
    { tier: 'redis', what: error },
    { tier: 'postgres', what: 'miss' },
  ]);
  expect([flight.saidBy('redis'), flight.saidBy('model')]).toEqual([error, undefined]);
});

test('who listens hears of each tier, also of those that have answered, and what it does with that is its own', () => {
  const flight = new RowFlight('a');
  const heard: unknown[] = [];
  flight.say('redis', new ForewarmError('FW_TIER_RESTING', 'no'));
  flight.listen(() => {
    throw new Error('of the application');
  });
  flight.listen((tried) => heard.push(tried));
  flight.say('postgres', error);
  flight.say('model', { fault: 'checksum' });
  flight.land(row, 'model');
  expect(heard).toEqual([
    { tier: 'redis', outcome: 'skipped', code: 'FW_TIER_RESTING' },
    { tier: 'postgres', outcome: 'error', code: 'FW_READ_FAILED' },
    { tier: 'model', outcome: 'corrupt', code: undefined },
    { tier: 'model', outcome: 'hit', code: undefined },
  ]);
  const late: unknown[] = [];
  flight.listen(({ tier, outcome }) => late.push([tier, outcome]));
  expect(late.at(-1)).toEqual(['model', 'hit']);
});
