import type { Notice } from '#shared/alerts/notice';
import type { AlertState } from '#shared/alerts/state-machine';
import { AlertOutbox } from '#shared/store/alert-outbox';
import { AlertStore, type OpenAlert, type Telling } from '#shared/store/alert-store';
import { HistoryStore } from '#shared/store/history-store';
import { migrate } from '#shared/store/migrate';
import { TestSystem } from '../../support/system';

/** Alerts and their messages on a real PostgreSQL, moved by several daemons at once. */

jest.setTimeout(60_000);

const NOTICE = { format: 1 } as unknown as Notice;
const SAYING = { condition: 'stale', model: 'm', place: '', message: 'm is old', facts: { ageMs: 1 } };
const telling = (event: Telling['event'], sinks = ['log']): Telling => ({ event, notice: NOTICE, sinks });

let system: TestSystem;
let store: AlertStore;
let outbox: AlertOutbox;

beforeEach(async () => {
  system = await TestSystem.start();
  await migrate(system.pool);
  store = new AlertStore(system.pool);
  outbox = new AlertOutbox(system.pool);
});
afterEach(() => system.stop());

const firing = (nowMs: number, toldMs: number | null = nowMs): AlertState => ({
  ...{ phase: 'firing', sinceMs: nowMs, lastSeenMs: nowMs, toldMs },
});

async function only(): Promise<OpenAlert> {
  const { alerts } = await store.view();
  expect(alerts).toHaveLength(1);
  return alerts[0] as OpenAlert;
}

async function messages(): Promise<{ event: string; sink: string; state: string }[]> {
  const { rows } = await system.pool.query('SELECT event, sink, state FROM forewarm.alert_message ORDER BY id');
  return rows;
}

test('of daemons that see the same at once one opens the alert, and one moves it on; what is told goes with that', async () => {
  const { nowMs } = await store.view();
  const stores = Array.from({ length: 5 }, () => new AlertStore(system.pool));
  await Promise.all(
    stores.map((one, i) => one.begin(SAYING, firing(nowMs), `host ${i}`, telling('fired', ['log', 'webhook']))),
  );
  expect(await messages()).toEqual([
    { event: 'fired', sink: 'log', state: 'waiting' },
    { event: 'fired', sink: 'webhook', state: 'waiting' },
  ]);
  const alert = await only();
  expect(alert).toMatchObject({ ...SAYING, state: { phase: 'firing', sinceMs: nowMs, toldMs: nowMs } });
  const later = { ...firing(nowMs), toldMs: nowMs + 1 };
  await Promise.all(stores.map((one) => one.move(alert, SAYING, later, telling('reminder'))));
  await Promise.all(stores.map((one) => one.end(alert, nowMs, telling('resolved'))));
  // What was read before the reminder is not moved by what was read then.
  expect((await messages()).map(({ event }) => event)).toEqual(['fired', 'fired', 'reminder']);
  const moved = await only();
  await Promise.all(stores.map((one) => one.end(moved, nowMs + 2, telling('resolved'))));
  expect((await messages()).map(({ event }) => event)).toEqual(['fired', 'fired', 'reminder', 'resolved']);
  expect((await store.view()).alerts).toEqual([]);
  expect(await store.past(undefined, 10)).toMatchObject([{ condition: 'stale', model: 'm', state: 'resolved' }]);
});

test('one that was pending and did not come to anything leaves no trace', async () => {
  const { nowMs } = await store.view();
  await store.begin(SAYING, { ...firing(nowMs, null), phase: 'pending' }, 'here', undefined);
  expect(await store.firing()).toEqual([]);
  expect(await store.past(undefined, 10)).toEqual([]);
  await store.end(await only(), nowMs, undefined);
  const { rows } = await system.pool.query('SELECT * FROM forewarm.alert');
  expect(rows).toEqual([]);
});

test('what a job has met is open at once, and its end is left to tell only to who was told', async () => {
  const alert = { condition: 'gate-refused', model: 'm', message: 'no', facts: {} };
  await store.fire(alert, 'here', new Date());
  await store.resolve(['gate-refused'], 'm', new Date());
  expect((await store.view()).alerts).toEqual([]);
  await store.fire(alert, 'here', new Date());
  const met = await only();
  expect(met.state).toMatchObject({ phase: 'firing', toldMs: null });
  await store.move(met, met, { ...(met.state as AlertState), toldMs: met.sinceMs }, telling('fired'));
  await store.resolve(['gate-refused'], 'm', new Date());
  const over = await only();
  expect(over.state).toBeUndefined();
  await store.end(over, met.sinceMs, telling('resolved'));
  expect((await store.view()).alerts).toEqual([]);
});

describe('the outbox', () => {
  async function twoMessages(): Promise<void> {
    const { nowMs } = await store.view();
    await store.begin(SAYING, firing(nowMs), 'here', telling('fired', ['webhook']));
    await store.end(await only(), nowMs, telling('resolved', ['webhook']));
  }

  test('gives each message to one daemon, of one alert the oldest first', async () => {
    await twoMessages();
    const taken = await Promise.all([1, 2, 3].map(() => outbox.take(['webhook'], 10, 30_000)));
    expect(taken.flat()).toMatchObject([{ sink: 'webhook', attempts: 1, notice: NOTICE }]);
    const [first] = taken.flat();
    await outbox.sent(first?.id ?? -1);
    const [second] = await outbox.take(['webhook'], 10, 30_000);
    expect(second?.id).toBeGreaterThan(first?.id ?? 0);
    await outbox.sent(second?.id ?? -1);
    expect(await outbox.take(['webhook'], 10, 30_000)).toEqual([]);
    expect(await messages()).toMatchObject([{ state: 'sent' }, { state: 'sent' }]);
  });

  test('gives one to another daemon whose daemon died over it, and one again that was refused', async () => {
    await twoMessages();
    const [dying] = await outbox.take(['webhook'], 10, 0);
    const [again] = await outbox.take(['webhook'], 10, 30_000);
    expect(again).toMatchObject({ id: dying?.id, attempts: 2 });
    await outbox.failed(again?.id ?? -1, 'no room', 0);
    expect(await outbox.waiting()).toMatchObject([{ sink: 'webhook', messages: 2, lastError: 'no room' }]);
    expect(await outbox.take(['webhook'], 10, 30_000)).toMatchObject([{ id: dying?.id, attempts: 3 }]);
  });

  test('leaves out reminders that something newer follows, and sinks that this daemon does not have', async () => {
    const { nowMs } = await store.view();
    await store.begin(SAYING, firing(nowMs), 'here', telling('fired', ['webhook']));
    for (const i of [1, 2, 3]) {
      await store.move(await only(), SAYING, { ...firing(nowMs), toldMs: nowMs + i }, telling('reminder', ['webhook']));
    }
    expect(await outbox.take(['email'], 10, 30_000)).toEqual([]);
    const [fired] = await outbox.take(['webhook'], 10, 30_000);
    await outbox.sent(fired?.id ?? -1);
    expect((await messages()).map(({ state }) => state)).toEqual(['sent', 'overtaken', 'overtaken', 'waiting']);
  });
});

describe('what came while PostgreSQL was away', () => {
  test('is recorded once, whoever brings it first, also when it is over by then', async () => {
    const { nowMs } = await store.view();
    const began = firing(nowMs - 60_000);
    await store.begin(SAYING, { ...began, phase: 'pending', toldMs: null }, 'here', undefined);
    await store.recover(SAYING, began, 'here', undefined);
    await store.recover(SAYING, { ...began, sinceMs: began.sinceMs + 1 }, 'there', undefined);
    const alert = await only();
    expect(alert.state).toEqual(began);
    await store.end(alert, nowMs, telling('resolved'));
    // One that comes late knows nothing of its end.
    await store.recover(SAYING, began, 'late', undefined);
    expect((await store.view()).alerts).toEqual([]);
    const other = { ...SAYING, condition: 'no-worker', model: '' };
    await store.recover(other, began, 'here', nowMs - 1_000);
    await store.recover(other, began, 'there', nowMs - 1_500);
    expect((await store.view()).alerts).toEqual([]);
    expect(await store.past(undefined, 10)).toHaveLength(2);
    expect((await messages()).map(({ event }) => event)).toEqual(['resolved']);
  });
});

test('silences hold until they end, or are ended', async () => {
  const asked = { condition: 'stale', model: null, reason: 'moving', host: 'here' };
  const { id } = await store.silence(asked, 60_000);
  await store.silence(asked, 1);
  expect((await store.view()).silences).toMatchObject([{ id, ...asked }]);
  expect(await store.unsilence(id)).toBe(true);
  expect(await store.unsilence(id)).toBe(false);
  expect(await store.silences()).toEqual([]);
});

test('what is over is deleted when it is old enough, with its messages; what fires stays', async () => {
  const { nowMs } = await store.view();
  await store.begin(SAYING, firing(nowMs), 'here', telling('fired'));
  await store.end(await only(), nowMs - 10_000, telling('resolved'));
  await store.begin({ ...SAYING, model: 'other' }, firing(nowMs), 'here', telling('fired'));
  expect(await store.prune(new Date(nowMs - 20_000))).toBe(0);
  expect(await store.prune(new Date(nowMs - 5_000))).toBe(1);
  expect(await messages()).toHaveLength(1);
  expect(await only()).toMatchObject({ model: 'other' });
});

describe('with a year of alerts and 10,000 cycles', () => {
  /** Whole tables that a plan reads. */
  async function scans(statement: string, parameters: unknown[] = []): Promise<string[]> {
    const { rows } = await system.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${statement}`, parameters);
    return rows.map((row) => row['QUERY PLAN']).filter((line) => line.includes('Seq Scan'));
  }

  test('a look reads what is open, and no history', async () => {
    await system.pool.query(`
      INSERT INTO forewarm.alert (condition, model, state, message, host, since, last_seen, told_at, over_told, resolved_at)
      SELECT 'stale', 'm', 'resolved', 'old', 'here', t, t, t, true, t
      FROM generate_series(now() - interval '1 year', now(), interval '10 minutes') AS t;
      INSERT INTO forewarm.alert_message (alert, event, sink, notice, state)
      SELECT id, event, 'webhook', '{}', 'sent' FROM forewarm.alert, unnest(ARRAY['fired', 'resolved']) AS event;
      INSERT INTO forewarm.cycle (id, model, trigger, state, host, started_at, expected, batches)
      SELECT 'c' || n, 'm', 'schedule', 'complete', 'here', now() - n * interval '20 seconds', 1, 1
      FROM generate_series(1, 10000) AS n;
      ANALYZE forewarm.alert; ANALYZE forewarm.alert_message; ANALYZE forewarm.cycle`);
    const statements: { text: string; values: unknown[] }[] = [];
    const spy = {
      query: (statement: { text: string; values?: unknown[] }) => {
        statements.push({ text: statement.text, values: statement.values ?? [] });
        return system.pool.query(statement);
      },
    } as unknown as typeof system.pool;
    expect((await new AlertStore(spy).view()).alerts).toEqual([]);
    await new AlertStore(spy).firing();
    await new AlertStore(spy).past(undefined, 20);
    await new HistoryStore(spy).recent(['m'], 4);
    await new AlertOutbox(spy).take(['webhook'], 20, 1_000);
    expect(statements).toHaveLength(7);
    for (const { text, values } of statements) {
      // Silences are few.
      expect({ text, scans: (await scans(text, values)).filter((line) => !line.includes('alert_silence')) }).toEqual({
        text,
        scans: [],
      });
    }
  });
});
