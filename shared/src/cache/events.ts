import { z } from 'zod';
import { parseJson } from '../parse-json';
import { slices } from './slices';

/** Messages on a model's `events` channel. Format: `docs/cache-format.md`. */

/** Most categories that one message may carry. */
export const EVENT_MAX_CATEGORIES = 1_000;

const categories = z.array(z.string()).max(EVENT_MAX_CATEGORIES);

const cacheEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('published'), generation: z.string() }),
  z.object({ type: z.literal('rows'), generation: z.string(), categories }),
  z.object({ type: z.literal('dropped'), generation: z.string() }),
  /** From readers, which know no queue: the daemon answers with a heal. */
  z.object({ type: z.literal('missing'), generation: z.string(), categories }),
]);

export type CacheEvent = z.infer<typeof cacheEvent>;

/** The event in `message`, or `undefined` when it is not one: a channel is open to anybody. */
export function parseEvent(message: string): CacheEvent | undefined {
  return parseJson(cacheEvent, message);
}

/** `rows` events for any number of categories, split so that each message stays within its bound. */
export function rowsEvents(generation: string, changed: readonly string[]): string[] {
  return Array.from(slices(changed, EVENT_MAX_CATEGORIES), (categories) =>
    JSON.stringify({ type: 'rows', generation, categories } satisfies CacheEvent),
  );
}
