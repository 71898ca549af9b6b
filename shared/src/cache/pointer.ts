import { z } from 'zod';
import { parseJson } from '../parse-json';

/** The two small JSON documents that describe what a model has published. Format: `docs/cache-format.md`. */

const generationId = z.string().regex(/^[0-9a-f]{12}$/);

const livePointer = z.object({
  format: z.literal(1),
  generation: generationId,
  previous: generationId.nullable(),
  publishedAt: z.iso.datetime(),
  modelVersion: z.string(),
  axes: z.array(z.object({ name: z.string(), values: z.array(z.union([z.number(), z.string()])) })),
  outputs: z.array(z.string()).min(1),
  /** The generation of the model file, which stays away though it is another: an operator chose this one. Absent: nobody did. */
  pinnedOver: generationId.optional(),
});

/** What readers follow: which generation is live, and all they need to find a cell in its rows. */
export type LivePointer = Readonly<z.infer<typeof livePointer>>;

export const CYCLE_STATES = ['running', 'complete', 'degraded', 'failed', 'skipped', 'cancelled'] as const;
export type CycleState = (typeof CYCLE_STATES)[number];

const metadata = z.object({
  last_updated: z.iso.datetime(),
  generation: generationId,
  cycle: z.string(),
  rows: z.int().nonnegative(),
  expected: z.int().nonnegative(),
  /** Absent in what older versions wrote. */
  failed: z.int().nonnegative().default(0),
  duration_s: z.number().nonnegative(),
  /** The newest time in the features of the cycle, where their source gives one. */
  data_updated: z.iso.datetime().optional(),
  state: z.enum(CYCLE_STATES),
});

/** Written after each cycle. `last_updated` is also when every row was last computed or verified. */
export type Metadata = Readonly<z.infer<typeof metadata>>;

export function withoutPin({ pinnedOver: _, ...pointer }: LivePointer): LivePointer {
  return pointer;
}

/** The pointer in `text`, or `undefined` when it is absent or not one that this version understands. */
export function parseLivePointer(text: string | null): LivePointer | undefined {
  return parseJson(livePointer, text);
}

export function parseMetadata(text: string | null): Metadata | undefined {
  return parseJson(metadata, text);
}
