import type { Redis } from 'ioredis';
import type { JobContext } from '#jobs/context';
import { parseEvent } from '#shared/cache/events';
import type { Service } from '#shared/lifecycle';
import type { RepeatedErrors } from '#shared/repeated-errors';

/** Answers `missing` events of readers with a heal: one at a time for a model, however many events come. */
export class MissingListener implements Service {
  readonly name = 'missing listener';
  private readonly context: JobContext;
  private readonly subscriber: Redis;
  private readonly errors: RepeatedErrors;
  private readonly modelOf: ReadonlyMap<string, string>;
  private readonly onMessage = (channel: string, message: string): void => this.hear(channel, message);

  /** @param subscriber a connection of its own; after a reconnect ioredis subscribes again by itself */
  constructor(context: JobContext, subscriber: Redis, errors: RepeatedErrors) {
    this.context = context;
    this.subscriber = subscriber;
    this.errors = errors;
    this.modelOf = new Map(context.models.names.map((model) => [context.cache(model).keys.events, model]));
  }

  async start(): Promise<void> {
    this.subscriber.on('message', this.onMessage);
    await this.subscriber.subscribe(...this.modelOf.keys());
  }

  async stop(): Promise<void> {
    this.subscriber.off('message', this.onMessage);
  }

  private hear(channel: string, message: string): void {
    const model = this.modelOf.get(channel);
    const event = parseEvent(message);
    if (model === undefined || event?.type !== 'missing') return;
    this.context.enqueue
      .add('warm', { model, trigger: 'heal' }, `heal-${model}`)
      .catch((error: unknown) => this.errors.report('asking for a heal', error));
  }
}
