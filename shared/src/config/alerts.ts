import { CONDITION_NAMES, type ConditionName } from '../alerts/conditions';
import type { ProblemReport } from './problem';
import { maskUrl } from './secrets';
import { nearest } from './suggest';
import type { ValueType } from './values';

/** What the settings of alerts may be. */

/** Names of conditions, each once; none is right as well. */
export const alertsOffType: ValueType<ConditionName[]> = {
  label: 'list of names of conditions',
  fromText: (text) => (text === '' ? [] : text.split(',').map((name) => name.trim())),
  read(raw, refuse) {
    if (!Array.isArray(raw)) return refuse('a list of names of conditions, such as [backup-old]');
    const found = raw.map((given: unknown, position) => {
      const name = CONDITION_NAMES.find((candidate) => candidate === given);
      const close = nearest(String(given), CONDITION_NAMES);
      const hint = close === undefined ? ': `forewarm alerts conditions` lists them' : `; did you mean ${close}?`;
      return name ?? refuse(`the name of a condition${hint}`, [position]);
    });
    return [...new Set(found.filter((name) => name !== undefined))];
  },
};

export const webUrl: ValueType<string> = {
  label: 'URL',
  fromText: (text) => text,
  read: (raw, refuse) => (hasScheme(raw, ['http:', 'https:']) ? raw : refuse('https://HOST/PATH, or http://')),
};

export const mailServerUrl: ValueType<string> = {
  label: 'URL',
  fromText: (text) => text,
  read: (raw, refuse) =>
    hasScheme(raw, ['smtp:', 'smtps:'])
      ? raw
      : refuse('smtp://USER:PASSWORD@HOST:PORT, or smtps:// where TLS comes first'),
};

function hasScheme(raw: unknown, schemes: readonly string[]): raw is string {
  if (typeof raw !== 'string' || /[\s\0]/.test(raw) || !URL.canParse(raw)) return false;
  const { protocol, hostname } = new URL(raw);
  return schemes.includes(protocol) && hostname !== '';
}

/** `name@domain`, with or without a name before it in angle brackets. */
const MAILBOX = /^(?:[^<>,;\r\n]*<)?[^\s<>,;@"]+@[^\s<>,;@"]+>?$/;

/** Addresses of mail: a list, or one text with commas between them. */
export function mailboxesType(most: number): ValueType<string[]> {
  const expected = most === 1 ? 'an address such as ops@example.org' : `a list of addresses such as ops@example.org`;
  return {
    label: most === 1 ? 'address of mail' : 'list of addresses of mail, or text with commas',
    fromText: (text) => text,
    read(raw, refuse) {
      const given: unknown = typeof raw === 'string' ? raw.split(',').map((address) => address.trim()) : raw;
      if (!Array.isArray(given) || given.length > most) return refuse(expected);
      const wrong = given.findIndex((address: unknown) => typeof address !== 'string' || !isMailbox(address));
      return wrong < 0 ? (given as string[]) : refuse(expected, most === 1 ? [] : [wrong]);
    },
  };
}

function isMailbox(address: string): boolean {
  return MAILBOX.test(address) && address.includes('<') === address.endsWith('>');
}

interface Email {
  readonly smtp: string | undefined;
  readonly to: readonly string[];
}

/** Adds a problem where half of what it takes to send is there: nobody would notice before the first alert. */
export function refuseHalfAlerts(
  {
    email,
    webhook,
  }: {
    readonly email: Email;
    readonly webhook: { readonly url: string | undefined; readonly secret: string | undefined };
  },
  report: ProblemReport,
): void {
  const { smtp, to } = email;
  if (smtp !== undefined && to.length === 0) {
    report.wrong(
      ['alerts', 'email', 'to'],
      [...to],
      `who gets the mail that alerts.email.smtp (${maskUrl(smtp)}) is to send`,
    );
  }
  if (smtp === undefined && to.length > 0) {
    report.wrong(
      ['alerts', 'email', 'smtp'],
      undefined,
      'the server that sends mail to alerts.email.to: smtp://USER:PASSWORD@HOST:587',
    );
  }
  if (webhook.secret !== undefined && webhook.url === undefined) {
    report.wrong(
      ['alerts', 'webhook', 'url'],
      undefined,
      'where to post the messages that alerts.webhook.secret is to sign',
    );
  }
}
