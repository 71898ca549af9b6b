import type { JobContext } from '#jobs/context';
import type { Observation } from '#shared/alerts/judge';
import { steadyClock } from '#shared/clock';
import type { ModelConfig } from '#shared/config/types';
import type { RecentCycle } from '#shared/store/history-store';
import { formatElapsed } from '../../elapsed';
import { above, badIf, type Observer, observation } from './observer';

/** With `alerts.cycleDeadline: auto`: so many periods, and at least this. */
const DEADLINE_PERIODS = 3;
const DEADLINE_MIN_MS = 60_000;

/** What the run history says of the last cycles of each model, and which models are left alone as broken. */
export class HistoryObserver implements Observer {
  readonly name = 'the run history';
  private readonly context: JobContext;
  private readonly postgresBackMs: () => number | undefined;

  /** @param postgresBackMs since when PostgreSQL is back, by the steady clock */
  constructor(context: JobContext, postgresBackMs: () => number | undefined) {
    this.context = context;
    this.postgresBackMs = postgresBackMs;
  }

  async observe(): Promise<readonly Observation[]> {
    const { history, models, config } = this.context;
    const { failedCycles } = config.alerts;
    const recent = await history.recent(models.names, failedCycles + 1);
    return models.names.flatMap((name) => {
      const cycles = recent.filter(({ model }) => model === name);
      const ended = cycles.filter(({ state }) => state !== 'running');
      return [
        ...(ended.length === 0 ? [] : [this.failing(name, ended.slice(0, failedCycles))]),
        ...(cycles.length === 0 ? [] : [this.slow(models.configured(name), cycles)]),
      ];
    });
  }

  /** @param ended as many as have to fail, the newest first */
  private failing(model: string, ended: readonly RecentCycle[]): Observation {
    const { failedCycles } = this.context.config.alerts;
    const counting = ended.filter((cycle) => !this.isOfBefore(cycle));
    const bad = counting.filter(({ state }) => state === 'failed' || state === 'degraded');
    const isOpen = counting.length < ended.length && bad.length === counting.length;
    const [newest] = ended;
    const reason = newest?.reason ?? 'no reason is recorded';
    return observation({
      condition: 'cycles-failing',
      model,
      level: isOpen ? 'unknown' : badIf(bad.length >= failedCycles),
      message: `the last ${bad.length} cycles of ${model} failed or were degraded, the newest because: ${reason}`,
      facts: { cycles: bad.length, bound: failedCycles, newest: newest?.id, state: newest?.state },
    });
  }

  /** Whether it began before PostgreSQL was back: such a one may be degraded for that alone, and those that follow tell. */
  private isOfBefore({ ageMs }: RecentCycle): boolean {
    const backMs = this.postgresBackMs();
    return backMs !== undefined && ageMs > steadyClock.now() - backMs;
  }

  private slow({ name, everyMs }: ModelConfig, cycles: readonly RecentCycle[]): Observation {
    const { cycleDeadlineMs } = this.context.config.alerts;
    const boundMs =
      cycleDeadlineMs === 'auto' ? Math.max(DEADLINE_MIN_MS, DEADLINE_PERIODS * everyMs) : cycleDeadlineMs;
    const running = cycles.find(({ state }) => state === 'running');
    const ended = cycles.find(({ state }) => state !== 'running');
    const runsMs = running?.ageMs ?? 0;
    // While one runs that is within its time, the last one that ended tells.
    const longest = runsMs > boundMs ? running : ended;
    const tookMs = runsMs > boundMs ? runsMs : (ended?.durationMs ?? 0);
    const how = longest === running ? 'has been running for' : 'took';
    return observation({
      condition: 'cycle-slow',
      model: name,
      level: above(tookMs, boundMs),
      message: `cycle ${longest?.id} of ${name} ${how} ${formatElapsed(tookMs)}, longer than ${formatElapsed(boundMs)}`,
      facts: { cycle: longest?.id, tookMs: Math.round(tookMs), boundMs },
    });
  }
}
