import type { Redis } from 'ioredis';
import type { JobContext } from '#jobs/context';
import type { Registry } from '#jobs/registry';
import { limitToOne, removeOtherSchedules, upsertSchedules } from '#jobs/schedule';
import type { Service } from '#shared/lifecycle';
import type { RepeatedErrors } from '#shared/repeated-errors';

/** Upserts the registry's schedules at start and at every reconnect, and asks for the warming on startup. */
export class Scheduler implements Service {
  readonly name = 'scheduler';
  private readonly registry: Registry;
  private readonly context: JobContext;
  private readonly connection: Redis;
  private readonly errors: RepeatedErrors;
  private readonly onReady = (): void => {
    this.upsert('later').catch((error: unknown) => this.errors.report('upserting schedules', error));
  };

  /** @param connection whose `ready` event tells of a reconnect */
  constructor(registry: Registry, context: JobContext, connection: Redis, errors: RepeatedErrors) {
    this.registry = registry;
    this.context = context;
    this.connection = connection;
    this.errors = errors;
  }

  async start(): Promise<void> {
    // Before there is a job that two daemons could take at once.
    await limitToOne(this.registry.definitions, this.context.enqueue);
    for (const model of this.context.models.names) {
      await this.context.enqueue.add('warm-on-startup', { model }, { key: `startup-${model}`, ifRunning: 'follow' });
    }
    const { config, enqueue, log } = this.context;
    const removed = await removeOtherSchedules(this.registry.definitions, config, enqueue);
    if (removed.length > 0) log.info('schedules removed', { schedules: removed });
    // The warming on startup is the first run of a schedule that is new.
    await this.upsert('start');
    this.connection.on('ready', this.onReady);
  }

  async stop(): Promise<void> {
    this.connection.off('ready', this.onReady);
  }

  private async upsert(when: 'start' | 'later'): Promise<void> {
    const { config, enqueue, clock, log } = this.context;
    const created = await upsertSchedules(this.registry.definitions, config, enqueue, clock, when);
    if (created.length > 0) log.info('schedules created', { schedules: created });
  }
}
