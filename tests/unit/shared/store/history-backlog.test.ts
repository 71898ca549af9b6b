import { ForewarmError } from '#shared/errors';
import { HistoryBacklog } from '#shared/store/history-backlog';
import type { BatchRecord, CycleRecord } from '#shared/store/history-store';

function cycle(id: string, more: Partial<CycleRecord> = {}): CycleRecord {
  const at = new Date('2026-11-24T03:37:04Z');
  return {
    ...{ id, model: 'm', generation: null, trigger: 'schedule', state: 'degraded', host: 'h' },
    ...{ startedAt: at, finishedAt: at, durationMs: 1, expected: 1, batches: 1, reason: null },
    ...{ computed: 1, restored: 0, verified: 0, failed: 0, durable: 0 },
    ...more,
  };
}

/** What `HistoryStore.record` throws for an error of the server. */
function thrown(code: string): ForewarmError {
  return new ForewarmError('FW_POSTGRES_UNAVAILABLE', 'recording', { cause: Object.assign(new Error('no'), { code }) });
}

function recorder(refuse: (id: string) => Error | undefined = () => undefined) {
  const recorded: CycleRecord[] = [];
  const record = async (record: CycleRecord, _batches?: readonly BatchRecord[]): Promise<void> => {
    const error = refuse(record.id);
    if (error !== undefined) throw error;
    recorded.push(record);
  };
  return { recorded, record };
}

test('cycles are recorded in their order, once', async () => {
  const backlog = new HistoryBacklog();
  for (const id of ['a', 'b', 'c']) backlog.keep(cycle(id), []);
  const history = recorder();
  expect(await backlog.flush(history)).toEqual({ recorded: 3, lost: 0 });
  expect(history.recorded.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(await backlog.flush(history)).toEqual({ recorded: 0, lost: 0 });
  expect(backlog.size).toBe(0);
});

test('the end of a cycle takes the place of the news that it runs, also in the order', async () => {
  const backlog = new HistoryBacklog();
  backlog.keep(cycle('a', { state: 'running' }), []);
  backlog.keep(cycle('b', { state: 'skipped' }), []);
  backlog.keep(cycle('a'), []);
  const history = recorder();
  expect(await backlog.flush(history)).toEqual({ recorded: 2, lost: 0 });
  expect(history.recorded.map(({ id, state }) => [id, state])).toEqual([
    ['a', 'degraded'],
    ['b', 'skipped'],
  ]);
});

test('two who flush at once record each cycle once, and one of them tells of it', async () => {
  const backlog = new HistoryBacklog();
  for (const id of ['a', 'b', 'c']) backlog.keep(cycle(id), []);
  const history = recorder();
  expect(await Promise.all([backlog.flush(history), backlog.flush(history)])).toEqual([
    { recorded: 3, lost: 0 },
    { recorded: 0, lost: 0 },
  ]);
  expect(history.recorded).toHaveLength(3);
});

test('the oldest give way when there are too many, and are counted', async () => {
  const bytes = JSON.stringify([cycle('a'), []]).length;
  const backlog = new HistoryBacklog(3 * bytes);
  for (const id of ['a', 'b', 'c', 'd', 'e']) backlog.keep(cycle(id), []);
  expect(backlog.size).toBe(3);
  const history = recorder();
  expect(await backlog.flush(history)).toEqual({ recorded: 3, lost: 2 });
  expect(history.recorded.map(({ id }) => id)).toEqual(['c', 'd', 'e']);
});

test.each(['ECONNREFUSED', '53100', '57P03', '42P01'])('what fails with %s stays for the next time', async (code) => {
  const backlog = new HistoryBacklog();
  for (const id of ['a', 'b', 'c']) backlog.keep(cycle(id), []);
  const failing = recorder((id) => (id === 'b' ? thrown(code) : undefined));
  await expect(backlog.flush(failing)).rejects.toMatchObject({ code: 'FW_POSTGRES_UNAVAILABLE' });
  expect(backlog.size).toBe(2);
  expect(await backlog.flush(recorder())).toEqual({ recorded: 2, lost: 0 });
});

test('a cycle whose values are refused does not hold up those behind it', async () => {
  const backlog = new HistoryBacklog();
  for (const id of ['a', 'b', 'c']) backlog.keep(cycle(id), []);
  const failing = recorder((id) => (id === 'b' ? thrown('23514') : undefined));
  expect(await backlog.flush(failing)).toEqual({ recorded: 2, lost: 1 });
});
