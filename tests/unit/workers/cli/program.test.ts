import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT_CODES } from '#shared/errors';
import { makeProgram } from '#workers/cli/program';

const ROOT = join(__dirname, '..', '..', '..', '..');
const leaves = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
const commands = leaves(makeProgram()).filter((command) => command.name() !== 'help');

test.each(commands.map((command) => [command.name(), command] as const))(
  '%s takes the common options, and every option says what it is',
  (_name, command) => {
    const options = command.options.map(({ long }) => long);
    expect(options).toEqual(expect.arrayContaining(['--config', '--set', '--json']));
    for (const { long, description } of command.options)
      expect([long, description]).toEqual([long, expect.stringMatching(/\w/)]);
    expect(command.description()).toMatch(/^[a-z].*[^.]$/);
  },
);

test.each([
  [['nope'], "unknown command 'nope'", 'See forewarm --help.'],
  [['statsu'], "unknown command 'statsu'; did you mean status?", 'See forewarm --help.'],
  [['config', 'nope'], "unknown command 'nope'", 'See forewarm config --help.'],
  [['config', 'check', '--jsno'], "unknown option '--jsno'; did you mean --json?", 'See forewarm config check --help.'],
  [
    ['predict', '--categry', 'x'],
    "unknown option '--categry'; did you mean --category?",
    'See forewarm predict --help.',
  ],
  [['help', 'config', 'nope'], "unknown command 'config nope'", 'See forewarm --help.'],
  [['status', '--set', 'x'], '--set x: expected KEY=VALUE, such as http.port=0', expect.stringContaining('--help')],
  [['--set', '=x', 'status'], '--set =x: expected KEY=VALUE, such as http.port=0', expect.stringContaining('--help')],
])('%j is refused', async (args, message, next) => {
  await expect(makeProgram().parseAsync(args, { from: 'user' })).rejects.toMatchObject({
    code: 'FW_USAGE',
    message,
    next,
  });
});

test('the help lists every exit code', () => {
  let help = '';
  const program = makeProgram().configureOutput({ writeOut: (text) => (help += text) });
  program.outputHelp();
  const [, listed = ''] = help.split('Exit codes:');
  const codes = [...listed.matchAll(/^ {2}(\d) {2}\w/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual(Object.values(EXIT_CODES));
  for (const code of codes) expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toMatch(new RegExp(`\\b${code} \\w`));
});
