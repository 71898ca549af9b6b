import type { z } from 'zod';

/** What JSON text from outside holds; `undefined` when it is not there, no JSON, or not what it should be. */
export function parseJson<T>(schema: z.ZodType<T>, text: string | null): T | undefined {
  if (text === null) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
