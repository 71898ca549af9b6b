import { z } from 'zod';
import { ForewarmError } from '#shared/errors';

export interface RetryPolicy {
  /** Runs in all, the first included. */
  readonly attempts: number;
  /** Before the second run; doubled for each further one, with up to half of it taken off at random. */
  readonly firstDelayMs: number;
}

/** How long finished jobs stay to be looked at. */
export interface KeepDone {
  readonly count: number;
  /** Seconds; older ones go when another job ends. */
  readonly age?: number;
}

/** What adding a job needs to know of it. */
export interface JobShape<N extends string = string, P = unknown> {
  /** Also the name of its queue. */
  readonly name: N;
  readonly payload: z.ZodType<P>;
  readonly retries: RetryPolicy;
  readonly keepDone: KeepDone;
}

/** @throws ForewarmError FW_JOB_PAYLOAD listing each field that does not fit */
export function parsePayload<P>(job: Pick<JobShape<string, P>, 'name' | 'payload'>, data: unknown): P {
  const parsed = job.payload.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new ForewarmError('FW_JOB_PAYLOAD', `data of job ${job.name}: ${z.prettifyError(parsed.error)}`);
}
