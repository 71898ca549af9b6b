import type { Cluster, Redis } from 'ioredis';
import { type CacheEvent, parseEvent } from '../cache/events';
import type { RedisClient } from '../connections/redis';

const RETRY_MAX_MS = 1_000;

/** What is told on the channels of models, from a connection of its own. */
export class EventFeed {
  private readonly subscriber: RedisClient;
  private readonly onError: (error: Error) => void;
  private readonly listeners = new Map<string, (event: CacheEvent) => void>();

  /** @param client is duplicated; after a reconnect ioredis subscribes again by itself */
  constructor(client: RedisClient, onError: (error: Error) => void) {
    const subscriber = client.isCluster
      ? (client as Cluster).duplicate()
      : (client as Redis).duplicate({
          enableOfflineQueue: true,
          autoResubscribe: true,
          retryStrategy: (times: number) => Math.min(50 * times, RETRY_MAX_MS),
          maxRetriesPerRequest: null,
          commandTimeout: undefined,
        });
    this.subscriber = subscriber;
    this.onError = onError;
    subscriber.on('error', onError);
    subscriber.on('message', (channel: string, message: string) => {
      const event = parseEvent(message);
      if (event !== undefined) this.listeners.get(channel)?.(event);
    });
  }

  listen(channel: string, onEvent: (event: CacheEvent) => void): void {
    if (this.listeners.has(channel)) return;
    this.listeners.set(channel, onEvent);
    this.subscriber.subscribe(channel).catch(this.onError);
  }

  close(): void {
    this.subscriber.removeAllListeners('message');
    this.subscriber.disconnect();
  }
}
