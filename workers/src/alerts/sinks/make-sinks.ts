import { hostname } from 'node:os';
import type { Config } from '#shared/config/types';
import type { Logger } from '#shared/logger';
import { EmailSink } from './email-sink';
import { LogSink } from './log-sink';
import type { Sink } from './sink';
import { SlackSink } from './slack-sink';
import { WebhookSink } from './webhook-sink';

/** Who is told of alerts by this configuration: the log always, and whoever is named. */
export function makeSinks({ alerts }: Pick<Config, 'alerts'>, log: Logger): readonly Sink[] {
  const { webhook, slack, email } = alerts;
  return [
    new LogSink(log),
    ...(webhook.url === undefined ? [] : [new WebhookSink(webhook.url, webhook.secret)]),
    ...(slack.url === undefined ? [] : [new SlackSink(slack.url)]),
    ...(email.smtp === undefined
      ? []
      : [new EmailSink({ smtp: email.smtp, from: email.from ?? `forewarm@${hostname()}`, to: email.to })]),
  ];
}
