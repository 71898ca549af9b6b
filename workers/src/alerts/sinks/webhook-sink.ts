import { createHmac } from 'node:crypto';
import type { Notice } from '#shared/alerts/notice';
import { hostOf, postJson } from './post';
import type { Sink } from './sink';

/** Posts each message as JSON, signed where there is a key. */
export class WebhookSink implements Sink {
  readonly name = 'webhook';
  readonly where: string;
  private readonly url: string;
  private readonly secret: string | undefined;

  constructor(url: string, secret: string | undefined) {
    this.url = url;
    this.secret = secret;
    this.where = hostOf(url);
  }

  async send(notice: Notice): Promise<void> {
    const body = JSON.stringify(notice);
    const seconds = Math.floor(Date.now() / 1_000);
    const signed = this.secret === undefined ? {} : { 'forewarm-signature': signatureOf(this.secret, seconds, body) };
    await postJson(this.url, body, { 'forewarm-event': notice.event, ...signed });
  }

  close(): void {}
}

/**
 * `t=SECONDS,v1=HEX`: HMAC-SHA-256 over the seconds since 1970, a full stop and the body, with which a receiver knows who sent
 * it, and that it is no old one sent again. Providers of webhooks sign so in general.
 */
export function signatureOf(secret: string, seconds: number, body: string): string {
  const hex = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${hex}`;
}
