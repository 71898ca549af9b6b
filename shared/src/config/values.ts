import { formatBytes, parseBytes } from './bytes';
import { formatDuration, parseDuration } from './duration';

/** The kinds of values that settings have. Each says what it expects in words that end up in an error message. */

export type Path = readonly (string | number)[];

/** Records what would have been right, at `path` below the setting; its result lets a reader `return refuse(...)`. */
export type Refuse = (expected: string, path?: Path) => undefined;

export interface ValueType<T> {
  /** As the reference names it. */
  readonly label: string;
  /** The value, or `undefined` after at least one call of `refuse`. */
  readonly read: (raw: unknown, refuse: Refuse) => T | undefined;
  /** What YAML would have made of the text of a variable or a flag. Absent: it cannot be given as text. */
  readonly fromText?: (text: string) => unknown;
}

const asIs = (text: string) => text;
const numberIfDigits = (text: string) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text);

export function duration(min: string, max: string): ValueType<number> {
  return measure('duration', 'such as 500ms, 20s, 5m or 7d', parseDuration, formatDuration, min, max);
}

export function byteSize(min: string, max: string): ValueType<number> {
  return measure('size', 'such as 512MiB or 2GiB', parseBytes, formatBytes, min, max);
}

function measure(
  label: string,
  examples: string,
  parse: (text: string) => number | undefined,
  format: (amount: number) => string,
  min: string,
  max: string,
): ValueType<number> {
  const [least, most] = [parse(min) ?? 0, parse(max) ?? Number.MAX_SAFE_INTEGER];
  const range = `from ${format(least)} to ${format(most)}`;
  return {
    label: `${label} ${range}`,
    fromText: asIs,
    read(raw, refuse) {
      const amount = typeof raw === 'string' ? parse(raw) : undefined;
      if (amount !== undefined && amount >= least && amount <= most) return amount;
      const unitless = typeof raw === 'number' ? ', with its unit' : '';
      return refuse(`a ${label} ${range}, ${examples}${unitless}`);
    },
  };
}

export function integer(min: number, max: number): ValueType<number> {
  const expected = `whole number from ${min} to ${max}`;
  return {
    label: expected,
    fromText: numberIfDigits,
    read: (raw, refuse) =>
      typeof raw === 'number' && Number.isInteger(raw) && raw >= min && raw <= max ? raw : refuse(`a ${expected}`),
  };
}

export const yesOrNo: ValueType<boolean> = {
  label: '`true` or `false`',
  fromText: (text) => (text === 'true' ? true : text === 'false' ? false : text),
  read: (raw, refuse) => (typeof raw === 'boolean' ? raw : refuse('`true` or `false`')),
};

/** A fixed word beside another type, such as `auto` or a number. */
export function wordOr<W extends string, T>(word: W, type: ValueType<T>): ValueType<W | T> {
  return {
    label: `\`${word}\` or ${type.label}`,
    fromText: (text) => type.fromText?.(text) ?? text,
    read: (raw, refuse) =>
      raw === word ? word : type.read(raw, (expected, path) => refuse(`\`${word}\` or ${expected}`, path)),
  };
}

export function choice<const C extends readonly string[]>(words: C): ValueType<C[number]> {
  const listed = words.map((word) => `\`${word}\``).join(', ');
  return {
    label: `one of ${listed}`,
    fromText: asIs,
    read: (raw, refuse) => words.find((word) => word === raw) ?? refuse(`one of ${listed}`),
  };
}

/** A non-empty list of different words; as text, separated by commas. */
export function choices<const C extends readonly string[]>(words: C): ValueType<C[number][]> {
  const listed = words.map((word) => `\`${word}\``).join(', ');
  return {
    label: `list of ${listed}`,
    fromText: (text) => text.split(',').map((word) => word.trim()),
    read(raw, refuse) {
      if (!Array.isArray(raw) || raw.length === 0) return refuse(`a list with at least one of ${listed}`);
      const found = raw.map((entry: unknown, position) => {
        const word = words.find((candidate) => candidate === entry);
        if (word === undefined) refuse(`one of ${listed}`, [position]);
        else if (raw.indexOf(entry) < position) refuse('each word once', [position]);
        return word;
      });
      return found.filter((word) => word !== undefined);
    },
  };
}

export function text(
  maxLength: number,
  pattern?: { readonly regex: RegExp; readonly says: string },
): ValueType<string> {
  const expected = pattern?.says ?? `text of 1 to ${maxLength} characters`;
  return {
    label: pattern === undefined ? 'text' : expected,
    fromText: asIs,
    read(raw, refuse) {
      if (typeof raw === 'number' || typeof raw === 'boolean') return refuse(`${expected}, written in quotes`);
      if (typeof raw !== 'string' || raw === '' || raw.length > maxLength) return refuse(expected);
      const valid = !/[\p{Surrogate}\0]/u.test(raw) && (pattern?.regex.test(raw) ?? true);
      return valid ? raw : refuse(expected);
    },
  };
}

/** Different non-empty texts; at least one. */
export function names(maxLength: number, maxCount: number): ValueType<string[]> {
  const one = text(maxLength);
  return {
    label: 'list of text',
    read(raw, refuse) {
      if (!Array.isArray(raw) || raw.length === 0 || raw.length > maxCount) {
        return refuse(`a list of 1 to ${maxCount} names`);
      }
      const seen = new Map<unknown, number>();
      const found = raw.map((entry: unknown, position) => {
        const name = one.read(entry, (expected) => refuse(expected, [position]));
        const before = seen.get(entry);
        if (before !== undefined && name !== undefined)
          refuse(`each name once; the same is at [${before}]`, [position]);
        seen.set(entry, before ?? position);
        return name;
      });
      return found.filter((name) => name !== undefined);
    },
  };
}

/** A part of a whole, from 0 to 1; also as a percentage. */
export const share: ValueType<number> = {
  label: 'share from 0 to 1, such as 0.5 or 50%',
  fromText: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text),
  read(raw, refuse) {
    const [, digits] = typeof raw === 'string' ? (/^(\d+(?:\.\d+)?) ?%$/.exec(raw) ?? []) : [];
    const found = digits === undefined ? raw : Number(digits) / 100;
    return typeof found === 'number' && found >= 0 && found <= 1
      ? found
      : refuse('a share from 0 to 1, such as 0.5 or 50%');
  },
};

/** One name, or a list of them. */
export function oneOrNames(maxLength: number, maxCount: number): ValueType<string | string[]> {
  const [one, several] = [text(maxLength), names(maxLength, maxCount)];
  return {
    label: 'text, or list of text',
    fromText: asIs,
    read: (raw, refuse) => (Array.isArray(raw) ? several.read(raw, refuse) : one.read(raw, refuse)),
  };
}

/** Names that may be written as whole numbers, as the classes of a classifier are. */
export function labels(maxLength: number, maxCount: number): ValueType<string[]> {
  const type = names(maxLength, maxCount);
  const asText = (entry: unknown) => (Number.isSafeInteger(entry) ? String(entry) : entry);
  return {
    label: 'list of text or whole numbers',
    read: (raw, refuse) => type.read(Array.isArray(raw) ? raw.map(asText) : raw, refuse),
  };
}

export const redisUrl: ValueType<string> = {
  label: 'URL or path of a socket',
  fromText: asIs,
  read: (raw, refuse) =>
    typeof raw === 'string' && isRedisUrl(raw)
      ? raw
      : refuse('redis://HOST:PORT, rediss://HOST:PORT, unix:///PATH or the absolute path of a socket'),
};

function isRedisUrl(url: string): boolean {
  if (/[\s\0]/.test(url)) return false;
  if (/^(unix:\/\/)?\/./.test(url)) return true;
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) return false;
  const { hostname, pathname } = new URL(url);
  return hostname !== '' && /^(\/\d*)?$/.test(pathname);
}

export const postgresUrl: ValueType<string> = {
  label: 'URL',
  fromText: asIs,
  read: (raw, refuse) =>
    typeof raw === 'string' && isPostgresUrl(raw) ? raw : refuse('postgres://USER:PASSWORD@HOST:PORT/DATABASE'),
};

/** `USER@/DATABASE?host=/folder`, a socket, is no URL by the standard but is understood by every PostgreSQL client. */
function isPostgresUrl(url: string): boolean {
  if (/[\s\0]/.test(url) || !/^postgres(ql)?:\/\//.test(url)) return false;
  return URL.canParse(url) || URL.canParse(url.replace('@/', '@socket/'));
}
