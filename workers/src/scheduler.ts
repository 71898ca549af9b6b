import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { JobContext } from '#jobs/context';
import { isModelDue } from '#jobs/definitions/backup';
import type { Registry } from '#jobs/registry';
import { limitToOne, removeOtherSchedules, upsertSchedules } from '#jobs/schedule';
import type { Service } from '#shared/lifecycle';
import type { ErrorReporter } from '#shared/repeated-errors';
import { refusesWrites } from './queue-trouble';

const RETRY_MS = 1_000;

/** Upserts the registry's schedules at start and at every reconnect, and asks for the warming on startup. */
export class Scheduler implements Service {
  readonly name = 'scheduler';
  private readonly registry: Registry;
  private readonly context: JobContext;
  private readonly connection: Redis;
  private readonly errors: ErrorReporter;
  private readonly stopping = new AbortController();
  private readonly onReady = (): void => {
    this.upsert('later').catch((error: unknown) => this.errors.report('upserting schedules', error));
  };

  /** @param connection whose `ready` event tells of a reconnect */
  constructor(registry: Registry, context: JobContext, connection: Redis, errors: ErrorReporter) {
    this.registry = registry;
    this.context = context;
    this.connection = connection;
    this.errors = errors;
  }

  /** Waits for a Redis that refuses writes as for one that is away. */
  async start(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.announce();
        this.connection.on('ready', this.onReady);
        return;
      } catch (error) {
        if (!refusesWrites(error)) throw error;
        this.errors.report('waiting for the queue', error);
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.connection.off('ready', this.onReady);
  }

  /** Safe to repeat. */
  private async announce(): Promise<void> {
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
    await this.askForMissedBackups();
    await this.tellPaused();
  }

  /** While no daemon ran, nobody looked at the clock. */
  private async askForMissedBackups(): Promise<void> {
    const { models, enqueue, log } = this.context;
    for (const model of models.names) {
      if (!(await isModelDue(this.context, model))) continue;
      log.info('a backup was missed while no daemon ran: it is made up for', { model });
      const payload = { model, generation: 'live', trigger: 'startup' };
      await enqueue.add('backup', payload, { key: `backup-${model}-startup`, ifRunning: 'share' });
    }
  }

  /** A pause survives restarts: whoever starts a daemon and waits for cycles is to know why none comes. */
  private async tellPaused(): Promise<void> {
    const { models, paused, log } = this.context;
    for (const model of models.names) {
      const since = await paused.since(model);
      if (since === undefined) continue;
      const next = `forewarm unpause --model ${model} lets them begin again.`;
      log.warn('the model is paused: no scheduled cycle begins', { model, since: since.toISOString(), next });
    }
  }

  private async upsert(when: 'start' | 'later'): Promise<void> {
    const { config, enqueue, clock, log } = this.context;
    const created = await upsertSchedules(this.registry.definitions, config, enqueue, clock, when);
    if (created.length === 0) return;
    if (when === 'start') log.info('schedules created', { schedules: created });
    else log.warn('schedules were gone and were made anew', { schedules: created });
  }
}
