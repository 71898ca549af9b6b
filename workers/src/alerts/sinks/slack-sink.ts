import { type Notice, subjectOf, textOf } from '#shared/alerts/notice';
import { hostOf, postJson } from './post';
import type { Sink } from './sink';

const COLOURS = { fired: { critical: '#c0392b', warning: '#d68910' }, resolved: '#1e8449', test: '#2e86c1' } as const;

/** Posts to an incoming webhook of Slack, or of what takes the same. */
export class SlackSink implements Sink {
  readonly name = 'slack';
  readonly where: string;
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
    this.where = hostOf(url);
  }

  async send(notice: Notice): Promise<void> {
    await postJson(this.url, JSON.stringify(slackBody(notice)));
  }

  close(): void {}
}

/** The subject as text, for notifications and for clients that show nothing else; the rest as a coloured attachment. */
export function slackBody(notice: Notice): Readonly<Record<string, unknown>> {
  const { event, severity } = notice;
  const color = event === 'resolved' || event === 'test' ? COLOURS[event] : COLOURS.fired[severity];
  const [, ...rest] = textOf(notice).split('\n');
  const text = escaped(rest.join('\n').trim());
  return { text: escaped(subjectOf(notice)), attachments: [{ color, text, fallback: text }] };
}

/** The three characters that Slack reads as its own: a message may hold the name of a file, or an error of anybody. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
