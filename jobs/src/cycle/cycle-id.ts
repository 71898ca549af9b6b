import { randomBytes } from 'node:crypto';

/** Ids sort by time and can be read: `20261124t033704-4f9a1c`. BullMQ takes neither colons nor bare numbers. */
export function newCycleId(nowMs: number): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase();
  return `${time}-${randomBytes(3).toString('hex')}`;
}

/** When the cycle of this id began, in milliseconds since 1970 UTC; `NaN` for anything else. */
export function startOfCycle(id: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)-/.exec(id) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

export function batchId(cycle: string, number: number): string {
  return `${cycle}-b${number}`;
}

/** The number of a batch from its job's id or key; -1 for anything else. */
export function batchNumber(id: string): number {
  return Number(/-b(\d+)$/.exec(id)?.[1] ?? -1);
}
