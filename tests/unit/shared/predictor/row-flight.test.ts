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
