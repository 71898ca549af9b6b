import { conditionOf, runBookOf, type Severity } from './conditions';
import type { AlertEvent } from './state-machine';

/** What tells alerts apart. */
export interface AlertKey {
  readonly condition: string;
  /** Empty when it is of no model. */
  readonly model: string;
  /** The machine that it is about; empty when it is of none. */
  readonly place: string;
}

/** What one message says, whatever carries it: the body of a webhook as it is. */
export interface Notice {
  readonly format: 1;
  readonly event: AlertEvent | 'test';
  readonly condition: string;
  readonly severity: Severity;
  /** A few words for the condition. */
  readonly title: string;
  readonly model: string | null;
  readonly place: string | null;
  /** One sentence with figures and bound. */
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly since: string;
  readonly at: string;
  /** Address of the page that says what to do, or its path in the documentation. */
  readonly runBook: string;
  /** The prefix of the deployment's keys. */
  readonly deployment: string;
  /** The machine whose daemon says it. */
  readonly host: string;
  /** Whether that daemon could ask no other: each may say the same. */
  readonly alone: boolean;
}

/** Who says it. */
export interface Sender {
  readonly deployment: string;
  readonly host: string;
  /** Address below which run books are found; `undefined` where nobody has said one. */
  readonly runBooks: string | undefined;
}

export interface Told extends AlertKey {
  readonly event: Notice['event'];
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly since: Date;
  readonly at: Date;
  readonly alone: boolean;
}

/** Stands for a condition in a message that is only to try whether it arrives. */
const TEST = { severity: 'warning', title: 'a message to try whether it arrives' } as const;

export function noticeOf(told: Told, { deployment, host, runBooks }: Sender): Notice {
  const { condition, model, place, event, message, facts, since, at, alone } = told;
  const known = event === 'test' ? TEST : conditionOf(condition);
  const page = known === undefined || event === 'test' ? 'README' : condition;
  return {
    format: 1,
    event,
    condition,
    severity: known?.severity ?? 'warning',
    title: known?.title ?? condition,
    model: model || null,
    place: place || null,
    message,
    facts,
    since: since.toISOString(),
    at: at.toISOString(),
    runBook: runBooks === undefined ? `docs/${runBookOf(page)}` : `${runBooks.replace(/\/+$/, '')}/${page}.md`,
    deployment,
    host,
    alone,
  };
}

/** A JSON document that is a notice: of this version, or of a later one with more in it. */
export function isNotice(document: unknown): document is Notice {
  return (document as Notice | null)?.format === 1;
}

const WORDS: Readonly<Record<Notice['event'], string>> = {
  fired: 'ALERT',
  reminder: 'STILL',
  resolved: 'RESOLVED',
  test: 'TEST',
};

/** One line: `ALERT forewarm: predictions are stale (calls)`. */
export function subjectOf({ event, deployment, title, model, place }: Notice): string {
  const of = [model, place].filter((part) => part !== null).join(' on ');
  return `${WORDS[event]} ${deployment}: ${title}${of === '' ? '' : ` (${of})`}`;
}

/** The whole of it as text, one thing to a line. */
export function textOf(notice: Notice): string {
  const { event, message, condition, severity, since, at, runBook, host, alone } = notice;
  const over = event === 'resolved';
  return [
    subjectOf(notice),
    '',
    over ? `It is over. It was: ${message}` : message,
    '',
    `condition: ${condition} (${severity})`,
    `since: ${utc(since)}${over ? `, until ${utc(at)}` : ''}`,
    `run book: ${runBook}`,
    `said by: the daemon on ${host}${alone ? ', alone: it reached neither Redis nor PostgreSQL, and others may say the same' : ''}`,
  ].join('\n');
}

function utc(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
