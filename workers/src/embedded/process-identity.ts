import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** What tells a process from a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in a form that only compares for equality: boot and clock ticks on Linux, a date elsewhere. */
  readonly began: string;
}

/** Command line and working directory, as far as this machine tells them; empty where it does not. */
export interface ProcessTraits {
  readonly command: string;
  readonly workingDirectory: string;
}

/** The identity of a running process; undefined when there is none of that pid, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const began = process.platform === 'linux' ? beganOnLinux(pid) : beganByPs(pid);
  return began === undefined ? undefined : { pid, began };
}

/** Whether the very process that was identified still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.began === identity.began;
}

/** How a running process presents itself. Errors of looking are answered with empty texts, never thrown. */
export function traitsOf(pid: number): ProcessTraits {
  if (process.platform !== 'linux') return { command: ps(pid, 'command') ?? '', workingDirectory: '' };
  return {
    command: quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()) ?? '',
    workingDirectory: quietly(() => readlinkSync(`/proc/${pid}/cwd`)) ?? '',
  };
}

/** State and start time from the text of `/proc/PID/stat`. Its second field, the name, may hold blanks and brackets. */
export function parseStat(stat: string): { readonly state: string; readonly startTicks: string } | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  // proc(5): starttime is field 22, the state field 3.
  const startTicks = fields[19];
  return state === undefined || state === '' || startTicks === undefined ? undefined : { state, startTicks };
}

function beganOnLinux(pid: number): string | undefined {
  const text = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const stat = text === undefined ? undefined : parseStat(text);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  // Ticks count from the boot, so that without its id they could come again after the next one.
  const boot = quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? '';
  return `${boot}:${stat.startTicks}`;
}

function beganByPs(pid: number): string | undefined {
  return ps(pid, 'state')?.startsWith('Z') === true ? undefined : ps(pid, 'lstart');
}

function ps(pid: number, column: string): string | undefined {
  const text = quietly(() =>
    execFileSync('/bin/ps', ['-o', `${column}=`, '-p', String(pid)], {
      encoding: 'utf8',
      // A fixed zone and locale, or the same start would be written in two ways.
      env: { LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim(),
  );
  return text === '' ? undefined : text;
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
