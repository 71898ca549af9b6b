import { Registry } from 'prom-client';
import type { ReaderStats, TierStats } from '#shared/predictor/reader-stats';
import { showReads } from '#shared/read-metrics';

const latency = (...counts: readonly [number, number][]) => counts.map(([atMostUs, count]) => ({ atMostUs, count }));
const none: TierStats = { hit: 0, miss: 0, error: 0, corrupt: 0, skipped: 0, stale: 0, latency: [] };

async function shown(stats: ReaderStats): Promise<string[]> {
  const registry = new Registry();
  showReads(registry, () => stats);
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('reads by model, tier and outcome, and how long they took', async () => {
  const redis = {
    ...none,
    hit: 7,
    miss: 2,
    stale: 1,
    latency: latency([250, 3], [1_000, 4], [Number.POSITIVE_INFINITY, 2]),
  };
  const memory = { ...none, hit: 64, latency: latency([10, 1]) };
  const lines = await shown({
    models: { m: { memory, redis } },
    failedCalls: 3,
    writtenBack: 5,
    breakers: [
      { model: 'm', tier: 'redis', resting: true },
      { model: 'm', tier: 'postgres', resting: false },
    ],
    memory: { rows: 2, bytes: 2_048 },
  });
  for (const line of [
    'forewarm_reads_total{model="m",tier="redis",outcome="hit"} 7',
    'forewarm_reads_total{model="m",tier="redis",outcome="miss"} 2',
    'forewarm_reads_total{model="m",tier="redis",outcome="error"} 0',
    'forewarm_reads_total{model="m",tier="memory",outcome="hit"} 64',
    'forewarm_stale_reads_total{model="m",tier="redis"} 1',
    'forewarm_read_duration_seconds_bucket{model="m",tier="redis",le="0.00025"} 3',
    'forewarm_read_duration_seconds_bucket{model="m",tier="redis",le="0.001"} 7',
    'forewarm_read_duration_seconds_bucket{model="m",tier="redis",le="+Inf"} 9',
    'forewarm_read_duration_seconds_bucket{model="m",tier="memory",le="0.00001"} 1',
    'forewarm_read_duration_seconds_bucket{model="m",tier="memory",le="+Inf"} 1',
    'forewarm_reader_tier_resting{model="m",tier="redis"} 1',
    'forewarm_reader_tier_resting{model="m",tier="postgres"} 0',
    'forewarm_failed_reads_total 3',
    'forewarm_rows_written_back_total 5',
    'forewarm_reader_memory_rows 2',
    'forewarm_reader_memory_bytes 2048',
  ]) {
    expect(lines).toContain(line);
  }
});

test('a scrape shows the counts as they are, and adds nothing up', async () => {
  const registry = new Registry();
  let failedCalls = 1;
  showReads(registry, () => ({ models: {}, failedCalls, writtenBack: 0, breakers: [], memory: { rows: 0, bytes: 0 } }));
  await registry.metrics();
  failedCalls = 4;
  expect(await registry.metrics()).toContain('forewarm_failed_reads_total 4');
});
