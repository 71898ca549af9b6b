import { quickAlerts, STARTING } from '../support/alerts';
import { SmallDisk } from '../support/small-disk';
import { eventually, someCategories, TestSystem } from '../support/system';
import { FAKETIME_LIBRARY, WallClock } from '../support/wall-clock';
import { WebhookReceiver } from '../support/webhook-receiver';

/** The machine, and the queue's Redis: what runs full, what is set wrong. */

jest.setTimeout(90_000);

const categories = someCategories(4);
const testWithDisk = SmallDisk.possible() ? test : test.skip;
const testWithClock = FAKETIME_LIBRARY === undefined ? test.skip : test;

let receiver: WebhookReceiver;
let system: TestSystem;

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  system = await TestSystem.start({ queueRedis: {} });
});
afterEach(async () => {
  await system.stop();
  await receiver.stop();
});

const told = (condition: string, event: string) =>
  eventually(`that ${condition} is ${event}`, () =>
    receiver.notices.find((notice) => notice.condition === condition && notice.event === event),
  );

testWithDisk('the disk of the backups runs full, and has room again', async () => {
  const disk = new SmallDisk(4 * 1024 * 1024);
  try {
    const backup = { schedule: '15 3 * * *', folder: disk.folder };
    system.configureSmall(categories, {
      every: '2s',
      settings: { ...quickAlerts(receiver, { off: STARTING }), backup },
    });
    const daemon = system.daemon();
    await daemon.cycle();
    disk.fill();
    const fired = await told('disk-full', 'fired');
    expect(fired).toMatchObject({
      place: expect.any(String),
      model: null,
      facts: { folder: disk.folder, bound: 0.05 },
    });
    expect(fired.message).toContain(`the disk of ${disk.folder} on ${fired.place} has 0 B free (0 %), less than 5 %`);
    disk.free();
    await told('disk-full', 'resolved');
    await daemon.stop();
    expect(receiver.events('disk-full')).toEqual(['fired', 'resolved']);
  } finally {
    disk.unmount();
  }
});

testWithClock('the clock of one of two machines is wrong, and right again', async () => {
  const clock = new WallClock();
  try {
    system.configureSmall(categories, { every: '2s', settings: quickAlerts(receiver, { off: STARTING }) });
    const [right, wrong] = [system.daemon(), system.daemon(['start', '--roles', 'worker'], clock.env)];
    await right.cycle();
    await wrong.logged(({ message }) => message === 'forewarm is running');
    clock.set(-30_000);
    const fired = await told('clock-skew', 'fired');
    expect(fired.message).toMatch(
      /^the clock of \S+ is (29\.\d|30\.\d) s behind that of the queue Redis, more than 2\.00 s$/,
    );
    clock.set(0);
    await told('clock-skew', 'resolved');
    expect(receiver.events('stale')).toEqual([]);
    await wrong.stop();
  } finally {
    clock.remove();
  }
});

test('the queue Redis may evict, and runs full', async () => {
  system.configureSmall(categories, { every: '2s', settings: quickAlerts(receiver, { off: STARTING }) });
  const daemon = system.daemon();
  await daemon.cycle();
  const memory = /used_memory:(\d+)/.exec(await system.queueClient.info('memory'))?.[1];
  await system.queueClient.config('SET', 'maxmemory', String(Math.round(Number(memory) * 1.02)));
  const full = await told('redis-queue-memory', 'fired');
  expect(full.message).toMatch(/^the queue Redis uses .* of its maxmemory of .* \(\d+(\.\d+)? %\), more than 90 %$/);
  await system.queueClient.config('SET', 'maxmemory', '1gb');
  await system.queueClient.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await told('redis-queue-memory', 'resolved');
  const evicts = await told('redis-queue-evicts', 'fired');
  expect(evicts.message).toContain('maxmemory-policy allkeys-lru: at its limit of 1 GiB it deletes jobs');
  await system.queueClient.config('SET', 'maxmemory-policy', 'noeviction');
  await told('redis-queue-evicts', 'resolved');
});
