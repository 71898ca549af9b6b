import type { z } from 'zod';
import { type ProblemReport, pathText, type Secrecy } from './problem';
import { GLOBAL_SETTINGS, namesAt } from './settings';
import type { Path } from './values';

/** Applies a schema so that what is right is known even where other settings are wrong. */

export interface Parsed<T> {
  /** Everything, or `undefined` when anything is wrong. */
  readonly complete: T | undefined;
  /** The settings or sections in which nothing is wrong. */
  readonly partial: Partial<T>;
}

/**
 * @param above path of `tree`, for the report
 * @param locate where the name at a path stands, for names that are unknown
 */
export function parseSettings<S extends z.ZodRawShape>(
  schema: z.ZodObject<S>,
  tree: Readonly<Record<string, unknown>>,
  above: Path,
  report: ProblemReport,
  locate: (path: Path) => string,
): Parsed<z.output<z.ZodObject<S>>> {
  const result = schema.safeParse(tree);
  if (result.success) return { complete: result.data, partial: result.data };
  for (const issue of result.error.issues) reportIssue(issue, tree, above, report, locate);
  const partial: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    const parsed = part.safeParse(tree[name]);
    if (parsed.success) partial[name] = parsed.data;
  }
  // Each member was just parsed by the member of the same name of the schema.
  return { complete: undefined, partial: partial as Partial<z.output<z.ZodObject<S>>> };
}

function reportIssue(
  issue: z.core.$ZodIssue,
  tree: unknown,
  above: Path,
  report: ProblemReport,
  locate: (path: Path) => string,
): void {
  const below = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const path = [...above, ...below];
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) report.unknown(pathText([...path, key]), key, namesAt(path), locate([...path, key]));
    return;
  }
  const expected = issue.code === 'invalid_type' ? 'a map of settings' : issue.message;
  report.wrong(path, valueAt(tree, below), expected, secrecyOf(path));
}

function secrecyOf(path: Path): Secrecy {
  // Databases of features and categories are below settings of a model that are one each.
  if (path[0] === 'models' && path.at(-1) === 'url') return true;
  return GLOBAL_SETTINGS.find(({ key }) => key === path.join('.'))?.secret ?? false;
}

function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | undefined)?.[part], tree);
}
