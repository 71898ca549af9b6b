import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GATE_REFUSED } from '#jobs/cycle/pass-gates';
import { FEATURES_FAILED, SOURCE_FAILED } from '#jobs/cycle/refresh-sources';
import { BACKUP_CONDITIONS } from '#jobs/definitions/backup';
import { CONDITION_NAMES, CONDITIONS, isConditionName, runBookOf } from '#shared/alerts/conditions';
import { GLOBAL_SETTINGS } from '#shared/config/settings';
import { runBookFacts, settingAt } from '../../../../scripts/src/docs/run-book-facts';

/** Conditions, run books and configuration say the same. */

const ROOT = join(__dirname, '..', '..', '..', '..');
const FOLDER = join(ROOT, 'docs', 'runbooks');
const SECTIONS = ['What it means for users', 'What to look at', 'What to do', 'How to see that it is over'];
/** Settings of alerts that bound nothing: who is told, how, and when. */
const GENERAL = /^alerts\.(off|fireAfter|resolveAfter|remindEvery|runBooks|(webhook|slack|email)\..+)$/;

const pageOf = (name: string): string => readFileSync(join(ROOT, 'docs', runBookOf(name)), 'utf8');

test('each condition has a page, and each page is of a condition', () => {
  const pages = readdirSync(FOLDER).filter((file) => file !== 'README.md');
  expect(pages.sort()).toEqual(CONDITION_NAMES.map((name) => `${name}.md`).sort());
});

describe.each(CONDITION_NAMES)('%s', (name) => {
  test('has its name, what the catalogue says of it, and each section', () => {
    const page = pageOf(name);
    expect(page.split('\n')[0]).toBe(`# ${name}: ${CONDITIONS[name].title}`);
    expect(page).toContain(`\n${runBookFacts(name)}\n`);
    expect([...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(SECTIONS);
    expect(page).toMatch(/^1\. /m);
  });

  test('goes by settings that exist, and links to pages that do', () => {
    for (const path of CONDITIONS[name].settings) expect(settingAt(path).about).not.toBe('');
    for (const [, link = ''] of pageOf(name).matchAll(/\]\(([\w-]+)\.md\)/g)) expect(isConditionName(link)).toBe(true);
  });
});

test('each bound in the configuration of alerts is that of a condition', () => {
  const bounds = GLOBAL_SETTINGS.map(({ key }) => key).filter((key) => key.startsWith('alerts.') && !GENERAL.test(key));
  const used = new Set(CONDITION_NAMES.flatMap((name): readonly string[] => CONDITIONS[name].settings));
  expect(bounds.length).toBeGreaterThan(5);
  expect(bounds.filter((key) => !used.has(key))).toEqual([]);
});

test('the index lists each of them with its title', () => {
  const index = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  const rows = [...index.matchAll(/^\| \[([\w-]+)\]\(\1\.md\) \| (.+?) \| (critical|warning) \|$/gm)];
  expect(rows.map(([, name, title, severity]) => [name, title, severity])).toEqual(
    CONDITION_NAMES.map((name) => [name, CONDITIONS[name].title, CONDITIONS[name].severity]),
  );
});

test('what jobs fire has a name of the catalogue', () => {
  const fired = [GATE_REFUSED, SOURCE_FAILED, FEATURES_FAILED, ...Object.values(BACKUP_CONDITIONS)];
  expect([...fired].sort()).toEqual(CONDITION_NAMES.filter((name) => CONDITIONS[name].byJobs).sort());
  // A place that fires another one has to be named here.
  const jobs = join(ROOT, 'jobs', 'src');
  const firing = readdirSync(jobs, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && /\balerts\s*\.fire\(/.test(readFileSync(join(jobs, file), 'utf8')),
  );
  expect(firing.sort()).toEqual(['cycle/pass-gates.ts', 'cycle/refresh-sources.ts', 'definitions/backup.ts']);
});
