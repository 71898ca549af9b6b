import Table from 'cli-table3';
import type { BackupFigures } from './backup-suite';
import type { GrowFigures } from './grow-suite';
import type { ReadResult } from './read-suite';
import type { RecoverFigures } from './recover-suite';
import type { ScaleFigures } from './scale-suite';
import type { WarmResult } from './warm-suite';

const PLAIN = { style: { head: [], border: [] } };

/** The figures as a table, and where the time of the last cycle went. */
export function warmReport({ figures, stages, lastSeconds, processes }: WarmResult): string {
  const table = new Table({ head: ['figure', 'value'], ...PLAIN });
  for (const [name, value] of Object.entries(figures)) table.push([name, String(value)]);
  const { wallMs, redisMs, postgresMs, ...inTurn } = stages;
  const available = lastSeconds * 1_000 * processes;
  const spent = Object.entries(inTurn).map(([name, ms]) => [name.replace(/Ms$/, ''), ms] as const);
  const waited = wallMs - spent.reduce((sum, [, ms]) => sum + ms, 0);
  const lines = [...spent, ['waiting for writes', waited], ['no batch: queue', available - wallMs]] as const;
  const beside = [
    ['redis, beside inference', redisMs],
    ['postgres, beside inference', postgresMs],
  ] as const;
  const where = new Table({ head: ['stage', 'ms, all processes', 'share'], ...PLAIN });
  for (const [name, ms] of [...lines, ...beside]) {
    where.push([name, ms.toFixed(0), `${((100 * ms) / available).toFixed(1)} %`]);
  }
  return `${table.toString()}\nnaiveSeconds is extrapolated from two categories.\n\nThe last cycle, ${processes} processes:\n${where.toString()}`;
}

export function scaleReport(scaled: ScaleFigures, grown: GrowFigures | undefined): string {
  const table = new Table({ head: ['workers', 'cycle, s', 'floor, s'], ...PLAIN });
  for (const [workers, seconds] of Object.entries(scaled.cycleSeconds)) {
    table.push([workers, seconds, scaled.floorSeconds[workers] ?? '']);
  }
  const { speedup, floorSpeedup, efficiency } = scaled;
  const parts = [table.toString(), `speedup ${speedup}, of bare inference ${floorSpeedup}: efficiency ${efficiency}`];
  if (grown !== undefined) {
    const sizes = new Table({ head: ['categories', 'cycle, s', 'tick, s', 'Redis, MB', 'daemon, MB'], ...PLAIN });
    for (const size of grown.grow) {
      sizes.push([size.categories, size.cycleSeconds, size.tickSeconds, size.redisMb, size.daemonRssMb]);
    }
    parts.push(
      sizes.toString(),
      `time grows with the power ${grown.timeExponent}, memory with ${grown.memoryExponent}`,
    );
  }
  return parts.join('\n');
}

export function readReport({ results, suite, categories, ...ratios }: ReadResult): string {
  const head = ['path', 'calls at a time', 'predictions/s', 'p50 of a call, µs', 'p99, µs'];
  const table = new Table({ head, ...PLAIN });
  for (const { path, concurrency, opsPerSecond, p50us, p99us } of results) {
    table.push([path, concurrency, opsPerSecond.toLocaleString('en'), p50us, p99us]);
  }
  const lines = Object.entries(ratios).map(([name, ratio]) => `${name} ${ratio}`);
  return [table.toString(), 'One call at a time, medians of the rounds:', ...lines].join('\n');
}

export function recoverReport({ phases, suite, ...figures }: RecoverFigures): string {
  const head = ['phase', 'reads', 'failed', 'wrong', 'p99, ms', 'longest, ms', 'answers by tier', 'errors'];
  const table = new Table({ head, ...PLAIN });
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join('\n');
  for (const { phase, reads, failedReads, wrongReads, p99Ms, maxMs, byTier, errors } of phases) {
    table.push([phase, reads, failedReads, wrongReads, p99Ms, maxMs, counts(byTier), counts(errors)]);
  }
  const first = phases.flatMap(({ phase, firstError }) =>
    firstError === undefined ? [] : [`${phase}: ${firstError}`],
  );
  return [table.toString(), ...first, ...Object.entries(figures).map(([name, figure]) => `${name} ${figure}`)].join(
    '\n',
  );
}

export function backupReport({ suite, readerP99Ms, ...figures }: BackupFigures): string {
  const table = new Table({ head: ['figure', 'value'], ...PLAIN });
  for (const [name, value] of Object.entries(figures)) table.push([name, value.toLocaleString('en')]);
  const { idle, backup, ratio } = readerP99Ms;
  table.push(['readerP99Ms', `${idle} without, ${backup} with a backup: ${ratio}`]);
  return `${table.toString()}\nnaiveSeconds is extrapolated from 60 categories.`;
}
