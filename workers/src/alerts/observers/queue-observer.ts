import type { Redis } from 'ioredis';
import type { JobContext } from '#jobs/context';
import { warm } from '#jobs/definitions/warm';
import { warmBatch } from '#jobs/definitions/warm-batch';
import { liveWorkers } from '#jobs/queue-state';
import { scheduleId } from '#jobs/schedule';
import type { Observation } from '#shared/alerts/judge';
import { approximateBytes } from '#shared/config/bytes';
import type { Role } from '#shared/config/types';
import { asking } from '#shared/connections/redis';
import { mayEvict, redisState } from '#shared/connections/redis-state';
import { formatElapsed } from '../../elapsed';
import type { CommonClock } from '../common-clock';
import { above, badIf, type Observer, observation, percent } from './observer';

/** A schedule is late from `alerts.missedTicks` periods, and at least this: a look at the queues may be late as well. */
const LATE_MIN_MS = 15_000;
/** Redis lists its clients for this: it need not with each look. */
const WORKERS_EVERY_LOOKS = 3;

/** What the queue's Redis says: its memory and policy, whether schedules run, whether anybody computes, which models are broken. */
export class QueueObserver implements Observer {
  readonly name = 'the queue';
  private readonly context: JobContext;
  private readonly common: CommonClock;
  private readonly redis: Redis;
  private looks = 0;
  private workers: Observation | undefined;
  private schedulers: readonly string[] | null = null;

  /** @param redis of kind `prompt` */
  constructor(context: JobContext, common: CommonClock, redis: Redis) {
    this.context = context;
    this.common = common;
    this.redis = redis;
  }

  async observe(): Promise<readonly Observation[]> {
    const memory = await this.memory();
    const due = this.looks++ % WORKERS_EVERY_LOOKS === 0;
    if (due || this.workers?.level === 'bad') this.workers = await this.anyWorker();
    if (due || this.schedulers?.length === 0) this.schedulers = await this.withRole('scheduler', warm.name);
    const models = await Promise.all(this.context.models.names.map((model) => this.ofModel(model)));
    return [...memory, ...models.flat(), ...(this.workers === undefined ? [] : [this.workers])];
  }

  private async memory(): Promise<readonly Observation[]> {
    const state = await redisState(this.redis);
    const { usedBytes, maxBytes, policy } = state;
    const { queueMemory } = this.context.config.alerts;
    const share = maxBytes === 0 ? 0 : usedBytes / maxBytes;
    const of = `${approximateBytes(usedBytes)} of its maxmemory of ${approximateBytes(maxBytes)}`;
    return [
      observation({
        condition: 'redis-queue-evicts',
        level: badIf(mayEvict(state)),
        message: `the queue Redis has maxmemory-policy ${policy}: at its limit of ${approximateBytes(maxBytes)} it deletes jobs and schedules in silence`,
        facts: { policy, maxBytes },
      }),
      observation({
        condition: 'redis-queue-memory',
        level: above(share, queueMemory),
        message: `the queue Redis uses ${of} (${percent(share)}), more than ${percent(queueMemory)}`,
        facts: { usedBytes, maxBytes, share, bound: queueMemory },
      }),
    ];
  }

  private async ofModel(model: string): Promise<readonly Observation[]> {
    const { broken, config, enqueue } = this.context;
    const { everyMs } = this.context.models.configured(model);
    const [isBroken, schedule] = await Promise.all([
      broken.isBroken(model),
      asking('reading a schedule', enqueue.queue(warm.name).getJobScheduler(scheduleId(warm, model))),
    ]);
    const lateMs = schedule?.next === undefined ? 0 : this.common.now() - schedule.next;
    const boundMs = Math.max(LATE_MIN_MS, config.alerts.missedTicks * everyMs);
    const none = schedule === undefined;
    const nobody = this.schedulers?.length === 0;
    return [
      observation({
        condition: 'model-broken',
        model,
        level: badIf(isBroken),
        message: `${model} is left alone for a while, because its last ${config.inference.brokenAfter} tries or more failed`,
        facts: { bound: config.inference.brokenAfter },
      }),
      observation({
        condition: 'schedule-dead',
        model,
        level: badIf(none || nobody || lateMs > boundMs),
        message: none
          ? `the queue has no schedule of ${model}: no cycle is planned, and no daemon with the role scheduler makes it`
          : nobody
            ? `no daemon with the role scheduler is connected to the queue: ticks of ${model} wait, and no cycle is planned`
            : `the schedule of ${model} is ${formatElapsed(lateMs)} late, more than ${formatElapsed(boundMs)}: no daemon with the role scheduler runs its ticks`,
        facts: { scheduled: !none, lateMs: Math.round(Math.max(0, lateMs)), boundMs },
      }),
    ];
  }

  /** `undefined` where Redis does not tell. */
  private async anyWorker(): Promise<Observation | undefined> {
    const { config, enqueue, host } = this.context;
    // One that is a worker need not ask whether there is one.
    const workers = config.roles.includes('worker')
      ? [host]
      : await asking('counting workers', liveWorkers(enqueue.queue(warmBatch.name)));
    if (workers === null) return undefined;
    return observation({
      condition: 'no-worker',
      level: badIf(workers.length === 0),
      message: 'no daemon with the role worker is connected to the queue: batches wait, and nothing is computed',
      facts: { workers: workers.length },
    });
  }

  /** Hosts of daemons that take jobs of a queue. One that does itself need not ask. `null` where Redis does not tell. */
  private async withRole(role: Role, queue: string): Promise<readonly string[] | null> {
    const { config, enqueue, host } = this.context;
    return config.roles.includes(role) ? [host] : asking('counting workers', liveWorkers(enqueue.queue(queue)));
  }
}
