import { z } from 'zod';
import { BATCH_MODES } from '#shared/inference/protocol';
import { TRIGGERS } from '#shared/store/history-store';

/** What the jobs of one cycle carry. Payloads come from a store that others can write to: each is checked when it is read. */

const cycle = z.string().min(1);
const model = z.string().min(1);
const generation = z.string().regex(/^[0-9a-f]{12}$/);

export const cyclePayload = z.strictObject({
  cycle,
  model,
  generation,
  trigger: z.enum(TRIGGERS),
  startedAtMs: z.int().nonnegative(),
  /** Categories in each batch. */
  batchSizes: z.array(z.int().positive()),
  /** The first category of each batch, to name it by. */
  batchStarts: z.array(z.string()),
  /** For a cycle over every category of the model, which those are, by their hash. */
  whole: z.string().nullable(),
  /** Whether rows that are kept are copied to Postgres as well. */
  copyKept: z.boolean(),
  /** For a cycle over a few rows that finds out whether its model works. */
  probe: z.literal(true).optional(),
  /** For a generation that is to be published also when a gate refuses it. */
  anyway: z.literal(true).optional(),
  /** Why it was planned with less than the configuration asks for: its end is degraded then. */
  shortOf: z.string().optional(),
  /** The newest time in the features that it uses, milliseconds since 1970 UTC. */
  dataMs: z.number().optional(),
});
export type CyclePayload = z.infer<typeof cyclePayload>;

export const batchPayload = z.strictObject({
  cycle,
  number: z.int().nonnegative(),
  model,
  generation,
  mode: z.enum(BATCH_MODES),
  /** Whether rows that are kept are copied to Postgres as well. */
  copyKept: z.boolean(),
  /** When the cycle began, where inputs of the model take it from the clock. */
  clockMs: z.int().nonnegative().optional(),
  categories: z.array(z.string()).min(1),
  /** For a model with features: those of each category, in the order of its inputs; `null` is one that is missing. */
  features: z.array(z.array(z.union([z.number(), z.string(), z.boolean(), z.null()]))).optional(),
});
export type BatchPayload = z.infer<typeof batchPayload>;
