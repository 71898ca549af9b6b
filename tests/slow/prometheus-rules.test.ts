import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The alerting rules, as Prometheus itself reads them and works them out. */

const run = promisify(execFile);
const FOLDER = join(__dirname, '../../deploy/prometheus');
const present = spawnSync('promtool', ['--version']).status === 0;
const whenPresent = present ? test : test.skip;
const left = present ? '' : ' (left out: there is no promtool here)';

whenPresent(`the alerting rules are valid, and fire when they should${left}`, async () => {
  const checked = await run('promtool', ['check', 'rules', 'forewarm.rules.yml'], { cwd: FOLDER });
  expect(checked.stdout).toMatch(/SUCCESS: \d+ rules found/);
  const tested = await run('promtool', ['test', 'rules', 'forewarm.rules.test.yml'], { cwd: FOLDER });
  expect(tested.stdout).toMatch(/SUCCESS/);
});
