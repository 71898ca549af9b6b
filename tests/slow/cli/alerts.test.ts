import { CONDITION_NAMES } from '#shared/alerts/conditions';
import { migrate } from '#shared/store/migrate';
import { someCategories, TestSystem } from '../../support/system';
import { WebhookReceiver } from '../../support/webhook-receiver';
import { killHung, onlyError, say } from './command';

/** `forewarm alerts` and what is below it, without a daemon. What daemons do is in tests/faults. */

jest.setTimeout(60_000);

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start();
  system.configureSmall(someCategories(2), { every: '1h' });
  await migrate(system.pool);
});
afterEach(killHung);
afterAll(() => system.stop());

const run = (...args: string[]) => say(['alerts', ...args], system.folder);
const answer = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);

test('where nothing is or was wrong they say so', async () => {
  expect((await run()).stdout).toBe('Nothing is wrong. What was is in `forewarm alerts --history`.\n');
  expect((await run('--history')).stdout).toBe('Nothing has been wrong yet.\n');
  expect(await answer('--history')).toEqual({ firing: [], silences: [], unsent: [], history: [] });
});

test('conditions lists each with its bounds; explain prints its run book', async () => {
  const { conditions } = await answer('conditions', '--set', 'alerts.minCoverage=0.5', '--set', 'alerts.off=stale');
  expect(conditions.map(({ name }: { name: string }) => name)).toEqual(CONDITION_NAMES);
  expect(conditions).toContainEqual(
    expect.objectContaining({ name: 'coverage-low', severity: 'warning', bounds: ['alerts.minCoverage 0.5'] }),
  );
  expect(conditions).toContainEqual(expect.objectContaining({ name: 'stale', off: true, bounds: ['staleAfter 5m'] }));
  expect((await run('conditions')).stdout).toMatch(/^no-worker +30s {2}no worker is alive$/m);
  const page = await run('explain', 'no-worker');
  expect(page.stdout).toMatch(/^# no-worker: no worker is alive\n[\s\S]+## What to do\n/);
  expect(onlyError(await run('explain', 'no-workers'))).toEqual({
    code: 'FW_USAGE',
    message: 'there is no condition no-workers; did you mean no-worker?',
    next: 'See forewarm alerts conditions.',
  });
});

test('test tells who took the message and who did not, and ends accordingly', async () => {
  expect((await run('test')).stdout).toMatch(/^Only the log of the daemon is told\./);
  const receiver = await WebhookReceiver.start();
  const to = ['--set', `alerts.webhook.url=${receiver.url}`];
  const sent = await run('test', ...to);
  expect({ code: sent.code, stdout: sent.stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^sent {4}webhook {2}127\.0\.0\.1:\d+\n$/),
  });
  expect(receiver.notices).toMatchObject([{ event: 'test', condition: 'test', runBook: 'docs/runbooks/README.md' }]);
  await receiver.stop();
  const failed = await run('test', ...to);
  expect(failed.code).toBe(3);
  expect(failed.stdout).toMatch(/^failed {2}webhook {2}127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/);
  expect(failed.stderr).toContain('error FW_ALERT_NOT_SENT: webhook did not take the message');
  expect(failed.stdout + failed.stderr).not.toContain('secret-path');
});

test('silences are made, listed and ended', async () => {
  const made = await run('silence', 'stale', '--model', 'm', '--for', '2h', '--reason', 'moving the database');
  expect(made.stdout).toMatch(
    /^stale of m is silenced until \d{4}-\S+ \S+ UTC\. End it before: forewarm alerts unsilence \d+\n$/,
  );
  const [silence] = (await answer()).silences;
  expect(silence).toMatchObject({ condition: 'stale', model: 'm', reason: 'moving the database' });
  expect(Date.parse(silence.until) - Date.now()).toBeGreaterThan(7_100_000);
  expect((await run()).stdout).toMatch(/^ {2}\d+ {2}stale of m until .* \(1h 59m more\): moving the database /m);
  expect((await run('unsilence', String(silence.id))).stdout).toBe(`Silence ${silence.id} is over.\n`);
  expect((await answer()).silences).toEqual([]);
  const again = await run('unsilence', String(silence.id));
  expect({ code: again.code, error: onlyError(again).code }).toEqual({ code: 4, error: 'FW_SILENCE_UNKNOWN' });
});

test.each([
  [['silence'], 'what is to be silenced?'],
  [['silence', 'stale', '--for', '10'], '--for 10: expected a duration from 1s'],
  [['silence', 'stale', '--model', 'n'], 'n'],
  [['unsilence', 'x'], 'the number of a silence x: expected a whole number'],
])('%j is refused, and nothing is silenced', async (args, says) => {
  const said = await run(...args);
  expect(said.code).not.toBe(0);
  expect(onlyError(said).message).toContain(says);
  expect((await answer()).silences).toEqual([]);
});

test.each([
  [['alerts.email.to=ops@example.org'], 'alerts.email.smtp'],
  [['alerts.email.smtp=smtp://mail.example.org'], 'alerts.email.to'],
  [['alerts.webhook.secret=abc'], 'alerts.webhook.url'],
  [['alerts.off=stale,backup-olds'], 'did you mean backup-old?'],
  [['alerts.slack.url=hooks.slack.com/x'], 'https://HOST/PATH'],
  [['alerts.email.to=ops at example'], 'ops@example.org'],
])('half a configuration is refused: %j', async (settings, says) => {
  const said = await run('conditions', ...settings.flatMap((setting) => ['--set', setting]));
  const error = onlyError(said);
  expect(error.code).toBe('FW_CONFIG_INVALID');
  expect(error.message).toContain(says);
});
