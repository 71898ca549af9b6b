import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { AlertStore } from '#shared/store/alert-store';
import { say } from '../slow/cli/command';
import { quickAlerts, STARTING } from '../support/alerts';
import { eventually, SMALL_AXES, smallModel, someCategories, TestSystem } from '../support/system';
import { WebhookReceiver } from '../support/webhook-receiver';

/** Who is told, how often, and what happens when nobody listens. */

jest.setTimeout(120_000);

const categories = someCategories(6);

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

const run = (...args: string[]) => say(args, system.folder);
const answer = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);
const told = (condition: string, event: string) =>
  eventually(`that ${condition} is ${event}`, () =>
    receiver.notices.find((notice) => notice.condition === condition && notice.event === event),
  );
const onRecord = (condition: string) =>
  eventually(`${condition} on record`, async () =>
    (await new AlertStore(system.pool).firing().catch(() => [])).find((alert) => alert.condition === condition),
  );

/** Something that is wrong as long as one wants, and disturbs nothing. */
async function setEviction(queue: Redis, evicts: boolean): Promise<void> {
  await queue.config('SET', 'maxmemory', evicts ? '1gb' : '0');
  await queue.config('SET', 'maxmemory-policy', evicts ? 'allkeys-lru' : 'noeviction');
}
const wrong = () => setEviction(system.queueClient, true);
const right = () => setEviction(system.queueClient, false);

function start(more: Record<string, unknown> = {}, count = 1) {
  system.configureSmall(categories, { every: '1s', settings: quickAlerts(receiver, { off: STARTING, ...more }) });
  return Array.from({ length: count }, () => system.daemon());
}

test('of three daemons one tells, and one says that it is over', async () => {
  const daemons = start({ remindEvery: 'never' }, 3);
  await Promise.race(daemons.map((daemon) => daemon.cycle()));
  await wrong();
  await told('redis-queue-evicts', 'fired');
  for (const daemon of daemons) await daemon.logged(({ message }) => message === 'forewarm is running');
  await right();
  await told('redis-queue-evicts', 'resolved');
  // A cycle of any: which daemon takes a job is the queue's own matter.
  await Promise.race(daemons.map((daemon) => daemon.cycle('complete', daemon.mark)));
  expect(receiver.events('redis-queue-evicts')).toEqual(['fired', 'resolved']);
  // And in the log of one of them each.
  const lines = daemons.flatMap((daemon) => daemon.lines.filter(({ condition }) => condition === 'redis-queue-evicts'));
  expect(lines.map(({ level, condition }) => `${level} ${condition}`).sort()).toEqual([
    'error redis-queue-evicts',
    'info redis-queue-evicts',
  ]);
});

test('a receiver that is down meanwhile gets it afterwards: the beginning first, then the end', async () => {
  await receiver.stop();
  const [daemon] = start();
  await daemon?.cycle();
  await wrong();
  const line = await daemon?.logged(
    ({ message }) => message === 'a message of an alert was not sent and is tried again',
  );
  expect(line).toMatchObject({
    sink: 'webhook',
    code: 'FW_ALERT_NOT_SENT',
    error: expect.stringContaining('ECONNREFUSED'),
  });
  await eventually('a message that waits', async () => (await answer('alerts')).unsent[0]?.sink === 'webhook');
  await right();
  await daemon?.logged(
    ({ message, condition }) => message.startsWith('alert is over') && condition === 'redis-queue-evicts',
  );
  // Cycles went on.
  await daemon?.cycle('complete', daemon.mark);
  await receiver.listen();
  await told('redis-queue-evicts', 'resolved');
  expect(receiver.events('redis-queue-evicts')).toEqual(['fired', 'resolved']);
  expect((await answer('alerts')).unsent).toEqual([]);
});

test('a daemon that is started anew while an alert fires does not tell it again', async () => {
  const [first] = start();
  await first?.cycle();
  await wrong();
  await told('redis-queue-evicts', 'fired');
  // What was sent and is not recorded as such is sent again: better twice than never.
  await eventually('that to be recorded', async () => (await answer('alerts')).unsent.length === 0);
  await first?.stop('SIGKILL');
  const second = system.daemon();
  await second.cycle();
  const { lastSeen } = await onRecord('redis-queue-evicts');
  await eventually('a look of the second', async () => (await onRecord('redis-queue-evicts')).lastSeen > lastSeen);
  await right();
  await told('redis-queue-evicts', 'resolved');
  expect(receiver.events('redis-queue-evicts')).toEqual(['fired', 'resolved']);
});

test('what is silenced is told to nobody until the silence ends; what comes and goes is told once', async () => {
  const [daemon] = start({ resolveAfter: '5s' });
  await daemon?.cycle();
  const silenced = await answer('alerts', 'silence', 'redis-queue-evicts', '--for', '1h', '--reason', 'moving it');
  await wrong();
  await onRecord('redis-queue-evicts');
  const shown = await run('alerts');
  expect(shown.stdout).toMatch(/^redis-queue-evicts {2}since /m);
  expect(shown.stdout).toContain('redis-queue-evicts until');
  expect(shown.stdout).toContain('moving it');
  expect(receiver.events('redis-queue-evicts')).toEqual([]);
  expect((await run('alerts', 'unsilence', String(silenced.id))).code).toBe(0);
  await told('redis-queue-evicts', 'fired');
  for (let i = 0; i < 3; i++) {
    await right();
    await daemon?.cycle('complete', daemon.mark);
    await wrong();
    const { lastSeen } = await onRecord('redis-queue-evicts');
    await eventually('it to be seen again', async () => (await onRecord('redis-queue-evicts')).lastSeen > lastSeen);
  }
  await right();
  await told('redis-queue-evicts', 'resolved');
  expect(receiver.events('redis-queue-evicts')).toEqual(['fired', 'resolved']);
  expect((await run('alerts', '--history')).stdout).toMatch(/redis-queue-evicts +[\dms ]+ +yes/);
});

describe('what jobs meet', () => {
  test('a gate that refuses and the file that it passes, a list of categories that is not taken and one that is', async () => {
    const list = (names: readonly string[]) => system.write('list.csv', `category\n${names.join('\n')}\n`);
    list(categories);
    system.write('m.onnx', smallModel(categories));
    const model = {
      file: 'm.onnx',
      axes: SMALL_AXES,
      every: '1s',
      categories: { file: 'list.csv', column: 'category' },
    };
    system.configure({ m: model }, quickAlerts(receiver, { off: STARTING }));
    const daemon = system.daemon();
    await daemon.cycle();
    system.write(
      'm.onnx',
      smallModel(categories, { bias: 1, poison: { input: 'category', equals: categories[1] ?? '' } }),
    );
    const fired = await told('gate-refused', 'fired');
    expect(fired).toMatchObject({
      ...{ model: 'm', severity: 'critical' },
      facts: { worst: [expect.stringContaining('not finite')] },
    });
    system.write('m.onnx', smallModel(categories, { bias: 2 }));
    await told('gate-refused', 'resolved');
    list(categories.slice(0, 1));
    await told('categories-refused', 'fired');
    list(categories);
    await told('categories-refused', 'resolved');
    expect(receiver.events('gate-refused')).toEqual(['fired', 'resolved']);
    // Cycles were degraded for reasons that were told.
    expect(receiver.events('cycles-failing')).toEqual([]);
  });

  test('a backup that lacks rows, one that cannot be written, and a newest good one that is old', async () => {
    const folder = join(system.folder, 'kept');
    mkdirSync(folder);
    const alerts = quickAlerts(receiver, { backupAge: '1h', failedCycles: 100, off: STARTING });
    const poison = { poison: { input: 'category', equals: categories[1] ?? '' } };
    system.configureSmall(categories, {
      ...{ every: '1s', model: poison },
      settings: { ...alerts, backup: { folder, schedule: 'off' } },
    });
    const daemon = system.daemon();
    await daemon.cycle('degraded');
    await run('backup', '--wait');
    expect(await told('backup-incomplete', 'fired')).toMatchObject({ facts: { missing: 1 } });
    // That model has been there for a while, and has no good backup.
    await system.pool.query("UPDATE forewarm.generation SET published_at = now() - interval '2 hours'");
    // For the reason that was told: nobody is told twice.
    await onRecord('backup-old');
    rmSync(folder, { recursive: true });
    expect((await run('backup', '--wait')).code).not.toBe(0);
    expect(await told('backup-failed', 'fired')).toMatchObject({ model: 'm', severity: 'warning' });
    mkdirSync(folder);
    system.write('m.onnx', smallModel(categories, { bias: 1 }));
    await daemon.cycle('complete', daemon.mark);
    expect((await run('backup', '--wait')).code).toBe(0);
    await Promise.all([told('backup-incomplete', 'resolved'), told('backup-failed', 'resolved')]);
    expect(receiver.events('backup-old')).toEqual([]);
    await system.pool.query("UPDATE forewarm.backup SET started_at = now() - interval '2 hours'");
    const old = await told('backup-old', 'fired');
    expect(old.message).toMatch(/^the newest complete and verified backup of m is 2h( \d+s)? old, more than 1h$/);
    expect((await run('backup', '--wait')).code).toBe(0);
    await told('backup-old', 'resolved');
  });
});
