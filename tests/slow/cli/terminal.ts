import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NO_COLOURS } from './command';

const MAIN = join(__dirname, '..', '..', '..', 'dist', 'workers', 'main.js');

export interface Terminal {
  readonly cwd: string;
  readonly columns?: number;
  /** What its environment says of its colours. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a person sees, colours and all: `script` gives the command a terminal of its own. */
export async function onTerminal(args: readonly string[], { cwd, columns = 80, env }: Terminal): Promise<string> {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const colours = { ...NO_COLOURS, TERM: 'xterm-256color', COLORTERM: '', TMUX: '', CI: '', ...env };
  const inherited = Object.entries({ ...process.env, ...colours }).filter(([, value]) => value !== '');
  const { stdout } = await promisify(execFile)('script', ['-qec', `stty cols ${columns}; ${command}`, '/dev/null'], {
    cwd,
    env: Object.fromEntries(inherited),
  });
  return stdout.replaceAll('\r\n', '\n');
}
