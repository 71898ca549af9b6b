import { AlertOutbox } from '#shared/store/alert-outbox';
import { AlertStore } from '#shared/store/alert-store';
import { quickAlerts, STARTING } from '../support/alerts';
import type { DaemonProcess } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';
import { WebhookReceiver } from '../support/webhook-receiver';

/** Stores go away, one by one and all at once: each is told once, and so is its return. */

jest.setTimeout(120_000);

const categories = someCategories(4);

let receiver: WebhookReceiver;
let system: TestSystem;

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  system = await TestSystem.start({
    ...{ redis: { appendOnly: true }, queueRedis: { appendOnly: true }, ownPostgres: true },
    settings: quickAlerts(receiver, { off: STARTING }),
  });
  system.configureSmall(categories, { every: '2s' });
});
afterEach(async () => {
  await system.stop();
  await receiver.stop();
});

async function daemons(count: number): Promise<DaemonProcess[]> {
  const all = Array.from({ length: count }, () => system.daemon());
  await Promise.all(all.map((daemon) => daemon.logged(({ message }) => message === 'forewarm is running')));
  await Promise.race(all.map((daemon) => daemon.cycle()));
  return all;
}

const told = (condition: string, count: number) =>
  eventually(`message ${count} of ${condition}`, () => receiver.events(condition).length >= count);
/** Some looks, in which something that should not be told would be. */
const looks = async (all: readonly DaemonProcess[]): Promise<void> => {
  const cycles = all.map((daemon) => daemon.cycle('complete', daemon.mark));
  await Promise.race(cycles);
  await Promise.race(all.map((daemon) => daemon.cycle('complete', daemon.mark)));
};

test('the queue Redis, and a cache Redis that hangs: one of three daemons tells, of nothing else, and of the return', async () => {
  const all = await daemons(3);
  await system.queueRedis.kill();
  await told('redis-queue-down', 1);
  expect(receiver.notices[0]).toMatchObject({
    event: 'fired',
    severity: 'critical',
    runBook: 'docs/runbooks/redis-queue-down.md',
    alone: false,
    message: expect.stringMatching(/^the Redis of the queue at redis:\/\/:\*\*\*@127\.0\.0\.1:\d+ does not answer/),
  });
  await system.queueRedis.restart();
  await told('redis-queue-down', 2);
  await looks(all);
  expect(receiver.notices.map(({ event, condition }) => `${event} ${condition}`)).toEqual([
    'fired redis-queue-down',
    'resolved redis-queue-down',
  ]);
  await system.redis.kill('SIGSTOP');
  await told('redis-cache-down', 1);
  await system.redis.kill('SIGCONT');
  await told('redis-cache-down', 2);
  expect(receiver.events('redis-cache-down')).toEqual(['fired', 'resolved']);
  expect(receiver.events('redis-queue-down')).toEqual(['fired', 'resolved']);
});

test('PostgreSQL: one of two daemons tells, though nobody can write it down; later it is in the history', async () => {
  const all = await daemons(2);
  await system.postgres.kill();
  await told('postgres-down', 1);
  // Cycles are degraded for want of a copy: that has its reason, and is not told apart.
  await Promise.race(all.map((daemon) => daemon.cycle('degraded', daemon.mark)));
  await system.postgres.restart();
  await told('postgres-down', 2);
  await looks(all);
  expect(receiver.notices.map(({ event, condition, alone }) => `${event} ${condition} ${alone}`)).toEqual([
    'fired postgres-down false',
    'resolved postgres-down false',
  ]);
  const past = await new AlertStore(system.pool).past(undefined, 10);
  expect(past.filter(({ condition }) => condition === 'postgres-down')).toMatchObject([{ state: 'resolved' }]);
});

test('an alert that fires while PostgreSQL goes away is not told again when it is back', async () => {
  const [daemon] = (await daemons(1)) as [DaemonProcess];
  await system.queueRedis.kill();
  await told('redis-queue-down', 1);
  // What was sent and is not recorded as such is sent again: better twice than never.
  const outbox = new AlertOutbox(system.pool);
  await eventually('that to be recorded', async () => (await outbox.waiting()).length === 0);
  await system.postgres.kill();
  await told('postgres-down', 1);
  await system.queueRedis.restart();
  await system.postgres.restart();
  await Promise.all([told('redis-queue-down', 2), told('postgres-down', 2)]);
  await looks([daemon]);
  expect(receiver.events('redis-queue-down')).toEqual(['fired', 'resolved']);
  expect(receiver.events('postgres-down')).toEqual(['fired', 'resolved']);
});

test('with Redis and PostgreSQL dead each daemon tells for itself, and says so, also one that waits for them; the return is told once', async () => {
  await daemons(1);
  await Promise.all([system.queueRedis.kill(), system.redis.kill(), system.postgres.kill()]);
  const all = ['redis-queue-down', 'redis-cache-down', 'postgres-down'];
  await Promise.all(all.map((name) => told(name, 1)));
  const waiting = system.daemon();
  await Promise.all(all.map((name) => told(name, 2)));
  expect(waiting.lines.some(({ message }) => message === 'forewarm is running')).toBe(false);
  for (const { alone, event } of receiver.notices) expect({ alone, event }).toEqual({ alone: true, event: 'fired' });
  await Promise.all([system.queueRedis.restart(), system.redis.restart(), system.postgres.restart()]);
  await Promise.all(all.map((name) => told(name, 3)));
  await waiting.logged(({ message }) => message === 'forewarm is running');
  for (const name of all) expect(receiver.events(name)).toEqual(['fired', 'fired', 'resolved']);
});
