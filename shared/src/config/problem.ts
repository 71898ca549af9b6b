import { ForewarmError } from '../errors';
import { HIDDEN, maskUrl } from './secrets';
import { nearest } from './suggest';
import type { Path } from './values';

/** One thing that is wrong with the configuration. Holds no secrets: it is printed and logged. */
export interface Problem {
  readonly kind: 'invalid' | 'missing' | 'unknown';
  /** `models.calls.axes.hour[3]`, or the name of an environment variable. */
  readonly path: string;
  /** The value as it may be shown, where there is one. */
  readonly given?: string;
  /** `forewarm.yaml:12`, `environment variable FOREWARM_HTTP__PORT` or `command line`. */
  readonly from: string;
  readonly expected: string;
  readonly suggestion?: string;
}

/** Gathers every problem, so that all are reported at once. */
export class ProblemReport {
  private readonly problems: Problem[] = [];

  /** @param locate where the value at a path came from */
  constructor(private readonly locate: (path: Path) => string) {}

  add(problem: Problem): void {
    this.problems.push(problem);
  }

  /** A value that is not what it should be, or is not there at all. */
  wrong(path: Path, value: unknown, expected: string, secret: Secrecy = false): void {
    const at = { path: pathText(path), from: this.locate(path), expected };
    if (value === undefined) this.add({ kind: 'missing', ...at });
    else this.add({ kind: 'invalid', ...at, given: showValue(value, secret) });
  }

  /** A name that is not one of `candidates`. Its value is not shown: a misspelt name may hide a secret. */
  unknown(path: string, name: string, candidates: readonly string[], from: string, prefix = ''): void {
    const close = nearest(name, candidates);
    const known = candidates.length <= 20 ? `one of ${candidates.join(', ')}` : 'the name of a setting';
    const suggestion = close === undefined ? {} : { suggestion: `${prefix}${close}` };
    this.add({ kind: 'unknown', path, from, expected: known, ...suggestion });
  }

  /** @throws ForewarmError FW_CONFIG_INVALID that lists all problems, in `details.problems` too; nothing when there are none. */
  throwIfAny(label: string): void {
    const count = this.problems.length;
    if (count === 0) return;
    const title = `${label}: ${count === 1 ? '1 problem' : `${count} problems`}`;
    const message = [title, ...this.problems.map((problem) => `  - ${problemText(problem)}`)].join('\n');
    throw new ForewarmError('FW_CONFIG_INVALID', message, { details: { problems: [...this.problems] } });
  }
}

export function problemText(problem: Problem): string {
  const start = `${problem.path} (${problem.from}):`;
  if (problem.kind === 'missing') return `${start} missing; expected ${problem.expected}`;
  if (problem.kind === 'invalid') return `${start} got ${problem.given ?? 'nothing'}; expected ${problem.expected}`;
  const hint =
    problem.suggestion === undefined ? `expected ${problem.expected}` : `did you mean \`${problem.suggestion}\`?`;
  return `${start} there is no such setting; ${hint}`;
}

/** `models.calls.axes.hour[3]`; names that would be ambiguous are quoted. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${quoted(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** What of a setting must never be printed: nothing, the passwords in a URL, or all of it. */
export type Secrecy = boolean | 'whole';

/** A value as it may be printed: shortened, on one line, without passwords. */
export function showValue(value: unknown, secret: Secrecy = false): string {
  if (secret === 'whole' && typeof value !== 'object') return HIDDEN;
  if (typeof value === 'string') return quoted(secret || value.includes('://') ? maskUrl(value) : value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  return value === null ? 'nothing' : String(value);
}

const LONGEST_SHOWN = 60;

function quoted(text: string): string {
  if (text.length <= LONGEST_SHOWN) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, LONGEST_SHOWN - 1))}… (${text.length} characters)`;
}
