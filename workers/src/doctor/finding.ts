import { ForewarmError, messageOf } from '#shared/errors';

export type Verdict = 'pass' | 'warn' | 'fail';

/** What was looked at, what was found, and what to do where it is not as it should be. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly found: string;
  readonly next: string | null;
}

export function pass(check: string, found: string): Finding {
  return { check, verdict: 'pass', found, next: null };
}

export function warn(check: string, found: string, next: string): Finding {
  return { check, verdict: 'warn', found, next };
}

export function fail(check: string, found: string, next: string): Finding {
  return { check, verdict: 'fail', found, next };
}

/** A check that could not be made is one that fails, with what the error says to do. */
export async function attempt(check: string, look: () => Promise<Finding | Finding[]>): Promise<Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    const next = error instanceof ForewarmError ? error.next : 'Look at the message; report it if it makes no sense.';
    return [fail(check, messageOf(error), next)];
  }
}
