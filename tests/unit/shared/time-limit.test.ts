import { stat } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TimeLimit } from '#shared/time-limit';

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

const limits: TimeLimit[] = [];

function limitOf(ms: number): TimeLimit {
  const limit = new TimeLimit(ms);
  limits.push(limit);
  return limit;
}

afterEach(() => {
  for (const limit of limits.splice(0)) limit.close();
});

const never = () => new Promise<never>(() => undefined);
const late = () => new Error('late');

/** Holds the event loop up. */
function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test('work that is quick enough is answered as it ends, well or not', async () => {
  const limit = limitOf(60_000);
  expect(await limit.race(Promise.resolve(7), late)).toBe(7);
  await expect(limit.race(Promise.reject(new Error('its own')), late)).rejects.toThrow('its own');
});

test('work that takes longer than the limit is late, and not before that', async () => {
  const began = performance.now();
  await expect(limitOf(30).race(never(), late)).rejects.toThrow('late');
  expect(performance.now() - began).toBeGreaterThanOrEqual(30);
});

test('waits run out in the order in which they began, each when its own time is over, once', async () => {
  const limit = limitOf(20);
  const heard: number[] = [];
  const began: number[] = [];
  const early: number[] = [];
  for (let i = 0; i < 5; i++) {
    began.push(performance.now());
    limit.watch(() => {
      heard.push(i);
      if (performance.now() - (began[i] ?? 0) < 20) early.push(i);
    });
    await delay(3);
  }
  await limit.race(never(), late).catch(() => undefined);
  expect([heard, early]).toEqual([[0, 1, 2, 3, 4], []]);
});

test('of many waits at a time those that are over are not called late, all others are, by one timer', async () => {
  const limit = limitOf(50);
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const heard: number[] = [];
  const waits = Array.from({ length: 10_000 }, (_, i) => limit.watch(() => heard.push(i)));
  expect(timers()).toBe(before + 1);
  for (const [i, wait] of waits.entries()) if (i % 3 !== 0) wait.end();
  await limit.race(never(), late).catch(() => undefined);
  expect(heard).toEqual(waits.flatMap((_, i) => (i % 3 === 0 ? [i] : [])));
  expect(waits.every(({ over }) => over)).toBe(true);
  expect(timers()).toBe(before);
});

test('what has come while the event loop was held up wins, though its time is over', async () => {
  const limit = limitOf(20);
  // Done by another thread meanwhile; this one hears of it when it looks.
  const looked = limit.race(new Promise((resolve) => stat(__filename, () => resolve('came'))), late);
  const nothing = limit.race(never(), late);
  block(100);
  expect(await looked).toBe('came');
  await expect(nothing).rejects.toThrow('late');
});

test('what is asked for while older waits are about to be given up has its own time yet', async () => {
  const limit = limitOf(20);
  const next = new Promise((resolve) => {
    // In the turn that the limit yields when the older wait has run out, and before it is given up.
    setTimeout(() => {
      setImmediate(() => {
        const looked = new Promise((found) => stat(__filename, () => found('came')));
        resolve(limit.race(looked, late));
        block(60);
      });
    }, 20);
  });
  const older = limit.race(never(), late);
  await expect(older).rejects.toThrow('late');
  expect(await next).toBe('came');
});

test('who hears that it is late may begin another wait: no other is forgotten for that', async () => {
  const limit = limitOf(10);
  const heard: string[] = [];
  await new Promise<void>((resolve) => {
    limit.watch(() => {
      heard.push('first');
      limit.watch(() => {
        heard.push('another');
        resolve();
      });
    });
    limit.watch(() => heard.push('second'));
    limit.watch(() => heard.push('third'));
    block(15);
  });
  expect(heard).toEqual(['first', 'second', 'third', 'another']);
});

test('its end ends all waits at once, and leaves no timer', async () => {
  const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const limit = limitOf(60_000);
  const races = [limit.race(never(), late), limit.race(never(), late)];
  limit.close();
  limit.close();
  for (const outcome of await Promise.allSettled(races)) expect(outcome).toMatchObject({ status: 'rejected' });
  expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
});

test('what waits hold that are over is let go, also behind one that is not', async () => {
  const limit = limitOf(60_000);
  const held: WeakRef<object>[] = [];
  const count = 20_000;
  const open = limit.race(never(), late);
  open.catch(() => undefined);
  const watch = (i: number): void => {
    const answer = { i };
    held.push(new WeakRef(answer));
    limit.watch(() => answer.i).end();
  };
  for (let i = 0; i < count; i++) watch(i);
  // What weak references were made for lives until the end of a turn.
  await delay(0);
  collectGarbage();
  expect(held.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(0.1 * count);
});
