import type { Redis } from 'ioredis';
import { queuePrefix } from '#jobs/enqueue';
import type { AlertKey } from '#shared/alerts/notice';
import type { AlertEvent } from '#shared/alerts/state-machine';

/**
 * While an alert fires its claim is kept; who starts anew meanwhile does not tell it again. Not longer than this after it was
 * kept last: a claim that is left must not keep the next time from being told.
 */
const FIRED_MS = 600_000;
/** An alert that PostgreSQL knows: longer than daemons take to find out. */
const NOTED_MS = 60_000;
/** Longer than daemons differ over when it ended. */
const OVER_MS = 600_000;

/** What came of a claim: this daemon tells, another does, or nobody could be asked. */
export type Claim = 'won' | 'lost' | 'alone';

/**
 * Who of several daemons tells of an alert while PostgreSQL is away: the first that says so in a Redis, the queue's or else the
 * cache's. A Redis without an answer is not waited for.
 */
export class AlertClaims {
  private readonly clients: readonly Redis[];
  private readonly prefix: string;
  private readonly host: string;

  /** @param clients in order of preference, of kinds that fail at once or soon while Redis is away */
  constructor(clients: readonly Redis[], keyPrefix: string, host: string) {
    this.clients = clients;
    this.prefix = `${queuePrefix(keyPrefix)}:alert`;
    this.host = host;
  }

  /** @param everyMs between two reminders */
  async claim(alert: AlertKey, event: AlertEvent, everyMs: number): Promise<Claim> {
    const key = this.key(alert);
    for (const client of this.ready) {
      try {
        if (event === 'fired') return await this.first(client, key, FIRED_MS, `${key}:over`);
        if (event === 'resolved') return await this.first(client, `${key}:over`, OVER_MS, key);
        return await this.first(client, `${key}:reminder`, Math.round(0.9 * everyMs));
      } catch {
        // The next one may answer; that this one does not is an alert of its own.
      }
    }
    return 'alone';
  }

  /** Lets daemons that have no PostgreSQL just now know what was told by way of it. */
  async note(alert: AlertKey, event: AlertEvent): Promise<void> {
    if (event === 'reminder') return;
    const key = this.key(alert);
    const [begun, over] = [key, `${key}:over`];
    const [set, gone] = event === 'fired' ? [begun, over] : [over, begun];
    for (const client of this.ready) {
      const noted = client.multi().set(set, this.host, 'PX', NOTED_MS, 'NX').del(gone).exec();
      await noted.catch(() => undefined);
    }
  }

  /** Whether somebody has told that an alert is over. */
  async isOver(alert: AlertKey): Promise<boolean> {
    for (const client of this.ready) {
      if ((await client.exists(`${this.key(alert)}:over`).catch(() => 0)) === 1) return true;
    }
    return false;
  }

  /** Keeps the claim of an alert that goes on to fire. */
  async keep(alert: AlertKey): Promise<void> {
    for (const client of this.ready) {
      await client.set(this.key(alert), this.host, 'PX', FIRED_MS, 'XX').catch(() => undefined);
    }
  }

  /** Forgets who told of a beginning: from now on PostgreSQL knows. That one is over is remembered for those who come later. */
  async release(alerts: readonly AlertKey[]): Promise<void> {
    const keys = alerts.map((alert) => this.key(alert)).flatMap((key) => [key, `${key}:reminder`]);
    if (keys.length === 0) return;
    for (const client of this.ready) await client.del(...keys).catch(() => undefined);
  }

  private get ready(): readonly Redis[] {
    return this.clients.filter(({ status }) => status === 'ready');
  }

  /** Only ms that Redis takes: a claim has to end by itself, whatever dies. */
  private async first(client: Redis, key: string, forMs: number, opposite?: string): Promise<Claim> {
    const ttl = Math.max(1_000, Number.isFinite(forMs) ? forMs : FIRED_MS);
    if ((await client.set(key, this.host, 'PX', ttl, 'NX')) === null) return 'lost';
    if (opposite !== undefined) await client.del(opposite);
    return 'won';
  }

  private key({ condition, model, place }: AlertKey): string {
    return `${this.prefix}:${condition}:${model}:${place}`;
  }
}
