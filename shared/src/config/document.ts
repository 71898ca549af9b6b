import { readFileSync } from 'node:fs';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { ForewarmError, messageOf } from '../errors';
import { isPlainMap } from './plain-map';
import { maskText } from './secrets';
import type { Path } from './values';

/** The YAML file as plain data that remembers its lines. */
export interface ConfigDocument {
  readonly root: Readonly<Record<string, unknown>>;
  /** `forewarm.yaml:12` for the value at `path`, or for the nearest thing above it that the file has. */
  readonly where: (path: Path) => string;
  /** Keys that stand twice in one map. */
  readonly duplicates: readonly DuplicateKey[];
}

export interface DuplicateKey {
  readonly path: Path;
  readonly first: string;
  readonly second: string;
}

/**
 * @param label how messages name the file
 * @throws ForewarmError FW_CONFIG_MISSING, or FW_CONFIG_UNREADABLE with the line and column
 */
export function readDocument(file: string, label: string): ConfigDocument {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (missing)
      throw new ForewarmError('FW_CONFIG_MISSING', `there is no configuration file ${file}`, { cause: error });
    throw unreadable(`${label} cannot be read: ${messageOf(error)}`, error);
  }
  try {
    return parseConfigDocument(new TextDecoder('utf-8', { fatal: true }).decode(bytes), label);
  } catch (error) {
    if (error instanceof ForewarmError) throw error;
    throw unreadable(`${label} is not valid UTF-8`, error);
  }
}

export function parseConfigDocument(text: string, label: string): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, lineCounter: lines });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) throw syntaxError(text, label, lines, fault.pos[0], fault.message);
  const alias = unresolvedAlias(document);
  if (alias !== undefined) {
    const why = `there is no anchor &${alias.source} before this alias`;
    throw syntaxError(text, label, lines, alias.range?.[0] ?? 0, why);
  }
  const lineAt = (offset: number) => `${label}:${lines.linePos(offset).line}`;
  return {
    root: plainRoot(document, label),
    where: (path) => lineAt(offsetOf(document, path)),
    duplicates: duplicatesIn(document.contents, [], lineAt),
  };
}

function unresolvedAlias(document: Document): Alias | undefined {
  let found: Alias | undefined;
  visit(document, {
    Alias(_, node) {
      if (node.resolve(document) !== undefined) return undefined;
      found = node;
      return visit.BREAK;
    },
  });
  return found;
}

function plainRoot(document: Document, label: string): Readonly<Record<string, unknown>> {
  let root: unknown;
  try {
    root = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw unreadable(`${label}: ${messageOf(error)}`, error);
  }
  if (root === null || root === undefined) return {};
  if (isPlainMap(root)) return root;
  throw unreadable(`${label}:1: expected a map of settings, got ${Array.isArray(root) ? 'a list' : 'a single value'}`);
}

function syntaxError(text: string, label: string, lines: LineCounter, offset: number, why: string): ForewarmError {
  const { line, col } = lines.linePos(offset);
  const source = text.split(/\r?\n/)[line - 1] ?? '';
  const shown = maskText(source).slice(0, 200);
  const caret = source.startsWith(shown) && col <= 200 ? `\n  ${' '.repeat(Math.max(col - 1, 0))}^` : '';
  return new ForewarmError('FW_CONFIG_UNREADABLE', `${label}:${line}:${col}: ${maskText(why)}\n  ${shown}${caret}`, {
    details: { line, column: col },
    next: `Mend line ${line} of ${label}.`,
  });
}

function unreadable(message: string, cause?: unknown): ForewarmError {
  return new ForewarmError('FW_CONFIG_UNREADABLE', message, cause === undefined ? {} : { cause });
}

/** Where the entry at `path` begins, following the path as far as the file has it. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    const entry = isMap(node) ? node.items.find((pair) => keyOf(pair) === String(part)) : undefined;
    if (entry !== undefined) {
      offset = startOf(entry.key) ?? offset;
      node = entry.value;
    } else if (isSeq(node) && typeof part === 'number' && part < node.items.length) {
      node = node.items[part];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function duplicatesIn(node: unknown, path: Path, lineAt: (offset: number) => string): DuplicateKey[] {
  if (isSeq(node)) return node.items.flatMap((item, i) => duplicatesIn(item, [...path, i], lineAt));
  if (!isMap(node)) return [];
  const seen = new Map<string, number>();
  return node.items.flatMap((pair) => {
    const [key, start] = [keyOf(pair), startOf(pair.key) ?? 0];
    const first = seen.get(key);
    seen.set(key, first ?? start);
    const here = [...path, key];
    const below = duplicatesIn(pair.value, here, lineAt);
    return first === undefined ? below : [{ path: here, first: lineAt(first), second: lineAt(start) }, ...below];
  });
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value ?? '') : String(pair.key);
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}
