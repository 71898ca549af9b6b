import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docsCommand, HELP } from '../../../scripts/src/docs/command';
import { DOCUMENTS, outOfDate } from '../../../scripts/src/docs/documents';

const checkout = join(__dirname, '../../..');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'forewarm-docs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs the command on the temporary checkout. */
function run(...args: string[]): { readonly code: number; readonly printed: string } {
  let printed = '';
  const code = docsCommand(args, root, (text) => {
    printed += text;
  });
  return { code, printed };
}

test.each(DOCUMENTS.map(({ path, text }) => [path, text] as const))(
  '%s is what the sources say; otherwise run ./scripts/docs',
  (path, text) => {
    expect(readFileSync(join(checkout, path), 'utf8')).toBe(text());
  },
);

test('the pages are written where they are missing', () => {
  expect(run()).toEqual({ code: 0, printed: DOCUMENTS.map(({ path }) => `${path} written\n`).join('') });
  expect(outOfDate(root)).toEqual([]);
  expect(run()).toEqual({ code: 0, printed: '' });
});

test('a check lists what is out of date, writes nothing and fails', () => {
  run();
  const page = join(root, 'docs/errors.md');
  writeFileSync(page, `${readFileSync(page, 'utf8')}\nMore.\n`);
  const expected = { code: 1, printed: 'docs/errors.md is out of date: run ./scripts/docs\n' };
  expect(run('--check')).toEqual(expected);
  expect(run('--check')).toEqual(expected);
  expect(run()).toEqual({ code: 0, printed: 'docs/errors.md written\n' });
  expect(run('--check')).toEqual({ code: 0, printed: '' });
});

test('a page that is missing is out of date', () => {
  expect(run('--check')).toMatchObject({ code: 1, printed: expect.stringContaining('docs/configuration.md') });
});

test.each(['--help', '-h'])('%s says how it is used', (option) => {
  expect(run(option)).toEqual({ code: 0, printed: HELP });
});

test('what is not understood is refused, and nothing is written', () => {
  expect(run('--chek')).toMatchObject({ code: 2, printed: expect.stringMatching(/^--chek is not understood/) });
  expect(run('--check')).toMatchObject({ code: 1 });
});

test('the program checks this checkout', () => {
  const program = join(checkout, 'dist/scripts/docs/main.js');
  expect(execFileSync(process.execPath, [program, '--check'], { encoding: 'utf8' })).toBe('');
});
