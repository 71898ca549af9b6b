import { Runs } from '#workers/runs';

test('who asks for a job that runs gets its result, and it is not begun again', async () => {
  const runs = new Runs<string>();
  let end: (result: string) => void = () => undefined;
  const first = runs.of('a', () => new Promise((resolve) => (end = resolve)));
  const second = runs.of('a', () => Promise.reject(new Error('begun twice')));
  expect([first.known, second.known]).toEqual([false, true]);
  end('done');
  expect(await Promise.all([first.result, second.result])).toEqual(['done', 'done']);
});

test('a result is kept until the queue has accepted it', async () => {
  const runs = new Runs<number>();
  let begun = 0;
  const run = () => runs.of('a', async () => ++begun).result;
  expect(await run()).toBe(1);
  expect(await run()).toBe(1);
  runs.forget('a');
  expect(await run()).toBe(2);
});

test('a run that failed is begun again', async () => {
  const runs = new Runs<string>();
  await expect(runs.of('a', () => Promise.reject(new Error('failed'))).result).rejects.toThrow('failed');
  expect(await runs.of('a', async () => 'done').result).toBe('done');
});

test('results that nobody takes are bounded; the oldest go first', async () => {
  const runs = new Runs<number>();
  for (let i = 0; i <= 100; i++) await runs.of(`job ${i}`, async () => i).result;
  expect(runs.of('job 1', async () => -1).known).toBe(true);
  expect(runs.of('job 0', async () => -1).known).toBe(false);
});
