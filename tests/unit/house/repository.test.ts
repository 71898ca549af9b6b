import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const read = (file: string): string => readFileSync(resolve(__dirname, '../../..', file), 'utf8');

test('the licence and the changelog are what package.json and Keep a Changelog say', () => {
  const { license } = JSON.parse(read('package.json')) as { license: string };

  expect(license).toBe('MIT');
  expect(read('LICENSE')).toMatch(/^MIT License\n\nCopyright \(c\) 2026 The Forewarm authors\n/);
  expect(read('CHANGELOG.md')).toContain('\n## [Unreleased]\n');
});

test('.nvmrc and package.json ask for the same Node.js', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };

  expect(engines.node).toBe(`>=${read('.nvmrc').trim()}.0`);
});
