import type { Redis } from 'ioredis';
import type { JobContext } from '#jobs/context';
import { EVENT_MAX_CATEGORIES, parseEvent } from '#shared/cache/events';
import type { Service } from '#shared/lifecycle';
import type { ErrorReporter } from '#shared/repeated-errors';
import type { HealPolicy } from './watchdog/heal-policy';

/** The first event starts a heal at once; what comes within this time after it makes one more. */
const GAP_MS = 2_000;

/** Answers `missing` events of readers with a heal: one at a time for a model, however many events come. */
export class MissingListener implements Service {
  readonly name = 'missing listener';
  private readonly context: JobContext;
  private readonly subscriber: Redis;
  private readonly errors: ErrorReporter;
  private readonly policy: (model: string) => HealPolicy;
  private readonly modelOf: ReadonlyMap<string, string>;
  /** Categories that were missed since the last heal was asked for, by model. */
  private readonly missed = new Map<string, Set<string>>();
  /** By model, while a heal was asked for a moment ago. */
  private readonly gaps = new Map<string, NodeJS.Timeout>();
  private readonly onMessage = (channel: string, message: string): void => this.hear(channel, message);

  /** @param subscriber a connection of its own; after a reconnect ioredis subscribes again by itself */
  constructor(context: JobContext, subscriber: Redis, errors: ErrorReporter, policy: (model: string) => HealPolicy) {
    this.context = context;
    this.subscriber = subscriber;
    this.errors = errors;
    this.policy = policy;
    this.modelOf = new Map(context.models.names.map((model) => [context.cache(model).keys.events, model]));
  }

  async start(): Promise<void> {
    this.subscriber.on('message', this.onMessage);
    await this.subscriber.subscribe(...this.modelOf.keys());
  }

  async stop(): Promise<void> {
    this.subscriber.off('message', this.onMessage);
    for (const timer of this.gaps.values()) clearTimeout(timer);
    this.gaps.clear();
  }

  private hear(channel: string, message: string): void {
    const model = this.modelOf.get(channel);
    const event = parseEvent(message);
    if (model === undefined || event?.type !== 'missing') return;
    const missed = this.missed.get(model) ?? new Set();
    for (const category of event.categories) if (missed.size < EVENT_MAX_CATEGORIES) missed.add(category);
    this.missed.set(model, missed);
    if (!this.gaps.has(model)) this.heal(model);
  }

  /** All that is missing is healed with what was missed, unless that would only make others go. */
  private heal(model: string): void {
    const categories = [...(this.missed.get(model) ?? [])];
    const { helps, gapMs } = this.policy(model);
    this.missed.delete(model);
    this.gaps.set(
      model,
      setTimeout(
        () => {
          this.gaps.delete(model);
          if (this.missed.has(model)) this.heal(model);
        },
        helps ? GAP_MS : gapMs,
      ),
    );
    this.context.enqueue
      .add(
        'warm',
        { model, trigger: 'heal', categories, ...(helps ? {} : { only: true }) },
        { key: `heal-${model}`, ifRunning: 'follow' },
      )
      .catch((error: unknown) => this.errors.report('asking for a heal', error));
  }
}
