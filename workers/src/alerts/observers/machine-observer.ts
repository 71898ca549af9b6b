import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JobContext } from '#jobs/context';
import type { Observation } from '#shared/alerts/judge';
import { approximateBytes } from '#shared/config/bytes';
import { formatTook } from '../../elapsed';
import type { CommonClock } from '../common-clock';
import { above, below, type Observer, observation, percent } from './observer';

/** The machine that this daemon runs on: its disks, and its clock. */
export class MachineObserver implements Observer {
  readonly name = 'this machine';
  private readonly context: JobContext;
  private readonly common: CommonClock;

  constructor(context: JobContext, common: CommonClock) {
    this.context = context;
    this.common = common;
  }

  async observe(): Promise<readonly Observation[]> {
    const [disk, clock] = await Promise.all([this.disk(), this.clock().catch(() => undefined)]);
    return [disk, clock].filter((found) => found !== undefined);
  }

  private async disk(): Promise<Observation | undefined> {
    const { config, host } = this.context;
    // Backups are written by daemons that plan.
    const backups =
      config.roles.includes('scheduler') && config.backup.schedule !== 'off' ? [config.backup.folder] : [];
    const disks = await Promise.all([...backups, dirname(config.source.path)].map(diskOf));
    const [fullest] = disks.filter((disk) => disk !== undefined).sort((a, b) => a.free - b.free);
    if (fullest === undefined) return undefined;
    const { folder, free, freeBytes } = fullest;
    const { minDiskFree } = config.alerts;
    return observation({
      condition: 'disk-full',
      place: host,
      level: below(free, minDiskFree),
      message: `the disk of ${folder} on ${host} has ${approximateBytes(freeBytes)} free (${percent(free)}), less than ${percent(minDiskFree)}`,
      facts: { folder, freeBytes, share: free, bound: minDiskFree },
    });
  }

  private async clock(): Promise<Observation> {
    const { config, host } = this.context;
    const { aheadMs, uncertainMs } = await this.common.compare();
    const boundMs = config.alerts.maxClockSkewMs;
    const off = Math.abs(aheadMs);
    return observation({
      condition: 'clock-skew',
      place: host,
      level: above(Math.max(0, off - uncertainMs), boundMs),
      message: `the clock of ${host} is ${formatTook(off)} ${aheadMs > 0 ? 'behind' : 'ahead of'} that of the queue Redis, more than ${formatTook(boundMs)}`,
      facts: { aheadMs: Math.round(-aheadMs), boundMs },
    });
  }
}

interface Disk {
  readonly folder: string;
  readonly free: number;
  readonly freeBytes: number;
}

/** The disk that a folder lies on, or is going to; `undefined` where the system does not tell. */
async function diskOf(folder: string): Promise<Disk | undefined> {
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    // `bavail`: what is left to those who are not root.
    const { bavail, blocks, bsize } = await statfs(existing);
    return blocks === 0 ? undefined : { folder, free: bavail / blocks, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}
