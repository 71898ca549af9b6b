import pc from 'picocolors';
import type { BatchRecord, CycleRecord } from '#shared/store/history-store';

/** Records of the run history for tests of what is shown of them. */

export const NOW = new Date('2026-11-24T04:30:00Z');
export const view = { columns: 80, colours: pc.createColors(false), now: NOW };

const COUNTS = { computed: 0, restored: 0, verified: 0, failed: 0, durable: 0 };

export function cycleOf(more: Partial<CycleRecord> = {}): CycleRecord {
  return {
    id: '20261124t042439-3a2957',
    model: 'calls',
    generation: '5bb49057b4f0',
    trigger: 'schedule',
    state: 'complete',
    host: 'build-1',
    startedAt: new Date('2026-11-24T04:24:39Z'),
    finishedAt: new Date('2026-11-24T04:24:40Z'),
    durationMs: 206,
    expected: 110,
    batches: 2,
    reason: null,
    ...COUNTS,
    ...more,
  };
}

export function batchOf(number: number, more: Partial<BatchRecord> = {}): BatchRecord {
  const timings = {
    wallMs: 90,
    loadMs: 0.1,
    readMs: 0,
    featuresMs: 0,
    inferMs: 60,
    packMs: 0.4,
    redisMs: 9.5,
    postgresMs: 30,
  };
  const none = { failures: [], failedCategories: [], error: null };
  return { number, state: 'complete', categories: 64, ...COUNTS, timings, ...none, ...more };
}
