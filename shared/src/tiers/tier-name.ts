/** Where a reader can find a row, from the quickest to the last. */
export const TIERS = ['memory', 'redis', 'postgres', 'model'] as const;
export type TierName = (typeof TIERS)[number];
