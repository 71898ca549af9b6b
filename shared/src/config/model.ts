import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Axis, cellCount } from '../cache/grid';
import { formatBytes } from './bytes';
import { type CategoryList, categoryFaults, MOST_LISTED } from './categories';
import { readCategoryFile } from './category-file';
import { formatDuration } from './duration';
import { parseSettings } from './parse';
import { isPlainMap } from './plain-map';
import { type ProblemReport, pathText, showValue } from './problem';
import { type ModelSettings, modelSchema } from './schema';
import { gridSize } from './sizes';
import { nearest } from './suggest';
import type { Config, ModelConfig } from './types';
import type { Path } from './values';

export interface ModelContext {
  /** Absolute path of the configuration file: other paths are relative to its folder. */
  readonly configFile: string;
  /** As messages name the configuration file. */
  readonly label: string;
  /** `undefined` when they are wrong themselves: nothing is then held against them. */
  readonly limits: Config['limits'] | undefined;
  readonly report: ProblemReport;
  readonly locate: (path: Path) => string;
}

/** One model with everything that needs more than one setting checked; `undefined` when anything is wrong with it. */
export function resolveModel(name: string, raw: unknown, context: ModelContext): ModelConfig | undefined {
  const path = ['models', name];
  if (!isPlainMap(raw)) {
    context.report.wrong(path, raw, 'a map of settings');
    return undefined;
  }
  const { complete, partial } = parseSettings(modelSchema, raw, path, context.report, context.locate);
  const list = partial.categories && resolveCategories(path, partial.categories, context);
  checkInputs(path, raw.axes, raw.inputs, context.report);
  if (partial.axes !== undefined) checkSize(path, partial.axes, list?.categories.length ?? 0, partial, context);
  checkExpiry(path, partial, context.report);
  return complete && list && modelConfig(name, complete, list, context);
}

function modelConfig(name: string, given: ModelSettings, list: Categories, context: ModelContext): ModelConfig {
  return {
    name,
    file: resolve(dirname(context.configFile), given.file),
    version: given.version,
    axes: given.axes,
    categories: list.categories,
    categorySource: list.source,
    inputs: given.inputs,
    output: given.output,
    outputs: given.outputs,
    everyMs: given.every,
    refresh: given.refresh,
    maxAgeMs: given.maxAge === 'never' ? undefined : given.maxAge,
    overlap: given.overlap,
    batchSize: given.batchSize,
    staleAfterMs: given.staleAfter,
    unknownCategories: given.unknownCategories,
    expireAfterMs: given.expireAfter === 'never' ? undefined : given.expireAfter,
    startFrom: given.startFrom,
  };
}

interface Categories {
  readonly categories: readonly string[];
  readonly source: string;
}

function resolveCategories(model: Path, list: CategoryList, context: ModelContext): Categories | undefined {
  if (list.from === 'list') return { categories: list.categories, source: 'configuration' };
  const { report, locate } = context;
  const file = resolve(dirname(context.configFile), list.file);
  const { entries, faults } = readCategoryFile(file, list.column);
  for (const { setting, at, expected } of faults.slice(0, MOST_LISTED)) {
    const path = [...model, 'categories', setting];
    const given = showValue(setting === 'file' ? list.file : list.column);
    const from = at === undefined ? locate(path) : `${shownFile(list.file, context)}${at}`;
    report.add({ kind: 'invalid', path: pathText(path), from, given, expected });
  }
  const values = entries.map(({ category }) => category);
  const whereIs = (position: number) => `${shownFile(list.file, context)}${entries[position]?.at ?? ''}`;
  const wrong = categoryFaults(values, whereIs);
  const path = pathText([...model, 'categories']);
  for (const { position, expected } of wrong.slice(0, MOST_LISTED)) {
    const at = { from: whereIs(position), given: showValue(values[position] ?? null) };
    report.add({ kind: 'invalid', path, ...at, expected });
  }
  const more = Math.max(0, wrong.length - MOST_LISTED) + Math.max(0, faults.length - MOST_LISTED);
  if (more > 0) report.wrong([...model, 'categories', 'file'], list.file, `valid categories; ${more} more are wrong`);
  if (faults.length + wrong.length > 0) return undefined;
  return { categories: values.filter((value) => typeof value === 'string'), source: file };
}

/** As messages name it: relative to where the configuration file was named from. */
function shownFile(file: string, { label }: ModelContext): string {
  return isAbsolute(file) ? file : join(dirname(label), file);
}

/** Looks at both as they are written, so that a fault in one entry does not hide a fault in another. */
function checkInputs(model: Path, axes: unknown, inputs: unknown, report: ProblemReport): void {
  if (!isPlainMap(axes) || !isPlainMap(inputs)) return;
  const known = Object.keys(axes);
  for (const [input, source] of Object.entries(inputs)) {
    const axis = isPlainMap(source) ? source.axis : undefined;
    if (typeof axis !== 'string' || known.includes(axis)) continue;
    const close = nearest(axis, known);
    const hint = close === undefined ? '' : `; did you mean \`${close}\`?`;
    report.wrong([...model, 'inputs', input, 'axis'], axis, `one of the axes ${known.join(', ')}${hint}`);
  }
}

function checkSize(
  model: Path,
  axes: readonly Axis[],
  categories: number,
  { outputs }: Partial<ModelSettings>,
  { limits, report, locate }: ModelContext,
): void {
  if (limits === undefined) return;
  const lengths = axes.map((axis) => `${axis.name} ${axis.values.length}`).join(' × ');
  const size = gridSize({ axes, categories, outputs: outputs?.length ?? 1 });
  const tooLarge = (path: Path, given: string, expected: string) =>
    report.add({ kind: 'invalid', path: pathText(path), from: locate(path), given, expected });
  if (cellCount(axes) > limits.cellsPerRow) {
    const expected = `at most ${limits.cellsPerRow} (limits.cellsPerRow)`;
    tooLarge([...model, 'axes'], `${lengths} = ${size.cells} cells`, expected);
  }
  if (size.gridBytes > limits.gridBytes) {
    const given = `${categories} rows of ${size.rowBytes} bytes = ${size.gridBytes} bytes`;
    tooLarge(model, given, `at most ${formatBytes(limits.gridBytes)} (limits.gridBytes)`);
  }
}

/** Cycles in which a row may be missed before it expires. */
const LEAST_PERIODS = 3;

/** Cycles take time, come late and fail: rows that expire before the next good one leave readers without an answer. */
function checkExpiry(model: Path, { every, expireAfter }: Partial<ModelSettings>, report: ProblemReport): void {
  if (every === undefined || expireAfter === undefined || expireAfter === 'never') return;
  const least = LEAST_PERIODS * every;
  if (expireAfter >= least) return;
  const why = `${LEAST_PERIODS} times \`every\`, which is ${formatDuration(every)}`;
  const expected = `at least ${formatDuration(least)} (${why}), so that rows outlive a cycle that fails, or \`never\``;
  report.wrong([...model, 'expireAfter'], formatDuration(expireAfter), expected);
}
