import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Command lines of the processes that work in this folder or name it; on Linux only, elsewhere none are found. */
export function processesIn(folder: string): string[] {
  const found: string[] = [];
  for (const pid of pids()) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      // Empty for a zombie, which has ended.
      if (command !== '' && `${readlinkSync(`/proc/${pid}/cwd`)} ${command}`.includes(folder)) found.push(command);
    } catch {
      // It ended while we looked, or belongs to somebody else.
    }
  }
  return found;
}

function pids(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
