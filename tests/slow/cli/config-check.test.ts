import { SMALL_AXES, TestSystem } from '../../support/system';
import { killHung, say } from './command';

/** What can be used, and is hardly meant: it is told, and ends nothing. */

jest.setTimeout(60_000);

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
});
afterEach(killHung);
afterAll(() => system.stop());

test('an axis that no input of the model takes', async () => {
  const axes = { ...SMALL_AXES, minute: { from: 0, to: 59 }, station: ['north'] };
  system.configureSmall(['a', 'b'], { axes, every: '1h' });
  const warnings = [
    'models.m.axes.minute: no input of the model takes this axis; its 60 values multiply the grid for nothing',
    'models.m.axes.station: no input of the model takes this axis',
  ];
  const [text, json] = await Promise.all(
    [[], ['--json']].map((more) => say(['config', 'check', ...more], system.folder)),
  );
  expect(text).toMatchObject({ code: 0, stderr: '', log: [] });
  const lines = text?.stdout.trimEnd().split('\n').slice(-3);
  expect(lines).toEqual([...warnings.map((warning) => `warning ${warning}.`), expect.stringContaining(' is valid.')]);
  expect(JSON.parse(json?.stdout ?? '')).toMatchObject({ ok: true, warnings });

  const daemon = system.daemon();
  await daemon.logged(({ message }) => message === 'forewarm is running');
  const warned = daemon.lines.filter(({ message }) => message.startsWith('models.'));
  expect(warned.map(({ level, message }) => [level, message])).toEqual(warnings.map((warning) => ['warn', warning]));
});

test('a model that is as it should be has no warnings', async () => {
  system.configureSmall(['a', 'b']);
  const said = await say(['config', 'check', '--json'], system.folder);
  expect(JSON.parse(said.stdout)).toMatchObject({ ok: true, warnings: [] });
});
