import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GLOBAL_SETTINGS, MODEL_SETTINGS } from '#shared/config/settings';
import { configurationReference } from '../../../../scripts/src/docs/configuration';

test('docs/configuration.md is what the schema says; otherwise run ./scripts/docs', () => {
  const file = join(__dirname, '../../../../docs/configuration.md');
  expect(readFileSync(file, 'utf8')).toBe(configurationReference());
});

test('the reference has every setting once, with its variable', () => {
  const lines = configurationReference().split('\n');
  for (const { key, variable } of GLOBAL_SETTINGS) {
    const rows = lines.filter((line) => line.startsWith(`| \`${key}\` |`));
    expect(rows).toEqual([expect.stringContaining(`\`${variable}\``)]);
  }
  for (const { key } of MODEL_SETTINGS) {
    expect(lines.filter((line) => line.startsWith(`| \`${key}\` |`))).toHaveLength(1);
  }
});
