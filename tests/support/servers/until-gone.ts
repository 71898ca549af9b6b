import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;
/** For what is about to go, such as the connections of a process that was killed a moment ago. */
const GRACE_MS = 5_000;

/** What `look` finds, as soon as it finds nothing, or what it still finds in the end. One look when all is well. */
export async function untilGone<T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  const began = performance.now();
  for (;;) {
    const found = await look();
    if (found.length === 0 || performance.now() - began > GRACE_MS) return found;
    await delay(LOOK_EVERY_MS);
  }
}
