import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { type Notice, noticeOf } from '#shared/alerts/notice';
import { ForewarmError } from '#shared/errors';
import { makeLogger } from '#shared/logger';
import { EmailSink } from '#workers/alerts/sinks/email-sink';
import { LogSink } from '#workers/alerts/sinks/log-sink';
import type { Sink } from '#workers/alerts/sinks/sink';
import { SlackSink } from '#workers/alerts/sinks/slack-sink';
import { signatureOf, WebhookSink } from '#workers/alerts/sinks/webhook-sink';
import { type Posted, WebhookReceiver } from '../support/webhook-receiver';

/** Whoever is told of alerts is told the same, and says in the same way that it was not. */

jest.setTimeout(40_000);

const SINCE = new Date('2026-11-27T04:00:00Z');
const AT = new Date('2026-11-27T04:07:30Z');
const TOLD = {
  ...{ condition: 'stale', model: 'calls', place: '', since: SINCE, at: AT, alone: false },
  message: 'calls was last wholly up to date 7m 30s ago, more than 5m',
  facts: { ageMs: 450_000, boundMs: 300_000 },
};
const SENDER = { deployment: 'forewarm', host: 'node-1', runBooks: 'https://wiki.example.org/forewarm/' };
const notice = (event: Notice['event'], more: Partial<typeof TOLD> = {}): Notice =>
  noticeOf({ ...TOLD, ...more, event }, SENDER);

/** A sink with the other side of it. */
interface Party {
  readonly sink: Sink;
  /** Texts of what has arrived. */
  arrived(): Promise<string[]>;
  /** Lets the other side refuse, or be gone; `undefined` where nothing can go wrong. */
  readonly refuse?: () => Promise<void>;
  end(): Promise<void>;
}

const KEY = 'a key of the receiver';

async function webhook(make: (url: string) => Sink): Promise<Party> {
  const receiver = await WebhookReceiver.start();
  return {
    sink: make(receiver.url),
    arrived: async () => receiver.posted.map(({ body }) => body),
    refuse: async () => {
      receiver.status = 503;
    },
    end: () => receiver.stop(),
  };
}

class MailServer {
  readonly mails: ParsedMail[] = [];
  readonly raw: string[] = [];
  refuses = false;
  private readonly server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) =>
      username === 'ops' && password === 'pass word' ? done(null, { user: 'ops' }) : done(new Error('wrong password')),
    onRcptTo: (_address, _session, done) => done(this.refuses ? new Error('mailbox is full') : null),
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString();
        void simpleParser(raw).then((mail) => {
          this.raw.push(raw);
          this.mails.push(mail);
          done();
        });
      });
    },
  });

  async listen(): Promise<number> {
    this.server.on('error', () => undefined);
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }
}

async function email(): Promise<Party & { readonly server: MailServer }> {
  const server = new MailServer();
  const port = await server.listen();
  const options = { from: 'Forewarm <forewarm@example.org>', to: ['ops@example.org', 'ml@example.org'] };
  const sink = new EmailSink({ ...options, smtp: `smtp://ops:pass%20word@127.0.0.1:${port}` });
  return {
    server,
    sink,
    arrived: async () => server.mails.map(({ subject, text }) => `${subject}\n${text}`),
    refuse: async () => {
      server.refuses = true;
    },
    end: async () => {
      sink.close();
      await server.stop();
    },
  };
}

async function log(): Promise<Party> {
  const stream = new PassThrough();
  const sink = new LogSink(makeLogger({ level: 'info', format: 'json', stream }));
  const chunks: string[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(...chunk.toString().trim().split('\n')));
  return { sink, arrived: async () => chunks, end: async () => sink.close() };
}

const parties: readonly (readonly [string, () => Promise<Party>])[] = [
  ['log', log],
  ['webhook', () => webhook((url) => new WebhookSink(url, KEY))],
  ['slack', () => webhook((url) => new SlackSink(url))],
  ['email', email],
];

describe.each(parties)('%s', (name, make) => {
  let party: Party;
  beforeEach(async () => {
    party = await make();
  });
  afterEach(() => party.end());

  test('goes by its name in the configuration, and says where it sends to without secrets', () => {
    expect(party.sink.name).toBe(name);
    expect(party.sink.where).not.toMatch(/secret|pass/);
  });

  test('tells model, figures, bound, since when, and the run book', async () => {
    await party.sink.send(notice('fired'));
    const [text = ''] = await party.arrived();
    expect(text).toContain('calls was last wholly up to date 7m 30s ago, more than 5m');
    expect(text).toContain('https://wiki.example.org/forewarm/stale.md');
    expect(text).toMatch(/2026-11-27[T ]04:00:00/);
    expect(text).toContain('stale');
  });

  test('tells each event, and each as what it is', async () => {
    for (const event of ['fired', 'reminder', 'resolved', 'test'] as const) await party.sink.send(notice(event));
    expect(new Set(await party.arrived()).size).toBe(4);
  });

  test('takes any text: of a model, of an error, in any language', async () => {
    const message = 'gate finite: "Straße <b>&amp;</b> ünïcode 火" *is* `NaN`\r\nBcc: someone@example.org';
    await party.sink.send(notice('fired', { message }));
    const [text = ''] = await party.arrived();
    expect(text).toMatch(/Straße .*ünïcode 火/);
  });

  test('says who did not take it, and why, and no secret', async () => {
    if (party.refuse === undefined) return;
    await party.refuse();
    const error = await party.sink.send(notice('fired')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ForewarmError);
    const { code, message, retryable } = error as ForewarmError;
    expect({ code, retryable }).toEqual({ code: 'FW_ALERT_NOT_SENT', retryable: true });
    expect(message).toMatch(/127\.0\.0\.1:\d+.*(503.*no room|mailbox is full)/s);
    expect(message).not.toMatch(/secret-path|pass/);
  });

  test('says that nobody is there', async () => {
    if (party.refuse === undefined) return;
    await party.end();
    const error = await party.sink.send(notice('fired')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'FW_ALERT_NOT_SENT', message: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('of the webhook', () => {
  test('the signature is over time and body, and right only with the key', async () => {
    const receiver = await WebhookReceiver.start();
    await new WebhookSink(receiver.url, KEY).send(notice('fired'));
    const { headers, body } = receiver.posted[0] as Posted;
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['forewarm-signature'])) ?? [];
    expect(createHmac('sha256', KEY).update(`${seconds}.${body}`).digest('hex')).toBe(hex);
    expect(Math.abs(Number(seconds) - Date.now() / 1_000)).toBeLessThan(60);
    expect(headers).toMatchObject({
      'content-type': expect.stringContaining('application/json'),
      'forewarm-event': 'fired',
    });
    await receiver.stop();
  });

  test('the check that the documentation shows takes what is genuine, and nothing else', () => {
    const page = readFileSync(join(__dirname, '..', '..', 'docs', 'runbooks', 'README.md'), 'utf8');
    const [, code = ''] = /```js\n([\s\S]+?)```/.exec(page) ?? [];
    // As somebody would paste it.
    const isGenuine = new Function('require', `${code}\nreturn isGenuine;`)(require);
    const body = JSON.stringify(notice('fired'));
    const header = signatureOf(KEY, 1_000, body);
    expect(isGenuine(header, body, KEY, 1_010)).toBe(true);
    expect(isGenuine(header, body, KEY, 2_000)).toBe(false);
    expect(isGenuine(header, `${body} `, KEY, 1_010)).toBe(false);
    expect(isGenuine(header, body, 'another key', 1_010)).toBe(false);
    expect(isGenuine('t=1000', body, KEY, 1_010)).toBe(false);
  });

  test('the body is the notice as documented', async () => {
    const receiver = await WebhookReceiver.start();
    await new WebhookSink(receiver.url, undefined).send(notice('resolved', { place: 'node-2' }));
    expect(receiver.notices).toEqual([
      {
        format: 1,
        event: 'resolved',
        condition: 'stale',
        severity: 'critical',
        title: 'predictions are stale',
        model: 'calls',
        place: 'node-2',
        message: TOLD.message,
        facts: TOLD.facts,
        since: SINCE.toISOString(),
        at: AT.toISOString(),
        runBook: 'https://wiki.example.org/forewarm/stale.md',
        deployment: 'forewarm',
        host: 'node-1',
        alone: false,
      },
    ]);
    expect(receiver.posted[0]?.headers['forewarm-signature']).toBeUndefined();
    await receiver.stop();
  });

  test('a receiver that moves away is not followed, and one that never answers is not waited for', async () => {
    const receiver = await WebhookReceiver.start();
    receiver.status = 302;
    const sink = new WebhookSink(receiver.url, KEY);
    await expect(sink.send(notice('fired'))).rejects.toThrow('answered 302');
    await receiver.stop();
    await receiver.listen(false);
    receiver.status = 200;
    await expect(sink.send(notice('fired'))).rejects.toThrow('no answer within 10 s');
    await receiver.stop();
  });
});

describe('of Slack', () => {
  test('the body has a line for notifications and the rest in the colour of its severity, with nothing that Slack would read as its own', async () => {
    const receiver = await WebhookReceiver.start();
    const sink = new SlackSink(receiver.url);
    await sink.send(notice('fired', { message: '<!channel> a & b' }));
    await sink.send(notice('resolved'));
    const [fired, resolved] = receiver.posted.map(({ body }) => JSON.parse(body));
    expect(fired).toMatchObject({
      text: 'ALERT forewarm: predictions are stale (calls)',
      attachments: [{ color: '#c0392b', text: expect.stringContaining('&lt;!channel&gt; a &amp; b') }],
    });
    expect(resolved.attachments[0].color).toBe('#1e8449');
    await receiver.stop();
  });
});

describe('of e-mail', () => {
  test('a mail is well formed, for everybody, and what follows on it is its thread', async () => {
    const { sink, server, end } = await email();
    for (const event of ['fired', 'reminder', 'resolved'] as const) await sink.send(notice(event));
    const [fired, reminder, resolved] = server.mails;
    expect(fired?.subject).toBe('ALERT forewarm: predictions are stale (calls)');
    expect(fired?.from?.text).toBe('"Forewarm" <forewarm@example.org>');
    expect(fired?.to).toMatchObject({ text: 'ops@example.org, ml@example.org' });
    expect(fired?.date).toBeInstanceOf(Date);
    expect(fired?.headers.get('auto-submitted')).toBe('auto-generated');
    expect(fired?.messageId).toMatch(/^<[^\s<>@]+@[^\s<>@]+>$/);
    for (const later of [reminder, resolved]) {
      expect(later?.inReplyTo).toBe(fired?.messageId);
      expect(later?.messageId).not.toBe(fired?.messageId);
    }
    // RFC 5322: lines of at most 998 characters, that end with both.
    for (const raw of server.raw) {
      for (const line of raw.split('\r\n')) expect(line).toMatch(/^[^\r\n]{0,998}$/);
    }
    await end();
  });

  test('a message with the end of a line in it makes no header', async () => {
    const { sink, server, end } = await email();
    await sink.send(notice('fired', { model: 'calls\r\nBcc: someone@example.org' }));
    expect(server.mails[0]?.bcc).toBeUndefined();
    await end();
  });

  test('a wrong password is said, and not shown', async () => {
    const { sink, server, end } = await email();
    const port = /:(\d+)$/.exec(sink.where)?.[1];
    const wrong = new EmailSink({
      smtp: `smtp://ops:guess@127.0.0.1:${port}`,
      from: 'a@b.example',
      to: ['c@d.example'],
    });
    const error = await wrong.send(notice('fired')).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toMatch(/wrong password/);
    expect((error as Error).message).not.toContain('guess');
    wrong.close();
    expect(server.mails).toEqual([]);
    await end();
  });
});
