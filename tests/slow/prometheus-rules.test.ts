import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { makeTempFolder, removeFolders } from '../support/servers/temp-folder';

/** The alerting rules and the questions of the dashboard, as Prometheus itself reads them and works them out. */

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

whenPresent(`what the dashboard asks is PromQL${left}`, async () => {
  const dashboard = JSON.parse(readFileSync(join(FOLDER, '../grafana/forewarm.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[];
  };
  const asked = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  // As Grafana would ask it.
  const rules = asked.map((expr, i) => ({
    record: `asked:${i}`,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$model', '.*'),
  }));
  expect(asked.length).toBeGreaterThan(20);
  const folder = makeTempFolder('dashboard');
  try {
    writeFileSync(join(folder, 'asked.yml'), stringify({ groups: [{ name: 'asked', rules }] }));
    const { stdout } = await run('promtool', ['check', 'rules', 'asked.yml'], { cwd: folder });
    expect(stdout).toContain(`SUCCESS: ${asked.length} rules found`);
  } finally {
    removeFolders(folder);
  }
});
