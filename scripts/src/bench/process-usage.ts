/** What a process and its descendants use, from /proc: measured on Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

const TICKS_PER_SECOND = 100;
const KIB = 1024;

/** The process `root` and all that descend from it. */
export function usageOf(root: number): Usage {
  const all = new Map(pids().map((pid) => [pid, stat(pid)]));
  let cpuSeconds = 0;
  let rssBytes = 0;
  for (const [pid, process] of all) {
    if (process === undefined || !descends(pid, root, all)) continue;
    cpuSeconds += process.cpuSeconds;
    rssBytes += residentBytes(pid);
  }
  return { cpuSeconds, rssBytes };
}

/** The processes that descend from `root`. */
export function familyOf(root: number): number[] {
  const all = new Map(pids().map((pid) => [pid, stat(pid)]));
  return [...all.keys()].filter((pid) => pid !== root && descends(pid, root, all));
}

interface Stat {
  readonly parent: number;
  /** Of its ended children too. */
  readonly cpuSeconds: number;
}

function stat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0, , , , , , , , , , user = 0, system = 0, childUser = 0, childSystem = 0] = fields;
    return { parent, cpuSeconds: (user + system + childUser + childSystem) / TICKS_PER_SECOND };
  } catch {
    // It ended while we looked.
    return undefined;
  }
}

function residentBytes(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * KIB;
  } catch {
    return 0;
  }
}

function descends(pid: number, root: number, all: ReadonlyMap<number, Stat | undefined>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = all.get(at)?.parent)
    if (at === root) return true;
  return false;
}

function pids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** Samples the memory of a process and its descendants, and keeps the highest. */
export class MemoryWatch {
  peakBytes = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(root: () => readonly number[], everyMs = 50) {
    this.timer = setInterval(() => {
      const bytes = root().reduce((sum, pid) => sum + usageOf(pid).rssBytes, 0);
      this.peakBytes = Math.max(this.peakBytes, bytes);
    }, everyMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
