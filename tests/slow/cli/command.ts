import { DaemonProcess, type LogLine } from '../../support/daemon-process';

/** A command that ended, with what it said where. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  /** Standard error without log lines. */
  readonly stderr: string;
  readonly log: readonly LogLine[];
}

/** Whether the tests themselves run on a terminal is not to matter. */
export const NO_COLOURS = { FORCE_COLOR: '', NO_COLOR: '' };

/** Runs a command to its end; a hung one is killed when the test is over, by `killHung`. */
export async function say(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Said> {
  const run = new DaemonProcess(args, { cwd, env: { ...NO_COLOURS, ...env } });
  running.add(run);
  const { code } = await run.ended;
  running.delete(run);
  return { code, stdout: run.stdout, stderr: run.stderr, log: run.lines };
}

const running = new Set<DaemonProcess>();

/** For `afterEach`: a command that should have refused and runs instead must not outlive its test. */
export async function killHung(): Promise<void> {
  for (const run of running) await run.stop('SIGKILL');
  running.clear();
}

/** An error as the text of standard error shows it. */
export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** The one error that was said; fails when there is none, more than one, a stack, an answer or a line of log. */
export function onlyError({ stdout, stderr, log }: Said): ShownError {
  expect(stdout).toBe('');
  expect(log).toEqual([]);
  expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
  expect(stderr.match(/\bFW_[A-Z_]+:/g)).toHaveLength(1);
  const [, code = '', message = '', next = ''] = /^error (FW_\w+): ([\s\S]*)\n {2}([^\n]+)\n$/.exec(stderr) ?? [];
  if (code === '') throw new Error(`standard error is not one error: ${stderr}`);
  return { code, message, next };
}
