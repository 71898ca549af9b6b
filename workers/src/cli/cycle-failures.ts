import type { BatchRecord } from '#shared/store/history-store';

/** Categories that failed for the same reason. */
export interface FailureGroup {
  readonly cause: string;
  readonly categories: readonly string[];
}

type Failed = Pick<BatchRecord, 'state' | 'error' | 'failures' | 'failedCategories'>;

/** What failed in a cycle, by its cause, the most frequent first. */
export function failureGroups(batches: readonly Failed[]): FailureGroup[] {
  const groups = new Map<string, string[]>();
  for (const batch of batches) {
    const causes = new Map(batch.failures.map(({ category, code, message }) => [category, `${code}: ${message}`]));
    // The causes of the first categories are kept; all are kept of which categories failed.
    for (const category of batch.failedCategories) {
      const cause = causes.get(category) ?? (batch.state === 'failed' ? batch.error : null) ?? 'its cause was not kept';
      const group = groups.get(cause);
      if (group === undefined) groups.set(cause, [category]);
      else group.push(category);
    }
  }
  return [...groups]
    .map(([cause, categories]) => ({ cause, categories }))
    .sort((a, b) => b.categories.length - a.categories.length);
}
