import { maskText } from '#shared/config/secrets';

/** What a person reads of the data and results of jobs: a batch carries hundreds of categories, and a cycle's record long lists. */

/** Longer lists are told in one line. */
const MAX_ITEMS = 8;
/** Of a list that is told in one line, so many are named. */
const NAMED = 3;
const MAX_TEXT = 300;
/** Deeper than any payload; whoever can write to the queue's Redis can nest without end. */
const MAX_DEPTH = 6;

const SECRET_NAME = /pass|pwd|secret|token|credential|api[_-]?key|auth/i;

/** `value` with long lists and texts shortened, moments as dates, and what looks like a secret hidden. `name` is its key. */
export function readable(value: unknown, name = '', depth = 0): unknown {
  if (SECRET_NAME.test(name) && value !== null && value !== undefined) return '***';
  if (typeof value === 'string') return shortened(hidden(value));
  if (typeof value === 'number') return isMoment(name, value) ? new Date(value).toISOString() : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return '…';
  if (!Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, readable(member, key, depth + 1)]));
  }
  if (value.length <= MAX_ITEMS) return value.map((item) => readable(item, '', depth + 1));
  return inOneLine(value, name);
}

/** Categories are any text, and one may be called `Passenger: late`: only what has a URL in it is looked at. */
function hidden(text: string): string {
  return text.includes('://') ? maskText(text) : text;
}

function shortened(text: string): string {
  const letters = [...text];
  return letters.length <= MAX_TEXT ? text : `${letters.slice(0, MAX_TEXT).join('')}… (${letters.length} characters)`;
}

/** Fields are called `startedAtMs`; one that is no date would end the whole answer. */
function isMoment(name: string, value: number): boolean {
  return name.endsWith('AtMs') && !Number.isNaN(new Date(value).getTime());
}

/** `512 categories from "A" to "Z": "A", "B", "C", …` */
function inOneLine(items: readonly unknown[], name: string): string {
  const first = items.slice(0, NAMED).map(shown).join(', ');
  const count = `${items.length.toLocaleString('en')} ${words(name)}`;
  if (items.every((item) => typeof item === 'number')) {
    const sum = items.reduce((total, item) => total + item, 0);
    return `${count}, ${sum.toLocaleString('en')} in all: ${first}, …`;
  }
  return `${count} from ${shown(items[0])} to ${shown(items.at(-1))}: ${first}, …`;
}

function shown(item: unknown): string {
  return shortened(JSON.stringify(readable(item)) ?? '');
}

/** `batchSizes` as `batch sizes`. */
function words(name: string): string {
  return name === '' ? 'items' : name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
