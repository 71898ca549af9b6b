import { identify, isRunning, parseStat } from '#workers/embedded/process-identity';

test('the name of a process may hold blanks and brackets', () => {
  const after = 'S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20';
  expect(parseStat(`12 (a) b (c)) ${after}`)).toEqual({ state: 'S', startTicks: '4711' });
  expect(parseStat('')).toBeUndefined();
  expect(parseStat('12 (cut short) S 1')).toBeUndefined();
});

test('this process runs, and is not the one that had its pid before', () => {
  const self = identify(process.pid);
  expect(self?.pid).toBe(process.pid);
  expect(identify(process.pid)).toEqual(self);
  expect(self !== undefined && isRunning(self)).toBe(true);
  expect(isRunning({ pid: process.pid, began: 'before' })).toBe(false);
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 22 + 1])('there is no process %p', (pid) => {
  expect(identify(pid)).toBeUndefined();
});
