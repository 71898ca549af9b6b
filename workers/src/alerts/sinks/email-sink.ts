import type { Transporter } from 'nodemailer';
import { type Notice, subjectOf, textOf } from '#shared/alerts/notice';
import { maskUrl } from '#shared/config/secrets';
import { ForewarmError, messageOf } from '#shared/errors';
import { SEND_MS, type Sink } from './sink';

export interface EmailOptions {
  /** `smtp:` or `smtps:` */
  readonly smtp: string;
  readonly from: string;
  readonly to: readonly string[];
}

/** Sends each message as a mail of plain text. */
export class EmailSink implements Sink {
  readonly name = 'email';
  readonly where: string;
  private readonly options: EmailOptions;
  private transport: Transporter | undefined;

  constructor(options: EmailOptions) {
    this.options = options;
    this.where = `${options.to.join(', ')} by ${maskUrl(options.smtp)}`;
  }

  async send(notice: Notice): Promise<void> {
    const { from, to } = this.options;
    const { event, condition, model, place, since, deployment } = notice;
    // What follows on an alert is an answer to the mail that told of it: mail programs show them as one.
    const thread = `<${[deployment, condition, model, place, since].map((part) => encode(part ?? '')).join('.')}@forewarm>`;
    const isFirst = event === 'fired';
    try {
      await this.open().sendMail({
        from,
        to: [...to],
        subject: subjectOf(notice),
        text: textOf(notice),
        ...(isFirst ? { messageId: thread } : { inReplyTo: thread, references: thread }),
        // No holiday replies.
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Forewarm-Condition': condition },
      });
    } catch (error) {
      const where = maskUrl(this.options.smtp);
      throw new ForewarmError('FW_ALERT_NOT_SENT', `${where}: ${messageOf(error)}`, { cause: error });
    }
  }

  close(): void {
    this.transport?.close();
    this.transport = undefined;
  }

  /** Loaded when it is first used: most processes send no mail. */
  private open(): Transporter {
    if (this.transport !== undefined) return this.transport;
    const { createTransport } = require('nodemailer') as typeof import('nodemailer');
    this.transport = createTransport({
      url: this.options.smtp,
      connectionTimeout: SEND_MS / 2,
      greetingTimeout: SEND_MS / 2,
      socketTimeout: SEND_MS,
    });
    return this.transport;
  }
}

function encode(part: string): string {
  return part.replaceAll(/[^A-Za-z0-9-]/g, '-');
}
