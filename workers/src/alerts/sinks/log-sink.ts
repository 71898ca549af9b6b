import type { Notice } from '#shared/alerts/notice';
import type { Logger } from '#shared/logger';
import type { Sink } from './sink';

const SAYS = {
  fired: 'alert',
  reminder: 'alert, still',
  resolved: 'alert is over',
  test: 'a message to try whether it arrives',
} as const;

/** Tells of alerts in the log of the daemon that tells them: always there, and needs nobody. */
export class LogSink implements Sink {
  readonly name = 'log';
  readonly where = 'the log of a daemon';
  private readonly log: Logger;

  constructor(log: Logger) {
    this.log = log;
  }

  async send({ event, condition, severity, model, place, message, since, runBook, alone }: Notice): Promise<void> {
    const level = event === 'resolved' || event === 'test' ? 'info' : severity === 'critical' ? 'error' : 'warn';
    const of = { ...(model !== null && { model }), ...(place !== null && { place }) };
    this.log[level](`${SAYS[event]}: ${message}`, { condition, ...of, since, runBook, ...(alone && { alone }) });
  }

  close(): void {}
}
